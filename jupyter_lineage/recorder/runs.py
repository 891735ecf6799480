"""How a run ends: with everything inside it that is still open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import dataflow

if TYPE_CHECKING:
    from ..store.append import Append
    from ..store.bookkeeping import Bookkeeping


KINDS = ("session", "trial", "tracked", "script", "reproduction")
"""What a run can be."""


def end_run(append: Append, books: Bookkeeping, run: int, *, status: str, at: float) -> None:
    """Give a run, its child runs and their open executions an end; nothing where they have one.

    Args:
        append: adds the facts.
        books: knows what is open.
        run: the run's key.
        status: ``completed`` or ``died``.
        at: when, in seconds since the epoch.
    """
    for key in books.runs_inside(run):
        for execution in books.open_executions(key):
            # In an orderly end a cell that did not come to its own was broken off.
            end = {"status": "died" if status == "died" else "interrupted", "at": at}
            source = append.source_of(execution) or ""
            read, written = dataflow.reads(source), dataflow.writes(source)
            append.execution_end(execution, end, names_read=read, names_written=written)
        if books.status(key) == "running":
            append.run_event(key, "status", status, at=at)


def stop_tracked(append: Append, books: Bookkeeping, run: int, *, status: str, at: float) -> None:
    """End a child run and those inside it; the cell that says so goes on."""
    for key in books.runs_inside(run):
        if books.status(key) == "running":
            append.run_event(key, "status", status, at=at)
