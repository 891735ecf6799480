"""Where a file or a run came from, and what it fed.

The walk goes breadth-first over file versions, a session's uses are loaded once, and each level
asks short statements with a covering index. Cycles (a run that writes back what another one made
from it) end because nothing is visited twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..store import edges
from .session import Entity, Session, Touch, entity_of, load_sessions
from .subject import Subject, find_subject

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ..store import Store
    from ..store.edges import Seen

Document = dict[str, Any]

_Node = Entity | tuple[int]
"""An entity, or the key of a run in a tuple of its own."""


def trace(
    store: Store, what: str, *, down: bool = False, limit: int = 5000, folder: Path | None = None
) -> Document:
    """Return the ancestors of a thing, or with ``down`` everything that it fed.

    Args:
        store: an open store.
        what: a path (absolute, relative to ``folder``, or a unique ending of a recorded one),
            a ``blake3:…`` hash, or a run's id.
        down: ask what it fed instead of where it came from.
        limit: stop when the answer has so many nodes; ``truncated`` says so.
        folder: what relative paths are relative to; by default the working directory.

    Returns:
        ``{"schema": 1, "start", "direction", "note", "truncated", "nodes", "edges"}``. An edge's
        ``relation`` is PROV's word and its ``source`` the subject: a file ``wasGeneratedBy`` a
        run, a run ``used`` a file, a run ``wasInformedBy`` another of the same kernel.

    Raises:
        NotFound: nothing of that name is in the record.
        InvalidInput: it names several things.
    """
    subject = find_subject(store, what, folder=folder)
    walk = _Walk(store, limit=limit)
    if subject.run is not None:
        walk.from_run(subject.run, down=down)
    else:
        walk.from_file(subject, down=down)
    return walk.document(subject, down=down)


class _Walk:
    """The state of one question. ``limit`` bounds the number of nodes."""

    def __init__(self, store: Store, *, limit: int) -> None:
        self._store = store
        self._limit = limit
        self._sessions: dict[int, Session] = {}  # by each of its runs
        self._reached: dict[int, int] = {}  # by session: how many of its touches were followed
        self._level: list[Entity] = []  # met, and not followed yet
        self._files: dict[Entity, tuple[Seen, dict[str, None]]] = {}  # and its paths
        self._runs: dict[int, None] = {}
        self._edges: dict[tuple[_Node, _Node, str], list[int]] = {}
        self._truncated = False

    def from_file(self, subject: Subject, *, down: bool) -> None:
        """Walk from a file version."""
        self._meet(subject.entity, list(subject.seen))
        self._finish(down=down)

    def from_run(self, run: int, *, down: bool) -> None:
        """Walk from a run: all that it used, or all that it made."""
        self._load([run])
        session = self._sessions[run]
        self._runs.setdefault(run)
        own_reads = [touch for touch in session.reads if touch.run == run]
        own_writes = [touch for touch in session.writes if touch.run == run]
        if down:
            for touch in own_writes:
                self._generated(session, touch)
            if own_reads:
                self._follow_writes(session, own_reads)
        else:
            for touch in own_reads:
                self._used(session, touch)
            if own_writes:
                self._follow_reads(session, own_writes)
        self._finish(down=down)

    def _finish(self, *, down: bool) -> None:
        role, step = ("read", self._down) if down else ("write", self._up)
        while self._level and not self._truncated:
            level, self._level = self._level, []
            users = self._users(level, role)
            self._load({run for runs in users.values() for run in runs})
            for entity, runs in users.items():
                if self._truncated:
                    break
                for session in {id(s): s for s in map(self._sessions.__getitem__, runs)}.values():
                    step(session, entity)

    def _users(self, level: list[Entity], role: str) -> dict[Entity, list[int]]:
        versions = [entity for entity in level if isinstance(entity, int)]
        by_version = edges.runs_by_version(self._store, versions, role)
        found: dict[Entity, list[int]] = {
            version: by_version[version] for version in versions if version in by_version
        }
        for entity in level:
            if not isinstance(entity, int):
                uses = edges.uses_of_location(self._store, entity[1])
                here = (use for use in uses if use.role == role and entity_of(use) == entity)
                found[entity] = [use.run for use in here]
        return found

    def _load(self, runs: Iterable[int]) -> None:
        unknown = [run for run in runs if run not in self._sessions]
        for session in load_sessions(self._store, unknown):
            self._sessions.update(dict.fromkeys(session.runs, session))

    def _up(self, session: Session, entity: Entity) -> None:
        writes = session.writes_of[entity]
        for touch in writes:
            self._generated(session, touch)
        self._follow_reads(session, writes)

    def _down(self, session: Session, entity: Entity) -> None:
        reads = session.reads_of[entity]
        for touch in reads:
            self._used(session, touch)
        self._follow_writes(session, reads)

    def _follow_reads(self, session: Session, writes: list[Touch]) -> None:
        """Meet what the session had read by the time of ``writes``, and not what came later."""
        until = max(touch.moment for touch in writes)
        done = self._reached.get(id(session), 0)
        while done < len(session.reads) and session.reads[done].moment <= until:
            self._used(session, session.reads[done])
            done += 1
        self._reached[id(session)] = done
        self._inform(session, writes, session.reads[:done])

    def _follow_writes(self, session: Session, reads: list[Touch]) -> None:
        """Meet what the session wrote once it had read ``reads``, and not what came before."""
        since = min(touch.moment for touch in reads)
        done = self._reached.get(id(session), 0)
        while done < len(session.writes) and session.writes[-1 - done].moment >= since:
            self._generated(session, session.writes[-1 - done])
            done += 1
        self._reached[id(session)] = done
        self._inform(session, session.writes[len(session.writes) - done :], reads)

    def _inform(self, session: Session, writes: list[Touch], reads: list[Touch]) -> None:
        """Join runs of one kernel: what one wrote, values read by another may be in."""
        if len(session.runs) == 1:
            return
        first: dict[int, int] = {}
        for touch in reads:
            first[touch.run] = min(touch.moment, first.get(touch.run, touch.moment))
        last: dict[int, int] = {}
        for touch in writes:
            last[touch.run] = max(touch.moment, last.get(touch.run, touch.moment))
        for writer, until in last.items():
            for reader, since in first.items():
                if writer != reader and since <= until:
                    self._edge((writer,), (reader,), "wasInformedBy")

    def _used(self, session: Session, touch: Touch) -> None:
        self._meet(touch.entity, session.seen[touch.entity])
        cells = session.cells[touch.run, "read", touch.entity]
        self._edge((touch.run,), touch.entity, "used", cells)

    def _generated(self, session: Session, touch: Touch) -> None:
        self._meet(touch.entity, session.seen[touch.entity])
        cells = session.cells[touch.run, "write", touch.entity]
        self._edge(touch.entity, (touch.run,), "wasGeneratedBy", cells)

    def _meet(self, entity: Entity, seen: list[Seen]) -> None:
        if entity not in self._files:
            self._files[entity] = (seen[0], {})
            self._level.append(entity)
            self._truncated |= len(self._files) + len(self._runs) >= self._limit
        self._files[entity][1].update(dict.fromkeys(use.path for use in seen))

    def _edge(
        self, source: _Node, target: _Node, relation: str, cells: list[int] | None = None
    ) -> None:
        for node in (source, target):
            if isinstance(node, tuple) and len(node) == 1:
                self._runs.setdefault(node[0])
        self._edges.setdefault((source, target, relation), cells or [])

    def document(self, subject: Subject, *, down: bool) -> Document:
        """Return the answer as the contract has it."""
        labels = edges.run_labels(self._store, self._runs)
        ids: dict[_Node, str] = {(run,): f"run:{labels[run].id}" for run in self._runs}
        ids.update((entity, file_id(entity, seen)) for entity, (seen, _) in self._files.items())
        nodes = [_file_node(ids[entity], *met) for entity, met in self._files.items()]
        nodes += [_run_node(labels[run]) for run in self._runs]
        return {
            "schema": 1,
            "start": ids[subject.entity if subject.run is None else (subject.run,)],
            "direction": "down" if down else "up",
            "note": subject.note,
            "truncated": self._truncated,
            "nodes": nodes,
            "edges": [
                {
                    "source": ids[source],
                    "target": ids[target],
                    "relation": relation,
                    "executions": sorted(cells),
                }
                for (source, target, relation), cells in self._edges.items()
            ],
        }


def _file_node(node_id: str, seen: Seen, paths: dict[str, None]) -> Document:
    return {
        "id": node_id,
        "type": "file",
        "label": _last_part(seen.path),
        "path": seen.path,
        "paths": list(paths),
        "hash": seen.hash,
        "size": seen.size,
        "reason": seen.reason if seen.hash is None else None,
    }


def _last_part(path: str) -> str:
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2] or path


def file_id(entity: Entity, seen: Seen) -> str:
    """Return a file node's id: by its bytes where they say something, else by its place."""
    if isinstance(entity, int):
        return f"file:{seen.hash}"
    return f"file:?{seen.uri}" if entity[0] == "unknown" else f"file:{seen.hash}@{seen.uri}"


def _run_node(label: edges.RunLabel) -> Document:
    notebook = _last_part(label.notebook) if label.notebook else None
    return {
        "id": f"run:{label.id}",
        "type": "run",
        "label": " · ".join(part for part in (notebook, label.name) if part) or label.kind,
        "kind": label.kind,
        "name": label.name,
        "notebook": label.notebook,
        "status": label.status,
        "user": label.user,
        "started_at": label.started_at,
        "capture_level": label.capture_level,
    }
