"""Rights, owner, times and attributes of files outside stay, or their change is found and said."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest

from jupyter_lineage.cli.reproduce import render
from jupyter_lineage.reproduce import apart, execute, fence, memory, prepare, reproduction

from .conftest import Bench, files_of, without


@pytest.mark.skipif(not fence.is_available(), reason="this system has no Landlock")
@pytest.mark.parametrize(
    ("program", "what"),
    [
        ("chmod 400 {0}", "other rights"),
        ("touch -d 2001-01-01 {0}", "another time"),
        ("chmod 750 $(dirname {0})", "other rights"),
        ("{1} -c \"import os; os.setxattr('{0}', 'user.a', b'x')\"", "other attributes"),
    ],
)
def test_rights_times_and_attributes_that_a_program_changed_are_said(
    bench, monkeypatch, program, what
):
    without(monkeypatch, fence.WORLD)
    kept = bench.write("outside/kept.txt", "keep me")
    command = program.format(kept, sys.executable)
    run = bench.record(
        f"import os\nprint(open({str(kept)!r}).read())\n"
        f"if 'reproductions' in os.getcwd(): os.system({command!r})"
    )
    document = bench.reproduce(run)
    assert document["verdict"] == "failed", document
    place = kept.parent if "dirname" in program else kept
    said = f"changed while the reproduction ran: {place} ({what}"
    assert any(problem.startswith(said) for problem in document["problems"])
    assert any(said in line for line in render(document))


def state(path: Path) -> tuple[object, ...]:
    found = path.stat()
    return (found.st_mode, found.st_mtime_ns, found.st_ctime_ns, os.listxattr(path))


FCHMODAT = """
import ctypes, platform
number = {"x86_64": 268, "aarch64": 53}[platform.machine()]
ctypes.CDLL(None).syscall(number, -100, b"%s", 0o777)
"""


def given_apart(bench: Bench, run: str, what: str) -> None:
    if what not in prepare(bench.database, run).apart:
        pytest.skip("this system gives a program no mounts of its own")


def test_rights_and_times_of_what_only_programs_touch_stay(bench, words):
    key, outside = bench.write("secret.key", "k"), bench.write("../outside.txt", "o").resolve()
    run = bench.record(
        f"!chmod 644 {key}", f"!touch {outside}", FCHMODAT % key, "open('made.txt', 'w').close()"
    )
    given_apart(bench, run, fence.WORLD)
    key.chmod(0o600)
    os.utime(outside, (1, 1))
    before = state(key), state(outside)
    document = bench.reproduce(run)
    assert (state(key), state(outside)) == before
    assert words(document)[0] in ("different", "not compared"), document
    assert words(document)[3] == "identical", document
    assert not any("changed while" in problem for problem in document["problems"])
    assert apart.SAID_BEFORE not in document["problems"]


NAMED = (
    "!chmod 640 {0}",
    "!touch -d 2001-01-01 ~/kept.txt",
    "!touch -d 2001-01-01 $HOME/*.txt",
    "place = {1!r}\n!chmod 640 $place/kept.txt",
    "%cd -q {1}\n!chmod 640 kept.txt",
    "import os; os.system('chmod 640 {0}')",
    FCHMODAT % "{0}",
)


@pytest.mark.parametrize("cell", NAMED)
def test_where_nothing_holds_them_changes_of_named_files_are_found_and_said(
    bench, monkeypatch, cell
):
    kept = bench.home / "kept.txt"
    kept.write_text("keep me")
    kept.chmod(0o640)
    cell = cell.replace("{0}", str(kept)).replace("{1!r}", repr(str(bench.home)))
    run = bench.record(cell.replace("{1}", str(bench.home)))
    kept.chmod(0o600)
    os.utime(kept, (1, 1))
    without(monkeypatch, fence.WORLD)
    assert apart.SAID_BEFORE in prepare(bench.database, run).problems
    document = bench.reproduce(run)
    assert document["verdict"] == "failed", document
    said = f"changed while the reproduction ran: {kept} ("
    assert any(problem.startswith(said) for problem in document["problems"]), document


def test_files_beside_named_ones_may_be_written_by_others_meanwhile(bench, monkeypatch):
    run = bench.record(
        f"!ls {bench.home} > /dev/null", "!echo $PPID > mine.txt; chmod 600 mine.txt"
    )
    without(monkeypatch, fence.WORLD)
    other = bench.home / "other.log"
    other.write_text("1")
    beside = [bench.home / "gone.log", bench.home / "again.log"]
    for path in beside:
        path.write_text("1")
    run_cells = execute.run_cells

    def meanwhile(*args, **options):
        other.write_text("more")
        beside[0].unlink()
        beside[1].with_suffix(".new").write_text("2")
        beside[1].with_suffix(".new").replace(beside[1])
        return run_cells(*args, **options)

    monkeypatch.setattr(reproduction, "run_cells", meanwhile)
    assert bench.reproduce(run)["verdict"] != "failed"


def test_a_temporary_file_is_renamed_into_the_folder(bench, words):
    run = bench.record(
        "import os, tempfile",
        "file, _ = tempfile.mkstemp()\nos.write(file, b'made')\nos.replace(_, 'made.txt')",
    )
    document = bench.reproduce(run)
    assert words(document)[1] != "failed", document
    assert files_of(document) == {"made.txt": "identical"}


def test_it_works_in_a_folder_of_the_shared_memory(bench, words):
    run = bench.record("!echo 1 > a.txt && cat a.txt", "print(open('/etc/hostname').read()[:0])")
    with tempfile.TemporaryDirectory(dir=fence.SHARED_MEMORY) as into:
        document = bench.reproduce(run, into=Path(into))
        assert Path(into, "a.txt").read_text() == "1\n"
    assert words(document) == ["not compared", "identical"], document
    assert memory.SAID_BEFORE in document["problems"]
