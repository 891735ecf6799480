"""Whatever is wrong: one line that says what and what to do, the right status, no traceback."""

from __future__ import annotations

import subprocess
import sys

import pytest

from jupyter_lineage import cli
from tests.builders import make_run


def assert_one_line(reply, status, *words):
    assert reply.status == status
    assert reply.err.count("\n") == 1
    assert reply.err.startswith("jupyter lineage: ")
    assert not reply.out
    for word in words:
        assert word in reply.err


READING = [["log"], ["show", "last"], ["trace", "x"]]


@pytest.mark.parametrize("command", READING, ids=lambda command: command[0])
def test_nothing_recorded_yet(lineage, database, command):
    assert_one_line(lineage(*command), 1, "nothing is recorded yet", str(database))
    assert not database.exists()


@pytest.mark.parametrize("command", READING, ids=lambda command: command[0])
def test_a_file_that_is_no_database(lineage, database, command):
    database.parent.mkdir()
    database.write_bytes(b"no database at all, really" * 100)
    assert_one_line(lineage(*command), 2, "damaged", str(database))


def test_somebody_elses_database(lineage, database):
    import sqlite3

    database.parent.mkdir()
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE theirs (id INTEGER)")
    connection.close()
    assert_one_line(lineage("log"), 2, "none of ours", "JUPYTER_LINEAGE_DATABASE")


def test_a_database_of_a_newer_version(lineage, store):
    store.connection.execute(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
        " VALUES ('jupyter_lineage', 'm999_from_the_future', '2099-01-01')"
    )
    assert_one_line(lineage("log"), 2, "newer version (m999_from_the_future)", "pip install -U")


def test_a_database_damaged_in_the_middle(lineage, database, history, store):
    store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    with database.open("r+b") as stream:
        stream.seek(4096)
        stream.write(b"\xff" * (database.stat().st_size - 4096))
    assert_one_line(lineage("log"), 2, "damaged", "recover")


def test_a_path_that_can_not_be_opened(lineage, database):
    database.mkdir(parents=True)
    assert_one_line(lineage("log"), 2, "can't be", str(database))


def test_a_folder_that_may_not_be_written_is_read_all_the_same(lineage, database, store, history):
    store.close()
    database.parent.chmod(0o500)
    try:
        assert lineage("log").status == 0
    finally:
        database.parent.chmod(0o700)


def test_an_unknown_run(lineage, history):
    assert_one_line(lineage("show", "ffffffff"), 1, "no run 'ffffffff'", "jupyter lineage log")
    assert_one_line(lineage("show", "nonsense"), 1, "no run 'nonsense'")


def test_an_ambiguous_run(lineage, store):
    for digit in "12":
        make_run(store, id=f"01900000-0000-7000-8000-{digit}0000000beef")
    assert_one_line(lineage("show", "beef"), 2, "several runs", "10000000beef", "20000000beef")
    assert_one_line(lineage("show", "eef"), 2, "too short")
    assert lineage("show", "10000000beef").status == 0


def test_an_unknown_file(lineage, history):
    assert_one_line(lineage("trace", "modle.joblib"), 1, "Did you mean", "/work/model.joblib")


@pytest.mark.parametrize(
    "arguments",
    [
        ["lgo"],
        ["log", "--limit", "0"],
        ["log", "--limit", "x"],
        ["log", "--status", "fine"],
        ["show"],
    ],
)
def test_wrong_usage_is_status_2(lineage, store, arguments):
    assert_one_line(lineage(*arguments), 2, "--help` says what it takes")


def test_a_fault_of_ours_is_one_line_and_a_traceback_on_demand(lineage, history, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("a\nbug")

    monkeypatch.setattr("jupyter_lineage.cli.log.list_runs", broken)
    assert_one_line(lineage("log"), 2, "a fault of ours", "a\\nbug", cli.DEBUG)
    monkeypatch.setenv(cli.DEBUG, "1")
    with pytest.raises(ZeroDivisionError):
        cli.main(["log"])


def test_an_interrupt_is_status_130(lineage, history, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("jupyter_lineage.cli.log.list_runs", interrupted)
    assert_one_line(lineage("log"), 130, "interrupted")


def test_a_reader_that_goes_away_is_no_error(store, database):
    for _ in range(300):
        make_run(store, notebook="/work/" + "n" * 500)
    command = f"{sys.executable} -m jupyter_lineage log --limit 300 --json | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_database_that_is_being_written_is_read(lineage, history, store):
    store.connection.execute("BEGIN IMMEDIATE")
    try:
        assert lineage("log").status == 0
    finally:
        store.connection.rollback()


@pytest.mark.parametrize("command", [["show"], ["trace"], ["reproduce"], ["trace", "--down"]])
def test_a_name_that_is_no_unicode_is_a_name_like_another(history, process, command):
    reply = process(*command, b"zz\xff\xfe.txt", stdin=subprocess.DEVNULL)
    assert reply.returncode == 1
    assert "fault of ours" not in reply.stderr
    assert reply.stderr.count("\n") == 1
    assert "zz" in reply.stderr


def test_a_filter_that_is_no_unicode_matches_nothing(history, process):
    reply = process("log", "--notebook", b"\xff")
    assert (reply.returncode, reply.stdout) == (0, "No run matches.\n")
