"""The system holds a program and everything it starts to the folders it was given."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator
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


ALL = (fence.WORLD, fence.MEMORY)
WAYS = [(), (fence.MEMORY,), (fence.WORLD,), ALL]


def is_given(apart: Collection[str]) -> bool:
    """Tell whether this system gives a program all that."""
    asked = [sys.executable, *fence.question((), apart=apart)]
    answer = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=True).stdout
    return answer.split() == [*apart]


def run(
    folders: tuple[Path, Path], *command: str, apart: Collection[str] = ALL
) -> subprocess.CompletedProcess[str]:
    if not is_given(apart):
        pytest.skip("this system gives a program no mounts of its own")
    inside, _ = folders
    allowed = [str(inside), fence.SHARED_MEMORY, "/proc/self", *devices()]
    return subprocess.run(
        [sys.executable, *fence.arguments(allowed, apart=apart), *command],
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


@pytest.mark.parametrize("apart", [(), (fence.WORLD,)])
@pytest.mark.parametrize("name", CHANGES)
def test_a_shell_of_the_program_changes_nothing_outside(name, folders, apart):
    _, outside = folders
    result = run(folders, "/bin/sh", "-c", CHANGES[name].format(outside), apart=apart)
    assert result.returncode != 0
    assert ("Read-only file system" if apart else "Permission denied") in result.stderr
    assert [path.name for path in outside.iterdir()] == ["original.csv"]
    assert (outside / "original.csv").read_text() == "a,b\n1,2\n"


KINDS = {
    "rights": "chmod 600 {0}/original.csv",
    "rights of the folder": "chmod 755 {0}",
    "rights through a link": "ln -s {0} here && chmod -R 700 here/",
    "owner": "chown 1:1 {0}/original.csv",
    "times": "touch -d 2001-01-01 {0}/original.csv",
    "attributes": "{1} -c \"import os; os.setxattr('{0}/original.csv', 'user.a', b'x')\"",
    "rights by descriptor": "{1} -c \"import os; os.fchmod(os.open('{0}/original.csv', 0), 0)\"",
    "rights by another process's folder": "chmod 600 /proc/{2}/root{0}/original.csv",
}


def all_of(path: Path) -> tuple[object, ...]:
    found = path.stat()
    times = (found.st_mtime_ns, found.st_ctime_ns, found.st_atime_ns)
    return (found.st_mode, found.st_uid, found.st_gid, *times, os.listxattr(path))


@pytest.mark.parametrize("name", KINDS)
def test_rights_owner_times_and_attributes_outside_stay(name, folders):
    _, outside = folders
    script = KINDS[name].format(outside, sys.executable, os.getpid())
    before = all_of(outside), all_of(outside / "original.csv")
    result = run(folders, "/bin/sh", "-c", script)
    assert result.returncode != 0
    assert "Read-only file system" in result.stderr or "/proc/" in script, result.stderr
    assert (all_of(outside), all_of(outside / "original.csv")) == before


@pytest.mark.parametrize("name", ["rights", "times", "attributes", "rights by descriptor"])
def test_inside_rights_and_times_can_be_changed(name, folders):
    (folders[0] / "original.csv").write_text("mine")
    script = KINDS[name].format(".", sys.executable)
    result = run(folders, "/bin/sh", "-c", script)
    assert result.returncode == 0, result.stderr


def test_the_list_of_mounts_outside_stays_the_same(folders):
    before = Path("/proc/self/mountinfo").read_text()
    code = "import sys, pathlib; print(pathlib.Path('/proc/self/mountinfo').read_text())"
    held = run(folders, sys.executable, "-c", code).stdout
    assert str(folders[0]) in held
    assert Path("/proc/self/mountinfo").read_text() == before


@pytest.mark.parametrize("apart", WAYS)
def test_terminals_and_a_process_s_own_state_can_be_written(folders, apart):
    code = (
        "import os, pty\n"
        "open('/proc/self/oom_score_adj', 'w').write('1')\n"
        "pid, terminal = pty.fork()\n"
        "if pid == 0: os.write(1, b'said'); os._exit(0)\n"
        "print(os.read(terminal, 9), os.getcwd())"
    )
    result = run(folders, sys.executable, "-c", code, apart=apart)
    assert result.stdout == f"b'said' {folders[0]}\n", result.stderr


TWICE = """
import os, sys
from jupyter_lineage.reproduce import fence
inside, outside = sys.argv[1:]
fence.set_apart([fence.WORLD], [inside])
fence.set_apart([fence.WORLD], [inside, outside, inside + "/gone"])
os.chmod(inside, 0o700)
os.chmod(outside, 0o700)
"""


def test_a_place_that_was_read_only_before_stays_so(folders):
    if not is_given([fence.WORLD]):
        pytest.skip("this system gives a program no mounts of its own")
    command = [sys.executable, "-c", TWICE, *map(str, folders)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert f"Read-only file system: {str(folders[1])!r}" in result.stderr


@pytest.mark.parametrize("apart", WAYS)
def test_inside_everything_works_renames_between_folders_too(folders, apart):
    inside, outside = folders
    script = "mkdir sub && echo 1 > sub/a && mv sub/a b && ln b c && rm c && cat {0}/original.csv"
    script = script.format(outside) + " && echo x > /dev/null"
    result = run(folders, "/bin/sh", "-c", script, apart=apart)
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


@pytest.mark.parametrize("apart", WAYS)
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_worker_processes_work(folders, apart, method):
    script = folders[0] / "workers.py"
    script.write_text(WORKERS.format(method))
    result = run(folders, sys.executable, str(script), apart=apart)
    assert result.stdout == f"[0, 2, 4, 6] {os.getuid()} {os.getgid()}\n7\n", result.stderr


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Yield a folder that everybody may write in, with a file of somebody's in it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        theirs = folder / "theirs.txt"
        theirs.write_text("theirs")
        theirs.chmod(0o666)
        try:
            os.chown(theirs, 65534, 65534)
        except OSError:
            pytest.skip("only an administrator can become somebody else to try it")
        yield folder


def test_anybody_gets_that(others_memory, open_folder):
    mine, theirs = open_folder / "mine", open_folder / "theirs.txt"
    mine.mkdir(mode=0o777)
    mine.chmod(0o777)
    script = (
        f"cat {others_memory}; ls {fence.SHARED_MEMORY}; id -u; id -g; touch {mine}/a; ls {mine};"
        f"chmod 600 {theirs} || touch {theirs} || echo held"
    )
    command = ["/usr/bin/env", "python3", *fence.arguments([str(mine)], apart=ALL)]
    # The script is handed in: the folder that it lies in may not be open to others.
    command[command.index(fence.__file__)] = "/dev/stdin"
    with open(fence.__file__) as source:
        result = subprocess.run(
            [*command, "/bin/sh", "-c", script],
            stdin=source, capture_output=True, text=True, timeout=60, user=65534, group=65534,
            extra_groups=[], cwd="/",
        )  # fmt: skip
    if "not permitted" in result.stderr and not result.stdout:
        pytest.skip("this system lets only an administrator have mounts of their own")
    assert result.stdout.split() == ["65534", "65534", "a", "held"], result.stderr


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
    held = [run(folders, sys.executable, "-c", code, apart=one).stdout for one in WAYS]
    assert held == ["False\n", "True\n", "False\n", "True\n"]
