"""What a person means by WHAT: a run, a hash, or a path, and whether the file is still that one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from ..errors import InvalidInput, NotFound
from ..ids import HASH_PREFIX, hash_bytes
from ..store import edges
from ..store.queries import find_run, run_key
from ..store.text import as_stored
from .session import Entity, entity_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..store import Store
    from ..store.edges import Seen

COMPARE_LIMIT_BYTES = 256_000_000
"""A larger file on disk is compared by its size alone: reading it would take too long."""

_SHORTEST_HASH = len(HASH_PREFIX) + 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The start of a question: a run's key, or a file version with the places it was seen at."""

    run: int | None = None
    seen: tuple[Seen, ...] = ()
    note: str | None = None

    @property
    def entity(self) -> Entity:
        """Return the file version asked about."""
        return entity_of(self.seen[0])


def find_subject(store: Store, what: str, *, folder: Path | None = None) -> Subject:
    """Return what ``what`` names.

    Args:
        store: an open store.
        what: ``blake3:…``, a path, a run's id or a part of it, a path's unique ending, or the
            id of a node of an earlier answer.
        folder: what relative paths are relative to; by default the working directory.

    Raises:
        NotFound: nothing of that name is in the record; the nearest names are said.
        InvalidInput: it names several things, or nothing.
    """
    if not what.strip():
        raise InvalidInput("the thing to trace has no name", hint="Give a path, a hash or a run.")
    if not _can_be_asked(what):
        raise NotFound(f"{what!r} is not in the record", hint="No file and no run has such a name.")
    what = _without_kind(what)
    if what.startswith(HASH_PREFIX):
        return _by_hash(store, what)
    if what.startswith("file://"):
        return _by_uri(store, what)
    path = Path(os.path.abspath((folder or Path.cwd()) / Path(what).expanduser()))  # noqa: PTH100
    for place in dict.fromkeys((path, Path(os.path.realpath(path)))):
        if uses := _uses_at(store, place):
            return _at_place(store, place, uses)
    run = _find_run(store, what)
    if run is not None:
        return Subject(run=run)
    if subject := _by_ending(store, what):
        return subject
    if subject := _by_bytes(store, path):
        return subject
    raise NotFound(f"{what!r} is not in the record", hint=_nearest(store, what))


def _can_be_asked(what: str) -> bool:
    """Tell whether a text can be a file's name: not with a NUL, nor with half a letter in it."""
    try:
        return b"\0" not in os.fsencode(what)
    except UnicodeEncodeError:
        return False


def _without_kind(what: str) -> str:
    """Return the hash or URI in a node's id (``trace.file_id``), anything else as it is."""
    if not what.startswith(("file:blake3:", "file:?file:")):
        return what
    name = what.removeprefix("file:")
    return name[1:] if name.startswith("?") else name.partition("@")[2] or name


def _by_uri(store: Store, uri: str) -> Subject:
    uses = edges.uses_of_location(store, as_stored(uri))
    if not uses:
        raise NotFound(f"{uri} is not in the record", hint=_nearest(store, uri))
    return _at_place(store, _path_of(uri), uses)


def _path_of(uri: str) -> Path:
    return Path(os.fsdecode(unquote_to_bytes(uri.removeprefix("file://"))))


def _by_hash(store: Store, content: str) -> Subject:
    found = edges.hashes_like(store, content.lower()) if len(content) >= _SHORTEST_HASH else []
    if len(found) > 1:
        raise InvalidInput(f"several files have a hash that begins with {content}")
    version = edges.version_of_hash(store, found[0]) if found else None
    if version is None:
        raise NotFound(
            f"no file with the hash {content} is in the record",
            hint="Give `blake3:` and 8 or more of its digits, as `jupyter lineage show` has them.",
        )
    seen = edges.uses_of_version(store, version)
    if not seen:
        raise NotFound(f"no run read or wrote {content}")
    if not isinstance(entity_of(seen[0]), int):
        raise InvalidInput("that is the hash of every empty file", hint="Give the file's path.")
    return Subject(seen=tuple(seen))


def _uses_at(store: Store, path: Path) -> list[Seen]:
    return edges.uses_of_location(store, path.as_uri())


def _find_run(store: Store, what: str) -> int | None:
    bare = what.removeprefix("run:")
    try:
        return run_key(store, find_run(store, bare))
    except NotFound:
        return None
    except InvalidInput:
        # Too short, or the start of several ids: as likely a file's name (`data`, `face`).
        if bare is what and _is_an_ending(store, what):
            return None
        raise


def _is_an_ending(store: Store, what: str) -> bool:
    return bool(edges.locations_like(store, what, limit=1)) or Path(what).exists()


def _by_ending(store: Store, what: str) -> Subject | None:
    found = edges.locations_like(store, what.removeprefix("./"))
    if not found:
        return None
    uses = {uri: edges.uses_of_location(store, uri) for uri in found}
    exact = {uri: at for uri, at in uses.items() if at and at[0].path.endswith(as_stored(what))}
    uses = exact or {uri: at for uri, at in uses.items() if at}
    uses = _without_reproductions(store, uses)
    if len({entity_of(at[0]) for at in uses.values()}) > 1:
        paths = sorted(at[0].path for at in uses.values())
        listed = ", ".join(paths[:3]) + (" …" if len(paths) > 3 else "")
        raise InvalidInput(f"{what!r} names {len(paths)} files: {listed}", hint="Give more of it.")
    for uri, at in uses.items():
        return _at_place(store, _path_of(uri), at)
    return None


def _without_reproductions(store: Store, uses: dict[str, list[Seen]]) -> dict[str, list[Seen]]:
    """Leave out the copies in folders of reproductions, where others have that name too."""
    runs = {use.run for at in uses.values() for use in at}
    labels = edges.run_labels(store, runs)
    copies = {run for run in runs if labels[run].kind == "reproduction"}
    kept = {uri: at for uri, at in uses.items() if any(use.run not in copies for use in at)}
    return kept or uses


def _at_place(store: Store, path: Path, uses: list[Seen]) -> Subject:
    """Choose the version at a place: the one on disk when it is recorded, else the newest."""
    newest = uses[0]
    here = [use for use in uses if entity_of(use) == entity_of(newest)]
    present = _present(path)
    if present is None:
        gone = f"{path} is not there any more; this is about the version last recorded"
        return Subject(seen=tuple(here), note=gone)
    size, content = present
    if newest.hash is None:
        note = f"which version is at {path} is not known: {newest.reason}"
        return Subject(seen=tuple(here), note=note)
    if content == newest.hash or (content is None and size == newest.size):
        unread = None if content else f"{path} is large: compared by its size only"
        return Subject(seen=tuple(here), note=unread)
    version = edges.version_of_hash(store, content) if content else None
    known = edges.uses_of_version(store, version) if version is not None else []
    known = [use for use in known if use.uri == newest.uri] or (known if size else [])
    if known:
        note = (
            f"{path} now holds other bytes than were last recorded there, seen at {known[-1].at}; "
            "this is about the bytes that it holds now"
        )
        return Subject(seen=tuple(known), note=note)
    note = (
        f"{path} has changed since, and its present bytes are in no record; "
        f"this is about those of {newest.at}"
    )
    return Subject(seen=tuple(here), note=note)


def _by_bytes(store: Store, path: Path) -> Subject | None:
    """Find an unrecorded file by its bytes: somebody copied or moved it."""
    present = _present(path)
    if present is None or not present[0] or present[1] is None:
        return None
    version = edges.version_of_hash(store, present[1])
    seen = edges.uses_of_version(store, version) if version is not None else []
    if not seen:
        return None
    note = f"{path} is not in the record, but its bytes are, as {seen[-1].path}"
    return Subject(seen=tuple(seen), note=note)


def _present(path: Path) -> tuple[int, str | None] | None:
    """Return the size and hash of the file on disk (None for a large one), or None if not there."""
    try:
        if not path.is_file():
            return None
        size = path.stat().st_size
        if size > COMPARE_LIMIT_BYTES:
            return size, None
        return size, hash_bytes(_pieces(path))
    except OSError:
        return None


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while piece := stream.read(1 << 20):
            yield piece


def _nearest(store: Store, what: str) -> str:
    name = Path(what).name
    for part in (name, Path(name).stem, name[:4], name[:3]):
        if len(part) >= 3 and (paths := edges.paths_containing(store, part)):
            return "Did you mean " + ", ".join(dict.fromkeys(paths)) + "?"
    return "`jupyter lineage log` and `show` say what was recorded."
