"""A recorded run as the reproduction and its verdict need it: in order, with all its evidence."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .queries import document_of, metric_value, rows, run_key, unpack_digests, unpack_outputs

if TYPE_CHECKING:
    import sqlite3

    from .sqlite import Store


def recorded_run(store: Store, run_id: str) -> dict[str, Any]:
    """Return a run's evidence.

    Args:
        store: an open store.
        run_id: a full id.

    Returns:
        A dictionary with ``id``, ``cwd``, ``notebook``, ``kind``, ``started_at``, ``status``,
        ``capture_level``, ``process`` (the kernel's own words at its start), ``environment``,
        ``executions`` (by number, ``outputs`` parsed or None), ``uses`` (in the order they
        happened; ``signature`` is a list or None), ``parameters``, ``metrics`` and ``gaps``.

    Raises:
        NotFound: there is no such run.
    """
    key = run_key(store, run_id)
    run = rows(
        store,
        "SELECT r.*, v.status FROM run r JOIN runs v ON v.run_key = r.id WHERE r.id = ?",
        (key,),
    )[0]
    return {
        "id": run_id,
        **{
            name: run[name]
            for name in ("cwd", "notebook", "kind", "name", "started_at", "status", "capture_level")
        },
        "process": json.loads(run["process"]),
        "environment": document_of(store, key, "environment"),
        "executions": [_execution(row) for row in rows(store, _EXECUTIONS, (key,))],
        "uses": [_use(row) for row in rows(store, _uses(store), (key,))],
        "parameters": [
            {"name": row["name"], "value": json.loads(row["value"]), "source": row["source"]}
            for row in rows(store, "SELECT * FROM parameters WHERE run_key = ?", (key,))
        ],
        "metrics": [
            {"name": row["name"], "value": metric_value(row), "source": row["source"]}
            for row in rows(store, "SELECT * FROM metrics WHERE run_key = ?", (key,))
        ],
        "gaps": [
            {name: row[name] for name in ("execution", "at", "reason", "detail", "count")}
            for row in rows(store, "SELECT * FROM gaps WHERE run_key = ?", (key,))
        ],
    }


def made_folders(store: Store, run_id: str) -> list[dict[str, Any]] | None:
    """Return the folders that a run made, in the order in which it made them.

    Args:
        store: an open store.
        run_id: a full id.

    Returns:
        Dictionaries with ``path``, ``uri``, ``execution`` (its number, None between cells), ``ns``
        (comparable with that of uses) and ``absolute``; None where the database is older than
        this fact, so that nothing is known of it.

    Raises:
        NotFound: there is no such run.
    """
    key = run_key(store, run_id)
    if not rows(store, "SELECT 1 FROM sqlite_master WHERE name = 'made_folder'"):
        return None
    found = rows(store, _MADE_FOLDERS, (key,))
    return [{**dict(row), "absolute": bool(row["absolute"])} for row in found]


_MADE_FOLDERS = """
SELECT l.path, l.uri, e.number AS execution, f.ns, f.absolute
FROM made_folder f JOIN location l ON l.id = f.location_id
LEFT JOIN execution e ON e.id = f.execution_id
WHERE f.run_id = ? ORDER BY f.ns, f.id"""

_EXECUTIONS = """
SELECT e.*, s.text, s.hash AS source_hash, d.status, d.ended_at, d.seconds, d.error, d.names_read,
  d.names_written, d.digests, d.random, o.hash AS outputs_hash, o.capped_sha256, o.outputs,
  o.size AS outputs_size, o.masked AS outputs_masked
FROM execution e
LEFT JOIN source s ON s.id = e.source_id
LEFT JOIN execution_end d ON d.execution_id = e.id
LEFT JOIN execution_output o ON o.execution_id = e.id
WHERE e.run_id = ? ORDER BY e.number"""

_USES = """
SELECT l.path, l.uri, u.role, v.hash, u.reason, coalesce(v.size, u.size) AS size,
  e.number AS execution, u.ns, u.via, u.absolute, {signature} AS signature
FROM use u
JOIN location l ON l.id = u.location_id
LEFT JOIN file_version v ON v.id = u.version_id
LEFT JOIN execution e ON e.id = u.execution_id
WHERE u.run_id = ? ORDER BY u.ns, u.id"""


def _execution(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "number": row["number"],
        "started_at": row["started_at"],
        "execution_count": row["execution_count"],
        "source": row["text"],
        "source_hash": row["source_hash"],
        "source_sha256": row["source_sha256"],
        "masked": row["masked"],
        "cwd": row["cwd"],
        "status": row["status"] or "running",
        "seconds": row["seconds"],
        "error": json.loads(row["error"]) if row["error"] else None,
        "names_read": json.loads(row["names_read"] or "[]"),
        "names_written": json.loads(row["names_written"] or "[]"),
        "digests": unpack_digests(row["digests"] or "{}"),
        "random": json.loads(row["random"] or "{}"),
        "outputs_hash": row["outputs_hash"],
        "capped_sha256": row["capped_sha256"],
        "outputs": unpack_outputs(row["outputs"]) if row["outputs"] is not None else None,
        "outputs_known": row["outputs_size"] is not None,
        "outputs_masked": row["outputs_masked"],
    }


def _uses(store: Store) -> str:
    """Return the SQL of a run's uses, for a database that is older than signatures too."""
    found = rows(store, "SELECT 1 FROM pragma_table_info('use') WHERE name = 'signature'")
    return _USES.format(signature="u.signature" if found else "NULL")


def _use(row: sqlite3.Row) -> dict[str, Any]:
    signature = json.loads(row["signature"]) if row["signature"] else None
    return {**dict(row), "absolute": bool(row["absolute"]), "signature": signature}
