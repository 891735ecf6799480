"""What the file events of a cell come to: which versions it read, wrote and removed.

Events wait in ``pending_file``. What was read is hashed at once, since the next cell may change
it; everything else is settled when its cell has ended and all that was seen until then is taken:
only then it is known that a file was temporary, or written under another name and renamed.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote_from_bytes

from ..errors import StoreError, StoreRefused
from . import overwrites
from .hashing import CHANGED, NO_FILE, Hashed, Hasher, Signature
from .openfiles import open_for_writing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..store.append import Append
    from ..store.bookkeeping import Bookkeeping, Pending
    from ..store.sqlite import Store
    from .keep import Keeper, Rules
    from .overwrites import Overwrites

_TICK_NS = 20_000_000
"""Times of files may lag behind the clock, and so lie up to this much on its other side."""
_ROUNDING_NS = 2_000
"""The end of a cell is kept in whole microseconds."""
_QUIET_SECONDS = 2.0
_NOT_TELLABLE = "something went wrong while it was looked at"
STILL_OPEN = "still open for writing"
_ACCESS = os.O_RDONLY | os.O_WRONLY | os.O_RDWR


def uri_of(path: bytes) -> str:
    """Return a path's ``file:`` URI, which is exact for names that are no Unicode too."""
    return "file://" + quote_from_bytes(path)


def reading_path(path: bytes) -> str:
    """Return a path to be shown: bytes that are no Unicode are spelled out."""
    return path.decode("utf-8", "backslashreplace")


def is_read(event: Pending) -> bool:
    """Tell whether an event opened a file so that its content was there to be read."""
    if event.op != "open" or event.flags & _ACCESS == os.O_WRONLY:
        return False
    if event.flags & _ACCESS == os.O_RDONLY:
        return True
    return not event.flags & os.O_TRUNC and signature(event) is not None and not is_empty(event)


def is_write(event: Pending) -> bool:
    """Tell whether an event opened a file for writing, or wrote it by its name."""
    if event.op == "open":
        return event.flags & _ACCESS != os.O_RDONLY
    return event.op in ("truncate", "wrote")


def signature(event: Pending) -> Signature | None:
    """Return the signature that the file had when it was opened, None where it was not had."""
    if event.stat is None:
        return None
    try:
        dev, ino, size, mtime, ctime = json.loads(event.stat)
    except (ValueError, TypeError):
        return None
    return (dev, ino, size, mtime, ctime)


def is_empty(event: Pending) -> bool:
    """Tell whether the file was empty when it was opened."""
    known = signature(event)
    return known is not None and known[2] == 0


@dataclass(slots=True)
class Outcome:
    """What one cell's events come to, by path; ``settled`` are the events this is made of."""

    reads: dict[bytes, list[Pending]] = field(default_factory=dict)
    written: dict[bytes, Pending] = field(default_factory=dict)
    removed: dict[bytes, Pending] = field(default_factory=dict)
    settled: list[int] = field(default_factory=list)


def outcome_of(events: list[Pending]) -> Outcome:
    """Follow the events of one cell in their order."""
    out = Outcome()
    for event in events:
        out.settled.append(event.id)
        if is_read(event):
            out.reads.setdefault(event.path, []).append(event)
        if is_write(event):
            out.written.setdefault(event.path, event)
            out.removed.pop(event.path, None)
        elif event.op == "rename" and event.path2 is not None:
            _rename(out, event, event.path2)
        elif event.op == "link" and event.path2 is not None:
            out.written[event.path2] = event
        elif event.op == "remove":
            _gone(out, event.path, event)
    return out


def _gone(out: Outcome, path: bytes, event: Pending) -> None:
    began = out.written.pop(path, None)
    if began is not None:
        # Made and removed by the same cell: neither it nor reading it back is worth a word.
        later = [read for read in out.reads.get(path, []) if read.ns < began.ns]
        out.reads[path] = later
    if began is None or began.op != "open" or not began.flags & os.O_EXCL:
        out.removed[path] = event


def _rename(out: Outcome, event: Pending, target: bytes) -> None:
    if event.path not in out.written:
        inside = [path for path in out.written if path.startswith(event.path + b"/")]
        for path in inside:
            out.written[target + path[len(event.path) :]] = out.written.pop(path)
        if inside:
            return
    if event.path in out.written:
        began = out.written.pop(event.path)
        out.reads[event.path] = [r for r in out.reads.get(event.path, []) if r.ns < began.ns]
        out.written[target] = began._replace(absolute=event.absolute2)
    else:
        out.written[target] = event._replace(absolute=event.absolute2)
        out.removed[event.path] = event
    out.removed.pop(target, None)


class Files:
    """Settles waiting file events.

    Args:
        store: the database, open for writing; no transaction may be open.
        append: adds facts.
        books: the recorder's own rows.
        hasher: hashes.
        keeper: keeps bytes.
        rules: ``.lineage.toml``.
        changes: who changed what.
        look: takes what the spools hold by now.
    """

    def __init__(
        self,
        store: Store,
        append: Append,
        books: Bookkeeping,
        *,
        hasher: Hasher,
        keeper: Keeper,
        rules: Rules,
        changes: Overwrites,
        look: Callable[[], object] = lambda: None,
    ) -> None:
        self._store = store
        self._append = append
        self._books = books
        self._hasher = hasher
        self._keeper = keeper
        self._rules = rules
        self._changes = changes
        self._look = look

    def work(self, unsettled: set[int]) -> int:
        """Hash what was read, then settle the cells that have ended; return how many events.

        Args:
            unsettled: executions whose last file events may not all be taken yet.
        """
        groups = self._books.pending_groups()
        for run, execution in groups:
            if (run, execution) in self._changes.fresh:
                self._changes.fresh.discard((run, execution))
                self._hash_reads(self._books.pending(run, execution, only_open=True))
        count = 0
        for run, execution in groups:
            if execution is None or execution not in unsettled:
                count += self._settle(run, execution)
        return count

    @contextlib.contextmanager
    def _one(self, event: Pending, *, reading: bool = False) -> Iterator[None]:
        """Keep what is wrong with one event from the others; the database's troubles go on up.

        What can't be settled is dropped with its group; here it is said once, as a gap.
        """
        try:
            yield
        except StoreError as error:
            if not isinstance(error, StoreRefused):
                raise
            self._say(event, error, reading=reading)
        except sqlite3.DatabaseError:
            raise
        except Exception as error:  # noqa: BLE001 - one odd event must not stop the others
            self._say(event, error, reading=reading)

    def _say(self, event: Pending, error: Exception, *, reading: bool) -> None:
        with self._store.writing():
            if reading:
                self._books.set_pending(event.id, version=None, reason=_NOT_TELLABLE)
            self._append.gap(
                "a file could not be looked at",
                at=time.time(),
                run=event.run_id,
                execution=event.execution_id,
                detail=f"{reading_path(event.path)}: {type(error).__name__}: {error}"[:500],
            )

    def _checked(self, path: bytes, event: Pending, found: Hashed) -> Hashed:
        """Return what was found, without its hash where a later cell may have changed the file."""
        doubtful = found.content is not None or found.reason == CHANGED
        if doubtful and self._changes.is_overwritten(path, event, found.signature):
            return Hashed(None, None, overwrites.REASON)
        return found

    def _hash_reads(self, events: list[Pending]) -> None:
        written: set[bytes] = set()
        hashed: list[tuple[Pending, Hashed]] = []
        for event in events:
            if event.op in ("rename", "link") and event.path2 is not None:
                written.add(event.path2)
            waits = event.path in written or event.version_id is not None or event.reason
            if is_read(event) and not waits and signature(event) is not None:
                with self._one(event, reading=True):
                    found = self._version_read(event)
                    if found is not NO_FILE:
                        hashed.append((event, found))
            if is_write(event):
                written.add(event.path)
        if hashed:
            self._look()
        for event, found in hashed:
            with self._one(event, reading=True):
                self._remember(event, self._checked(event.path, event, found))

    def _remember(self, event: Pending, found: Hashed) -> None:
        kept = self._keep(event.path, found)
        with self._store.writing():
            version = self._add_version(found, kept)
            self._books.set_pending(event.id, version=version, reason=found.reason)

    def _version_read(self, event: Pending) -> Hashed:
        if self._rules.rule_for(Path(os.fsdecode(event.path))) == "nothing":
            return Hashed(None, None, self._rules.reason_for(Path(os.fsdecode(event.path))))
        known = signature(event)
        if known is not None:
            content = self._hasher.known(known)
            if content is not None:
                return Hashed(content, known[2], None, known)
            return self._hasher.hash(event.path, lambda now: now == known)
        limit = int(event.at * 1e9) - _TICK_NS
        return self._hasher.hash(event.path, lambda now: max(now[3], now[4]) < limit)

    def _settle(self, run: int, execution: int | None) -> int:
        over = self._books.status(run) != "running"
        ended = None if execution is None else self._books.end_of(execution)
        if execution is not None and ended is None and not over:
            return 0
        end_ns = None if ended is None else _nanoseconds(ended)
        # Nobody says when something between cells is done: it is when it has been quiet.
        quiet = time.time() - _QUIET_SECONDS
        if execution is None and not over and self._books.last_pending(run, execution) > quiet:
            return 0
        out = outcome_of(self._books.pending(run, execution))
        waiting = self._add_writes(out, end_ns=end_ns, over=over)
        self._add_reads(out)
        for path, event in out.removed.items():
            with self._one(event), self._store.writing():
                if self._append.location_key(uri_of(path)) is not None:
                    self._use("remove", path, event, Hashed(None, None, "removed"), None)
        with self._store.writing():
            settled = [id_ for id_ in out.settled if id_ not in waiting]
            self._books.drop_pending(settled)
        return len(settled)

    def _add_reads(self, out: Outcome) -> None:
        hashed: list[tuple[bytes, Pending, Hashed]] = []
        for path, reads in out.reads.items():
            # The audit hook and the shim may both have seen an open, only one with a signature.
            for read in [read for read in reads if read.stat is not None] or reads[:1]:
                with self._one(read):
                    hashed.append((path, read, self._found_read(read)))
        self._add("read", hashed)

    def _found_read(self, read: Pending) -> Hashed:
        if read.version_id is not None:
            content, size = self._books.hash_of(read.version_id)
            return Hashed(content, size, None)
        if read.reason is not None:
            return Hashed(None, None, read.reason)
        return self._version_read(read)

    def _add_writes(self, out: Outcome, *, end_ns: int | None, over: bool) -> set[int]:
        """Add what was written; return the events of files that are still open for writing."""
        waiting: set[int] = set()
        open_files: dict[int, set[bytes]] = {}
        hashed: list[tuple[bytes, Pending, Hashed]] = []
        for path, event in out.written.items():
            if not over and event.pid is not None:
                if event.pid not in open_files:
                    open_files[event.pid] = set(open_for_writing(event.pid))
                if path in open_files[event.pid]:
                    waiting.add(event.id)
                    self._wait(path, event)
                    continue
            late = end_ns is None or event.at * 1e9 > end_ns or event.reason == STILL_OPEN
            with self._one(event):
                hashed.append((path, event, self._version_written(path, None if late else end_ns)))
        self._add("write", hashed)
        return waiting

    def _add(self, role: str, hashed: list[tuple[bytes, Pending, Hashed]]) -> None:
        """Add uses, once it is known what other cells did until their files were hashed."""
        if any(event.version_id is None and found.content for _, event, found in hashed):
            self._look()
        for path, event, before in hashed:
            if before is NO_FILE:
                continue
            with self._one(event):
                # What was remembered while its cell ran was checked then.
                known = event.version_id is not None
                found = before if known else self._checked(path, event, before)
                kept = self._keep(path, found)
                with self._store.writing():
                    version = self._add_version(found, kept)
                    self._use(role, path, event, found, version)

    def _wait(self, path: bytes, event: Pending) -> None:
        if event.reason is None:
            with self._store.writing():
                self._books.hold_pending(event.id, path, reason=STILL_OPEN)

    def _version_written(self, path: bytes, end_ns: int | None) -> Hashed:
        if self._rules.rule_for(Path(os.fsdecode(path))) == "nothing":
            return Hashed(None, None, self._rules.reason_for(Path(os.fsdecode(path))))
        limit = None if end_ns is None else end_ns + _ROUNDING_NS
        return self._hasher.hash(path, lambda now: limit is None or max(now[3], now[4]) <= limit)

    def _keep(self, path: bytes, found: Hashed) -> str | None:
        """Keep the bytes of what was hashed; return why not, None when they are kept."""
        if found.content is None or found.size is None:
            return None
        known = self._books.version_of(found.content)
        if known is not None and known[1]:
            return None
        rule = self._rules.rule_for(Path(os.fsdecode(path)))
        return self._keeper.keep(path, found.content, found.size, rule=rule)

    def _add_version(self, found: Hashed, not_kept: str | None) -> int | None:
        if found.content is None or found.size is None:
            return None
        version = self._append.version(found.content, found.size)
        self._append.content_event(version, at=time.time(), kept=not_kept is None, reason=not_kept)
        return version

    def _use(
        self, role: str, path: bytes, event: Pending, found: Hashed, version: int | None
    ) -> None:
        self._append.use(
            role,
            uri_of(path),
            reading_path(path),
            run=event.run_id,
            execution=event.execution_id,
            version=version,
            reason=None if version is not None else found.reason,
            at=event.at,
            ns=event.ns,
            size=found.size,
            via=event.via,
            absolute=event.absolute,
        )


def _nanoseconds(timestamp: str) -> int:
    return int(datetime.fromisoformat(timestamp).timestamp() * 1e9)
