"""Nothing outside the reproduction's own folder is ever changed: refused before, or guarded."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jupyter_lineage.errors import InvalidInput, NotFound, ReproduceRefused
from jupyter_lineage.reproduce import fence, memory, prepare
from jupyter_lineage.reproduce.inputs import hash_file

from .conftest import without


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


@pytest.mark.parametrize(
    "code",
    [
        "open({parent!r} + '/' + 'project/out.txt', 'w').write('x')",
        "name = 'project'; open(f'{parent}/{{name}}/out.txt', 'w').write('x')",
        "import os; open(os.path.join(os.environ['WORK'], 'out.txt'), 'w').write('x')",
    ],
)
def test_a_path_that_is_put_together_is_refused_before_the_start(bench, monkeypatch, code):
    monkeypatch.setenv("WORK", str(bench.project))
    run = bench.record(code.format(parent=str(bench.project.parent)))
    with pytest.raises(ReproduceRefused) as refused:
        bench.reproduce(run)
    assert refused.value.paths == (str(bench.project / "out.txt"),)


def test_a_look_at_an_environment_variable_is_no_reason_to_refuse(bench, words):
    run = bench.record(
        "import os, logging\nthreads = os.environ.get('OMP_NUM_THREADS', os.getenv('MKL_THREADS'))",
        "logging.FileHandler('run.log').close()",
    )
    assert words(bench.reproduce(run))[0] == "identical"


def test_a_run_that_writes_through_its_own_link_to_elsewhere_is_refused(bench):
    kept = bench.write("../elsewhere/kept.txt", "keep me").resolve()
    run = bench.record(
        f"import os\nos.symlink({str(kept.parent)!r}, 'door')",
        "open('door/new.txt', 'w').write('x')",
    )
    with pytest.raises(ReproduceRefused) as refused:
        bench.reproduce(run)
    assert refused.value.paths == (str(kept.parent / "new.txt"),)


def test_a_link_that_was_there_before_is_a_folder_of_the_reproduction(bench, words):
    kept = bench.write("../elsewhere/kept.txt", "keep me").resolve()
    (bench.project / "data").symlink_to(kept.parent)
    run = bench.record("open('data/new.txt', 'w').write('x')", "print(open('data/new.txt').read())")
    (kept.parent / "new.txt").write_text("mine")
    assert words(bench.reproduce(run)) == ["identical"] * 2
    assert (kept.parent / "new.txt").read_text() == "mine"


WORKERS = (
    "import multiprocessing, joblib, numpy as np\nfrom multiprocessing import shared_memory",
    "def double(x):\n    return 2 * x",
    "with multiprocessing.get_context('fork').Pool(2) as pool:\n"
    "    print(pool.map(double, range(4)))",
    "large = np.arange(300_000)\n"
    "print(joblib.Parallel(2)(joblib.delayed(np.sum)(large) for _ in range(2)))",
    "made = shared_memory.SharedMemory(create=True, size=8); made.buf[0] = 7\n"
    "print(made.buf[0]); made.close(); made.unlink(); del made",
)


@pytest.mark.parametrize(
    "refused", [(), (fence.MEMORY,), (fence.WORLD,), (fence.WORLD, fence.MEMORY)]
)
def test_worker_processes_and_shared_memory_work(bench, words, monkeypatch, refused):
    theirs = Path(fence.SHARED_MEMORY, f"psm_test_{os.getpid()}")
    run = bench.record(*WORKERS)
    without(monkeypatch, *refused)
    try:
        theirs.write_text("theirs")
        document = bench.reproduce(run)
        assert not {"failed", "different"} & set(words(document)), document
        assert theirs.read_text() == "theirs"
        assert [one.name for one in theirs.parent.glob("psm_*")] == [theirs.name]
    finally:
        theirs.unlink()


def test_a_shared_memory_in_common_is_said_before_programs_start(bench, monkeypatch):
    run = bench.record("!echo hello")
    prepared = prepare(bench.database, run)
    assert (memory.SAID_BEFORE in prepared.problems) == (fence.MEMORY not in prepared.apart)
    without(monkeypatch, fence.MEMORY)
    assert memory.SAID_BEFORE in prepare(bench.database, run).problems


def test_what_others_keep_in_shared_memory_is_private_to_programs_too(bench, words):
    theirs = Path(fence.SHARED_MEMORY, f"other_{os.getpid()}")
    run = bench.record(
        "import os\nagain = 'reproductions' in os.getcwd()",
        f"if again: os.system('echo mine > {theirs}')",
    )
    if fence.MEMORY not in prepare(bench.database, run).apart:
        pytest.skip("this system gives a program no mounts of its own")
    try:
        theirs.write_text("theirs")
        bench.reproduce(run)
        assert theirs.read_text() == "theirs"
    finally:
        theirs.unlink()


def test_a_look_around_in_folders_is_said_before(bench):
    bench.write("data/a.csv", "1")
    run = bench.record(
        "import os\nprint(len(os.listdir('data')))", "os.path.exists('nothing')", "print(1)"
    )
    said = prepare(bench.database, run).problems
    assert any(text.startswith("cell 1 may look at which files a folder holds") for text in said)
    assert any(text.startswith("cell 2 may ask whether files are there") for text in said)
    assert not any(text.startswith("cell 3") for text in said)
    (found, *_) = bench.reproduce(run)["executions"]
    assert found["verdict"] != "identical"
    assert "only what the run read is there" in found["reason"] or "FileNotFound" in found["reason"]


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
