"""What kernels could not store becomes gaps: runs without an end, runs never recorded.

A kernel's note (:mod:`.notes`) is turned into a gap when its process is gone and what its spools
hold is taken; until then it is only shown.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from ..probe import unrecorded
from ..store.queries import NOT_RECORDED
from .notes import notes_for
from .runs import KINDS, end_run

if TYPE_CHECKING:
    from collections.abc import Container

    from ..store import Store
    from ..store.append import Append
    from ..store.bookkeeping import Bookkeeping
    from .notes import Left

END_NOT_STORED = "what its kernel wrote last could not be stored"


class Leftovers:
    """Turns the notes of kernels that are gone into gaps.

    Args:
        store: the database, open for writing.
        append: adds facts.
        books: the recorder's own rows.
    """

    def __init__(self, store: Store, append: Append, books: Bookkeeping) -> None:
        self._store = store
        self._append = append
        self._books = books
        self._notes: dict[str, Left] = {}

    def look(self) -> None:
        """Read the notes."""
        self._notes = {left.run: left for left in notes_for(self._store.path)}

    def how_it_ended(self, run: str, at: float) -> tuple[str, float]:
        """Return the status of a run whose kernel is gone without an ``end``, and since when.

        Args:
            run: its id.
            at: when its spool was last written.
        """
        left = self._notes.get(run)
        return ("died", at) if left is None or left.ended is None else ("completed", left.ended)

    def settle(self, busy: Container[str]) -> int:
        """Say what the kernels that are gone could not store; return how many runs that were.

        Args:
            busy: ids of runs whose spools are not taken whole.
        """
        count = 0
        for left in self._notes.values():
            if left.run in busy or left.is_alive():
                continue
            count += self._settle(left)
            with contextlib.suppress(OSError):
                unrecorded.remove(left.raw)
        return count

    def _settle(self, left: Left) -> bool:
        """Say what one kernel left; tell whether that was not said before."""
        run = self._append.run_key(left.run)
        reason = END_NOT_STORED if left.lost else NOT_RECORDED
        if run is not None and self._books.is_said_of(run, reason):
            return False
        with self._store.writing():
            if run is None:
                run = self._add_run(left)
            self._append.gap(reason, at=left.at, run=run, detail=_detail(left))
            status, at = self.how_it_ended(left.run, left.at)
            end_run(self._append, self._books, run, status=status, at=at)
        return True

    def _add_run(self, left: Left) -> int:
        header = left.header()
        kind = header.get("run_kind")
        run = self._append.run(
            left.run,
            header,
            kind=kind if kind in KINDS else "session",
            parent=header.get("run_parent"),
        )
        # Nobody can describe it later: what the note says is all that there is.
        state = self._append.document("code_state", {"git": None, "reason": NOT_RECORDED})
        self._append.run_event(run, "code_state", state, at=time.time())
        return run


def _detail(left: Left) -> str:
    if left.lost:
        least = "" if left.ended is not None else "at least "
        return f"{least}{left.lost} records: {left.reason}"
    return f"{left.reason}; {left.cells} cells ran" if left.cells else left.reason
