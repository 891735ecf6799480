"""Finding the spools of this machine, and telling which of their processes still live."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..probe import places
from ..probe.alive import is_held, started
from ..probe.regular import open_regular
from ..probe.spool import SUFFIX
from ..probe.spool_reader import read_spool
from .records import check_header

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def folders(database: Path) -> list[Path]:
    """Return the spool folders of ``database`` on this machine: this boot's and earlier ones'."""
    pattern = f"{places.machine_id()}-*/{places.database_key(database)}"
    return sorted(places.spool_root().glob(pattern))


@dataclass(slots=True, kw_only=True)
class Spool:
    """A spool file and how far it is read.

    ``header`` is its first record, ``taken`` the bytes read, ``last_n`` the highest number read,
    ``size`` what the file had at the last look; ``run`` the integer key of its run once known.
    """

    id: str
    folder: Path
    header: dict[str, Any]
    run: int | None = None
    taken: int = 0
    last_n: int = 0
    reread_to: int = 0
    size: int = 0
    ended: bool = False
    stuck: bool = False
    asked: set[str] = field(default_factory=set)

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return self.folder / (self.id + SUFFIX)

    @property
    def is_root(self) -> bool:
        """Whether it is a kernel's own spool: neither of a fork nor of the shim."""
        return self.header.get("writer") == "probe" and not self.header.get("forked")

    def is_alive(self) -> bool:
        """Tell whether its process may still write to it.

        A process of this boot holds a lock, which it loses when the user's code closes the lock's
        file, so its number with its start counts too. A fork holds none; where its start is not
        known, a number that another process has by now only delays the end.
        """
        if self.folder.parent.name.rpartition("-")[2] != places.boot_id():
            return False
        pid, began = self.header.get("pid"), self.header.get("pid_started")
        if pid is not None and began is not None and started(pid) == began:
            return True
        if self.header.get("alive"):
            return is_held(str(self.folder / self.header["alive"]))
        return began is None and _exists(pid)


def _exists(pid: object) -> bool:
    if not isinstance(pid, int) or pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def read_header(path: Path) -> dict[str, Any] | None:
    """Return a spool's first record, ``{}`` when that is broken, None when it is not there yet."""
    for record, _ in islice(read_spool(path), 1):
        if isinstance(record, dict) and record.get("type") == "process":
            with contextlib.suppress(ValueError):
                check_header(record)
                return record
        return {}
    return None


def list_spools(folder: Path) -> Iterator[tuple[str, int]]:
    """Yield (spool id, size in bytes) of the spools in a folder; nothing when it is gone."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(SUFFIX):
                with contextlib.suppress(OSError):
                    size = entry.stat(follow_symlinks=False).st_size
                    yield entry.name.removesuffix(SUFFIX), size


def is_unreadable_on(path: Path, offset: int) -> bool:
    """Tell whether a whole line lies at ``offset`` that the reader does not want to take.

    The reader is asked again once the line is seen whole: it may have come after the last look.
    """
    with open_regular(path, follow=False) as stream:
        stream.seek(offset)
        for line in stream:
            if not line.isspace():
                return line.endswith(b"\n") and next(read_spool(path, offset), None) is None
    return False
