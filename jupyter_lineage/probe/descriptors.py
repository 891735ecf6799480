"""Descriptors of ours, out of the way of programs that count or close theirs."""

from __future__ import annotations

import _thread
import os

try:
    import fcntl
except ImportError:  # Windows has no such module; a plain descriptor has to do there
    fcntl = None  # type: ignore[assignment]

__all__ = ["fcntl", "keep_high", "make_room"]

_HIGH = 500


def keep_high(descriptor: int) -> int:
    """Move ``descriptor`` above 500 (close-on-exec), out of the way of programs that count theirs.

    Returns the new number; the old one is closed. Where the limit on open files is lower, the
    highest number that can be had, and at worst the old one.
    """
    if fcntl is None:
        return descriptor
    import resource

    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    lowest = _HIGH if limit < 0 or limit > _HIGH + 50 else limit // 2
    try:
        high = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, lowest)
    except OSError:
        return descriptor
    os.close(descriptor)
    return high


def make_room() -> None:
    """Let the system enlarge the table of descriptors now, beside what else there is to do.

    The first high number in a process with threads takes Linux some 10 ms, all of it waiting: in a
    thread it costs a kernel's start nothing.
    """
    if fcntl is not None:
        _thread.start_new_thread(_make_room, ())


def _make_room() -> None:
    try:
        descriptor = os.open(os.devnull, os.O_RDONLY)
        os.close(keep_high(descriptor))
    except OSError:
        return
