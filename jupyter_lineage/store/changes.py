"""Has another process written to the database? Asked often, so it must cost almost nothing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..errors import NotFound, StoreError
from .sqlite import Store, mapped_errors, open_reader

if TYPE_CHECKING:
    from pathlib import Path


class ChangeWatch:
    """Notices commits of other processes; keeps one connection open for reading.

    ``PRAGMA data_version`` compares one number in shared memory: no lock, no page read. The file
    may not exist yet, may go away, or be replaced by another: each counts as a change.

    Args:
        path: the database, which need not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._store: Store | None = None
        self._file: tuple[int, int] | None = None
        self._version = -1

    def changed(self) -> bool:
        """Tell whether anything was committed since the last call (the first one says yes)."""
        try:
            return self._look()
        except NotFound:
            self.close()
            return False
        except StoreError:
            # Damaged or held by someone: the routes say so in words; here it is "nothing new".
            self.close()
            return False

    def close(self) -> None:
        """Close the connection; the next look opens it again."""
        if self._store is not None:
            self._store.close()
        self._store = None
        self._file = None
        self._version = -1

    def _look(self) -> bool:
        try:
            status = os.stat(self._path)  # noqa: PTH116 - called three times a second
        except OSError:
            gone = self._store is not None
            self.close()
            return gone
        if self._store is None or self._file != (status.st_dev, status.st_ino):
            self.close()
            self._store = open_reader(self._path)
            self._file = (status.st_dev, status.st_ino)
            # Never wait: the caller is an event loop.
            self._store.connection.execute("PRAGMA busy_timeout = 0")
        with mapped_errors(self._path):
            version = int(self._store.connection.execute("PRAGMA data_version").fetchone()[0])
        changed = version != self._version
        self._version = version
        return changed
