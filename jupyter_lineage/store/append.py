"""Adding facts: every statement by which the recorder puts runs, cells and files into the database.

Nothing here updates or deletes a fact. What the recorder keeps for itself (how far a spool is
read, which files wait for their hash) is in :mod:`.bookkeeping`; reading is in :mod:`.queries`.
All methods of :class:`Append` expect to run inside :meth:`.sqlite.Store.writing`.
"""

from __future__ import annotations

import json
import math
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ..ids import hash_bytes, to_bytes
from .queries import pack_digests, pack_outputs
from .text import storable

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping


def timestamp(at: float) -> str:
    """Return seconds since the epoch as ISO 8601 in UTC, as every ``…at`` column holds it."""
    return datetime.fromtimestamp(at, timezone.utc).isoformat(timespec="microseconds")


def optional(value: object) -> str | None:
    """Return ``value`` as storable text, None for None."""
    return None if value is None else storable(str(value))


class Append:
    """Adds facts through one connection.

    Args:
        connection: of a store opened for writing.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._do = connection.execute

    def _add(self, table: str, **values: object) -> int:
        names = ", ".join(values)
        marks = ", ".join("?" * len(values))
        statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 - our own names
        return int(self._do(statement, tuple(values.values())).lastrowid or 0)

    def _key(self, statement: str, *values: object) -> int | None:
        row = self._do(statement, values).fetchone()
        return None if row is None or row[0] is None else int(row[0])

    def run_key(self, uid: str | None) -> int | None:
        """Return the integer key of a run's id, None for an unknown one."""
        if not uid:
            return None
        return self._key("SELECT id FROM run WHERE uid = ?", to_bytes(uid))

    def run(self, uid: str, record: Mapping[str, Any], *, kind: str, parent: str | None) -> int:
        """Add a run and its first status, ``running``; return its key.

        Args:
            uid: the run's UUIDv7.
            record: its ``process`` record (or what is known in place of it).
            kind: one of the kinds of runs.
            parent: the parent's id; one that is not in this database is left out.
        """
        key = self._add(
            "run",
            uid=to_bytes(uid),
            parent_id=self.run_key(parent),
            kind=kind,
            name=optional(record.get("run_name")),
            notebook=optional(record.get("notebook")),
            notebook_source=optional(record.get("notebook_source")),
            kernel_id=optional(record.get("kernel_id")),
            cwd=optional(record.get("cwd")),
            user=optional(record.get("user")),
            user_source=optional(record.get("user_source")),
            host=optional(record.get("host")),
            started_at=timestamp(record["at"]),
            capture_level="full" if record.get("capture_level") == "full" else "python-only",
            process=json.dumps(record, sort_keys=True),
        )
        self.run_event(key, "status", "running", at=record["at"])
        return key

    def run_event(self, run: int, kind: str, value: str, *, at: float) -> None:
        """Add what changed about a run: its status, a tag, a note, its environment and so on."""
        self._add("run_event", run_id=run, at=timestamp(at), kind=kind, value=storable(value))

    def execution_key(self, uid: str | None) -> int | None:
        """Return the integer key of an execution's id, None for an unknown one."""
        if not uid:
            return None
        return self._key("SELECT id FROM execution WHERE uid = ?", to_bytes(uid))

    def execution(self, run: int, record: Mapping[str, Any]) -> int:
        """Add an execution from its ``cell`` record; return its key."""
        number = self._key("SELECT max(number) FROM execution WHERE run_id = ?", run)
        source = record.get("source")
        return self._add(
            "execution",
            uid=to_bytes(record["exec"]),
            run_id=run,
            number=(number or 0) + 1,
            execution_count=record.get("count"),
            cell_id=optional(record.get("cell_id")),
            source_id=None if source is None else self.source(source),
            source_size=record.get("size") or 0,
            source_sha256=record.get("sha256"),
            masked=record.get("masked") or 0,
            cwd=optional(record.get("cwd")),
            started_at=timestamp(record["at"]),
        )

    def source(self, text: str) -> int:
        """Return the key of a source text, adding it where it is new."""
        text = storable(text)
        content = hash_bytes(text.encode())
        found = self._key("SELECT id FROM source WHERE hash = ?", content)
        return found or self._add("source", hash=content, text=text)

    def source_of(self, execution: int) -> str | None:
        """Return the source of an execution, None where it was too large to keep."""
        row = self._do(
            "SELECT s.text FROM execution e JOIN source s ON s.id = e.source_id WHERE e.id = ?",
            (execution,),
        ).fetchone()
        return None if row is None else str(row[0])

    def execution_end(
        self,
        execution: int,
        record: Mapping[str, Any],
        *,
        names_read: Iterable[str],
        names_written: Iterable[str],
    ) -> None:
        """Add an execution's end from its ``cell_end`` record; a second end of one is ignored."""
        error = record.get("error")
        self._do(
            "INSERT OR IGNORE INTO execution_end (execution_id, status, ended_at, seconds, error,"
            " names_read, names_written, digests, random) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                execution,
                record["status"],
                timestamp(record["at"]),
                record.get("seconds"),
                None if error is None else json.dumps(error),
                json.dumps(sorted(names_read)),
                json.dumps(sorted(names_written)),
                pack_digests(record.get("names") or {}),
                json.dumps(record.get("random") or {}, sort_keys=True),
            ),
        )

    def execution_output(self, execution: int, record: Mapping[str, Any]) -> None:
        """Add what an execution put out from its ``outputs`` record; a second one is ignored."""
        outputs = record.get("outputs")
        self._do(
            "INSERT OR IGNORE INTO execution_output"
            " (execution_id, hash, capped_sha256, size, count, masked, outputs)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                execution,
                record.get("hash"),
                record.get("capped_sha256"),
                record.get("size") or 0,
                record.get("count") or 0,
                record.get("masked") or 0,
                None if outputs is None else pack_outputs(outputs),
            ),
        )

    def version(self, content: str, size: int) -> int:
        """Return the key of a file version, adding it where it is new."""
        found = self._key("SELECT id FROM file_version WHERE hash = ?", content)
        return found or self._add("file_version", hash=content, size=size)

    def content_event(self, version: int, *, at: float, kept: bool, reason: str | None) -> None:
        """Say whether a version's bytes are in the content store; nothing when that is known."""
        row = self._do(
            "SELECT kept, reason FROM content_event WHERE version_id = ? ORDER BY id DESC LIMIT 1",
            (version,),
        ).fetchone()
        if row is None or bool(row[0]) != kept or (not kept and row[1] != reason):
            self._add(
                "content_event", version_id=version, at=timestamp(at), kept=int(kept), reason=reason
            )

    def _location(self, uri: str, path: str) -> int:
        return self.location_key(uri) or self._add("location", uri=uri, path=storable(path))

    def location_key(self, uri: str) -> int | None:
        """Return the key of a location, None where nothing was ever seen there."""
        return self._key("SELECT id FROM location WHERE uri = ?", uri)

    def use(self, role: str, uri: str, path: str, **facts: Any) -> bool:
        """Add that a run read, wrote or removed a file; nothing when that is there already.

        Args:
            role: ``read``, ``write`` or ``remove``.
            uri: where, exact.
            path: where, to read.
            facts: ``run``, ``execution``, ``version``, ``reason``, ``at``, ``ns``, ``size``,
                ``via``, ``absolute``, and ``signature`` (JSON; what surely goes with the version).

        Returns:
            Whether it was new.
        """
        location = self._location(uri, path)
        known = self._key(
            # By place: many files may have the same content, and the planner does not know that.
            "SELECT id FROM use INDEXED BY use_run"
            " WHERE run_id = ? AND location_id = ? AND execution_id IS ?"
            " AND role = ? AND version_id IS ?",
            *(facts["run"], location, facts["execution"], role, facts["version"]),
        )
        if known is not None:
            return False
        self._add(
            "use",
            run_id=facts["run"],
            execution_id=facts["execution"],
            location_id=location,
            version_id=facts["version"],
            role=role,
            at=timestamp(facts["at"]),
            ns=facts["ns"],
            size=facts["size"],
            reason=facts["reason"],
            via=facts["via"],
            absolute=int(facts["absolute"]),
            signature=facts.get("signature"),
        )
        if facts["version"] is not None:
            self._do(
                "INSERT OR IGNORE INTO run_io (run_id, role, version_id) VALUES (?, ?, ?)",
                (facts["run"], role, facts["version"]),
            )
        return True

    def made_folder(
        self, uri: str, path: str, record: Mapping[str, Any], **facts: int | bool | None
    ) -> None:
        """Add that a run made a folder.

        Args:
            uri: where, exact.
            path: where, to read.
            record: its ``file`` record.
            facts: ``run``, ``execution`` (None between cells) and ``absolute`` (as it was given).
        """
        self._add(
            "made_folder",
            run_id=facts["run"],
            execution_id=facts["execution"],
            location_id=self._location(uri, path),
            at=timestamp(record["at"]),
            ns=record["ns"],
            absolute=int(bool(facts["absolute"])),
        )

    def parameter(
        self, run: int, name: str, value: object, *, execution: int | None, at: float
    ) -> None:
        """Add a named value that the run took in, as JSON."""
        self._add(
            "parameter",
            run_id=run,
            execution_id=execution,
            name=storable(name),
            value=json.dumps(value),
            source="track",
            at=timestamp(at),
        )

    def metric(
        self, run: int, name: str, value: float, *, execution: int | None, at: float
    ) -> None:
        """Add a named number that the run produced."""
        finite = math.isfinite(value)
        self._add(
            "metric",
            run_id=run,
            execution_id=execution,
            name=storable(name),
            value=value if finite else None,
            special=None if finite else str(value),
            source="track",
            at=timestamp(at),
        )

    def reproduction(self, run: int, original: int, record: Mapping[str, Any]) -> None:
        """Add a reproduction's verdict from its record; a second one of a run is ignored."""
        self._do(
            "INSERT OR IGNORE INTO reproduction (run_id, original_id, at, verdict, document)"
            " VALUES (?, ?, ?, ?, ?)",
            (
                run,
                original,
                timestamp(record["at"]),
                record["verdict"],
                json.dumps(record["document"], sort_keys=True),
            ),
        )

    def gap(
        self,
        reason: str,
        *,
        at: float,
        run: int | None = None,
        execution: int | None = None,
        detail: str | None = None,
        count: int = 1,
    ) -> None:
        """Add that something is missing from the record, and why."""
        self._add(
            "gap",
            run_id=run,
            execution_id=execution,
            at=timestamp(at),
            reason=storable(reason),
            detail=optional(detail),
            count=count,
        )

    def document(self, table: str, document: Mapping[str, Any]) -> str:
        """Store a content-hashed document once; return its hash.

        Args:
            table: ``environment`` or ``code_state``.
            document: JSON values.
        """
        text = json.dumps(document, sort_keys=True, separators=(",", ":"))
        content = hash_bytes(text.encode())
        self._do(
            f"INSERT OR IGNORE INTO {table} (hash, document) VALUES (?, ?)",  # noqa: S608
            (content, text),
        )
        return content
