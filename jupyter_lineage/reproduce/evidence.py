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
from ..recorder.ingest import RAN_BEFORE, RAN_UNSEEN, STARTED_PROGRAMS, TURNED_OFF
from ..store.edges import session_runs
from ..store.queries import rows, run_key
from ..store.recorded import recorded_run
from . import askers

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
    """Every name whose value it may have made or changed, those that it only reads too."""
    names_bound: tuple[str, ...] = ()
    """The names that it surely bound."""
    digests: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    random: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    outputs_hash: str | None = None
    capped_sha256: str | None = None
    outputs: Sequence[Mapping[str, Any]] | None = None
    outputs_masked: int = 0
    programs: bool = False
    """Whether it started other programs: what these read or wrote is not in the record."""
    asked: tuple[str, ...] = ()
    """The programs that it started, where all of them are known to only ask the system."""
    gap: str | None = None
    """What of it, or of the cells before it, recording did not see; None where it saw all."""


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
        for row in rows(store, _MET_BEFORE, (evidence.started_at, key))
    }
    return replace(evidence, known_before=frozenset(before))


_MET_BEFORE = """
SELECT DISTINCT l.path, l.uri FROM use u JOIN location l ON l.id = u.location_id
JOIN use b ON b.location_id = u.location_id AND b.version_id = u.version_id
  AND b.role IN ('read', 'write') AND b.at < ?
WHERE u.run_id = ? AND u.role = 'read'"""


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
    programs: dict[int | None, list[str | None]] = {}
    for place, run in enumerate(runs):
        for gap in run["gaps"]:
            if gap["reason"] == STARTED_PROGRAMS:
                number = numbers.get((place, gap["execution"]))
                programs.setdefault(number, []).append(gap["detail"])
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
            _cell(cell, number, programs.get(number, ()), gap=_gap(runs, place, cell))
            for number, (_, place, cell) in enumerate(seen, start=1)
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


def _gap(runs: Sequence[Mapping[str, Any]], place: int, cell: Mapping[str, Any]) -> str | None:
    """Return in words what was not seen of a cell of ``runs[place]``, or of those before it."""
    for gap in runs[place]["gaps"]:
        if gap["execution"] == cell["number"] and gap["reason"].startswith(TURNED_OFF):
            return "recording was turned off in it"
    before = [
        gap
        for run in runs
        for gap in run["gaps"]
        if gap["reason"] in (RAN_BEFORE, RAN_UNSEEN) and gap["at"] < cell["started_at"]
    ]
    if not before:
        return None
    last = max(before, key=lambda gap: str(gap["at"]))
    return f"it ran after a gap in the record ({last['reason']}: {last['count']})"


def _cell(
    cell: Mapping[str, Any], number: int, programs: Sequence[str | None], *, gap: str | None
) -> Cell:
    asked = askers.among(programs) or (askers.in_source(cell["source"] or "") if programs else ())
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
        names_bound=tuple(name for name, seen in cell["digests"].items() if not seen.get("same")),
        digests=cell["digests"],
        random=cell["random"],
        outputs_hash=cell["outputs_hash"],
        capped_sha256=cell["capped_sha256"],
        outputs=cell["outputs"],
        outputs_masked=cell["outputs_masked"] or 0,
        programs=bool(programs) and not asked,
        asked=asked,
        gap=gap,
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
