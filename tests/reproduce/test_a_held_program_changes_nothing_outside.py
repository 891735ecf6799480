"""Landlock holds a program and everything it starts to the folders it was given."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_lineage.probe import guard
from jupyter_lineage.probe.devices import devices
from jupyter_lineage.reproduce import fence

pytestmark = pytest.mark.skipif(
    not fence.is_available(), reason="this system has no Landlock: see `jupyter lineage doctor`"
)


@pytest.fixture
def folders(tmp_path):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (outside / "original.csv").write_text("a,b\n1,2\n")
    return inside, outside


def run(
    folders: tuple[Path, Path], *command: str, private: bool = True
) -> subprocess.CompletedProcess[str]:
    inside, _ = folders
    allowed = [str(inside), fence.SHARED_MEMORY, *devices()]
    return subprocess.run(
        [sys.executable, *fence.arguments(allowed, private_memory=private), *command],
        cwd=inside,
        capture_output=True,
        text=True,
        timeout=60,
    )


CHANGES = {
    "write": "echo 3,4 > {0}/original.csv",
    "append": "echo 3,4 >> {0}/original.csv",
    "create": "touch {0}/new.csv",
    "remove": "rm -f {0}/original.csv",
    "rename away": "mv {0}/original.csv {0}/moved.csv",
    "rename in": "mv {0}/original.csv .",
    "make a folder": "mkdir {0}/sub",
    "symbolic link": "ln -s /etc/hosts {0}/link",
    "through a link": "ln -s {0} here && echo x > here/original.csv",
    "through dots": "echo x > ../outside/original.csv",
    "truncate": "truncate -s 0 {0}/original.csv",
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_shell_of_the_program_changes_nothing_outside(name, folders):
    _, outside = folders
    result = run(folders, "/bin/sh", "-c", CHANGES[name].format(outside))
    assert result.returncode != 0
    assert "Permission denied" in result.stderr
    assert [path.name for path in outside.iterdir()] == ["original.csv"]
    assert (outside / "original.csv").read_text() == "a,b\n1,2\n"


def test_inside_everything_works_renames_between_folders_too(folders):
    inside, outside = folders
    script = "mkdir sub && echo 1 > sub/a && mv sub/a b && ln b c && rm c && cat {0}/original.csv"
    result = run(folders, "/bin/sh", "-c", script.format(outside) + " && echo x > /dev/null")
    assert result.returncode == 0, result.stderr
    assert result.stdout == "a,b\n1,2\n"
    assert (inside / "b").read_text() == "1\n"


def test_it_costs_no_environment_and_no_descriptor(folders):
    code = "import os; print(sorted(os.listdir('/proc/self/fd'))[:3], len(os.environ))"
    held = run(folders, sys.executable, "-c", code)
    free = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert held.stdout == free.stdout


@pytest.fixture
def others_memory() -> Iterator[Path]:
    """Yield a file of another program in the shared memory."""
    path = Path(fence.SHARED_MEMORY, f"psm_test_{os.getpid()}")
    path.write_text("theirs")
    yield path
    path.unlink(missing_ok=True)


def test_shared_memory_of_others_is_not_there(folders, others_memory):
    script = f"echo mine > {others_memory}; rm -f {others_memory}; echo mine > {others_memory}.new"
    result = run(folders, "/bin/sh", "-c", script + f"; ls {fence.SHARED_MEMORY}")
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == [others_memory.name + ".new"]
    assert others_memory.read_text() == "theirs"
    assert not Path(f"{others_memory}.new").exists()


WORKERS = """
import multiprocessing, os
from multiprocessing import shared_memory
def double(x):
    return 2 * x
if __name__ == "__main__":
    with multiprocessing.get_context("{0}").Pool(2) as pool:
        print(pool.map(double, range(4)), os.getuid(), os.getgid())
    made = shared_memory.SharedMemory(create=True, size=8)
    made.buf[0] = 7
    again = shared_memory.SharedMemory(name=made.name)
    print(again.buf[0])
    made.unlink()
"""


@pytest.mark.parametrize("private", [True, False])
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_worker_processes_work(folders, private, method):
    script = folders[0] / "workers.py"
    script.write_text(WORKERS.format(method))
    result = run(folders, sys.executable, str(script), private=private)
    assert result.stdout == f"[0, 2, 4, 6] {os.getuid()} {os.getgid()}\n7\n", result.stderr


def test_anybody_gets_a_memory_of_their_own(others_memory):
    if os.getuid() != 0:
        pytest.skip("only an administrator can become somebody else to try it")
    script = f"cat {others_memory}; ls {fence.SHARED_MEMORY}; id -u; id -g"
    command = ["/usr/bin/env", "python3", *fence.arguments(["/tmp"], private_memory=True)]
    # The script is handed in: the folder that it lies in may not be open to others.
    command[command.index(fence.__file__)] = "/dev/stdin"
    with open(fence.__file__) as source:
        result = subprocess.run(
            [*command, "/bin/sh", "-c", script],
            stdin=source, capture_output=True, text=True, timeout=60, user=65534, group=65534,
            extra_groups=[], cwd="/",
        )  # fmt: skip
    if "theirs" in result.stdout:
        pytest.skip("this system lets only an administrator have mounts of their own")
    assert result.stdout.split() == ["65534", "65534"], result.stderr


def test_no_other_device_can_be_written(folders):
    nodes = [one for one in Path("/dev").iterdir() if one.is_char_device()]
    other = next((one for one in nodes if one.name in ("kmsg", "tty1", "ttyS0", "console")), None)
    if other is None:
        pytest.skip("this system has no such device")
    result = run(folders, "/bin/sh", "-c", f": > {other}")
    assert result.returncode != 0
    assert "Permission denied" in result.stderr


def test_the_guard_knows_such_a_memory_by_the_name_that_the_fence_gives(folders):
    assert guard._PRIVATE == fence.PRIVATE
    assert guard._SHARED_MEMORY == fence.SHARED_MEMORY
    code = "from jupyter_lineage.probe import guard; print(guard.memory_is_private())"
    held = [run(folders, sys.executable, "-c", code, private=one).stdout for one in (True, False)]
    assert held == ["True\n", "False\n"]
