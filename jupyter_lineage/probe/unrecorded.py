"""Notes of kernels about what they can't store, in a file that has its size beforehand.

On a full disk nothing can be added anywhere, so what is missing could not even be said. A note is
written in place. The recorder turns it into a gap once it can store again; until then whoever
reads the record is told of it.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import time
from collections.abc import Iterator
from typing import Any

from . import places
from .alive import started
from .descriptors import fcntl
from .regular import open_regular

FILE_NAME = "unrecorded.notes"
NOTE_BYTES, NOTES = 2048, 16
_TEXTS = ("cwd", "notebook", "run_name")
"""What is left out of a note that would be too long, in this order."""
_TRIES, _PAUSE = 20, 0.005


def path() -> str:
    """Return where the notes lie: with all spools, since each start of the machine has others."""
    return os.path.join(str(places.spool_root()), FILE_NAME)


def prepare() -> None:
    """Make the file while there is room for it; quiet where there is none."""
    with contextlib.suppress(OSError):
        if os.stat(path()).st_size >= NOTES * NOTE_BYTES:
            return
    with contextlib.suppress(OSError), _opened(os.O_CREAT) as descriptor:
        size = os.fstat(descriptor).st_size
        os.lseek(descriptor, size, os.SEEK_SET)
        # Blanks and not a hole: a hole would take its room only when it is written to.
        os.write(descriptor, b" " * (NOTES * NOTE_BYTES - size))


class Note:
    """What one kernel says about its run; nothing here raises.

    Args:
        folder: the kernel's spool folder, ``places.spool_folder(database)``.
        run: the run's id.
        facts: what is known of the run, as in a ``process`` record.
    """

    def __init__(self, folder: str, run: str, facts: dict[str, Any]) -> None:
        pid = os.getpid()
        self._fields = {
            **facts,
            "folder": folder_key(folder),
            "run": run,
            "at": time.time(),
            "pid": pid,
            "pid_started": started(pid),
        }
        self._slot = -1

    def say(self, **fields: object) -> bool:
        """Write the note, or write it anew with more in it; tell whether that could be done.

        Args:
            fields: ``reason`` (words), ``lost`` (how many records were lost, where some were
                stored), ``cells`` (how many ran, where nothing was stored) and ``ended`` (when the
                kernel ended in order).
        """
        self._fields.update(fields)
        with contextlib.suppress(OSError), _opened() as descriptor:
            if self._slot < 0:
                self._slot = _free(descriptor)
            return self._slot >= 0 and _put(descriptor, self._slot, _fitted(self._fields))
        return False

    def clear(self) -> None:
        """Take the note back: the record tells it now."""
        if self._slot >= 0:
            with contextlib.suppress(OSError), _opened() as descriptor:
                _put(descriptor, self._slot, b"")
            self._slot = -1


def folder_key(folder: str | os.PathLike[str]) -> str:
    """Return the last two parts of a spool folder: the machine with its start, and the database."""
    return "/".join(os.fspath(folder).split(os.sep)[-2:])


def notes() -> list[dict[str, Any]]:
    """Return all notes, of every machine and database; none where they can't be read."""
    found = []
    with contextlib.suppress(OSError), open_regular(path(), follow=False) as stream:
        while text := stream.read(NOTE_BYTES):
            with contextlib.suppress(ValueError, RecursionError):
                note = json.loads(text)
                if isinstance(note, dict):
                    found.append(note)
    return found


def remove(note: dict[str, Any]) -> None:
    """Remove a note, as :func:`notes` gave it.

    Raises:
        OSError: the file can't be written.
    """
    with _opened() as descriptor:
        for slot in range(_count(descriptor)):
            with contextlib.suppress(ValueError, RecursionError):
                if json.loads(_get(descriptor, slot)) == note:
                    _put(descriptor, slot, b"")


def _fitted(fields: dict[str, Any]) -> bytes:
    left = dict(fields)
    for name in ("", *_TEXTS):
        left.pop(name, None)
        data = json.dumps(left, ensure_ascii=True, separators=(",", ":")).encode("ascii")
        if len(data) <= NOTE_BYTES:
            return data
    return b""


@contextlib.contextmanager
def _opened(flags: int = 0) -> Iterator[int]:
    """Open the file for reading and writing; alone, where that can be had in a moment."""
    flags |= os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    descriptor = os.open(path(), flags | getattr(os, "O_BINARY", 0), 0o600)
    try:
        _lock(descriptor)
        yield descriptor
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    tries = _TRIES
    while tries and not _locked(descriptor):
        time.sleep(_PAUSE)  # never for long: a notebook waits for us
        tries -= 1


def _locked(descriptor: int) -> bool:
    """Tell whether the file is locked now, or can't be."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno != errno.EWOULDBLOCK
    return True


def _count(descriptor: int) -> int:
    return os.fstat(descriptor).st_size // NOTE_BYTES


def _get(descriptor: int, slot: int) -> bytes:
    os.lseek(descriptor, slot * NOTE_BYTES, os.SEEK_SET)
    return os.read(descriptor, NOTE_BYTES)


def _put(descriptor: int, slot: int, data: bytes) -> bool:
    os.lseek(descriptor, slot * NOTE_BYTES, os.SEEK_SET)
    return os.write(descriptor, data.ljust(NOTE_BYTES)) == NOTE_BYTES


def _free(descriptor: int) -> int:
    """Return the first place without a note, -1 where there is none."""
    for slot in range(_count(descriptor)):
        if not _get(descriptor, slot).strip():
            return slot
    return -1
