"""The liveness lock: held for as long as the process that made it lives, and by no fork of it.

A POSIX record lock (``fcntl.lockf``) and not ``flock``: the latter belongs to the open file and so
lives on in forked children, which would keep a dead kernel's run "running".
"""

from __future__ import annotations

import os

from .descriptors import fcntl, keep_high

_held: dict[str, int] = {}
"""Descriptors by path. Nobody closes them: closing any descriptor of the file ends the lock."""


def hold(path: str) -> None:
    """Create the file at ``path`` and lock its first byte until this process ends.

    Raises:
        OSError: the file can't be made or another process holds it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
    descriptor = keep_high(descriptor)
    if fcntl is not None:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 0)
    _held[path] = descriptor


def started(pid: int) -> int | None:
    """Return when a process began, in ticks since the boot; None when it is over or not to be told.

    With its number this names a process for good. Source: proc(5), ``/proc/pid/stat``, fields 3
    (state: a zombie is over) and 22.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as stream:
            # The name, in parentheses, may hold anything.
            fields = stream.read().rpartition(b")")[2].split()
        return None if fields[0] in (b"Z", b"X") else int(fields[19])
    except (OSError, ValueError, IndexError):
        return None


def is_held(path: str) -> bool:
    """Tell whether another living process holds the lock at ``path``; False when it is gone.

    Never call it in the process that holds the lock: closing the descriptor would end it.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return False
    try:
        if fcntl is None:
            return True
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 0)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
