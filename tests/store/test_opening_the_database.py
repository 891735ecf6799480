"""Every way in which a database can be unusable has its own error, with one line and a hint."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys

import pytest

from jupyter_lineage.errors import (
    NotFound,
    StoreDamaged,
    StoreError,
    StoreForeign,
    StoreLocked,
    StoreNewer,
)
from jupyter_lineage.store import open_reader, open_writer
from jupyter_lineage.store.migrations import migrations
from jupyter_lineage.store.sqlite import SCHEMA_STEPS, mapped_errors


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "lineage.db"
    open_writer(path).close()
    return path


def test_the_steps_a_reader_knows_are_the_migrations_there_are():
    assert tuple(step.name for step in migrations._migrations) == SCHEMA_STEPS


def test_a_new_database_is_the_users_alone(database):
    assert database.stat().st_mode & 0o777 == 0o600


def test_nothing_recorded_yet_is_not_found(tmp_path):
    with pytest.raises(NotFound, match="nothing is recorded yet"):
        open_reader(tmp_path / "none.db")


def test_an_empty_file_holds_nothing_yet_for_a_reader_and_is_filled_by_a_writer(tmp_path):
    path = tmp_path / "empty.db"
    path.touch()
    with pytest.raises(NotFound):
        open_reader(path)
    open_writer(path).close()
    open_reader(path).close()


NOTES = b"these are my notes, " * 100


@pytest.mark.parametrize("content", [NOTES, b"x", bytes(8192), b"SQLite format 3\0" + NOTES])
def test_a_file_that_was_never_a_database_of_ours_is_foreign_and_left_alone(tmp_path, content):
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    path.chmod(0o644)
    for opening in (open_reader, open_writer):
        with pytest.raises(StoreForeign, match=r"notes\.txt"):
            opening(path)
    assert path.read_bytes() == content
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", [NOTES, bytes(8192), b"SQLite format 3\0"])
def test_a_broken_file_beside_our_content_folder_is_a_damaged_database(database, content):
    database.write_bytes(content)
    for opening in (open_reader, open_writer):
        with pytest.raises(StoreDamaged, match="is damaged"):
            opening(database)


def test_a_database_of_ours_with_a_broken_page_is_damaged_even_without_its_content(database):
    database.with_name("lineage.db.content").rmdir()
    with database.open("r+b") as stream:
        stream.seek(100)
        stream.write(bytes([255]) * 16)
    with pytest.raises(StoreDamaged):
        open_writer(database)


def test_an_existing_database_is_closed_to_others(database):
    database.chmod(0o644)
    open_writer(database).close()
    assert database.stat().st_mode & 0o777 == 0o600


def test_a_fifo_in_the_place_of_the_database_is_refused(tmp_path):
    path = tmp_path / "pipe.db"
    os.mkfifo(path)
    with pytest.raises(StoreForeign, match="no regular file"):
        open_writer(path)


@pytest.mark.parametrize("tables", [["invoices"], ["invoices", "_sqlite_migrations"]])
def test_somebody_elses_database_is_left_alone(tmp_path, tables):
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        for table in tables:
            connection.execute(f"CREATE TABLE {table} (migration_set, name, id)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreForeign, match="none of ours"):
        open_writer(path)
    assert path.read_bytes() == before


def test_a_newer_database_is_neither_read_nor_written(database):
    with sqlite3.connect(database) as connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " VALUES ('jupyter_lineage', 'm999_from_the_future', '2030')"
        )
    connection.close()
    for opening in (open_reader, open_writer):
        with pytest.raises(StoreNewer, match="m999_from_the_future"):
            opening(database)


def test_a_database_that_is_held_by_another_program_is_locked(database):
    holder = sqlite3.connect(database, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with open_writer(database) as store:
        store.connection.execute("PRAGMA busy_timeout = 50")
        with pytest.raises(StoreLocked), store.writing():
            pass
    holder.close()


def test_a_failed_block_leaves_nothing_behind(database):
    with open_writer(database) as store:
        with pytest.raises(ZeroDivisionError), store.writing() as connection:
            connection.execute("INSERT INTO source (hash, text) VALUES ('blake3:1', 'x')")
            raise ZeroDivisionError
        assert store.connection.execute("SELECT count(*) FROM source").fetchone()[0] == 0


READ_AS_NOBODY = """
import os, pathlib, sys, urllib.parse  # Path.as_uri imports the last one late
from jupyter_lineage.store import open_reader
from jupyter_lineage.store import queries
os.setgid(65534); os.setuid(65534)
with open_reader(pathlib.Path(sys.argv[1])) as store:
    print(store.connection.execute("SELECT count(*) FROM run").fetchone()[0])
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user to lose its rights")
def test_a_database_in_a_folder_that_can_not_be_written_is_still_read(database):
    # The parents of pytest's folder are closed to others, so the database is looked at from above.
    for folder in (database.parent, *database.parent.parents):
        if folder.stat().st_mode & 0o005 != 0o005:
            folder.chmod(0o755)
    database.chmod(0o644)
    result = subprocess.run(
        [sys.executable, "-c", READ_AS_NOBODY, str(database)], capture_output=True, text=True
    )
    assert result.stdout.strip() == "0", result.stderr


@pytest.mark.parametrize("error", sqlite3.Error.__subclasses__())
def test_every_error_class_of_sqlite3_is_mapped(error, tmp_path):
    kinds: list[type[Exception]] = [error, *error.__subclasses__()]
    for kind in kinds:
        if not issubclass(kind, sqlite3.DatabaseError):
            continue  # InterfaceError: a mistake in our own code, which must not be hidden
        with pytest.raises(StoreError), mapped_errors(tmp_path / "x.db"):
            raise kind("something")
