"""What is asked often is answered by an index, whatever the number of rows: nothing is scanned.

Times are not asserted: the statements that were really executed are explained by SQLite itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlite_utils import Database

from jupyter_lineage.errors import InvalidInput, NotFound
from jupyter_lineage.store import Store, edges, open_reader, open_writer, queries
from jupyter_lineage.store.migrations import migrations
from tests.builders import Cell, File, make_run

PATHS = ["/home/ada/a/data/train.csv", "/home/ada/b/data/train.csv", "/home/ada/b/Model_1.bin"]


@pytest.fixture
def store(tmp_path):
    with open_writer(tmp_path / "lineage.db") as opened:
        yield opened


@pytest.fixture
def run(store):
    return make_run(store, cells=[Cell(writes=[File(path=path) for path in PATHS])])


def scans(store: Store, question: Callable[[], object]) -> list[str]:
    """Return what SQLite looks through whole to answer."""
    asked: list[str] = []
    store.connection.set_trace_callback(asked.append)
    question()
    store.connection.set_trace_callback(None)
    plans = [
        row[3]
        for statement in asked
        for row in store.connection.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
    ]
    assert plans
    return [one for one in plans if one.startswith("SCAN") and "sqlite_master" not in one]


def test_a_paths_end_is_found_by_its_name(store, run):
    for ending in ("Model_1.bin", "b/Model_1.bin", "MODEL_1.bin", PATHS[2]):
        assert edges.locations_like(store, ending) == [Path(PATHS[2]).as_uri()], ending
    assert len(edges.locations_like(store, "data/train.csv")) == 2
    for ending in ("odel_1.bin", "Model21.bin", "%", "data", ""):
        assert edges.locations_like(store, ending) == [], ending
    assert scans(store, lambda: edges.locations_like(store, "b/data/train.csv")) == []


def test_a_run_is_found_by_any_beginning_and_end_of_its_id(store, run):
    digits = run.replace("-", "")
    for size in range(4, 33):
        assert queries.find_run(store, digits[:size]) == run
        assert queries.find_run(store, digits[-size:].upper()) == run
    assert queries.find_run(store, run) == run
    with pytest.raises(NotFound):
        queries.find_run(store, digits + "0")
    with pytest.raises(NotFound):
        queries.find_run(store, "0" * 9)
    assert scans(store, lambda: queries.find_run(store, digits[:11])) == []
    assert scans(store, lambda: queries.find_run(store, digits[-8:])) == []


def test_a_beginning_that_several_runs_share_is_told(store, run):
    other = make_run(store)
    common = next(run[:size] for size in range(36, 0, -1) if other.startswith(run[:size]))
    with pytest.raises(InvalidInput, match="several"):
        queries.find_run(store, common)


def test_the_change_number_grows_with_each_fact_in_whatever_order(store, run):
    statements = [
        "INSERT INTO execution (uid, run_id, number, source_size, started_at)"
        " VALUES (randomblob(16), 1, 7, 0, '2026')",
        "INSERT INTO execution (uid, run_id, number, source_size, started_at)"
        " VALUES (randomblob(16), 1, 8, 0, '2026')",
        "INSERT INTO execution_end (execution_id, status, ended_at)"
        " SELECT id, 'completed', '2026' FROM execution WHERE number = 8",
        "INSERT INTO execution_end (execution_id, status, ended_at)"
        " SELECT id, 'completed', '2026' FROM execution WHERE number = 7",
    ]
    numbers = [queries.change_number(store)]
    for statement in statements:
        with store.writing() as connection:
            connection.execute(statement)
        numbers.append(queries.change_number(store))
    assert numbers == sorted(set(numbers))
    with pytest.raises(RuntimeError), store.writing():
        raise RuntimeError
    assert queries.change_number(store) == numbers[-1]
    # The one row of its own table is all that is read.
    assert scans(store, lambda: queries.change_number(store)) == ["SCAN change"]


def test_a_database_of_the_first_schema_is_read_as_it_is_and_brought_on_by_the_writer(tmp_path):
    path = tmp_path / "old.db"
    connection = sqlite3.connect(path, isolation_level=None)
    migrations.apply(Database(connection), stop_before="m002_signatures_folders_changes")
    connection.execute(
        "INSERT INTO run (uid, kind, started_at, capture_level, process)"
        " VALUES (randomblob(16), 'session', '2026', 'full', '{}')"
    )
    connection.execute("INSERT INTO location (uri, path) VALUES ('file:///a/b.csv', '/a/b.csv')")
    connection.close()
    with open_reader(path) as store:
        assert queries.change_number(store) == 0
        run = queries.find_run(store, "last")
        assert queries.find_run(store, run[-8:]) == run
        assert edges.locations_like(store, "b.csv") == ["file:///a/b.csv"]
    with open_writer(path) as store:
        assert queries.change_number(store) == 0
        with store.writing():
            pass
        assert queries.change_number(store) == 1
        assert scans(store, lambda: edges.locations_like(store, "b.csv")) == []
