"""A recorded run as plans and verdicts look at it: frozen, typed, one kernel's cells in order.

A kernel's run and the runs opened inside it (``%track start``) are one thing to reproduce, so
they are merged here, and cells are numbered anew over all of them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from ..ids import from_bytes
from ..recorder.ingest import STARTED_PROGRAMS
from ..store.edges import session_runs
from ..store.queries import rows, run_key
from ..store.recorded import recorded_run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..store import Store

_INSIDE = ("tracked", "trial")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One execution of one cell, with everything about it that can be compared."""

    number: int
    """Ordinal from 1 over the whole kernel, cells run silently by a front end left out."""
    source: str | None
    status: str = "completed"
    source_sha256: str | None = None
    masked: int = 0
    cwd: str | None = None
    error: Mapping[str, str] | None = None
    names_read: tuple[str, ...] = ()
    names_written: tuple[str, ...] = ()
    digests: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    random: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    outputs_hash: str | None = None
    capped_sha256: str | None = None
    outputs: Sequence[Mapping[str, Any]] | None = None
    outputs_masked: int = 0
    programs: bool = False
    """Whether it started other programs: what these read or wrote is not in the record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One read, write or removal of a file, by its absolute path."""

    path: str
    role: str
    hash: str | None
    reason: str | None = None
    size: int | None = None
    cell: int | None = None
    via: str = ""
    absolute: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the record holds of one kernel, from its start to its end."""

    id: str
    cwd: str
    status: str = "completed"
    notebook: str | None = None
    kind: str = "session"
    capture_level: str = "full"
    process: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] | None = None
    cells: tuple[Cell, ...] = ()
    uses: tuple[Use, ...] = ()
    metrics: Mapping[str, float | str] = field(default_factory=dict)
    gaps: tuple[Mapping[str, Any], ...] = ()
    """What else is missing from the record; :attr:`Cell.programs` says that of cells."""
    started_at: str = ""
    known_before: frozenset[str] = frozenset()
    """Paths whose first version, as this run used it, an earlier run had met in the same place."""


def load(store: Store, run_id: str) -> Evidence:
    """Return the evidence of a run, together with the runs that share its kernel.

    Args:
        store: an open store.
        run_id: a full id; for a run opened inside another, the outer one is meant.

    Raises:
        NotFound: there is no such run.
    """
    keys = session_runs(store, run_key(store, run_id), _INSIDE)
    ids = [
        from_bytes(rows(store, "SELECT uid FROM run WHERE id = ?", (key,))[0][0]) for key in keys
    ]
    evidence = merge([recorded_run(store, one) for one in ids])
    before = {
        real_name(row["path"], row["uri"])
        for key in keys
        for row in rows(store, _MET_BEFORE, (key, evidence.started_at))
    }
    return replace(evidence, known_before=frozenset(before))


_MET_BEFORE = """
SELECT DISTINCT l.path, l.uri FROM use u JOIN location l ON l.id = u.location_id
JOIN use b ON b.location_id = u.location_id AND b.version_id = u.version_id
  AND b.role IN ('read', 'write') AND b.at < ?2
WHERE u.run_id = ?1 AND u.role = 'read'"""


def merge(runs: Sequence[Mapping[str, Any]]) -> Evidence:
    """Return the evidence of runs of one kernel, the kernel's own run first.

    Args:
        runs: as :func:`jupyter_lineage.store.recorded.recorded_run` gives them.
    """
    outer = runs[0]
    seen = [
        (cell["started_at"], place, cell)
        for place, run in enumerate(runs)
        for cell in run["executions"]
        if cell["execution_count"] is not None
    ]
    seen.sort(key=lambda one: (one[0], one[1], one[2]["number"]))
    numbers = {
        (place, cell["number"]): number for number, (_, place, cell) in enumerate(seen, start=1)
    }
    uses = [
        (use["ns"], _use(use, numbers.get((place, use["execution"]))))
        for place, run in enumerate(runs)
        for use in run["uses"]
    ]
    uses.sort(key=lambda one: one[0])
    programs = {
        numbers.get((place, gap["execution"]))
        for place, run in enumerate(runs)
        for gap in run["gaps"]
        if gap["reason"] == STARTED_PROGRAMS
    }
    return Evidence(
        id=outer["id"],
        cwd=outer["cwd"] or "",
        status=outer["status"] or "running",
        notebook=outer["notebook"],
        kind=outer["kind"],
        capture_level=outer["capture_level"],
        started_at=outer["started_at"],
        process=outer["process"],
        environment=outer["environment"],
        cells=tuple(
            _cell(cell, number, programs=number in programs)
            for number, (_, _, cell) in enumerate(seen, start=1)
        ),
        uses=tuple(use for _, use in uses),
        metrics=_metrics(runs),
        gaps=tuple(gap for run in runs for gap in run["gaps"] if gap["reason"] != STARTED_PROGRAMS),
    )


def _metrics(runs: Sequence[Mapping[str, Any]]) -> dict[str, float | str]:
    found: dict[str, float | str] = {}
    for place, run in enumerate(runs):
        prefix = f"{run.get('name') or place}: " if place else ""
        for metric in run["metrics"]:
            found[prefix + metric["name"]] = metric["value"]
    return found


def _cell(cell: Mapping[str, Any], number: int, *, programs: bool) -> Cell:
    return Cell(
        number=number,
        source=cell["source"],
        status=cell["status"],
        source_sha256=cell.get("source_sha256"),
        masked=cell["masked"],
        cwd=cell.get("cwd"),
        error=cell["error"],
        names_read=tuple(cell["names_read"]),
        names_written=tuple(dict.fromkeys((*cell["names_written"], *cell["digests"]))),
        digests=cell["digests"],
        random=cell["random"],
        outputs_hash=cell["outputs_hash"],
        capped_sha256=cell["capped_sha256"],
        outputs=cell["outputs"],
        outputs_masked=cell["outputs_masked"] or 0,
        programs=programs,
    )


def _use(use: Mapping[str, Any], cell: int | None) -> Use:
    return Use(
        path=real_name(use["path"], use["uri"]),
        role=use["role"],
        hash=use["hash"],
        reason=use["reason"],
        size=use["size"],
        cell=cell,
        via=use["via"],
        absolute=use["absolute"],
    )


def real_name(path: str, uri: str) -> str:
    """Return the path that opens the file: a name that is no Unicode is exact in the URI only."""
    if not uri.startswith("file:///"):
        return path
    return os.fsdecode(unquote_to_bytes(uri.removeprefix("file://")))


def relative_to(path: str, folder: str) -> str | None:
    """Return ``path`` as seen from ``folder`` when it lies inside, else None.

    Both are absolute; links are not followed, ``.`` and ``..`` are resolved in the text.
    """
    path, folder = os.path.normpath(path), os.path.normpath(folder)
    inside = path.startswith(folder.rstrip(os.sep) + os.sep)
    return os.path.relpath(path, folder) if inside else None
