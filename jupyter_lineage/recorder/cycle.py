"""One round of the recorder's work: take what the spools hold, end runs, settle files.

Everything that happens to the database happens here, in short transactions that move facts and
the spools' positions together: killed at any moment, nothing is lost and nothing is there twice.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from ..store import Store, open_writer
from ..store.append import Append
from ..store.bookkeeping import Bookkeeping
from ..store.content import Content, content_folder
from .descriptions import Descriptions
from .files import Files
from .hashing import Hasher
from .intake import Intake
from .keep import Keeper, Limits, Rules
from .overwrites import Overwrites

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Recorder:
    """The recorder's work, without the process around it.

    Args:
        database: where to record to.
        limits: how many bytes of files are kept.
        say: told one line about what went wrong and did not stop the work.
        pause: called while a large file is read; it may call :meth:`take`.
    """

    def __init__(
        self,
        database: Path,
        *,
        limits: Limits | None = None,
        say: Callable[[str], None] = lambda _: None,
        pause: Callable[[], object] = lambda: None,
    ) -> None:
        self.database = database
        self._say = say
        self._limits = limits or Limits()
        self._pause = pause
        self._hasher = Hasher(pause)
        self._store: Store | None = None
        self._open()

    def _open(self) -> None:
        store = open_writer(self.database)
        self._store = store
        self._append = Append(store.connection)
        self._books = Bookkeeping(store.connection)
        content = Content(content_folder(self.database))
        content.sweep()
        keeper = Keeper(content, self._limits, self._pause)
        self._keeper = keeper
        self._descriptions = Descriptions(store, self._append)
        overwrites = Overwrites()
        overwrites.remember(self._books.every_pending())
        self._intake = Intake(
            store, self._append, self._books, overwrites=overwrites, say=self._say
        )
        self._files = Files(
            store,
            self._append,
            self._books,
            hasher=self._hasher,
            keeper=keeper,
            rules=Rules(self._broken_rules),
            changes=overwrites,
            look=self.take,
        )
        self._intake.new_runs += [
            (run, json.loads(process)) for run, process in self._books.without("code_state")
        ]

    @property
    def store(self) -> Store:
        """The open database."""
        assert self._store is not None, "the recorder is closed"
        return self._store

    @property
    def is_live(self) -> bool:
        """Whether some process may still write to a spool (as of the last look)."""
        return self._intake.is_live

    def close(self) -> None:
        """Close the database; what is in the spools stays there."""
        if self._store is not None:
            self._store.close()
            self._store = None

    def say_gap(self, reason: str, *, detail: str) -> None:
        """Put into the record that something is missing from it."""
        with self.store.writing():
            self._append.gap(reason, at=time.time(), detail=detail)

    def run_once(self) -> int:
        """Work until nothing is left that can be done now; return how many events were taken.

        Raises:
            StoreError: the database can't be written; nothing is lost.
        """
        total = 0
        while True:
            taken = self.take()
            total += taken
            settled = self.settle()
            if not taken and not settled:
                return total

    def take(self) -> int:
        """Take what the spools hold; return how many events that were."""
        return self._intake.take()

    def settle(self) -> int:
        """Describe new runs, hash, and make room; return how much was done."""
        done = self._describe_new_runs()
        done += self._files.work(self._intake.unsettled)
        try:
            self._make_room()
        except OSError as error:
            self._say(f"kept bytes can't be removed: {error}")
        return done

    def _describe_new_runs(self) -> int:
        done = 0
        while new := self._intake.new_runs:
            self._descriptions.add(*new[0])
            del new[0]
            done += 1
        return done

    def _make_room(self) -> None:
        for version, content in self._keeper.surplus(self._books):
            # The bytes go first: killed in between, the record still tells of bytes that are gone,
            # which the next round corrects. The other way round they would stay for ever.
            with self.store.writing():
                self._keeper.forget(content)
                self._append.content_event(
                    version, at=time.time(), kept=False, reason="made room for newer files"
                )

    def _broken_rules(self, path: Path, what: str) -> None:
        reason = f"{path} can't be used"
        if not self._books.is_said(reason, what):
            with self.store.writing():
                self._append.gap(reason, at=time.time(), detail=what)
