"""Reading runs: the list, one run whole, what a cell put out. The replies are the JSON contract.

Files and edges for lineage questions are read in :mod:`.edges`, a run as the reproduction needs
it in :mod:`.recorded`.
"""

from __future__ import annotations

import base64
import json
import zlib
from typing import TYPE_CHECKING, Any

from ..errors import InvalidInput, NotFound
from ..ids import from_bytes
from .sqlite import Store, mapped_errors
from .text import as_stored

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

Document = dict[str, Any]

_ID_DIGITS = 32
_INDEXED_BYTES = 4
ID_ENDING = f"substr(uid, {17 - _INDEXED_BYTES})"
"""The end of a run's id, by which people are shown it: the expression of an index."""
NOT_RECORDED = "nothing of this run was recorded"
"""The reason of the gap of a run of which only a note that its kernel left is known."""
_LATEST_STATUS = """
(SELECT max(x.id) FROM run_event x WHERE x.run_id = r.id AND x.kind = 'status')"""

_RUN_ROW = f"""
SELECT r.id AS key, r.uid, p.uid AS parent_uid, r.kind, r.name, r.notebook, r.started_at,
  s.value AS status, s.at AS status_at, r.user, r.host, r.capture_level, r.cwd, r.process
FROM run r
LEFT JOIN run p ON p.id = r.parent_id
LEFT JOIN run_event s ON s.id = {_LATEST_STATUS}
"""  # noqa: S608 - only constants of this module


def rows(store: Store, statement: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
    """Run one reading statement and return all its rows, with errors mapped to ours."""
    with mapped_errors(store.path):
        return store.connection.execute(statement, values).fetchall()


def marks(count: int) -> str:
    """Return ``count`` comma-separated question marks."""
    return ", ".join("?" * count)


def change_number(store: Store) -> int:
    """Return a number that grows with whatever is stored; 0 before the recorder has migrated."""
    if not rows(store, "SELECT 1 FROM sqlite_master WHERE name = 'change'"):
        return 0
    return int(rows(store, "SELECT number FROM change")[0][0])


def find_run(store: Store, text: str) -> str:
    """Return the full id of the run that ``text`` names.

    Args:
        store: an open store.
        text: a full id, the beginning or the end of one (at least 4 characters), or ``last``.

    Raises:
        NotFound: no run has such an id.
        InvalidInput: several have, or the text is too short.
    """
    wanted = text.strip().lower()
    if wanted == "last":
        newest = rows(store, "SELECT uid FROM run ORDER BY id DESC LIMIT 1")
        if not newest:
            raise NotFound("no run is recorded yet", hint="Run a notebook first.")
        return from_bytes(newest[0]["uid"])
    digits = wanted.replace("-", "")
    if not digits or any(letter not in "0123456789abcdef" for letter in digits):
        raise NotFound(f"there is no run {text!r}", hint="`jupyter lineage log` lists the runs.")
    if len(digits) < 4:
        raise InvalidInput(f"{text!r} is too short for a run id", hint="Give 4 characters or more.")
    found = _beginning_with(store, digits) or _ending_in(store, digits)
    if not found:
        raise NotFound(f"there is no run {text!r}", hint="`jupyter lineage log` lists the runs.")
    if len(found) > 1:
        names = ", ".join(from_bytes(row["uid"]) for row in found[:3])
        raise InvalidInput(f"{text!r} names several runs: {names} …", hint="Give more characters.")
    return from_bytes(found[0]["uid"])


def _beginning_with(store: Store, digits: str) -> list[sqlite3.Row]:
    """Return up to 4 runs whose ids begin so; answered by the index of ``uid``."""
    if len(digits) > _ID_DIGITS:
        return []
    first, last = (bytes.fromhex(digits.ljust(_ID_DIGITS, filler)) for filler in "0f")
    return rows(store, "SELECT uid FROM run WHERE uid BETWEEN ? AND ? LIMIT 4", (first, last))


def _ending_in(store: Store, digits: str) -> list[sqlite3.Row]:
    """Return up to 4 runs whose ids end so; only a short ending looks through all of them."""
    condition = "substr(hex(uid), ?) = ?"
    values: list[object] = [-len(digits), digits.upper()]
    if len(digits) >= 2 * _INDEXED_BYTES:
        condition += f" AND {ID_ENDING} = ?"
        values.append(bytes.fromhex(digits[-2 * _INDEXED_BYTES :]))
    return rows(store, f"SELECT uid FROM run WHERE {condition} LIMIT 4", values)  # noqa: S608


def run_key(store: Store, run_id: str) -> int:
    """Return the integer key of a run's full id.

    Raises:
        NotFound: there is no such run.
    """
    found = rows(
        store, "SELECT id FROM run WHERE uid = ?", (bytes.fromhex(run_id.replace("-", "")),)
    )
    if not found:
        raise NotFound(f"there is no run {run_id}", hint="`jupyter lineage log` lists the runs.")
    return int(found[0]["id"])


def list_runs(
    store: Store,
    *,
    limit: int = 50,
    before: str | None = None,
    notebook: str | None = None,
    status: str | None = None,
) -> list[Document]:
    """Return runs, newest first, as ``log --json`` shows them.

    Args:
        store: an open store.
        limit: at most so many.
        before: only runs older than this full id (for paging).
        notebook: only runs whose notebook's path contains this text.
        status: only runs of this status.
    """
    conditions: list[str] = []
    values: list[object] = []
    if before:
        conditions.append("r.id < ?")
        values.append(run_key(store, before))
    if notebook:
        conditions.append("instr(lower(coalesce(r.notebook, '')), lower(?)) > 0")
        values.append(as_stored(notebook))
    if status:
        conditions.append("s.value = ?")
        values.append(status)
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    found = rows(store, f"{_RUN_ROW} {where} ORDER BY r.id DESC LIMIT ?", (*values, limit))
    return _with_values(store, found)


def not_recorded(store: Store, run_ids: Sequence[str]) -> set[str]:
    """Return which of some runs, by their full ids, could not be recorded at all."""
    found = rows(
        store,
        "SELECT r.uid FROM run r JOIN gap g ON g.run_id = r.id"  # noqa: S608
        f" WHERE g.reason = ? AND r.uid IN ({marks(len(run_ids))})",
        (NOT_RECORDED, *(bytes.fromhex(run_id.replace("-", "")) for run_id in run_ids)),
    )
    return {from_bytes(row["uid"]) for row in found}


def _with_values(store: Store, found: Iterable[sqlite3.Row]) -> list[Document]:
    runs = {row["key"]: _run(row) for row in found}
    keys = list(runs)
    chosen = marks(len(keys))
    for row in rows(store, f"SELECT * FROM parameters WHERE run_key IN ({chosen})", keys):  # noqa: S608
        runs[row["run_key"]]["params"][row["name"]] = json.loads(row["value"])
    for row in rows(store, f"SELECT * FROM metrics WHERE run_key IN ({chosen})", keys):  # noqa: S608
        runs[row["run_key"]]["metrics"][row["name"]] = metric_value(row)
    events = f"SELECT run_id, kind, value FROM run_event WHERE kind IN ('tag', 'note') AND run_id IN ({chosen}) ORDER BY id"  # noqa: S608,E501
    for row in rows(store, events, keys):
        runs[row["run_id"]][row["kind"] + "s"].append(row["value"])
    return list(runs.values())


def metric_value(row: sqlite3.Row) -> float | str:
    """Return a metric's number, or ``nan``, ``inf``, ``-inf`` as text: JSON has no such numbers."""
    return str(row["special"]) if row["value"] is None else float(row["value"])


def _run(row: sqlite3.Row) -> Document:
    return {
        "id": from_bytes(row["uid"]),
        "parent_id": from_bytes(row["parent_uid"]) if row["parent_uid"] else None,
        "kind": row["kind"],
        "name": row["name"],
        "notebook": row["notebook"],
        "status": row["status"] or "running",
        "started_at": row["started_at"],
        "ended_at": None if row["status"] in (None, "running") else row["status_at"],
        "user": row["user"],
        "host": row["host"],
        "params": {},
        "metrics": {},
        "tags": [],
        "notes": [],
    }


def show_run(store: Store, run_id: str) -> Document:
    """Return one run whole, as ``show --json`` shows it.

    Args:
        store: an open store.
        run_id: a full id, as :func:`find_run` gives it.

    Raises:
        NotFound: there is no such run.
    """
    key = run_key(store, run_id)
    row = rows(store, f"{_RUN_ROW} WHERE r.id = ?", (key,))[0]
    environment = document_of(store, key, "environment")
    return {
        "schema": 1,
        **_with_values(store, [row])[0],
        "cwd": row["cwd"],
        "git": (document_of(store, key, "code_state") or {}).get("git"),
        "environment": environment,
        "hardware": (environment or {}).get("hardware"),
        "random": {"hashseed": json.loads(row["process"]).get("hashseed")},
        "capture_level": row["capture_level"],
        "gaps": _gaps(store, key),
        "trials": _children(store, key),
        "executions": _executions(store, key),
        "files": _files(store, key),
    }


def document_of(store: Store, key: int, kind: str) -> Document | None:
    """Return a run's environment or code state, or None while it is not known.

    Args:
        store: an open store.
        key: the run's integer key.
        kind: ``environment`` or ``code_state``: the table and the event's kind.
    """
    found = rows(
        store,
        f"SELECT d.document FROM run_event x JOIN {kind} d ON d.hash = x.value"  # noqa: S608
        " WHERE x.run_id = ? AND x.kind = ? ORDER BY x.id DESC LIMIT 1",
        (key, kind),
    )
    return json.loads(found[0]["document"]) if found else None


def _gaps(store: Store, key: int) -> list[Document]:
    found = rows(store, "SELECT * FROM gaps WHERE run_key = ? ORDER BY at", (key,))
    return [{name: row[name] for name in row.keys() if name != "run_key"} for row in found]  # noqa: SIM118


def _children(store: Store, key: int) -> list[Document]:
    found = rows(
        store, f"{_RUN_ROW} WHERE r.parent_id = ? AND r.kind IN ('trial', 'tracked')", (key,)
    )
    wanted = ("id", "name", "status", "started_at", "ended_at", "params", "metrics", "tags")
    return [{name: run[name] for name in wanted} for run in _with_values(store, found)]


def _executions(store: Store, key: int) -> list[Document]:
    found = rows(store, "SELECT * FROM executions WHERE run_key = ? ORDER BY number", (key,))
    return [
        {
            "id": row["id"],
            "number": row["number"],
            "execution_count": row["execution_count"],
            "source": row["source"],
            "status": row["status"],
            "started_at": row["started_at"],
            "seconds": row["seconds"],
            "error": json.loads(row["error"]) if row["error"] else None,
            "names_read": json.loads(row["names_read"] or "[]"),
            "names_written": json.loads(row["names_written"] or "[]"),
            "outputs_hash": row["outputs_hash"],
        }
        for row in found
    ]


def _files(store: Store, key: int) -> list[Document]:
    found = rows(
        store,
        "SELECT * FROM files WHERE run_key = ? AND role IN ('read', 'write') ORDER BY use_key",
        (key,),
    )
    files: dict[tuple[str, str | None], Document] = {}
    for row in found:
        file = files.setdefault(
            (row["uri"], row["hash"]),
            {
                "path": row["path"],
                "uri": row["uri"],
                "roles": [],
                "hash": row["hash"],
                "reason": row["reason"],
                "size": row["size"],
                "executions": [],
                "via": row["via"],
            },
        )
        if row["role"] not in file["roles"]:
            file["roles"].append(row["role"])
        if row["execution"] is not None and row["execution"] not in file["executions"]:
            file["executions"].append(row["execution"])
    return list(files.values())


def outputs_of(store: Store, run_id: str, number: int) -> Document:
    """Return what a cell put out: ``outputs`` (nbformat, or None) and ``reason`` (why None).

    Raises:
        NotFound: the run has no execution of that number.
    """
    found = rows(
        store,
        "SELECT o.*, e.id AS execution FROM execution e"
        " LEFT JOIN execution_output o ON o.execution_id = e.id"
        " WHERE e.run_id = ? AND e.number = ?",
        (run_key(store, run_id), number),
    )
    if not found:
        raise NotFound(f"run {run_id} has no execution {number}")
    row = found[0]
    if row["size"] is None:
        return {"outputs": None, "reason": "not recorded: the cell did not end, or its kernel died"}
    if row["outputs"] is None:
        return {"outputs": None, "reason": f"too large to keep ({row['size']} bytes)"}
    return {"outputs": unpack_outputs(row["outputs"]), "reason": None}


def pack_outputs(outputs: list[Document]) -> bytes:
    """Return outputs as the database keeps them (JSON, deflated)."""
    return zlib.compress(json.dumps(outputs, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def unpack_outputs(packed: bytes) -> list[Document]:
    """Return what :func:`pack_outputs` was given."""
    return list(json.loads(zlib.decompress(packed).decode("utf-8", "surrogatepass")))


def pack_digests(digests: Document) -> str:
    """Return the digests of a cell's values as the database keeps them.

    They are most of what a cell takes: deflated it is less than half. As text, for the column is.
    """
    packed = zlib.compress(json.dumps(digests, sort_keys=True).encode("utf-8", "surrogatepass"))
    return _PACKED + base64.b85encode(packed).decode()


def unpack_digests(packed: str) -> Document:
    """Return what :func:`pack_digests` was given; plain JSON, as it once was kept, as it is."""
    text: str | bytes = packed
    if packed.startswith(_PACKED):
        text = zlib.decompress(base64.b85decode(packed[len(_PACKED) :]))
    return dict(json.loads(text))


_PACKED = "z:"


def reproductions_of(store: Store, run_id: str) -> list[Document]:
    """Return the reproductions of a run, newest first: their ids, verdicts and times."""
    found = rows(
        store,
        "SELECT r.uid, x.verdict, r.started_at FROM reproduction x JOIN run r ON r.id = x.run_id"
        " WHERE x.original_id = ? ORDER BY x.run_id DESC",
        (run_key(store, run_id),),
    )
    return [
        {"id": from_bytes(row["uid"]), "verdict": row["verdict"], "started_at": row["started_at"]}
        for row in found
    ]


def verdict_of(store: Store, run_id: str) -> Document | None:
    """Return the stored verdict of a reproduction, or None when the run is none."""
    found = rows(
        store, "SELECT document FROM reproduction WHERE run_id = ?", (run_key(store, run_id),)
    )
    return json.loads(found[0]["document"]) if found else None
