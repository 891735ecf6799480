"""What the recorder keeps for itself: how far spools are read, what waits, which runs still go on.

The only rows in the database that are updated or deleted. They lie there and not in a file so
that they change in the same transaction as the facts: a recorder that is killed between the two
would lose or double some.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping


class Pending(NamedTuple):
    """A file event whose meaning or hash is not settled yet; columns of ``pending_file``."""

    id: int
    run_id: int
    execution_id: int | None
    pid: int | None
    op: str
    path: bytes
    path2: bytes | None
    flags: int
    absolute: int
    absolute2: int
    stat: str | None
    via: str
    at: float
    ns: int
    version_id: int | None
    reason: str | None


_COLUMNS = ", ".join(Pending._fields)
_KNOWN_READ = "(version_id NOT NULL OR reason NOT NULL) AND op = 'open' AND flags & 3 = 0"
_STATUS = (
    "(SELECT value FROM run_event WHERE run_id = {} AND kind = 'status' ORDER BY id DESC LIMIT 1)"
)


_ENDED_SPOOLS = 1000


class Bookkeeping:
    """Reads and changes the recorder's own rows through one connection.

    Args:
        connection: of a store opened for writing.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._do = connection.execute

    # Spools

    def spool(self, spool: str) -> sqlite3.Row | None:
        """Return what is known of a spool (``run_id``, ``taken``, ``last_n``), None if nothing."""
        row: sqlite3.Row | None = self._do("SELECT * FROM spool WHERE id = ?", (spool,)).fetchone()
        return row

    def add_spool(self, spool: str, folder: str, *, run: int | None, process: str | None) -> None:
        """Begin to follow a spool."""
        self._do(
            "INSERT INTO spool (id, folder, run_id, process) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET run_id = excluded.run_id, process = excluded.process",
            (spool, folder, run, process),
        )

    def refuse_spool(self, spool: str, folder: str) -> None:
        """Say that what a spool still holds can't be taken by this recorder."""
        self._do(
            "INSERT INTO spool (id, folder, refused) VALUES (?, ?, 1)"
            " ON CONFLICT (id) DO UPDATE SET refused = 1",
            (spool, folder),
        )

    def tidy_spools(self) -> None:
        """Forget the oldest spools that ended, and which ones an earlier recorder refused.

        Some are remembered for a process that was taken for dead and writes on under that name.
        """
        self._do(
            "DELETE FROM spool WHERE ended = 1 AND rowid <= (SELECT max(rowid) FROM spool) - ?",
            (_ENDED_SPOOLS,),
        )
        self._do("UPDATE spool SET refused = 0 WHERE refused = 1")

    def advance(self, spool: str, *, taken: int, last_n: int) -> None:
        """Say how far a spool is read: bytes, and the highest sequence number."""
        self._do("UPDATE spool SET taken = ?, last_n = ? WHERE id = ?", (taken, last_n, spool))

    def end_spool(self, spool: str) -> None:
        """Say that a spool is read whole and about to be removed.

        A file that appears under its name later is read from its start, older numbers skipped.
        """
        self._do("UPDATE spool SET taken = 0, ended = 1 WHERE id = ?", (spool,))

    def spool_folders(self, run: int) -> list[tuple[str, str]]:
        """Return (spool id, folder) of the spools of a run."""
        found = self._do("SELECT id, folder FROM spool WHERE run_id = ?", (run,))
        return [(row[0], row[1]) for row in found]

    # Runs that go on

    def status(self, run: int) -> str:
        """Return a run's latest status."""
        row = self._do(f"SELECT {_STATUS.format('?')}", (run,)).fetchone()
        return str(row[0])

    def running(self) -> list[int]:
        """Return the runs that have a spool which is not read whole and have not ended."""
        found = self._do("SELECT DISTINCT run_id FROM spool WHERE ended = 0 AND run_id NOT NULL")
        return [row[0] for row in found.fetchall() if self.status(row[0]) == "running"]

    def runs_inside(self, run: int) -> list[int]:
        """Return ``run`` and the child runs in its kernel, innermost first."""
        inside = [run]
        for parent in inside:
            children = self._do(
                "SELECT id FROM run WHERE parent_id = ? AND kind IN ('tracked', 'trial')", (parent,)
            )
            inside += [row[0] for row in children]
        return inside[::-1]

    def open_executions(self, run: int) -> list[int]:
        """Return the executions of a run that have no end."""
        found = self._do(
            "SELECT e.id FROM execution e LEFT JOIN execution_end d ON d.execution_id = e.id"
            " WHERE e.run_id = ? AND d.execution_id IS NULL",
            (run,),
        )
        return [row[0] for row in found]

    def without(self, kind: str) -> list[tuple[int, str]]:
        """Return (run, ``process`` document) of recent runs that lack an event of ``kind``."""
        found = self._do(
            "SELECT r.id, r.process FROM (SELECT * FROM run ORDER BY id DESC LIMIT 1000) r"
            " WHERE r.kind NOT IN ('tracked', 'trial')"
            " AND NOT EXISTS (SELECT 1 FROM run_event x WHERE x.run_id = r.id AND x.kind = ?)",
            (kind,),
        )
        return [(row[0], row[1]) for row in found]

    def run_of(self, execution: int) -> int:
        """Return the run that an execution belongs to."""
        row = self._do("SELECT run_id FROM execution WHERE id = ?", (execution,)).fetchone()
        return int(row[0])

    def start_of(self, execution: int) -> float:
        """Return when an execution began, in seconds since the epoch."""
        row = self._do("SELECT started_at FROM execution WHERE id = ?", (execution,)).fetchone()
        return datetime.fromisoformat(row[0]).timestamp()

    def run_facts(self, run: int) -> dict[str, Any]:
        """Return what a child run shares with its parent: place, person, machine."""
        row = self._do(
            "SELECT notebook, notebook_source, kernel_id, cwd, user, user_source, host,"
            " capture_level FROM run WHERE id = ?",
            (run,),
        ).fetchone()
        return dict(row)

    # The numbers by which the shim calls executions

    def number_cell(self, run: int, c: int, execution: int) -> None:
        """Remember which execution is number ``c`` of the kernel of ``run``."""
        self._do("INSERT OR IGNORE INTO cell_number VALUES (?, ?, ?)", (run, c, execution))

    def numbered_cell(self, run: int, c: int) -> int | None:
        """Return the execution that is number ``c`` of the kernel of ``run``."""
        row = self._do(
            "SELECT execution_id FROM cell_number WHERE run_id = ? AND c = ?", (run, c)
        ).fetchone()
        return None if row is None else int(row[0])

    def forget_numbers(self, run: int) -> None:
        """Forget the numbers of a run whose spools are all read and gone."""
        self._do("DELETE FROM cell_number WHERE run_id = ?", (run,))

    # Files that wait

    def add_pending(self, record: Mapping[str, Any], **keys: int | None) -> None:
        """Remember a ``file`` record until it is settled.

        Args:
            record: the record; ``stat`` is JSON text already.
            keys: ``run``, ``execution`` and ``pid``.
        """
        path2 = record.get("path2")
        values = (
            *(keys["run"], keys["execution"], keys["pid"], record["op"]),
            os.fsencode(record["path"]),
            None if path2 is None else os.fsencode(path2),
            *(record.get("flags") or 0, int(bool(record.get("absolute", True)))),
            *(int(bool(record.get("absolute2", True))), record.get("stat")),
            *(record.get("via") or "python", record["at"], record["ns"]),
        )
        self._do(
            "INSERT INTO pending_file (run_id, execution_id, pid, op, path, path2, flags, absolute,"
            " absolute2, stat, via, at, ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            values,
        )

    def pending_groups(self) -> list[tuple[int, int | None]]:
        """Return the (run, execution) pairs that have file events waiting, oldest first."""
        found = self._do(
            "SELECT run_id, execution_id FROM pending_file GROUP BY run_id, execution_id"
            " ORDER BY min(id)"
        )
        return [(row[0], row[1]) for row in found]

    def pending(self, run: int, execution: int | None, *, only_open: bool = False) -> list[Pending]:
        """Return the waiting file events of one execution (None: between cells), in their order.

        Args:
            run: the run's key.
            execution: the execution's key.
            only_open: leave out reads whose version is known.
        """
        which = f" AND NOT ({_KNOWN_READ})" if only_open else ""
        found = self._do(
            f"SELECT {_COLUMNS} FROM pending_file WHERE run_id = ? AND execution_id IS ?"  # noqa: S608
            f"{which} ORDER BY ns, id",
            (run, execution),
        )
        return [Pending(*row) for row in found]

    def every_pending(self) -> list[Pending]:
        """Return all waiting file events."""
        found = self._do(f"SELECT {_COLUMNS} FROM pending_file ORDER BY id")  # noqa: S608
        return [Pending(*row) for row in found]

    def last_pending(self, run: int, execution: int | None) -> float:
        """Return when the last waiting file event of one execution was, 0 where none waits."""
        row = self._do(
            "SELECT max(at) FROM pending_file WHERE run_id = ? AND execution_id IS ?",
            (run, execution),
        ).fetchone()
        return float(row[0] or 0)

    def set_pending(self, id_: int, *, version: int | None, reason: str | None) -> None:
        """Keep the version that a waiting read was found to have, or why there is none."""
        self._do(
            "UPDATE pending_file SET version_id = ?, reason = ? WHERE id = ?",
            (version, reason, id_),
        )

    def hold_pending(self, id_: int, path: bytes, *, reason: str) -> None:
        """Say that the file of a waiting write, so named by now, can't be settled yet."""
        self._do(
            "UPDATE pending_file SET path = ?, reason = ?,"
            " path2 = CASE WHEN path2 IS NULL THEN NULL ELSE ? END WHERE id = ?",
            (path, reason, path, id_),
        )

    def drop_pending(self, ids: Iterable[int]) -> None:
        """Forget file events that are settled."""
        for id_ in ids:
            self._do("DELETE FROM pending_file WHERE id = ?", (id_,))

    def end_of(self, execution: int) -> str | None:
        """Return when an execution ended (ISO 8601), None while it runs."""
        row = self._do(
            "SELECT ended_at FROM execution_end WHERE execution_id = ?", (execution,)
        ).fetchone()
        return None if row is None else str(row[0])

    # Kept bytes

    def is_said(self, reason: str, detail: str) -> bool:
        """Tell whether a gap with these words is in the record."""
        row = self._do("SELECT 1 FROM gap WHERE reason = ? AND detail = ?", (reason, detail))
        return row.fetchone() is not None

    def is_said_of(self, run: int, reason: str) -> bool:
        """Tell whether a run has a gap with this reason."""
        row = self._do("SELECT 1 FROM gap WHERE run_id = ? AND reason = ?", (run, reason))
        return row.fetchone() is not None

    def version_of(self, content: str) -> tuple[int, bool | None, str | None] | None:
        """Return (key, whether its bytes are kept, why not) of a hash, None for an unknown one."""
        row = self._do(
            "SELECT v.id, c.kept, c.reason FROM file_version v LEFT JOIN content_event c ON c.id ="
            " (SELECT max(id) FROM content_event WHERE version_id = v.id) WHERE v.hash = ?",
            (content,),
        ).fetchone()
        return None if row is None else (row[0], None if row[1] is None else bool(row[1]), row[2])

    def version_with(self, uri: str, signature: str) -> tuple[str, int] | None:
        """Return the hash and size in bytes of what was seen at a place with this signature."""
        row = self._do(
            "SELECT v.hash, v.size FROM location l JOIN use u ON u.location_id = l.id"
            " JOIN file_version v ON v.id = u.version_id"
            " WHERE l.uri = ? AND u.signature = ? LIMIT 1",
            (uri, signature),
        ).fetchone()
        return None if row is None else (str(row[0]), int(row[1]))

    def newest_version(self, uri: str) -> tuple[str, int] | None:
        """Return the hash and size in bytes of what was last met at a place.

        None where nothing was, or where it is not known what.
        """
        row = self._do(
            "SELECT v.hash, v.size FROM location l JOIN use u ON u.location_id = l.id"
            " LEFT JOIN file_version v ON v.id = u.version_id"
            " WHERE l.uri = ? ORDER BY u.id DESC LIMIT 1",
            (uri,),
        ).fetchone()
        return None if row is None or row[0] is None else (str(row[0]), int(row[1]))

    def hash_of(self, version: int) -> tuple[str, int]:
        """Return a version's hash and size in bytes."""
        row = self._do("SELECT hash, size FROM file_version WHERE id = ?", (version,)).fetchone()
        return str(row[0]), int(row[1])

    def least_valuable(self, limit: int = 50) -> list[tuple[int, str]]:
        """Return (key, hash) of kept versions that are missed the least.

        First what a run made, since it can be made again, then what was only read; within each,
        what was not used for the longest time.
        """
        found = self._do(
            "SELECT v.id, v.hash FROM file_version v JOIN content_event c ON c.id ="
            " (SELECT max(id) FROM content_event WHERE version_id = v.id)"
            " WHERE c.kept = 1 ORDER BY NOT EXISTS"
            " (SELECT 1 FROM run_io WHERE version_id = v.id AND role = 'write'),"
            " (SELECT max(id) FROM use WHERE version_id = v.id), v.id LIMIT ?",
            (limit,),
        )
        return [(row[0], row[1]) for row in found]
