"""Folders that a run made are in the record, and not in the folder of its reproduction."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from jupyter_lineage.reproduce.reproduction import prepare
from jupyter_lineage.store.recorded import made_folders


def test_a_real_kernels_folders_are_in_the_record(bench):
    (bench.project / "there").mkdir()
    run = bench.record(
        "import os\nos.makedirs('there', exist_ok=True)\nos.makedirs('out/figures', exist_ok=True)"
    )
    with bench.store() as store:
        found = made_folders(store, run)
    assert found is not None
    names = [(one["path"], one["execution"], one["absolute"]) for one in found]
    project = bench.project
    assert names == [(str(project / "out"), 1, False), (str(project / "out/figures"), 1, False)]


def test_a_folder_that_the_run_made_is_not_there_and_any_other_is(bench, words):
    (bench.project / "there").mkdir()
    run = bench.record(
        "import os\nos.mkdir('made'); os.makedirs('made/in')\n"
        "open('made/in/a', 'w').write('1'); open('there/b', 'w').write('1')",
        "os.chdir('made')",
        "os.mkdir('../there/c'); open('../there/c/d', 'w').write('1')",
    )
    assert set(prepare(bench.database, run).plan.folders) == {"there"}
    document = bench.reproduce(run)
    assert words(document) == ["identical"] * 3, document


def test_a_folder_that_was_cleared_and_made_again_is_there(bench, words):
    bench.write("out/old.txt", "1")
    look = "print(open('out/old.txt').read())"
    bench.record(look)
    run = bench.record(
        look,
        "import shutil, os\nshutil.rmtree('out'); os.mkdir('out')\n"
        "open('out/new.txt', 'w').write('2')",
    )
    document = bench.reproduce(run)
    assert words(document) == ["identical"] * 2, document


def test_a_folder_that_a_program_made_is_left_to_it(bench):
    run = bench.record("!mkdir made", "open('made/a', 'w').write('1')")
    assert prepare(bench.database, run).plan.folders == ()


def test_an_older_record_is_asked_by_its_text(bench):
    run = bench.record("import os\nos.mkdir('made'); open('made/a', 'w').write('1')")
    with closing(sqlite3.connect(bench.database)) as connection, connection:
        connection.execute("DROP TABLE made_folder")
    assert prepare(bench.database, run).plan.folders == ()
