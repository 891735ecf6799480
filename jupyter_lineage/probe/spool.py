"""The spool's writer: one append-only file per process, one JSON line per event, one write each.

The contract is ``docs/reference/spool.md``. A write never goes to a descriptor that is not our
file any more: a forked child that closed its descriptors may have opened the user's CSV under the
same number. Reading is :mod:`.spool_reader`, waking the recorder :mod:`.wake`, the liveness lock
:mod:`.alive`.
"""

from __future__ import annotations

import errno
import json
import os
import threading
import time
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .alive import started
from .descriptors import keep_high
from .uuid7 import uuid7

if TYPE_CHECKING:
    from .unrecorded import Note

FORMAT_VERSION = 1
SUFFIX = ".spool"
_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), check_circular=False).encode


class Spool:
    """Appends records to this process's spool; in a forked child, to a new one of its own.

    Nothing here raises for a reason of the disk: what can't be written is counted and said by a
    ``gap`` record as soon as writing works again.

    Args:
        folder: ``places.spool_folder(database)``; it exists.
        run: the id of the run that this process belongs to.
        header: further fields of the ``process`` record, for this process only (no fork repeats
            them).
        process: this process's id.
    """

    def __init__(self, folder: str, run: str, header: dict[str, Any], *, process: str) -> None:
        self.folder = folder
        self.run = run
        self.process = process
        self.lost = 0
        """Records that could not be written and are not yet said in a ``gap``."""
        self.last_error = ""
        self.child_process: Callable[[], str] = uuid7
        """Gives a forked child its process id (the shim makes one, which must be the same)."""
        self.note: Note | None = None
        """Where it is said, while nothing can be written, that records are lost."""
        self._header = header
        self._parent_process: str | None = None
        self._lock = threading.RLock()
        self._descriptor = -1
        self._identity = (-1, -1)
        self._number = 0
        self._id = ""
        _live.add(self)

    def begin(self) -> None:
        """Write the first record, ``process``, now and not with the first event.

        Raises:
            OSError: the spool can't be made or written.
        """
        with self._lock:
            self._ready()

    def write(self, kind: str, fields: dict[str, Any], *, execution: str | None = None) -> bool:
        """Append one record.

        Args:
            kind: the record's type.
            fields: its own keys, JSON values; text may hold lone surrogates.
            execution: the execution's id; None between cells.

        Returns:
            Whether it was written whole.
        """
        record: dict[str, Any] = {"type": kind, "at": time.time(), "ns": time.monotonic_ns()}
        if execution is not None:
            record["exec"] = execution
        record.update(fields)
        with self._lock:
            try:
                self._ready()
                if (not self.lost or self._append_gap()) and self._append(record):
                    return True
            except OSError as error:
                self._note(error)
            except (TypeError, ValueError, RecursionError) as error:
                # A value that JSON can't hold is our own mistake, and still must not reach a cell.
                self.last_error = f"{type(error).__name__}: {error}"
            self.lost += 1
            self._say_lost(kind)
            return False

    def _say_lost(self, kind: str) -> None:
        if self.note is None:
            return
        if kind == "end":
            self.note.say(lost=self.lost, reason=self.last_error, ended=time.time())
        elif not self.lost & self.lost - 1:  # not for each of many thousand
            self.note.say(lost=self.lost, reason=self.last_error)

    def describe(self, **fields: object) -> dict[str, Any]:
        """Put more into the first record, where that is not written yet; return its fields."""
        self._header.update(fields)
        return dict(self._header)

    def path(self) -> str:
        """Return where the spool of this process lies; empty before the first record."""
        return os.path.join(self.folder, self._id + SUFFIX) if self._id else ""

    def close(self) -> None:
        """Let go of the file; a later write opens a new spool."""
        with self._lock:
            if self._ours():
                os.close(self._descriptor)
            self._descriptor, self._id = -1, ""

    def _note(self, error: OSError) -> None:
        self.last_error = f"{errno.errorcode.get(error.errno or 0, 'error')}: {error.strerror}"

    def _append_gap(self) -> bool:
        gap = {
            "type": "gap",
            "at": time.time(),
            "ns": time.monotonic_ns(),
            "reason": "the spool could not be written",
            "count": self.lost,
            "detail": self.last_error,
        }
        if not self._append(gap):
            return False
        self.lost = 0
        if self.note is not None:
            self.note.clear()
        return True

    def _ours(self) -> bool:
        if self._descriptor < 0:
            return False
        try:
            now = os.fstat(self._descriptor)
        except OSError:
            return False
        if (now.st_dev, now.st_ino) != self._identity:
            return False
        if now.st_nlink:
            return True
        os.close(self._descriptor)  # ours, but the file was removed: nobody would ever read it
        return False

    def _ready(self) -> None:
        """Make the descriptor ours: as it is, opened again by path, or of a new spool."""
        if self._ours():
            return
        self._descriptor = -1  # never closed: it belongs to somebody else by now
        if self._id:
            self._open(os.O_WRONLY | os.O_APPEND)
        if self._descriptor < 0:
            self._begin()

    def _open(self, flags: int) -> None:
        flags |= getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
        try:
            descriptor = os.open(self.path(), flags, 0o600)
        except FileNotFoundError:
            return
        self._descriptor = keep_high(descriptor)
        status = os.fstat(self._descriptor)
        self._identity = (status.st_dev, status.st_ino)

    def _begin(self) -> None:
        self._id, self._number = os.urandom(16).hex(), 0
        self._open(os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL)
        if self._descriptor < 0:
            self._id = ""
            raise OSError(errno.ENOENT, "the spool folder is gone")
        forked = self._parent_process is not None
        header = {
            "type": "process",
            "at": time.time(),
            "ns": time.monotonic_ns(),
            "spool": self._id,
            "writer": "probe",
            "process": self.process,
            "parent_process": self._parent_process,
            "forked": forked,
            "run": self.run,
            "alive": None if forked else f"{self.process}.alive",
            "pid": os.getpid(),
            "pid_started": started(os.getpid()),
        }
        if not forked:
            header.update(self._header)
        if not self._append(header):
            # Without its first record nobody can tell whose spool this is: begin another later.
            self._drop()
            raise OSError(errno.ENOSPC, "no room for the first record")

    def _drop(self) -> None:
        path = self.path()
        os.close(self._descriptor)
        self._descriptor, self._id = -1, ""
        os.unlink(path)

    def _append(self, record: dict[str, Any]) -> bool:
        self._number += 1
        text = _encode({"v": FORMAT_VERSION, "n": self._number, **record})
        data = b"\n" + text.encode("ascii") + b"\n"
        try:
            written = os.write(self._descriptor, data)
        except OSError as error:
            self._number -= 1
            self._note(error)
            return False
        if written != len(data):
            self.last_error = f"ENOSPC: {written} of {len(data)} bytes were written"
            return False
        return True

    def _after_fork(self) -> None:
        self._lock = threading.RLock()
        self._parent_process, self.process = self.process, self.child_process()
        self._descriptor, self._id, self.lost = -1, "", 0
        self.note = None  # it is the parent's


_live: weakref.WeakSet[Spool] = weakref.WeakSet()


def _forked() -> None:
    for spool in list(_live):
        spool._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
