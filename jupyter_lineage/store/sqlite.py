"""Opening the database: one writer (the recorder), any number of readers.

Readers use the standard library alone, so that a cold command stays fast; the writer goes
through sqlite-utils for its migrations.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import NotFound, StoreDamaged, StoreError, StoreLocked, StoreNewer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA_STEPS = ("m001_first_schema",)
"""Names of the migrations this code knows, oldest first (a test compares them with the list)."""

_BUSY_SECONDS = 5.0


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
        once when another writer was faster, without using the busy timeout.
        """
        with mapped_errors(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
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
            raise StoreError(f"the database {path} refused a change: {error}") from error
        raise StoreDamaged(
            f"the file {path} is damaged or no lineage database: {error}",
            hint="Move it away: recording starts a new one; `sqlite3 FILE .recover` may save it.",
        ) from error


def open_reader(path: Path) -> Store:
    """Open the database for reading only.

    Raises:
        NotFound: nothing was recorded there yet.
        StoreDamaged: the file is no database of ours.
        StoreNewer: a newer version of this package made it.
    """
    if not path.exists():
        raise NotFound(
            f"nothing is recorded yet: there is no database {path}",
            hint="Run a notebook whose kernel has jupyter_lineage, or try `jupyter lineage demo`.",
        )
    with mapped_errors(path):
        # A folder that can't be written has no shared-memory file: only immutable reading works.
        immutable = "" if os.access(path.parent, os.W_OK) else "&immutable=1"
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


def open_writer(path: Path) -> Store:
    """Open the database for writing, creating or migrating it as needed.

    The caller is the recorder: nobody else writes. The folder is created with mode 0700 and the
    file with 0600.

    Raises:
        StoreDamaged: the file is no database of ours.
        StoreNewer: a newer version of this package made it.
        StoreError: the folder or the disk does not allow it.
    """
    with _without_heavy_imports():
        from sqlite_utils import Database

        from .migrations import migrations

    with mapped_errors(path):
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
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
        except BaseException:
            connection.close()
            raise
    return Store(connection, path)


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
    if not tables and empty_is_fine:
        return
    if "_sqlite_migrations" not in tables:
        if not tables:
            raise NotFound(f"nothing is recorded yet in {path}")
        raise StoreDamaged(
            f"the file {path} is a database, but none of ours",
            hint="Set JUPYTER_LINEAGE_DATABASE to another file.",
        )
    applied = [
        row[0]
        for row in connection.execute(
            "SELECT name FROM _sqlite_migrations"
            " WHERE migration_set = 'jupyter_lineage' ORDER BY id"
        )
    ]
    unknown = [name for name in applied if name not in SCHEMA_STEPS]
    if unknown:
        raise StoreNewer(
            f"the database {path} was made by a newer version ({unknown[-1]})",
            hint="Update: pip install -U jupyter_lineage. Until then recordings wait in the spool.",
        )
