"""What a run appended to or changed in place was there before, and has to be there again."""

from __future__ import annotations

import sqlite3

from jupyter_lineage.reproduce.reproduction import prepare

from .conftest import files_of


def test_a_log_that_was_appended_to_begins_with_its_old_content(bench, words):
    log = bench.write("log.csv", "old\n")
    look = "print(open('log.csv').read())"
    bench.record(look)
    append = "with open('log.csv', 'a') as log: print('new', file=log)"
    run = bench.record(append, look)
    log.unlink()
    document = bench.reproduce(run)
    assert words(document) == ["identical", "identical"], document
    assert files_of(document) == {"log.csv": "identical"}


def test_a_log_whose_old_content_is_not_known_is_not_compared(bench, words):
    bench.write("log.csv", "old\n")
    run = bench.record("with open('log.csv', 'a') as log: print('new', file=log)", "print('free')")
    document = bench.reproduce(run)
    assert words(document) == ["not compared", "identical"], document
    assert any(
        "not in the record" in problem and "log.csv" in problem for problem in document["problems"]
    ), document


def test_a_database_that_was_only_asked_is_an_input_and_no_result(bench, words):
    path = bench.project / "facts.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.execute("INSERT INTO t VALUES (42)")
    connection.close()
    run = bench.record(
        "import sqlite3, contextlib",
        "with contextlib.closing(sqlite3.connect('facts.sqlite')) as base:\n"
        "    print(base.execute('SELECT x FROM t').fetchall())",
    )
    with bench.store() as store:
        uses = store.connection.execute("SELECT path, role FROM files").fetchall()
    assert [tuple(use) for use in uses] == [(str(path), "read")]
    path.unlink()
    document = bench.reproduce(run)
    assert words(document) == ["identical", "identical"], document
    assert files_of(document) == {}


def test_the_audit_hook_tells_what_was_only_opened_for_writing_too(bench, monkeypatch):
    monkeypatch.setenv("JUPYTER_LINEAGE_SHIM", "0")
    for name in ("same.csv", "more.csv"):
        bench.write(name, "old\n")
    bench.record("print(open('more.csv').read())")
    run = bench.record(
        "open('same.csv', 'r+').close()\nopen('same.csv', 'a').close()\n"
        "with open('more.csv', 'a') as log: print('new', file=log)\n"
        "with open('made.csv', 'a') as log: print('new', file=log)",
    )
    with bench.store() as store:
        found = store.connection.execute(
            "SELECT path, role, hash NOT NULL FROM files f JOIN runs r USING (run_key)"
            " WHERE r.id = ? ORDER BY path, use_key",
            (run,),
        ).fetchall()
    uses = [(path.rpartition("/")[2], role, known) for path, role, known in found]
    assert uses == [
        ("made.csv", "write", 1),
        ("more.csv", "read", 1),
        ("more.csv", "write", 1),
        ("same.csv", "read", 1),
    ]


def test_a_file_that_was_cut_is_an_input_where_it_was_met_before(bench, words):
    data = bench.write("data.txt", "abcdef")
    bench.record("print(open('data.txt').read())")
    run = bench.record("import os\nos.truncate('data.txt', 3)", "print(open('data.txt').read())")
    data.unlink()
    document = bench.reproduce(run)
    assert words(document) == ["identical", "identical"], document
    assert files_of(document) == {"data.txt": "identical"}


def test_a_file_that_was_cut_and_never_met_is_not_in_the_record(bench, words):
    data = bench.write("data.txt", "abcdef")
    run = bench.record("import os\nos.truncate('data.txt', 3)")
    data.unlink()
    document = bench.reproduce(run)
    assert words(document) == ["not compared"], document
    assert "not in the record" in document["executions"][0]["reason"]


def test_a_file_that_was_only_renamed_is_an_input_under_its_old_name(bench, words):
    bench.write("old.txt", "abc")
    run = bench.record("import os\nos.replace('old.txt', 'new.txt')")
    (bench.project / "new.txt").unlink()
    prepared = prepare(bench.database, run)
    assert [one.path for one in prepared.plan.inputs.files] == ["old.txt"]
    assert not any("can't be told" in said for said in prepared.problems)
    document = bench.reproduce(run)
    assert words(document) == ["identical"], document
    assert files_of(document) == {"new.txt": "identical"}
