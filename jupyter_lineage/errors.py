"""The errors that a caller may meet. Each says what is wrong and carries what to do about it.

::

    LineageError
    ├── StoreError
    │   ├── StoreLocked        another program holds the database
    │   ├── StoreDamaged       the database is broken
    │   ├── StoreForeign       the file is somebody else's: it is left alone
    │   ├── StoreRefused       a row breaks a rule: about that row, not about the file
    │   └── StoreNewer         the database was made by a newer version
    ├── NotFound               no run, file or version of that name (exit status 1)
    ├── InvalidInput           what the caller gave can't be used
    ├── ReproduceError         a reproduction can't be done
    │   └── ReproduceRefused   it would write outside its own folder; carries the paths
    └── RecorderError          the recorder can't be started or does not answer
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class LineageError(Exception):
    """Anything this library raises on purpose.

    Args:
        message: what is wrong, in one line.
        hint: what to do about it, in one line.
    """

    exit_status = 2

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def line(self) -> str:
        """Return the one line that a person is shown."""
        text = str(self).rstrip(".")
        return f"{text}. {self.hint}" if self.hint else text


class StoreError(LineageError):
    """The database can't be used."""


class StoreLocked(StoreError):
    """Another program holds the database for longer than we wait."""


class StoreDamaged(StoreError):
    """The database is broken; it is, or was, one of ours as far as can be told."""


class StoreForeign(StoreError):
    """The file is no database of ours, and none that was ever one."""


class StoreRefused(StoreError):
    """The database refused a row; other rows are not concerned."""


class StoreNewer(StoreError):
    """The database was made by a newer version of this package."""


class NotFound(LineageError):
    """There is no run, file or version of that name."""

    exit_status = 1


class InvalidInput(LineageError):
    """What the caller gave can't be used."""


class ReproduceError(LineageError):
    """A reproduction can't be done."""


class ReproduceRefused(ReproduceError):
    """A reproduction would write outside its own folder; ``paths`` says where."""

    def __init__(self, message: str, *, paths: Sequence[str], hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.paths = tuple(paths)


class RecorderError(LineageError):
    """The recorder can't be started or does not answer."""
