"""Versions, locations and the edges between them and runs: what lineage questions stand on.

Every statement here is answered by a covering index and asks about one level only; the walk over
levels is in ``jupyter_lineage.lineage``. Recursive SQL is avoided on purpose: after ``ANALYZE``
common SQLite versions build a Bloom filter over all edges at every step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..ids import from_bytes
from .queries import marks, rows
from .text import as_stored

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .sqlite import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One use of a location: ``role`` of ``version`` (None where its hash is not known)."""

    run: int
    role: str
    path: str
    uri: str
    version: int | None
    hash: str | None
    size: int | None
    reason: str | None
    at: str
    ns: int
    execution: int | None


_SEEN = """
SELECT u.run_id AS run, u.role, l.path, l.uri, u.version_id AS version, v.hash,
  coalesce(v.size, u.size) AS size, u.reason, u.at, u.ns, e.number AS execution
FROM use u
JOIN location l ON l.id = u.location_id
LEFT JOIN file_version v ON v.id = u.version_id
LEFT JOIN execution e ON e.id = u.execution_id
"""


def _seen(store: Store, condition: str, *values: object) -> list[Seen]:
    return [Seen(**dict(row)) for row in rows(store, f"{_SEEN} {condition}", values)]


def uses_of_runs(store: Store, runs: Iterable[int]) -> Iterator[Seen]:
    """Yield the reads and writes of some runs, those of a run in the order they happened."""
    for chosen in _chunks(runs):
        condition = f"WHERE u.run_id IN ({marks(len(chosen))}) AND u.role <> 'remove'"
        yield from _seen(store, f"{condition} ORDER BY u.run_id, u.ns, u.id", *chosen)


def uses_of_location(store: Store, uri: str) -> list[Seen]:
    """Return the reads and writes of one location, newest first."""
    return _seen(store, "WHERE l.uri = ? AND u.role <> 'remove' ORDER BY u.at DESC, u.id DESC", uri)


def uses_of_version(store: Store, version: int) -> list[Seen]:
    """Return the reads and writes of one version anywhere, oldest first."""
    return _seen(
        store, "WHERE u.version_id = ? AND u.role <> 'remove' ORDER BY u.at, u.id", version
    )


def runs_by_version(store: Store, versions: Iterable[int], role: str) -> dict[int, list[int]]:
    """Return the keys of the runs that read or wrote each version; none where nobody did.

    Args:
        store: an open store.
        versions: keys of file versions.
        role: ``read`` or ``write``.
    """
    found: dict[int, list[int]] = {}
    for chosen in _chunks(versions):
        statement = (
            "SELECT version_id, run_id FROM run_io"  # noqa: S608 - question marks only
            f" WHERE version_id IN ({marks(len(chosen))}) AND role = ? ORDER BY version_id, run_id"
        )
        for row in rows(store, statement, (*chosen, role)):
            found.setdefault(row["version_id"], []).append(row["run_id"])
    return found


def session_runs(store: Store, run: int, inside: Sequence[str]) -> tuple[int, ...]:
    """Return the runs that share a kernel with ``run``, itself included, outermost first."""
    return sessions_of(store, [run], inside)[0]


def sessions_of(store: Store, runs: Iterable[int], inside: Sequence[str]) -> list[tuple[int, ...]]:
    """Return the groups of runs that share a kernel, for each group that one of ``runs`` is in.

    Args:
        store: an open store.
        runs: integer keys of runs.
        inside: the kinds of runs that live inside their parent's kernel.
    """
    outer_of: dict[int, int] = {}
    climbing = set(runs)
    while climbing:
        outer_of.update(_outer_runs(store, climbing, inside))
        climbing = set(outer_of.values()) - set(outer_of)
    outermost = {outer for outer in outer_of.values() if outer_of[outer] == outer}
    members: dict[int, list[int]] = {outer: [outer] for outer in sorted(outermost)}
    group_of = {outer: outer for outer in outermost}
    level = list(outermost)
    while level:
        level = [
            child
            for child, parent in _inner_runs(store, level, inside)
            if group_of.setdefault(child, group_of[parent]) == group_of[parent]
        ]
        for child in level:
            members[group_of[child]].append(child)
    return [tuple(group) for group in members.values()]


def _outer_runs(store: Store, runs: Iterable[int], inside: Sequence[str]) -> dict[int, int]:
    """Return the run that each run is directly inside of; itself where that is none."""
    outer: dict[int, int] = {}
    for chosen in _chunks(runs):
        statement = f"SELECT id, kind, parent_id FROM run WHERE id IN ({marks(len(chosen))})"  # noqa: S608
        for row in rows(store, statement, chosen):
            is_inside = row["kind"] in inside and row["parent_id"] is not None
            outer[row["id"]] = row["parent_id"] if is_inside else row["id"]
    return outer


def _inner_runs(
    store: Store, runs: Iterable[int], inside: Sequence[str]
) -> Iterator[tuple[int, int]]:
    """Yield (run, parent) of the runs directly inside of ``runs``."""
    for chosen in _chunks(runs):
        # Few runs have a parent, which ANALYZE takes for a reason to look through all of them.
        statement = (
            "SELECT id, parent_id FROM run INDEXED BY run_parent"  # noqa: S608 - question marks
            f" WHERE parent_id IN ({marks(len(chosen))}) AND kind IN ({marks(len(inside))})"
        )
        for row in rows(store, statement, (*chosen, *inside)):
            yield row["id"], row["parent_id"]


_CHUNK = 500
"""Values in one statement: SQLite's old limit is 999 question marks."""


def _chunks(values: Iterable[int]) -> Iterator[list[int]]:
    waiting = list(values)
    for start in range(0, len(waiting), _CHUNK):
        yield waiting[start : start + _CHUNK]


def version_of_hash(store: Store, content: str) -> int | None:
    """Return the key of the version with this ``blake3:…`` hash, or None."""
    found = rows(store, "SELECT id FROM file_version WHERE hash = ?", (content,))
    return int(found[0]["id"]) if found else None


def hashes_like(store: Store, beginning: str, *, limit: int = 3) -> list[str]:
    """Return hashes that begin with ``beginning`` (``blake3:`` and some digits)."""
    beginning = as_stored(beginning)
    found = rows(
        store,
        "SELECT hash FROM file_version WHERE hash >= ? AND hash < ? ORDER BY hash LIMIT ?",
        (beginning, beginning + "g", limit),  # the letter after the last digit
    )
    return [row["hash"] for row in found]


LAST_PART = "lower(replace(path, rtrim(path, replace(path, '/', '')), ''))"
"""What follows the last slash of a path, in small letters: the expression of an index."""


def locations_like(store: Store, ending: str, *, limit: int = 20) -> list[str]:
    """Return URIs of locations whose path is ``ending`` or ends with ``/`` and it."""
    ending = as_stored(ending)
    found = rows(
        store,
        # The first condition is for the index; a database from before it is looked through.
        f"SELECT uri FROM location WHERE {LAST_PART} = lower(?1)"  # noqa: S608 - a constant
        " AND (path = ?2 OR path LIKE ?3 ESCAPE '\\') ORDER BY uri LIMIT ?4",
        (ending.rpartition("/")[2], ending, "%/" + _escaped(ending), limit),
    )
    return [row["uri"] for row in found]


def paths_containing(store: Store, part: str, *, limit: int = 5) -> list[str]:
    """Return recorded paths that contain ``part``, for "did you mean"."""
    found = rows(
        store,
        "SELECT path FROM location WHERE path LIKE ? ESCAPE '\\' ORDER BY id DESC LIMIT ?",
        ("%" + _escaped(as_stored(part)) + "%", limit),
    )
    return [row["path"] for row in found]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLabel:
    """What a person calls a run."""

    id: str
    kind: str
    name: str | None
    notebook: str | None
    status: str
    user: str | None
    started_at: str
    parent: int | None
    capture_level: str


def run_labels(store: Store, runs: Iterable[int]) -> dict[int, RunLabel]:
    """Return what is needed to name runs in an answer, by their integer keys."""
    found: dict[int, RunLabel] = {}
    for chosen in _chunks(runs):
        statement = (
            "SELECT r.id AS key, r.uid, r.kind, r.name, r.notebook, r.user, r.started_at,"  # noqa: S608
            " r.parent_id, r.capture_level, (SELECT x.value FROM run_event x"
            " WHERE x.run_id = r.id AND x.kind = 'status' ORDER BY x.id DESC LIMIT 1) AS status"
            f" FROM run r WHERE r.id IN ({marks(len(chosen))})"
        )
        for row in rows(store, statement, chosen):
            found[row["key"]] = RunLabel(
                id=from_bytes(row["uid"]),
                kind=row["kind"],
                name=row["name"],
                notebook=row["notebook"],
                status=row["status"] or "running",
                user=row["user"],
                started_at=row["started_at"],
                parent=row["parent_id"],
                capture_level=row["capture_level"],
            )
    return found
