"""The spool's reader, for the recorder: complete lines only, torn ones said."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from .regular import open_regular
from .spool import FORMAT_VERSION


class Torn(NamedTuple):
    """A complete line that is no JSON object: a write that was cut short."""

    offset: int
    size: int


def read_spool(
    path: str | os.PathLike[str], offset: int = 0
) -> Iterator[tuple[dict[str, Any] | Torn, int]]:
    """Yield what the spool holds from ``offset`` on, each with the offset to go on from.

    A line that is still being written is left for the next call, and so is everything from the
    first line on whose format version this reader does not know. The shim's percent-encoded ``p``
    and ``q`` come as ``path`` and ``path2``.

    Args:
        path: a ``*.spool`` file.
        offset: 0 or a number that an earlier call gave.

    Raises:
        OSError: the file can't be read, or is no regular file.
    """
    with open_regular(path, follow=False) as stream:
        stream.seek(offset)
        for line in stream:
            if not line.endswith(b"\n"):
                return
            start, offset = offset, offset + len(line)
            if line.isspace():
                continue
            record = _decode(line)
            if record is None:
                yield Torn(start, len(line)), offset
            elif record["v"] != FORMAT_VERSION:
                return
            else:
                yield record, offset


def _decode(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or "v" not in record:
        return None
    for short, name in (("p", "path"), ("q", "path2")):
        if short in record:
            text = record.pop(short)
            # What is no text stays as it is: whoever takes the record sees that it is wrong.
            record[name] = os.fsdecode(unquote_to_bytes(text)) if isinstance(text, str) else text
    return record
