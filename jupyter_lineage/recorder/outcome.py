"""What the file events of one cell come to, before anything is hashed.

A file that is opened for writing and not emptied is first one that is read: what it held is part
of what comes out. :func:`parts` says so of an event, so that the two wait and are settled apart.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..store.bookkeeping import Pending
    from .hashing import Signature

_ACCESS = os.O_RDONLY | os.O_WRONLY | os.O_RDWR


def parts(record: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield a ``file`` record, after the reading of what was there where that is part of it."""
    if record["op"] == "open":
        stat, flags = record.get("stat"), record.get("flags") or 0
        if stat is not None and stat[2] and flags & _ACCESS and not flags & os.O_TRUNC:
            yield {**record, "flags": os.O_RDONLY}
    yield record


def is_read(event: Pending) -> bool:
    """Tell whether an event opened a file whose content was there to be read."""
    return event.op == "open" and event.flags & _ACCESS == os.O_RDONLY


def is_write(event: Pending) -> bool:
    """Tell whether an event opened a file for writing, or wrote it by its name."""
    if event.op == "open":
        return event.flags & _ACCESS != os.O_RDONLY
    return event.op in ("truncate", "wrote")


def may_be_unchanged(path: bytes, event: Pending) -> bool:
    """Tell whether a file opened for writing may be the same still, by how it was opened.

    Args:
        path: the file, as it is named now.
        event: its opening.
    """
    if event.op != "open" or path != event.path or event.flags & os.O_TRUNC:
        return False
    known = signature(event)
    # An empty one may have been made by being opened.
    return known is not None and bool(known[2] or not event.flags & os.O_CREAT)


def may_be_mapped(event: Pending) -> bool:
    """Tell whether a file was opened so that its content may change through a memory map."""
    return event.flags & _ACCESS == os.O_RDWR


def signature(event: Pending) -> Signature | None:
    """Return the signature that the file had when it was opened, None where it was not had."""
    if event.stat is None:
        return None
    try:
        dev, ino, size, mtime, ctime = json.loads(event.stat)
    except (ValueError, TypeError):
        return None
    return (dev, ino, size, mtime, ctime)


@dataclass(slots=True)
class Outcome:
    """What one cell's events come to, by path; ``settled`` are the events this is made of."""

    reads: dict[bytes, list[Pending]] = field(default_factory=dict)
    written: dict[bytes, Pending] = field(default_factory=dict)
    removed: dict[bytes, Pending] = field(default_factory=dict)
    moved: dict[bytes, Pending] = field(default_factory=dict)
    """What was renamed or linked and neither opened nor written before: it was there to be read."""
    cut: dict[bytes, Pending] = field(default_factory=dict)
    """What was cut short or made longer by its name, likewise."""
    touched: set[int] = field(default_factory=set)
    """Events whose file was opened for writing once more after them."""
    settled: list[int] = field(default_factory=list)


def outcome_of(events: list[Pending]) -> Outcome:
    """Follow the events of one cell in their order."""
    out = Outcome()
    for event in events:
        out.settled.append(event.id)
        if is_read(event):
            out.reads.setdefault(event.path, []).append(event)
        if is_write(event):
            if event.op == "truncate" and _is_unopened(out, event.path):
                out.cut[event.path] = event
            began = out.written.setdefault(event.path, event)
            if began.id != event.id:
                out.touched.add(began.id)
            out.removed.pop(event.path, None)
        elif event.op == "rename" and event.path2 is not None:
            _rename(out, event, event.path2)
        elif event.op == "link" and event.path2 is not None:
            if _is_unopened(out, event.path):
                out.moved[event.path] = event
            out.written[event.path2] = event
        elif event.op == "remove":
            _gone(out, event.path, event)
    return out


def _is_unopened(out: Outcome, path: bytes) -> bool:
    return path not in out.reads and path not in out.written


def _gone(out: Outcome, path: bytes, event: Pending) -> None:
    began = out.written.pop(path, None)
    if began is not None:
        # Made and removed by the same cell: neither it nor reading it back is worth a word.
        _forget_reads_since(out, path, began)
    if began is None or began.op != "open" or not began.flags & os.O_EXCL:
        out.removed[path] = event


def _forget_reads_since(out: Outcome, path: bytes, began: Pending) -> None:
    reads = out.reads.get(path, [])
    out.reads[path] = [read for read in reads if (read.ns, read.id) < (began.ns, began.id)]


def _rename(out: Outcome, event: Pending, target: bytes) -> None:
    if event.path not in out.written:
        inside = [path for path in out.written if path.startswith(event.path + b"/")]
        for path in inside:
            out.written[target + path[len(event.path) :]] = out.written.pop(path)
        if inside:
            return
    if event.path in out.written:
        began = out.written.pop(event.path)
        _forget_reads_since(out, event.path, began)
        out.written[target] = began._replace(absolute=event.absolute2)
    else:
        if _is_unopened(out, event.path):
            out.moved[event.path] = event
        out.written[target] = event._replace(absolute=event.absolute2)
        out.removed[event.path] = event
    out.removed.pop(target, None)
