"""Opening the database: one writer (the recorder), any number of readers.

Readers use the standard library alone, so that a cold command stays fast; the writer goes
through sqlite-utils for its migrations.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import (
    NotFound,
    StoreDamaged,
    StoreError,
    StoreForeign,
    StoreLocked,
    StoreNewer,
    StoreRefused,
)
from ..probe.regular import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA_STEPS = ("m001_first_schema", "m002_signatures_folders_changes")
"""Names of the migrations this code knows, oldest first (a test compares them with the list)."""

_BUSY_SECONDS = 5.0
_MAGIC = b"SQLite format 3\0"
_MARKS = (b"_sqlite_migrations", b"execution_output")
_SMALLEST = 512
_SHARED_BYTES = 64 * 1024
_LOOKED_THROUGH = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Store:
    """An open database. Close it with :meth:`close`, or use it in ``with``."""

    connection: sqlite3.Connection
    path: Path

    def close(self) -> None:
        """Close the connection; using the store afterwards raises an error."""
        self.connection.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Run the block in one immediate transaction; an error rolls all of it back.

        Immediate, because a deferred transaction that reads first and writes later fails at
        once when another writer was faster, without using the busy timeout. Each counts as a
        change (:func:`.queries.change_number`), in the same transaction.
        """
        with mapped_errors(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                self.connection.execute("UPDATE change SET number = number + 1")
                yield self.connection
            except BaseException:
                self.connection.rollback()
                raise
            self.connection.commit()


@contextlib.contextmanager
def mapped_errors(path: Path) -> Iterator[None]:
    """Turn sqlite3's errors into ours: the one border between the two."""
    try:
        yield
    except sqlite3.OperationalError as error:
        text = str(error)
        if "locked" in text or "busy" in text:
            raise StoreLocked(
                f"the database {path} is in use by another program", hint="Try again in a moment."
            ) from error
        if "unable to open" in text:
            raise StoreError(
                f"the database {path} can't be opened: {text}",
                hint="Check that its folder exists and belongs to you.",
            ) from error
        raise StoreError(
            f"the database {path} can't be used: {text}",
            hint="`jupyter lineage doctor` looks at disk space and rights.",
        ) from error
    except sqlite3.DatabaseError as error:
        if type(error) is not sqlite3.DatabaseError:
            # A broken rule (IntegrityError, …) says something about the row, not about the file.
            raise StoreRefused(f"the database {path} refused a change: {error}") from error
        raise StoreDamaged(
            f"the database {path} is damaged: {error}",
            hint="Move it away: recording starts a new one; `sqlite3 FILE .recover` may save it.",
        ) from error


def is_of_the_database(error: Exception) -> bool:
    """Tell whether an error is about the whole database, and so everybody's."""
    if isinstance(error, StoreError):
        return not isinstance(error, StoreRefused)
    return type(error) in (sqlite3.DatabaseError, sqlite3.OperationalError)


def may_be_ours(path: Path) -> bool:
    """Tell whether a file that is no sound database may be what is left of one of ours.

    Never asked of a sound one: it opens the file, which ends this process's locks on it. Ours is
    what has a content folder beside it, and what starts as SQLite's files do and has the names of
    our migrations in it.
    """
    if path.with_name(path.name + ".content").is_dir():
        return True
    with contextlib.suppress(OSError), open_regular(path) as stream:
        start = stream.read(_LOOKED_THROUGH)
        return start.startswith(_MAGIC) and all(mark in start for mark in _MARKS)
    return False


@contextlib.contextmanager
def _foreign_told_apart(path: Path) -> Iterator[None]:
    """Say of a file that was never ours that it is foreign, and not damaged: nobody may move it."""
    try:
        yield
    except StoreDamaged as error:
        if may_be_ours(path):
            raise
        raise _foreign(path, "is damaged or no lineage database") from error


def _refuse_scrap(path: Path) -> None:
    """Refuse a file too short for any database, which SQLite takes for an empty one and fills."""
    if 0 < path.stat().st_size < _SMALLEST and not may_be_ours(path):
        raise _foreign(path, "is damaged or no lineage database")


def _foreign(path: Path, what: str) -> StoreForeign:
    return StoreForeign(
        f"the file {path} {what}", hint="Set JUPYTER_LINEAGE_DATABASE to another file."
    )


def open_reader(path: Path) -> Store:
    """Open the database for reading only.

    Raises:
        NotFound: nothing was recorded there yet.
        StoreDamaged: the file is a broken database of ours.
        StoreForeign: the file is no database of ours.
        StoreNewer: a newer version of this package made it.
    """
    if not path.exists():
        raise NotFound(
            f"nothing is recorded yet: there is no database {path}",
            hint="Run a notebook whose kernel has jupyter_lineage, or try `jupyter lineage demo`.",
        )
    with _foreign_told_apart(path), mapped_errors(path):
        _refuse_scrap(path)
        immutable = "" if _shared_memory_can_be(path) else "&immutable=1"
        connection = sqlite3.connect(
            f"{path.as_uri()}?mode=ro{immutable}",
            uri=True,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.row_factory = sqlite3.Row
        try:
            _check_schema(connection, path)
        except BaseException:
            connection.close()
            raise
    return Store(connection, path)


def _shared_memory_can_be(path: Path) -> bool:
    """Tell whether SQLite has or can make the file that readers and the writer share.

    Without it, in a folder that can't be written or on a full disk, only immutable reading works.
    """
    if not os.access(path.parent, os.W_OK):
        return False
    shared, log = (path.with_name(path.name + ending) for ending in ("-shm", "-wal"))
    if shared.exists() or (log.exists() and log.stat().st_size):
        return True
    return shutil.disk_usage(path.parent).free >= _SHARED_BYTES


def open_writer(path: Path) -> Store:
    """Open the database for writing, creating or migrating it as needed.

    The caller is the recorder: nobody else writes. The folder is created with mode 0700 and the
    file with 0600.

    Raises:
        StoreDamaged: the file is a broken database of ours.
        StoreForeign: the file is no database of ours; nothing about it was changed.
        StoreNewer: a newer version of this package made it.
        StoreError: the folder or the disk does not allow it.
    """
    with _without_heavy_imports():
        from sqlite_utils import Database

        from .migrations import migrations

    with _foreign_told_apart(path), mapped_errors(path):
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NONBLOCK", 0), 0o600))
            if not path.is_file():
                raise _foreign(path, "is no regular file")
            _refuse_scrap(path)
        except OSError as error:
            raise StoreError(
                f"the database {path} can't be opened: {error.strerror}",
                hint="Check that its folder exists and belongs to you.",
            ) from error
        connection = sqlite3.connect(
            path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        try:
            _check_schema(connection, path, empty_is_fine=True)
            # The answer is what counts: where shared memory is missing the mode stays "delete".
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA journal_size_limit = 16777216")
            migrations.apply(Database(connection))
            _make_ours(path)
        except BaseException:
            connection.close()
            raise
    return Store(connection, path)


def _make_ours(path: Path) -> None:
    """Close a database to others, and mark it: by its content folder it is known when damaged."""
    with contextlib.suppress(OSError):  # a file system without rights
        path.with_name(path.name + ".content").mkdir(mode=0o700, exist_ok=True)
        for ending in ("", "-wal", "-shm"):
            beside = path.with_name(path.name + ending)
            if beside.exists() and beside.stat().st_mode & 0o077:
                beside.chmod(0o600)


@contextlib.contextmanager
def _without_heavy_imports() -> Iterator[None]:
    """Keep pandas and NumPy out: sqlite-utils imports them where it finds them (80 MB more)."""
    blocked = [name for name in ("pandas", "numpy") if name not in sys.modules]
    for name in blocked:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in blocked:
            sys.modules.pop(name, None)


def _check_schema(
    connection: sqlite3.Connection, path: Path, *, empty_is_fine: bool = False
) -> None:
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    others = {name for name in tables if not name.startswith(("sqlite_", "_sqlite_migrations"))}
    if not tables and empty_is_fine:
        return
    if "_sqlite_migrations" not in tables:
        if not tables:
            raise NotFound(f"nothing is recorded yet in {path}")
        raise _foreign(path, "is a database, but none of ours")
    applied = [
        row[0]
        for row in connection.execute(
            "SELECT name FROM _sqlite_migrations"
            " WHERE migration_set = 'jupyter_lineage' ORDER BY id"
        )
    ]
    if others and not applied:
        raise _foreign(path, "is a database, but none of ours")
    unknown = [name for name in applied if name not in SCHEMA_STEPS]
    if unknown:
        raise StoreNewer(
            f"the database {path} was made by a newer version ({unknown[-1]})",
            hint="Update: pip install -U jupyter_lineage. Until then recordings wait in the spool.",
        )
