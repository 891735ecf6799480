"""Where the probe says something outside of the notebook: its log, and the terminal."""

from __future__ import annotations

import os
import sys
import time

from . import places, wake

_said: set[str] = set()


def once(line: str) -> None:
    """Write a line to ``recorder.log``, else to the terminal; the same one only once."""
    if line in _said:
        return
    _said.add(line)
    log = os.path.join(str(places.spool_folder(places.database_path())), wake.LOG)
    try:
        descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError:
        to_terminal(line)
        return
    try:
        os.write(descriptor, f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}\n".encode())
    finally:
        os.close(descriptor)


def to_terminal(line: str) -> None:
    """Write to the terminal that the kernel was started from, never into a notebook.

    ipykernel sends what is written to descriptor 2 to the notebook, and keeps the real one.
    """
    descriptor = getattr(sys.stderr, "_original_stdstream_copy", None)
    if not isinstance(descriptor, int):
        if type(sys.stderr).__module__.startswith("ipykernel"):
            return
        descriptor = 2
    try:
        os.write(descriptor, line.encode("utf-8", "backslashreplace") + b"\n")
    except OSError:
        return
