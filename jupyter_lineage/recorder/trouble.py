"""What holds the recorder up, left where reading commands find it without asking anybody.

The file has its size from the start and is written in place: on a full disk nothing could be
added. Imports little: a cold reading command looks here.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from ..probe.regular import open_regular

if TYPE_CHECKING:
    from pathlib import Path

FILE_NAME = "recorder.trouble"
_SIZE = 1024


class Trouble:
    """Says what the recorder waits for, or that it waits for nothing.

    Args:
        folder: the spools' folder.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._said: str | None = None

    def say(self, text: str) -> None:
        """Leave one line, or none (``""``). Never raises."""
        if text == self._said:
            return
        line = " ".join(text.split()).encode("utf-8", "backslashreplace")[: _SIZE - 1]
        with contextlib.suppress(OSError):
            flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
            descriptor = os.open(self._path, flags, 0o600)
            try:
                os.write(descriptor, line.ljust(_SIZE - 1) + b"\n")
                self._said = text
            finally:
                os.close(descriptor)


def trouble_in(folder: Path) -> str | None:
    """Return what the recorder that serves this folder said last, None when all is well."""
    with contextlib.suppress(OSError), open_regular(folder / FILE_NAME, follow=False) as stream:
        return stream.read(_SIZE).decode("utf-8", "replace").strip() or None
    return None
