"""Records to test with: ``make_run`` writes one run's rows, with defaults for all that is not said.

Rows go through :func:`jupyter_lineage.store.open_writer`, so schema and constraints are the real
ones; recorder and kernel are not involved.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jupyter_lineage.ids import hash_bytes, to_bytes, uuid7
from jupyter_lineage.store import Store
from jupyter_lineage.store.queries import pack_outputs
from jupyter_lineage.store.text import as_stored

START = datetime(2026, 1, 5, 9, 0, tzinfo=timezone.utc)
_moments = itertools.count(1_000_000_000, 1_000_000)


@dataclass(frozen=True, kw_only=True)
class File:
    """A file that a cell reads, writes or removes. ``content`` None: the hash is not known."""

    path: str
    content: bytes | None = b"content"
    reason: str = "gone before it could be hashed"
    via: str = "native"
    absolute: bool = False


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One execution; ``reads`` happen before ``writes``, and ``reads_late`` after them.

    ``moment`` places it on the monotonic clock (nanoseconds), by default after all before it.
    """

    source: str | None = "pass"
    reads: Sequence[File] = ()
    writes: Sequence[File] = ()
    reads_late: Sequence[File] = ()
    removes: Sequence[File] = ()
    status: str | None = "completed"
    seconds: float | None = 0.25
    error: dict[str, str] | None = None
    outputs: list[dict[str, Any]] | None = field(default_factory=list)
    moment: int | None = None


def at(moment: int) -> str:
    """Return the wall clock that belongs to a monotonic moment, as the store keeps times."""
    return (START + timedelta(microseconds=moment // 1000)).isoformat().replace("+00:00", "Z")


def make_run(
    store: Store,
    *,
    cells: Sequence[Cell] = (),
    status: str = "completed",
    parent: str | None = None,
    between: Sequence[tuple[str, File]] = (),
    parameters: dict[str, Any] | None = None,
    metrics: dict[str, float] | None = None,
    tags: Sequence[str] = (),
    gaps: Sequence[str] = (),
    environment: dict[str, Any] | None = None,
    git: dict[str, Any] | None = None,
    verdict: dict[str, Any] | None = None,
    **columns: Any,
) -> str:
    """Write a run and return its id.

    Args:
        store: a store opened for writing.
        cells: its executions in order.
        status: its latest status; ``running`` leaves it open.
        parent: the id of the run it belongs to, or that it reproduces.
        between: (role, file) pairs used outside of any execution, after the cells.
        parameters: named values taken in.
        metrics: named values produced.
        tags: words put on it.
        gaps: reasons of what could not be recorded.
        environment: its environment document.
        git: its git state.
        verdict: its verdict as a reproduction of ``parent``.
        **columns: any column of the table ``run``.
    """
    run_id = str(columns.pop("id", None) or uuid7())
    moment = next(_moments)
    values: dict[str, Any] = {
        "uid": to_bytes(run_id),
        "parent_id": _key(store, parent) if parent else None,
        "kind": "session",
        "notebook": "/work/train.ipynb",
        "notebook_source": "server",
        "cwd": "/work",
        "user": "alex",
        "user_source": "os",
        "host": "bench",
        "started_at": at(moment),
        "capture_level": "full",
        "process": json.dumps({"hashseed": "0"}),
        **columns,
    }
    with store.writing():
        run = _insert(store, "run", values)
        _event(store, run, "status", "running", moment)
        for number, cell in enumerate(cells, 1):
            _execution(store, run, number, cell)
        for role, file in between:
            _use(store, run, None, (role, file, next(_moments)))
        for name, value in (parameters or {}).items():
            row = {"name": name, "value": json.dumps(value), "source": "said"}
            _insert(store, "parameter", {"run_id": run, "at": at(moment), **row})
        for name, amount in (metrics or {}).items():
            measured = {"run_id": run, "name": name, "value": amount, "source": "said"}
            _insert(store, "metric", {**measured, "at": at(moment)})
        for tag in tags:
            _event(store, run, "tag", tag, moment)
        for reason in gaps:
            _insert(store, "gap", {"run_id": run, "at": at(moment), "reason": reason})
        if environment is not None:
            _document(store, run, "environment", environment)
        if git is not None:
            _document(store, run, "code_state", {"git": git})
        if verdict is not None and parent:
            judged = {"run_id": run, "original_id": _key(store, parent), "at": at(moment)}
            said = {"verdict": verdict["verdict"], "document": json.dumps(verdict)}
            _insert(store, "reproduction", {**judged, **said})
        if status != "running":
            _event(store, run, "status", status, next(_moments))
    return run_id


def _execution(store: Store, run: int, number: int, cell: Cell) -> None:
    clock = _moments if cell.moment is None else itertools.count(cell.moment, 1000)
    moment = next(clock)
    source = _source(store, cell.source) if cell.source is not None else None
    execution = _insert(
        store,
        "execution",
        {
            "uid": to_bytes(uuid7()),
            "run_id": run,
            "number": number,
            "execution_count": number,
            "source_id": source,
            "source_size": len(cell.source or ""),
            "started_at": at(moment),
        },
    )
    uses = [("read", file) for file in cell.reads] + [("write", file) for file in cell.writes]
    uses += [("read", file) for file in cell.reads_late]
    uses += [("remove", file) for file in cell.removes]
    for role, file in uses:
        _use(store, run, execution, (role, file, next(clock)))
    if cell.status is None:
        return
    ended = {"execution_id": execution, "status": cell.status, "ended_at": at(next(clock))}
    error = json.dumps(cell.error) if cell.error else None
    _insert(store, "execution_end", {**ended, "seconds": cell.seconds, "error": error})
    packed = None if cell.outputs is None else pack_outputs(cell.outputs)
    digest = hashlib.sha256(json.dumps(cell.outputs).encode()).hexdigest()
    output = {"execution_id": execution, "hash": f"sha256:{digest}", "outputs": packed}
    count = len(cell.outputs or [])
    _insert(store, "execution_output", {**output, "size": len(packed or b""), "count": count})


def _source(store: Store, text: str) -> int:
    digest = "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return _find_or_insert(store, "source", {"hash": digest}, {"text": text})


def _use(store: Store, run: int, execution: int | None, used: tuple[str, File, int]) -> None:
    role, file, moment = used
    uri = "file://" + quote(file.path, errors="surrogateescape")
    location = _find_or_insert(store, "location", {"uri": uri}, {"path": as_stored(file.path)})
    version = None
    if file.content is not None and role != "remove":
        content = {"hash": hash_bytes(file.content)}
        version = _find_or_insert(store, "file_version", content, {"size": len(file.content)})
        store.connection.execute(
            "INSERT OR IGNORE INTO run_io VALUES (?, ?, ?)", (run, role, version)
        )
    _insert(
        store,
        "use",
        {
            "run_id": run,
            "execution_id": execution,
            "location_id": location,
            "version_id": version,
            "role": role,
            "at": at(moment),
            "ns": moment,
            "size": None if file.content is None else len(file.content),
            "reason": file.reason if version is None else None,
            "via": file.via,
            "absolute": file.absolute,
        },
    )


def _document(store: Store, run: int, kind: str, document: dict[str, Any]) -> None:
    text = json.dumps(document, sort_keys=True)
    content = hash_bytes(text.encode())
    _find_or_insert(store, kind, {"hash": content}, {"document": text})
    _event(store, run, kind, content, next(_moments))


def _event(store: Store, run: int, kind: str, value: str, moment: int) -> None:
    _insert(store, "run_event", {"run_id": run, "at": at(moment), "kind": kind, "value": value})


def _key(store: Store, run_id: str) -> int:
    found = store.connection.execute("SELECT id FROM run WHERE uid = ?", (to_bytes(run_id),))
    return int(found.fetchone()[0])


def _find_or_insert(store: Store, table: str, key: dict[str, Any], rest: dict[str, Any]) -> int:
    ((name, value),) = key.items()
    found = store.connection.execute(
        f"SELECT id FROM {table} WHERE {name} = ?", (value,)
    ).fetchone()
    return int(found[0]) if found else _insert(store, table, {**key, **rest})


def _insert(store: Store, table: str, row: dict[str, Any]) -> int:
    columns = ", ".join(row)
    marks = ", ".join("?" * len(row))
    statement = f"INSERT INTO {table} ({columns}) VALUES ({marks})"
    return int(store.connection.execute(statement, tuple(row.values())).lastrowid or 0)


def write_file(path: Path, content: bytes) -> File:
    """Write real bytes to disk and return the file as a cell would have seen it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return File(path=str(path), content=content)
