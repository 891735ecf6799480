"""Which files a process holds open for writing: those are not settled yet."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def open_for_writing(pid: int) -> Iterator[bytes]:
    """Yield the files that a process has open or mapped for writing; none where that can't be seen.

    Source: proc(5), ``/proc/pid/fd`` (a link's own mode tells the access) and ``/proc/pid/maps``.
    """
    folder = f"/proc/{pid}/fd"
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if entry.stat(follow_symlinks=False).st_mode & 0o200:
                    yield os.fsencode(os.readlink(entry.path))  # noqa: PTH115
    with contextlib.suppress(OSError), open(f"/proc/{pid}/maps", "rb") as stream:  # noqa: PTH123
        for line in stream:
            fields = line.split(None, 5)
            if len(fields) == 6 and fields[1] == b"rw-s":
                yield fields[5].rstrip(b"\n")
