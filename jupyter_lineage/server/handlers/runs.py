"""Runs: the list, one run whole, what one of its cells put out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from ...errors import InvalidInput, NotFound
from ...store import queries
from ...store.verdicts import verdicts_of
from .base import LineageHandler

if TYPE_CHECKING:
    from ...store import Store

MOST_RUNS = 500
"""So many runs are sent at once at most; a reader pages on with ``before``."""


class RunsHandler(LineageHandler):
    """``GET runs``: newest first, in pages."""

    @authenticated
    @authorized
    async def get(self) -> None:
        """Reply with a page of runs."""
        limit = self._limit()
        before = self.get_query_argument("before", None) or None
        notebook = self.get_query_argument("notebook", None) or None
        status = self.get_query_argument("status", None) or None

        def question(store: Store) -> dict[str, Any]:
            # Read first: whoever sees this number has at least the runs that go with it.
            change = queries.change_number(store)
            start = queries.find_run(store, before) if before else None
            # One more than asked for tells whether there is a next page.
            runs = queries.list_runs(
                store, limit=limit + 1, before=start, notebook=notebook, status=status
            )
            page = runs[:limit]
            more = len(runs) > limit
            verdicts = verdicts_of(store, [run["id"] for run in page])
            for run in page:
                run["verdict"] = verdicts.get(run["id"])
            return {"runs": page, "next": page[-1]["id"] if more else None, "change": change}

        if not self.services.database.exists():
            self.reply({"runs": [], "next": None, "change": 0})
            return
        self.reply(await self.read(question))

    def _limit(self) -> int:
        text = self.get_query_argument("limit", "50")
        if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST_RUNS:
            raise InvalidInput(f"limit is {text!r}", hint=f"Give a number from 1 to {MOST_RUNS}.")
        return int(text)


class RunHandler(LineageHandler):
    """``GET runs/<run id>``: one run whole, with its verdict and its reproductions."""

    @authenticated
    @authorized
    async def get(self, run: str) -> None:
        """Reply with the run."""

        def question(store: Store) -> dict[str, Any]:
            run_id = queries.find_run(store, run)
            return {
                **queries.show_run(store, run_id),
                "reproduction": queries.verdict_of(store, run_id),
                "reproductions": queries.reproductions_of(store, run_id),
            }

        self.reply(await self.read(question))


class OutputsHandler(LineageHandler):
    """``GET runs/<run id>/executions/<number>/outputs``: outputs, or why there are none."""

    @authenticated
    @authorized
    async def get(self, run: str, number: str) -> None:
        """Reply with the outputs."""
        if len(number) > 9:  # what no cell ever reaches, and SQLite's integers don't hold for ever
            raise NotFound(f"the run has no execution {number}")
        self.reply(
            await self.read(
                lambda store: queries.outputs_of(store, queries.find_run(store, run), int(number))
            )
        )
