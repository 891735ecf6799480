"""What each kind of spool record means for the database.

One :class:`Ingest` takes the records of one transaction. A record that can't be used becomes a
gap and stops nobody else's. File events are only put aside here; :mod:`.files` settles them.
"""

from __future__ import annotations

import json
import os
import sqlite3
from typing import TYPE_CHECKING, Any

from ..probe.spool_reader import Torn
from ..store.append import optional
from . import dataflow
from .naming import reading_path, uri_of
from .outcome import parts
from .records import check_record, is_path
from .runs import KINDS, end_run, stop_tracked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..probe.scope import Ignored
    from ..store.append import Append
    from ..store.bookkeeping import Bookkeeping
    from .overwrites import Overwrites
    from .spools import Spool

_STATUSES = ("completed", "failed", "interrupted")
STARTED_PROGRAMS = "started other programs: the files they read or wrote are not seen"
"""The reason of the gap in the record of an execution that did."""
RAN_BEFORE = "cells ran before recording was loaded"
RAN_UNSEEN = "cells ran while recording was off"
TURNED_OFF = "recording was turned off by"
"""How the reason of the gap begins that tells who turned recording off, and in which execution."""

_TWO_PATHS = ("rename", "link")
_NO_DATA = ("symlink", "repeat")
_UNUSABLE = (
    *(KeyError, TypeError, ValueError, AttributeError, ArithmeticError),
    *(RecursionError, MemoryError),
    *(sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError, sqlite3.DataError),
)
"""What a record of the wrong shape can raise; errors of the disk or the file are not among it."""

_UNUSED = "a record could not be used"

Record = dict[str, Any]


class Ingest:
    """Takes records of spools, within one transaction.

    Args:
        connection: in a transaction.
        append: adds facts through it.
        books: the recorder's own rows through it.
        overwrites: told of every file event.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        append: Append,
        books: Bookkeeping,
        *,
        overwrites: Overwrites,
    ) -> None:
        self._overwrites = overwrites
        self._do = connection.execute
        self._append = append
        self._books = books
        self.new_runs: list[int] = []
        self.ended_executions: set[int] = set()
        self.ended_runs: set[int] = set()
        self._types: dict[str, Callable[[Spool, Record], None]] = {
            "cell": self._cell,
            "cell_end": self._cell_end,
            "outputs": self._outputs,
            "track": self._track,
            "recording": self._recording,
            "gap": self._gap,
            "child": self._child,
            "reproduction": self._reproduction,
            "refused": self._refused,
            "end": self._end,
        }

    def take(self, spool: Spool, record: Record | Torn, ignored: Ignored) -> None:
        """Take one record of a spool whose run is known.

        Args:
            spool: the spool it is from.
            record: the record, or what was torn.
            ignored: which paths are no data in this run.
        """
        if isinstance(record, Torn):
            self._append.gap(
                "a record was cut short",
                at=spool.header["at"],
                run=spool.run,
                detail=f"{record.size} bytes at {record.offset} of spool {spool.id}",
            )
            return
        self._do("SAVEPOINT record")
        try:
            check_record(record)
            if record["type"] == "file":
                self._file(spool, record, ignored)
            elif record["type"] in self._types:
                self._types[record["type"]](spool, record)
        except _UNUSABLE as error:
            self._do("ROLLBACK TO record")
            self._append.gap(
                _UNUSED,
                at=spool.header["at"],
                run=spool.run,
                detail=f"record {str(record.get('n'))[:20]} of spool {spool.id}: "
                f"{type(error).__name__}: {error}"[:500],
            )
        finally:
            self._do("RELEASE record")

    def begin_run(self, header: Record, *, detail: str | None = None) -> int:
        """Return the run that a spool's first record names, adding it where it is new.

        Args:
            header: the ``process`` record.
            detail: why the kernel's own first record is not to be had, where it is not.
        """
        known = self._append.run_key(header["run"])
        if known is not None:
            return known
        kind = header.get("run_kind")
        process = {key: value for key, value in header.items() if key not in ("v", "n", "ignored")}
        run = self._append.run(
            header["run"],
            process,
            kind=kind if kind in KINDS else "session",
            parent=header.get("run_parent"),
        )
        self.new_runs.append(run)
        if header.get("unseen"):
            self._append.gap(
                RAN_BEFORE,
                at=header["at"],
                run=run,
                count=int(header["unseen"]),
                detail=optional(header.get("unseen_reason")),
            )
        if detail is not None:
            self._append.gap("the kernel's first record is missing", at=header["at"], run=run)
        return run

    def _run_of(self, spool: Spool, record: Record) -> int:
        run = self._append.run_key(record.get("run")) or spool.run
        assert run is not None, "spools are read only once their run is known"
        return run

    def _execution_of(self, spool: Spool, record: Record) -> int | None:
        if "c" in record and "exec" not in record:
            if not record["c"] or spool.run is None:
                return None
            return self._books.numbered_cell(spool.run, record["c"])
        return self._append.execution_key(record.get("exec"))

    def _cell(self, spool: Spool, record: Record) -> None:
        if self._append.execution_key(record["exec"]) is not None:
            return
        execution = self._append.execution(self._run_of(spool, record), record)
        if spool.run is not None and record.get("c"):
            self._books.number_cell(spool.run, record["c"], execution)

    def _cell_end(self, spool: Spool, record: Record) -> None:
        execution = self._append.execution_key(record["exec"])
        if execution is None:
            raise KeyError("its cell record is missing")
        source = self._append.source_of(execution) or ""
        status = record["status"] if record["status"] in _STATUSES else "failed"
        self._append.execution_end(
            execution,
            {**record, "status": status},
            names_read=dataflow.reads(source),
            names_written=dataflow.writes(source) | _bound(record),
        )
        self.ended_executions.add(execution)
        self._modules(spool, record, execution)

    def _modules(self, spool: Spool, record: Record, execution: int) -> None:
        """Put the sources of local modules aside; a cached one is read without its being opened."""
        run = self._books.run_of(execution)
        # Changed after that it may be another version than the one that was imported.
        at = self._books.start_of(execution)
        for module in record.get("modules") or ():
            if not is_path(module["path"]):
                detail = f"a module of record {record['n']} of spool {spool.id}"
                self._append.gap(_UNUSED, at=record["at"], run=spool.run, detail=detail)
                continue
            read = {"op": "open", "flags": 0, "via": "import", "absolute": False}
            read |= {"path": module["path"], "at": at, "ns": record["ns"]}
            self._books.add_pending(read, run=run, execution=execution, pid=None)
            self._overwrites.see(run, execution, read)

    def _outputs(self, _: Spool, record: Record) -> None:
        execution = self._append.execution_key(record["exec"])
        if execution is None:
            raise KeyError("its cell record is missing")
        self._append.execution_output(execution, record)

    def _file(self, spool: Spool, record: Record, ignored: Ignored) -> None:
        op, path, path2 = record["op"], record["path"], record.get("path2")
        is_data = ignored.is_data(path)
        if op in _NO_DATA:
            return
        if op in _TWO_PATHS:
            if path2 is None or not ignored.is_data(path2):
                if op == "link" or not is_data:
                    return
                # Moved to where nothing is recorded: for the record it is gone.
                record = {**record, "op": "remove", "path2": None}
        elif not is_data:
            return
        execution = self._execution_of(spool, record)
        owner = self._owner(spool, execution)
        if op == "mkdir":
            name = os.fsencode(path)
            where = {"run": owner, "execution": execution, "absolute": record.get("absolute", True)}
            self._append.made_folder(uri_of(name), reading_path(name), record, **where)
            return
        for part in parts(record):
            stat = part.get("stat")
            self._books.add_pending(
                {**part, "stat": None if stat is None else json.dumps(stat)},
                run=owner,
                execution=execution,
                pid=spool.header.get("pid"),
            )
        self._overwrites.see(owner, execution, record)

    def _owner(self, spool: Spool, execution: int | None) -> int | None:
        """Return the run that an execution belongs to: a tracked child's may differ."""
        if execution is None:
            return spool.run
        return self._books.run_of(execution)

    def _track(self, spool: Spool, record: Record) -> None:
        verb, at = record["verb"], record["at"]
        if verb == "start":
            self._start(spool, record)
            return
        run = self._run_of(spool, record)
        execution = self._execution_of(spool, record)
        if verb == "stop":
            status = record.get("status")
            status = status if status in _STATUSES else "completed"
            stop_tracked(self._append, self._books, run, status=status, at=at)
        elif verb == "param":
            self._append.parameter(run, record["name"], record["value"], execution=execution, at=at)
        elif verb == "metric":
            value = float(record["value"])
            self._append.metric(run, record["name"], value, execution=execution, at=at)
        elif verb == "tag":
            self._append.run_event(run, "tag", record["name"], at=at)
        elif verb == "note":
            self._append.run_event(run, "note", record["value"], at=at)

    def _start(self, spool: Spool, record: Record) -> None:
        if self._append.run_key(record["run"]) is not None:
            return
        known = {**self._books.run_facts(self._run_of(spool, {"run": record.get("parent")}))}
        facts = {**known, "run_name": record.get("name"), "at": record["at"]}
        parent = record.get("parent") or spool.header["run"]
        self._append.run(record["run"], facts, kind="tracked", parent=parent)

    def _recording(self, spool: Spool, record: Record) -> None:
        run = self._run_of(spool, {})
        on, user, reason = record["on"], record.get("user"), record.get("reason")
        words = f"{'on' if on else 'off'} by {user or 'somebody'}"
        self._append.run_event(
            run, "recording", f"{words}: {reason}" if reason else words, at=record["at"]
        )
        if not on:
            self._append.gap(
                f"{TURNED_OFF} {user or 'somebody'}",
                at=record["at"],
                run=run,
                execution=self._execution_of(spool, record),
                detail=reason,
            )
        elif record.get("unseen"):
            self._append.gap(
                RAN_UNSEEN,
                at=record["at"],
                run=run,
                detail=f"turned {words}",
                count=int(record["unseen"]),
            )

    def _gap(self, spool: Spool, record: Record) -> None:
        self._append.gap(
            record["reason"],
            at=record["at"],
            run=spool.run,
            execution=self._execution_of(spool, record),
            detail=record.get("detail"),
            count=int(record.get("count") or 1),
        )

    def _child(self, spool: Spool, record: Record) -> None:
        execution = self._execution_of(spool, record)
        if execution is None:
            raise KeyError("its cell record is missing")
        program = record.get("program")
        said = self._do(
            "SELECT 1 FROM gap WHERE execution_id = ? AND reason = ? AND detail IS ?",
            (execution, STARTED_PROGRAMS, program),
        )
        if said.fetchone() is None:
            self._append.gap(
                STARTED_PROGRAMS,
                at=record["at"],
                run=self._owner(spool, execution),
                execution=execution,
                detail=program,
            )

    def _reproduction(self, spool: Spool, record: Record) -> None:
        original = self._append.run_key(record["original"])
        if original is None:
            raise KeyError("the original run is not in this database")
        self._append.reproduction(self._run_of(spool, record), original, record)

    def _refused(self, spool: Spool, record: Record) -> None:
        self._append.gap(
            "a change outside the reproduction's folder was refused",
            at=record["at"],
            run=spool.run,
            execution=self._execution_of(spool, record),
            detail=f"{record.get('op')} {record['path']}",
        )

    def _end(self, spool: Spool, record: Record) -> None:
        if spool.is_root and spool.run is not None:
            end_run(self._append, self._books, spool.run, status="completed", at=record["at"])
            self.ended_runs.add(spool.run)


def _bound(record: Mapping[str, Any]) -> set[str]:
    """Return the names that a cell surely bound; of those left ``same`` only the text can tell."""
    return {name for name, seen in (record.get("names") or {}).items() if not seen.get("same")}
