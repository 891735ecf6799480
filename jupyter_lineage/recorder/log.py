"""The recorder's own words, in a file that does not grow without end."""

from __future__ import annotations

import contextlib
import os
from datetime import datetime, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_LIMIT = 256 * 1024
_KEPT = 64 * 1024


class Log:
    """Appends lines to a file; when it is too long the oldest go.

    Args:
        path: the file; made when needed, for the user alone.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last = ""

    def say(self, text: str) -> None:
        """Write one line; the same one twice in a row is written once. Never raises."""
        if text == self._last:
            return
        self._last = text
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        line = f"{now} {os.getpid()} {text.replace(chr(10), ' ')}\n"
        # A log that can't be written must not stop what it is about.
        with contextlib.suppress(OSError):
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(descriptor, line.encode("utf-8", "backslashreplace"))
                long = os.fstat(descriptor).st_size > _LIMIT
            finally:
                os.close(descriptor)
            if long:
                self._shorten()

    def _shorten(self) -> None:
        # In place: whoever started us has its standard error here too.
        data = self._path.read_bytes()[-_KEPT:]
        self._path.write_bytes(data[data.find(b"\n") + 1 :])
