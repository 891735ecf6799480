"""Settling the file events of a cell: which versions it read, wrote and removed.

Events wait in ``pending_file``; :mod:`.outcome` says what they come to. What was read is hashed at
once, since the next cell may change it; everything else is settled when its cell has ended and all
that was seen until then is taken: only then it is known that a file was temporary, or written under
another name and renamed.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import time
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

from ..errors import StoreError, StoreRefused
from ..store.sqlite import is_of_the_database
from . import overwrites
from .found import Found, before_cut, cut, moved, remembered
from .hashing import CHANGED, NO_FILE, Hashed, Hasher, signature_of
from .naming import reading_path, uri_of
from .openfiles import open_for_writing
from .outcome import is_read, is_write, may_be_mapped, may_be_unchanged, outcome_of, signature

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..store.append import Append
    from ..store.bookkeeping import Bookkeeping, Pending
    from ..store.sqlite import Store
    from .hashing import Signature
    from .keep import Keeper, Rules
    from .outcome import Outcome
    from .overwrites import Overwrites

_TICK_NS = 20_000_000
"""Times of files may lag behind the clock, and so lie up to this much on its other side."""
_ROUNDING_NS = 2_000
"""The end of a cell is kept in whole microseconds."""
_QUIET_SECONDS = 2.0
_NOT_TELLABLE = "something went wrong while it was looked at"
STILL_OPEN = "still open for writing"
_READ_AGAIN_BYTES = 100_000_000
"""A larger file is taken for unchanged by its signature alone."""
_HELD_BYTES = 8_000_000
"""So much of small files is held between hashing and keeping them; others are read again."""
_BATCH = 200
"""Facts in one transaction."""


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
        self._held = 0

    def work(self, unsettled: set[int]) -> int:
        """Hash what was read, then settle the cells that have ended; return how many events.

        Args:
            unsettled: executions whose last file events may not all be taken yet.
        """
        self._rules.look_again()
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
        found: list[Found] = []
        self._held = 0
        for event in events:
            if event.op in ("rename", "link") and event.path2 is not None:
                written.add(event.path2)
            waits = event.path in written or event.version_id is not None or event.reason
            if is_read(event) and not waits and signature(event) is not None:
                with self._one(event, reading=True):
                    hashed = self._version_read(event)
                    if hashed is not NO_FILE:
                        found.append(Found("read", event.path, event, self._within_room(hashed)))
            if is_write(event):
                written.add(event.path)
        if found:
            self._look()
        self._store_all(self._kept(found, reading=True), self._remember, reading=True)

    def _remember(self, found: Found, not_kept: str | None) -> None:
        version = self._add_version(found.hashed, not_kept)
        self._books.set_pending(found.event.id, version=version, reason=found.hashed.reason)

    def _version_read(self, event: Pending) -> Hashed:
        if self._rules.rule_for(event.path) == "nothing":
            return Hashed(None, None, self._rules.reason_for(event.path))
        known = signature(event)
        if known is not None:
            content = self._hasher.known(known)
            if content is not None:
                return Hashed(content, known[2], None, known)
            found = self._hasher.hash(event.path, lambda now: now == known)
            return (self._recorded(event.path, known) if found.reason else None) or found
        limit = int(event.at * 1e9) - _TICK_NS
        return self._hasher.hash(event.path, lambda now: max(now[3], now[4]) < limit)

    def _recorded(self, path: bytes, known: Signature) -> Hashed | None:
        """Return what is in the record of a file that had this signature in this place."""
        row = self._books.version_with(uri_of(path), json.dumps(known))
        return None if row is None else Hashed(row[0], row[1], None, known)

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
        self._held = 0
        # What was written is hashed first, since a later cell may change it soon, and stored last,
        # since what a file held before it was appended to was there first.
        waiting, writes = self._found_writes(out, end_ns=end_ns, over=over)
        self._add([*self._found_reads(out), *self._found_unopened(out, writes), *writes])
        for path, event in out.removed.items():
            with self._one(event), self._store.writing():
                if self._append.location_key(uri_of(path)) is not None:
                    self._use(Found("remove", path, event, Hashed(None, None, "removed")), None)
        with self._store.writing():
            settled = [id_ for id_ in out.settled if id_ not in waiting]
            self._books.drop_pending(settled)
        return len(settled)

    def _found_reads(self, out: Outcome) -> list[Found]:
        found: list[Found] = []
        for path, reads in out.reads.items():
            # The audit hook and the shim may both have seen an open, only one with a signature.
            for read in [read for read in reads if read.stat is not None] or reads[:1]:
                with self._one(read):
                    hashed = self._within_room(self._found_read(read))
                    found.append(Found("read", path, read, hashed))
        return found

    def _found_read(self, read: Pending) -> Hashed:
        if read.version_id is not None:
            content, size = self._books.hash_of(read.version_id)
            return Hashed(content, size, None, signature(read))
        if read.reason is not None:
            return Hashed(None, None, read.reason)
        return self._version_read(read)

    def _found_unopened(self, out: Outcome, writes: list[Found]) -> Iterator[Found]:
        yield from moved(out, writes)
        for path, event, after in cut(out, writes):
            with self._one(event):
                before = before_cut(path, after, books=self._books, keeper=self._keeper)
                yield Found("read", path, event, before)

    def _found_writes(
        self, out: Outcome, *, end_ns: int | None, over: bool
    ) -> tuple[set[int], list[Found]]:
        """Hash what was written; return also the events of files still open for writing."""
        waiting: set[int] = set()
        open_files: dict[int, set[bytes]] = {}
        found: list[Found] = []
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
                if not self._is_unchanged(path, event):
                    hashed = self._version_written(path, None if late else end_ns)
                    found.append(Found("write", path, event, self._within_room(hashed)))
        return waiting, found

    def _is_unchanged(self, path: bytes, event: Pending) -> bool:
        """Tell whether a file that was opened for writing holds what it held then.

        A memory map may change a file and not its times, where these were changed just before or
        on some file systems: where its hash was known before, the content is looked at again.
        """
        known = signature(event)
        if known is None or not may_be_unchanged(path, event) or _present(path) != known:
            return False
        if known[2] > _READ_AGAIN_BYTES or not may_be_mapped(event):
            return True
        before = self._hasher.forget(known)
        return before is None or before == self._hasher.hash(path, lambda now: now == known).content

    def _within_room(self, found: Hashed) -> Hashed:
        if found.data is None:
            return found
        self._held += len(found.data)
        return found if self._held <= _HELD_BYTES else found._replace(data=None)

    def _add(self, found: list[Found]) -> None:
        """Add uses, once it is known what other cells did until their files were hashed."""
        if any(one.event.version_id is None and one.hashed.content for one in found):
            self._look()
        self._store_all(self._kept(found), self._add_use)

    def _add_use(self, found: Found, not_kept: str | None) -> None:
        known = remembered(found)
        self._use(found, known or self._add_version(found.hashed, not_kept))

    def _kept(
        self, found: list[Found], *, reading: bool = False
    ) -> Iterator[tuple[Found, str | None]]:
        """Keep the bytes of what was found; yield it with the reason why they are not kept."""
        for one in found:
            if one.hashed is NO_FILE:
                continue
            with self._one(one.event, reading=reading):
                if remembered(one):
                    yield one, None  # it was checked, and kept, while its cell ran
                    continue
                hashed = self._checked(one.path, one.event, one.hashed)
                yield one._replace(hashed=hashed), self._keep(one.path, hashed)

    def _store_all(
        self,
        ready: Iterator[tuple[Found, str | None]],
        store: Callable[[Found, str | None], None],
        *,
        reading: bool = False,
    ) -> None:
        """Store many in few transactions; where one can't be, each gets its own."""
        while some := list(islice(ready, _BATCH)):
            if not self._stored_at_once(some, store):
                for one, not_kept in some:
                    with self._one(one.event, reading=reading), self._store.writing():
                        store(one, not_kept)

    def _stored_at_once(
        self, some: list[tuple[Found, str | None]], store: Callable[[Found, str | None], None]
    ) -> bool:
        try:
            with self._store.writing():
                for one, not_kept in some:
                    store(one, not_kept)
        except Exception as error:
            if is_of_the_database(error):
                raise
            return False
        return True

    def _wait(self, path: bytes, event: Pending) -> None:
        if event.reason is None:
            with self._store.writing():
                self._books.hold_pending(event.id, path, reason=STILL_OPEN)

    def _version_written(self, path: bytes, end_ns: int | None) -> Hashed:
        if self._rules.rule_for(path) == "nothing":
            return Hashed(None, None, self._rules.reason_for(path))
        limit = None if end_ns is None else end_ns + _ROUNDING_NS
        return self._hasher.hash(path, lambda now: limit is None or max(now[3], now[4]) <= limit)

    def _keep(self, path: bytes, found: Hashed) -> str | None:
        """Keep the bytes of what was hashed; return why not, None when they are kept."""
        if found.content is None or found.size is None:
            return None
        known = self._books.version_of(found.content)
        if known is not None and known[1]:
            return None
        if known is not None and known[2] is not None and _present(path) != found.signature:
            return known[2]
        rule = self._rules.rule_for(path)
        return self._keeper.keep(path, found, rule=rule)

    def _add_version(self, found: Hashed, not_kept: str | None) -> int | None:
        if found.content is None or found.size is None:
            return None
        version = self._append.version(found.content, found.size)
        self._append.content_event(version, at=time.time(), kept=not_kept is None, reason=not_kept)
        return version

    def _use(self, found: Found, version: int | None) -> None:
        event, hashed, path = found.event, found.hashed, found.was or found.path
        certain = hashed.signature and self._hasher.known(hashed.signature) == hashed.content
        certain = certain and found.was is None  # a rename changes it
        self._append.use(
            found.role,
            uri_of(path),
            reading_path(path),
            run=event.run_id,
            execution=event.execution_id,
            version=version,
            reason=None if version is not None else hashed.reason,
            at=event.at,
            ns=event.ns,
            size=hashed.size,
            via=event.via,
            absolute=event.absolute,
            signature=json.dumps(hashed.signature) if version is not None and certain else None,
        )


def _present(path: bytes) -> Signature | None:
    try:
        return signature_of(os.stat(path))  # noqa: PTH116 - a path of bytes
    except OSError:
        return None


def _nanoseconds(timestamp: str) -> int:
    return int(datetime.fromisoformat(timestamp).timestamp() * 1e9)
