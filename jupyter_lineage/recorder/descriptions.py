"""Describing a run from outside: its environment, and the state of its code."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ..store.sqlite import is_of_the_database
from .codestate import code_state
from .environment import Environments

if TYPE_CHECKING:
    from ..store import Store
    from ..store.append import Append

_KINDS = {"environment": "its environment", "code_state": "the state of its code"}


class Descriptions:
    """Adds descriptions of runs.

    Args:
        store: the database, open for writing.
        append: adds facts.
    """

    def __init__(self, store: Store, append: Append) -> None:
        self._store = store
        self._append = append
        self._environments = Environments()

    def add(self, run: int, process: dict[str, Any]) -> None:
        """Describe a run; what fails is said as a gap, once and for good.

        Args:
            run: the run's key.
            process: its ``process`` record.
        """
        for kind in _KINDS:
            self._describe(run, kind, process)

    def _describe(self, run: int, kind: str, process: dict[str, Any]) -> None:
        try:
            if kind == "environment":
                document = self._environments.document(process)
            else:
                document = code_state(process.get("cwd") or "/")
            self._add(run, kind, document)
        except Exception as error:
            if is_of_the_database(error):
                raise
            self._say(run, kind, error)

    def _say(self, run: int, kind: str, error: Exception) -> None:
        with self._store.writing():
            self._append.gap(
                f"{_KINDS[kind]} could not be described",
                at=time.time(),
                run=run,
                detail=f"{type(error).__name__}: {error}"[:500],
            )
        if kind == "code_state":
            # This document is also the sign that the run is described.
            self._add(run, kind, {"git": None, "reason": "it can't be described"})

    def _add(self, run: int, kind: str, document: dict[str, Any]) -> None:
        with self._store.writing():
            content = self._append.document(kind, document)
            self._append.run_event(run, kind, content, at=time.time())
