"""One kernel's life as a lineage question sees it: what was read and written, in which order.

A tracked run or a trial shares its kernel, and so the values in its memory, with the run it was
opened in. Together they are one *session*: a file that one of them wrote may depend on whatever
any of them had read by then, and on nothing that was read later.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..store import edges

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..store import Store
    from ..store.edges import Seen

INSIDE_A_SESSION = ("tracked", "trial")
"""Kinds of runs that share a kernel with their parent."""

Entity = int | tuple[str, str]
"""A file version: its key, or ``("unknown", uri)`` and ``("empty", uri)`` where bytes say nothing.

All empty files have the same hash; taking them for one version would join strangers' runs, so
an empty file is known by its place as well.
"""


def entity_of(seen: Seen) -> Entity:
    """Return what a use read or wrote."""
    if seen.version is None:
        return ("unknown", seen.uri)
    return ("empty", seen.uri) if seen.size == 0 else seen.version


@dataclass(frozen=True, slots=True, order=True)
class Touch:
    """A run read or wrote an entity: when it was first read, or until when it was written."""

    moment: int
    run: int
    entity: Entity = field(compare=False)


@dataclass(slots=True)
class Session:
    """The uses of the runs that share one kernel.

    ``reads`` lists each (run, entity) once with the monotonic moment of its first read, ``writes``
    with the moment until which something read could still enter it; both oldest first.
    A read counts as an ancestor of a write exactly when ``read.moment <= write.moment``.
    """

    runs: tuple[int, ...]
    reads: list[Touch]
    writes: list[Touch]
    cells: dict[tuple[int, str, Entity], list[int]]
    """Numbers of the executions by run, role and entity."""
    seen: dict[Entity, list[Seen]]
    """Where each entity was met."""
    reads_of: dict[Entity, list[Touch]]
    writes_of: dict[Entity, list[Touch]]


def load_sessions(store: Store, runs: Iterable[int]) -> list[Session]:
    """Return the sessions that some runs belong to, each once.

    Args:
        store: an open store.
        runs: integer keys of runs.
    """
    groups = edges.sessions_of(store, runs, INSIDE_A_SESSION)
    uses: dict[int, list[Seen]] = {run: [] for group in groups for run in group}
    for use in edges.uses_of_runs(store, uses):
        uses[use.run].append(use)
    return [_session(group, uses) for group in groups]


def _session(runs: tuple[int, ...], uses: dict[int, list[Seen]]) -> Session:
    reads: list[Touch] = []
    writes: list[Touch] = []
    cells: dict[tuple[int, str, Entity], list[int]] = {}
    seen: dict[Entity, list[Seen]] = {}
    for run in runs:
        reads += _first_reads(uses[run])
        writes += _last_writes(uses[run])
        for use in uses[run]:
            entity = entity_of(use)
            seen.setdefault(entity, []).append(use)
            numbers = cells.setdefault((run, use.role, entity), [])
            if use.execution is not None and use.execution not in numbers:
                numbers.append(use.execution)
    reads.sort()
    writes.sort()
    return Session(runs, reads, writes, cells, seen, _by_entity(reads), _by_entity(writes))


def _by_entity(touches: Iterable[Touch]) -> dict[Entity, list[Touch]]:
    found: dict[Entity, list[Touch]] = {}
    for touch in touches:
        found.setdefault(touch.entity, []).append(touch)
    return found


def _first_reads(uses: Iterable[Seen]) -> list[Touch]:
    first: dict[Entity, Touch] = {}
    for use in uses:
        if use.role == "read":
            entity = entity_of(use)
            known = first.get(entity)
            if known is None or use.ns < known.moment:
                first[entity] = Touch(use.ns, use.run, entity)
    return list(first.values())


def _last_writes(uses: list[Seen]) -> list[Touch]:
    """Return each written entity with the end of its reach.

    A file is opened before the rest of its cell reads on, so everything that its own execution
    read counts, and so does what earlier executions read late (a background thread).
    """
    numbered = sorted((use.execution, use.ns) for use in uses if use.execution is not None)
    numbers = [number for number, _ in numbered]
    until: list[int] = []
    for _, moment in numbered:
        until.append(max(moment, until[-1]) if until else moment)
    last: dict[Entity, Touch] = {}
    for use in uses:
        if use.role != "write":
            continue
        moment = use.ns
        if use.execution is not None:
            moment = max(moment, until[bisect_right(numbers, use.execution) - 1])
        entity = entity_of(use)
        known = last.get(entity)
        if known is None or moment > known.moment:
            last[entity] = Touch(moment, use.run, entity)
    return list(last.values())
