"""Nothing outside the reproduction's own folder is ever changed: refused before, or guarded."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jupyter_lineage.errors import InvalidInput, NotFound, ReproduceRefused
from jupyter_lineage.reproduce import fence
from jupyter_lineage.reproduce.inputs import hash_file


def snapshot(folder: Path) -> dict[str, str | None]:
    return {str(path): hash_file(str(path)) for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_run_that_wrote_by_an_absolute_path_is_refused(bench):
    target = bench.project / "out.txt"
    run = bench.record(f"open({str(target)!r}, 'w').write('result')")
    before = snapshot(bench.project)
    with pytest.raises(ReproduceRefused) as refused:
        bench.reproduce(run)
    assert refused.value.paths == (str(target),)
    assert refused.value.exit_status == 2
    assert str(target) in refused.value.line()
    assert snapshot(bench.project) == before
    assert before
    assert not (bench.home / "share" / "jupyter-lineage" / "reproductions").exists()


@pytest.mark.parametrize(
    "cell",
    [
        "open('../beside.txt', 'w').write('x')",
        "import os; os.replace('mine.txt', '../beside.txt')",
        "import os; os.chdir('..'); open('beside.txt', 'w').write('x')",
    ],
)
def test_a_run_that_changed_something_outside_its_folder_is_refused(bench, cell):
    bench.write("mine.txt", "mine")
    run = bench.record(cell)
    with pytest.raises(ReproduceRefused) as refused:
        bench.reproduce(run)
    assert any(path.endswith("/beside.txt") for path in refused.value.paths)


CHANGES = (
    "open(os.path.join(there, 'kept.txt'), 'w')",
    "os.remove(os.path.join(there, 'kept.txt'))",
    "os.rename(os.path.join(there, 'kept.txt'), 'stolen.txt')",
    "os.truncate(os.path.join(there, 'kept.txt'), 0)",
)


def test_the_guard_refuses_what_only_the_repetition_does(bench, words):
    kept = bench.write("outside/kept.txt", "keep me")
    there = str(kept.parent)
    run = bench.record(
        "import os\nagain = 'reproductions' in os.getcwd()\nthere = " + repr(there),
        *(f"if again:\n    {change}" for change in CHANGES),
        "print('end')",
    )
    document = bench.reproduce(run)
    assert words(document)[1:] == [*["failed"] * len(CHANGES), "identical"], document
    for one in document["executions"][1 : 1 + len(CHANGES)]:
        assert "PermissionError" in one["reason"]
    assert kept.read_text() == "keep me"


def test_a_library_that_makes_paths_absolute_is_not_refused(bench, words):
    run = bench.record(
        "import logging\nhandler = logging.FileHandler('run.log')",
        "logging.getLogger('a').addHandler(handler)\nlogging.getLogger('a').error('b')",
    )
    before = snapshot(bench.project)
    document = bench.reproduce(run)
    assert "failed" not in words(document), document
    assert snapshot(bench.project) == before


def test_unchanged_files_outside_are_read_in_place_and_changed_ones_refused(bench, words):
    shared = bench.home.parent / "shared.txt"
    shared.write_text("shared")
    run = bench.record(f"print(open({str(shared)!r}).read())")
    document = bench.reproduce(run)
    assert words(document) == ["identical"], document
    assert f"read from its original place: {shared}" in document["problems"]
    shared.write_text("changed")
    with pytest.raises(ReproduceRefused) as refused:
        bench.reproduce(run)
    assert refused.value.paths == (str(shared),)


def test_the_folder_to_work_in_must_be_new_or_empty(bench):
    run = bench.record("open('a.txt', 'w').write('a')")
    with pytest.raises(InvalidInput):
        bench.reproduce(run, into=bench.project)
    into = bench.home.parent / "new"
    document = bench.reproduce(run, into=into)
    assert document["folder"] == str(into)
    assert (into / "a.txt").read_text() == "a"


def test_a_workspace_that_is_not_kept_is_gone(bench):
    run = bench.record("open('a.txt', 'w').write('a')")
    bench.reproduce(run, keep=False)
    folder = bench.home / "share" / "jupyter-lineage" / "reproductions"
    assert list(folder.iterdir()) == []


def test_an_unknown_and_an_unclear_id_are_said(bench):
    bench.record("1")
    bench.record("2")
    with pytest.raises(NotFound):
        bench.reproduce("ffffffff")
    with bench.store() as store:
        ids = [row[0] for row in store.connection.execute("SELECT id FROM runs")]
    common = "".join(a for a, b in zip(*ids, strict=True) if a == b)[:6]
    with pytest.raises(InvalidInput):
        bench.reproduce(common)


@pytest.mark.skipif(not fence.is_available(), reason="this system has no Landlock")
def test_programs_that_a_cell_starts_are_held_too(bench, words):
    kept = bench.write("outside/kept.txt", "keep me")
    there = str(kept.parent)
    run = bench.record(
        f"import os\ntarget = {there!r} if 'reproductions' in os.getcwd() else '.'",
        "!echo stolen > {target}/kept.txt; rm -f {target}/kept.txt; ls {target} > list.txt",
        "!touch mine.txt && echo made",
        "import tempfile\nwith tempfile.NamedTemporaryFile() as file:\n    print(file.write(b'x'))",
    )
    document = bench.reproduce(run)
    assert kept.read_text() == "keep me"
    assert words(document)[1:] == ["different", "not compared", "identical"], document


def test_a_run_that_starts_programs_is_refused_where_nothing_holds_them(bench, monkeypatch):
    run = bench.record("!echo hello")
    monkeypatch.setattr(fence, "is_available", lambda: False)
    with pytest.raises(ReproduceRefused) as refused:
        bench.reproduce(run)
    assert "cell 1 starts other programs" in refused.value.line()


def test_a_run_without_programs_is_reproduced_where_nothing_would_hold_them(
    bench, words, monkeypatch
):
    run = bench.record("print('hello')")
    monkeypatch.setattr(fence, "is_available", lambda: False)
    assert words(bench.reproduce(run)) == ["identical"]


@pytest.mark.skipif(not fence.is_available(), reason="this system has no Landlock")
@pytest.mark.parametrize("program", ["chmod 400", "touch -d 2001-01-01"])
def test_rights_and_times_that_a_program_changed_are_said(bench, program):
    kept = bench.write("outside/kept.txt", "keep me")
    run = bench.record(
        f"import os\nprint(open({str(kept)!r}).read())\n"
        f"if 'reproductions' in os.getcwd(): os.system('{program} {kept}')"
    )
    document = bench.reproduce(run)
    assert document["verdict"] == "failed", document
    said = f"changed while the reproduction ran: {kept} "
    assert any(problem.startswith(said) for problem in document["problems"])


def test_the_users_caches_and_history_are_not_touched(bench, words):
    kept = bench.home / "cache" / "mine" / "result.txt"
    kept.parent.mkdir(parents=True)
    kept.write_text("first\n")
    run = bench.record(
        f"import os\nif 'reproductions' in os.getcwd(): open({str(kept)!r}, 'a').write('more')",
        "print(1)",
    )
    history = bench.home / "ipython" / "profile_default" / "history.sqlite"
    before = hash_file(str(history))
    assert before is not None
    assert words(bench.reproduce(run)) == ["failed", "identical"]
    assert kept.read_text() == "first\n"
    assert hash_file(str(history)) == before


def test_an_original_that_has_become_a_pipe_is_not_waited_for(bench):
    data = bench.write("data.csv", "1,2")
    run = bench.record("print(open('data.csv').read())")
    bench.forget_bytes()
    data.unlink()
    os.mkfifo(data)
    document = bench.reproduce(run)
    assert any("data.csv" in problem for problem in document["problems"])
    assert document["verdict"] != "identical"
