"""Taking what the spools hold into the database, and ending what nobody writes to any more.

The facts of a spool and how far it is read change in the same short transaction.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

from ..probe.scope import Ignored
from ..probe.spool_reader import Torn, read_spool
from ..store.health import set_aside
from ..store.sqlite import is_of_the_database
from .ingest import Ingest
from .records import is_whole
from .runs import end_run
from .spools import Spool, folders, is_unreadable_on, list_spools, read_header
from .unrecorded import Leftovers

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ..store import Store
    from ..store.append import Append
    from ..store.bookkeeping import Bookkeeping
    from .overwrites import Overwrites

_BATCH = 2000
_ORPHAN_SECONDS = 10.0
_IN_DAMAGED = "earlier records of this run were in a database that was damaged"
_VERDICT_ALONE = "a reproduction's verdict came without the reproduction"
_UNREADABLE = "a spool holds lines of a newer version, which wait"


class Intake:
    """Follows the spools of one database.

    Args:
        store: the database, open for writing.
        append: adds facts.
        books: the recorder's own rows.
        overwrites: told of every file event.
        say: told one line about what went wrong and did not stop the work.
    """

    def __init__(
        self,
        store: Store,
        append: Append,
        books: Bookkeeping,
        *,
        overwrites: Overwrites,
        say: Callable[[str], None],
    ) -> None:
        self._store = store
        self._append = append
        self._books = books
        self._overwrites = overwrites
        self._say = say
        self._spools: dict[str, Spool] = {}
        self._ignored: dict[str, Ignored] = {}
        self._odd: set[str] = set()
        self._left = Leftovers(store, append, books)
        self.unsettled: set[int] = set()
        """Executions that ended in the last look: their last file events may not be taken yet."""
        self.is_live = False
        """Whether some process may still write to a spool (as of the last look)."""
        self.new_runs: list[tuple[int, dict[str, Any]]] = []
        """Runs (key, ``process`` record) that were begun; whoever describes them takes them out."""
        with store.writing():
            books.tidy_spools()
        self._end_vanished()

    def take(self) -> int:
        """Take what the spools hold; return how many events that were.

        Sizes are looked up before any reading, and kernels' own spools are read before those of
        their forks and shims: so the record of a cell is always taken before what happened in it.
        """
        self.unsettled.clear()
        self._left.look()
        found: dict[str, int] = {}
        for folder in folders(self._store.path):
            for spool_id, size in list_spools(folder):
                found[spool_id] = size
                self._meet(spool_id, folder, size)
        for spool_id in set(self._spools) - set(found):
            del self._spools[spool_id]
        alive = self._alive()
        self.is_live = any(alive.values())
        taken = 0
        for spool in sorted(self._spools.values(), key=lambda one: (not one.is_root, one.id)):
            with self._one_spool(spool):
                taken += self._take_from(spool)
                if not alive[spool.id]:
                    taken += self._finish(spool)
        return taken + self._left.settle({spool.header["run"] for spool in self._spools.values()})

    def _alive(self) -> dict[str, bool]:
        """Tell of each spool whether it may still be written to.

        What one spool of a process tells holds for its others: the shim's does not know when its
        process began.
        """
        alive = {spool.id: spool.is_alive() for spool in self._spools.values()}
        living = {
            spool.header.get("process") for spool in self._spools.values() if alive[spool.id]
        } - {None}
        return {
            spool.id: alive[spool.id] or spool.header.get("process") in living
            for spool in self._spools.values()
        }

    @contextlib.contextmanager
    def _one_spool(self, spool: Spool) -> Iterator[None]:
        """Keep what is wrong with one spool from the others; the database's troubles go on up."""
        try:
            yield
        except Exception as error:
            if is_of_the_database(error):
                raise
            text = f"spool {spool.path}: {type(error).__name__}: {error}"
            if text not in spool.asked:
                spool.asked.add(text)
                self._say(text)

    def _meet(self, spool_id: str, folder: Path, size: int) -> None:
        try:
            self._look(spool_id, folder, size)
        except Exception as error:
            if is_of_the_database(error):
                raise
            if spool_id not in self._odd:
                self._odd.add(spool_id)
                self._say(f"spool {spool_id} can't be read: {error}")

    def _look(self, spool_id: str, folder: Path, size: int) -> None:
        known = self._spools.get(spool_id)
        if known is None:
            header = read_header(folder / f"{spool_id}.spool")
            if not header:
                self._say_odd(spool_id, folder, broken=header is not None)
                return
            known = Spool(id=spool_id, folder=folder, header=header)
            row = self._books.spool(spool_id)
            if row is not None:
                known.run, known.taken, known.last_n = row["run_id"], row["taken"], row["last_n"]
                known.reread_to = row["last_n"] if row["ended"] else 0
            self._spools[spool_id] = known
        known.size = size
        if size < known.taken:
            # Not the file that was read: what it repeats is known by its numbers.
            known.taken, known.reread_to = 0, known.last_n

    def _take_from(self, spool: Spool) -> int:
        if spool.size <= spool.taken or not self._has_run(spool):
            return 0
        total = 0
        limit = None if spool.is_root else spool.size
        while True:
            count, more = self._take_batch(spool, limit)
            total += count
            if not more:
                break
        if spool.taken < spool.size and not spool.stuck:
            self._say_unreadable(spool)
        return total

    def _take_batch(self, spool: Spool, limit: int | None) -> tuple[int, bool]:
        """Take up to :data:`_BATCH` records in one transaction; tell whether there may be more."""
        ignored = self._ignored_of(spool)
        offset, last_n, count, lines = spool.taken, spool.last_n, 0, 0
        with self._store.writing() as connection:
            ingest = self._ingest(connection)
            for record, after in read_spool(spool.path, spool.taken):
                if limit is not None and after > limit:
                    break
                offset, lines = after, lines + 1
                number = _number(record)
                if not spool.reread_to or number > spool.reread_to:
                    ingest.take(spool, record, ignored)
                    count += 1
                last_n = max(last_n, number)
                if lines == _BATCH:
                    break
            if lines:
                self._books.advance(spool.id, taken=offset, last_n=last_n)
        spool.taken, spool.last_n = offset, last_n
        self.unsettled |= ingest.ended_executions
        return count, lines == _BATCH

    def _ingest(self, connection: sqlite3.Connection) -> Ingest:
        return Ingest(connection, self._append, self._books, overwrites=self._overwrites)

    def _has_run(self, spool: Spool) -> bool:
        """Find or begin a spool's run; False where the kernel's own record has to come first."""
        if spool.run is not None:
            return True
        run = self._append.run_key(spool.header["run"])
        orphan = None
        if run is None and not spool.is_root:
            age = time.time() - spool.path.stat().st_mtime
            if age < _ORPHAN_SECONDS:
                return False
            if elsewhere := self._why_of_no_run(spool):
                self._give_up(spool, elsewhere)
                return False
            orphan = "only a helper's spool was found"
        with self._store.writing() as connection:
            ingest = self._ingest(connection)
            run = ingest.begin_run(spool.header, detail=orphan)
            if orphan and not spool.header.get("alive"):
                # Of a fork's kernel nothing will ever be heard.
                end_run(self._append, self._books, run, status="died", at=spool.header["at"])
            self._books.add_spool(
                spool.id, str(spool.folder), run=run, process=spool.header.get("process")
            )
        spool.run = run
        self.new_runs += [(key, spool.header) for key in ingest.new_runs]
        return True

    def _why_of_no_run(self, spool: Spool) -> str:
        """Say why an orphan is no sign of a run that this database should have; else ``""``."""
        begun = spool.header["at"]
        if any(old.stat().st_ctime >= begun for old in set_aside(self._store.path)):
            return _IN_DAMAGED
        return _VERDICT_ALONE if spool.header["writer"] == "reproduce" else ""

    def _give_up(self, spool: Spool, reason: str) -> None:
        """Say in place of a spool that the run which it goes on with is not here."""
        if spool.is_alive():
            return
        run = str(spool.header["run"])
        said = self._books.is_said(reason, run)
        with self._store.writing():
            if not said:
                self._append.gap(reason, at=spool.header["at"], detail=run)
            self._books.add_spool(spool.id, str(spool.folder), run=None, process=None)
            self._books.end_spool(spool.id)
        spool.path.unlink(missing_ok=True)
        del self._spools[spool.id]

    def _ignored_of(self, spool: Spool) -> Ignored:
        """Return which paths are no data: the kernel's own spool says it for all of its run."""
        run = spool.header["run"]
        if spool.header.get("ignored") is not None and run not in self._ignored:
            self._ignored[run] = Ignored(spool.header["ignored"])
        return self._ignored.get(run) or Ignored(())

    def _say_unreadable(self, spool: Spool) -> None:
        if not is_unreadable_on(spool.path, spool.taken):
            return
        spool.stuck = True
        said = self._books.is_said(_UNREADABLE, spool.id)
        with self._store.writing():
            self._books.refuse_spool(spool.id, str(spool.folder))
            if not said:
                self._append.gap(_UNREADABLE, at=time.time(), run=spool.run, detail=spool.id)

    def _say_odd(self, spool_id: str, folder: Path, *, broken: bool) -> None:
        """Say once that a spool can't be read from its first line on; it is left where it is."""
        reason = "a spool's first record is broken" if broken else _UNREADABLE
        if spool_id in self._odd or not (
            broken or is_unreadable_on(folder / f"{spool_id}.spool", 0)
        ):
            return
        self._odd.add(spool_id)
        said = self._books.is_said(reason, spool_id)
        with self._store.writing():
            self._books.refuse_spool(spool_id, str(folder))
            if not said:
                self._append.gap(reason, at=time.time(), detail=spool_id)

    def _finish(self, spool: Spool) -> int:
        """End what a process that is gone has left, and remove its spool once it is read whole."""
        if spool.run is None:
            return 0
        status = spool.path.stat()
        if spool.taken < status.st_size and not spool.stuck:
            spool.size = status.st_size
            taken = self._take_from(spool)
            torn = not spool.stuck and spool.taken < status.st_size
            if torn and spool.path.stat().st_size == status.st_size:
                self._take_torn_end(spool, status.st_size)
            return taken + int(torn)
        if spool.ended:
            return 0
        spool.ended = True
        with self._store.writing():
            if spool.header.get("alive") and (spool.is_root or not self._has_root(spool)):
                how, at = self._left.how_it_ended(spool.header["run"], status.st_mtime)
                end_run(self._append, self._books, spool.run, status=how, at=at)
            if not spool.stuck:
                self._books.end_spool(spool.id)
        if not spool.stuck:
            self._remove(spool)
        return 0

    def _has_root(self, spool: Spool) -> bool:
        run = spool.header["run"]
        return any(one.is_root and one.header["run"] == run for one in self._spools.values())

    def _take_torn_end(self, spool: Spool, size: int) -> None:
        """Take what a process that was killed in the middle of a write has left."""
        torn = Torn(spool.taken, size - spool.taken)
        with self._store.writing() as connection:
            self._ingest(connection).take(spool, torn, Ignored(()))
            self._books.advance(spool.id, taken=size, last_n=spool.last_n)
        spool.taken = size

    def _remove(self, spool: Spool) -> None:
        spool.path.unlink(missing_ok=True)
        del self._spools[spool.id]
        assert spool.run is not None, "only a spool with a run is removed"
        others = [one for one in self._spools.values() if one.header["run"] == spool.header["run"]]
        if others:
            return
        self._ignored.pop(spool.header["run"], None)
        if spool.header.get("alive"):
            (spool.folder / spool.header["alive"]).unlink(missing_ok=True)
        with self._store.writing():
            self._books.forget_numbers(spool.run)

    def _end_vanished(self) -> None:
        """End runs of this machine whose spools somebody removed: nobody else would."""
        here = {str(folder) for folder in folders(self._store.path)}
        for run in self._books.running():
            spools = self._books.spool_folders(run)
            own = [(id_, folder) for id_, folder in spools if folder in here]
            if not own or any(
                (folder_ / f"{id_}.spool").exists()
                for id_, folder in own
                for folder_ in folders(self._store.path)
                if str(folder_) == folder
            ):
                continue
            with self._store.writing():
                now = time.time()
                end_run(self._append, self._books, run, status="died", at=now)
                self._append.gap("its spool is gone", at=now, run=run)


def _number(record: dict[str, Any] | Torn) -> int:
    """Return a record's number in its spool, 0 where it has none that can be used."""
    number = None if isinstance(record, Torn) else record.get("n")
    return int(number) if is_whole(number) else 0  # type: ignore[arg-type]
