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
from ..store.content import Content, content_folder
from ..store.edges import session_runs
from ..store.queries import rows, run_key
from ..store.recorded import made_folders, recorded_run
from . import askers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

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
    started: tuple[str | None, ...] = ()
    """The names of programs that it started, None for those that are none of the system's."""
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
    signature: tuple[int, ...] | None = None
    """Device, inode, size, modification and change time of the version, None where not known."""


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
    new_folders: frozenset[str] | None = None
    """Folders that it made and that were not there before; None where the record is older."""
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
    made = [made_folders(store, one) for one in ids]
    known = None if None in made else [folder for some in made for folder in some or ()]
    evidence = merge([recorded_run(store, one) for one in ids], folders=known)
    before = {
        real_name(row["path"], row["uri"])
        for key in keys
        for row in rows(store, _MET_BEFORE, (evidence.started_at, key))
    }
    evidence = _with_asking_cells(evidence, Content(content_folder(store.path)))
    return replace(evidence, known_before=frozenset(before))


_MET_BEFORE = """
SELECT DISTINCT l.path, l.uri FROM use u JOIN location l ON l.id = u.location_id
JOIN use b ON b.location_id = u.location_id AND b.version_id = u.version_id
  AND b.role IN ('read', 'write') AND b.at < ?
WHERE u.run_id = ? AND u.role = 'read'"""


def _with_asking_cells(evidence: Evidence, content: Content) -> Evidence:
    """Return the evidence with the cells that by a shell only asked the system said to be such.

    A shell looks for a program where the run told it to, so this is taken from a cell's text only
    where nothing in the run's code may have changed that, and where the name leads to a program of
    the system here too.
    """
    found = {
        cell.number: names
        for cell in evidence.cells
        if cell.programs and askers.by_shell(cell.started)
        if (names := askers.in_source(cell.source or ""))
    }
    if not found:
        return evidence
    first = [
        f"{prefix}/bin"
        for prefix in (evidence.process.get("prefix"), *_prefixes(evidence))
        if isinstance(prefix, str) and prefix
    ]
    if not all(askers.leads_to(name, first) for names in found.values() for name in names):
        return evidence
    if any(text is None or askers.moves_search(text) for text in _texts(evidence, content)):
        return evidence
    cells = (
        replace(cell, programs=False, asked=found[cell.number]) if cell.number in found else cell
        for cell in evidence.cells
    )
    return replace(evidence, cells=tuple(cells))


def _prefixes(evidence: Evidence) -> Iterator[object]:
    variables = evidence.process.get("variables")
    if isinstance(variables, dict):
        yield from (variables.get(name) for name in ("VIRTUAL_ENV", "CONDA_PREFIX"))


def _texts(evidence: Evidence, content: Content) -> Iterator[str | None]:
    """Yield the code of a run, None for what is not kept: cells, modules and scripts."""
    for cell in evidence.cells:
        yield cell.source
    for use in evidence.uses:
        if use.role == "read" and (use.via == "import" or use.path.endswith(_SCRIPTS)):
            kept = use.hash is not None and content.has(use.hash)
            yield content.read(use.hash).decode(errors="replace") if use.hash and kept else None


_SCRIPTS = (".py", ".ipy", ".ipynb", ".sh", ".env")


def merge(
    runs: Sequence[Mapping[str, Any]], *, folders: Sequence[Mapping[str, Any]] | None = None
) -> Evidence:
    """Return the evidence of runs of one kernel, the kernel's own run first.

    Args:
        runs: as :func:`jupyter_lineage.store.recorded.recorded_run` gives them.
        folders: what they made, as :func:`jupyter_lineage.store.recorded.made_folders` gives it.
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
        new_folders=None if folders is None else _new_folders(folders, uses),
        metrics=_metrics(runs),
        gaps=tuple(gap for run in runs for gap in run["gaps"] if gap["reason"] != STARTED_PROGRAMS),
    )


def _new_folders(
    made: Sequence[Mapping[str, Any]], uses: Sequence[tuple[int, Use]]
) -> frozenset[str]:
    """Return the folders in which nothing was used before they were made: else they were cleared.

    Args:
        made: the folders.
        uses: (moment, use) in order.
    """
    first: dict[str, int] = {}
    for moment, use in uses:
        folder = os.path.normpath(use.path)
        while (folder := folder.rpartition(os.sep)[0]) and folder not in first:
            first[folder] = moment
    found: dict[str, int] = {}
    for one in made:
        found.setdefault(os.path.normpath(real_name(one["path"], one["uri"])), one["ns"])
    return frozenset(path for path, moment in found.items() if first.get(path, moment) >= moment)


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
    asked = askers.among(programs)
    return Cell(
        number=number,
        source=cell["source"],
        status=cell["status"],
        source_sha256=cell.get("source_sha256"),
        masked=cell["masked"],
        cwd=cell.get("cwd"),
        error=cell["error"],
        names_read=tuple(dict.fromkeys((*cell["names_read"], *_reached(cell["digests"])))),
        names_written=tuple(dict.fromkeys((*cell["names_written"], *cell["digests"]))),
        names_bound=tuple(name for name, seen in cell["digests"].items() if not seen.get("same")),
        digests=cell["digests"],
        random=cell["random"],
        outputs_hash=cell["outputs_hash"],
        capped_sha256=cell["capped_sha256"],
        outputs=cell["outputs"],
        outputs_masked=cell["outputs_masked"] or 0,
        programs=bool(programs) and not asked,
        started=tuple(programs),
        asked=asked,
        gap=gap,
    )


def _reached(digests: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the names that functions may have read which the cell's text names."""
    return [name for name, seen in digests.items() if seen.get("reached")]


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
        signature=tuple(use["signature"]) if use["signature"] else None,
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
