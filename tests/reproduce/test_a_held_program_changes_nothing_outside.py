"""Landlock holds a program and everything it starts to the folders it was given."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

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


def run(folders: tuple[Path, Path], *command: str) -> subprocess.CompletedProcess[str]:
    inside, _ = folders
    return subprocess.run(
        [sys.executable, "-I", "-S", fence.__file__, json.dumps([str(inside), "/dev"]), *command],
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
