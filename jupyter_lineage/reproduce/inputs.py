"""What a run needed from its files: the versions it read before it wrote them, and where they are.

A version comes from the kept bytes, else from its original place while that still holds the same
bytes. What the run made itself is no input, even where it read it later.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from ..ids import HASH_PREFIX
from . import ages
from .evidence import Evidence, Use, relative_to

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..store.content import Content

_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A file version to put into the workspace."""

    path: str
    """Relative to the working folder."""
    hash: str
    size: int
    kept: bool
    """Whether the bytes come from the content store, else from ``original``."""
    original: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A file that the run read and that can't be had."""

    path: str
    reason: str
    cells: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Everything the run read that it had not made, by where it will come from."""

    files: tuple[Input, ...] = ()
    in_place: tuple[tuple[str, str], ...] = ()
    """(absolute path, hash) of what is read where it has always been."""
    changed: tuple[str, ...] = ()
    """Absolute paths that would have to be read in place and hold other bytes now."""
    missing: tuple[Missing, ...] = ()
    left_out: tuple[Missing, ...] = ()
    """What the run may have made unseen, by a program that it started: left to be made again."""
    doubtful: tuple[Missing, ...] = ()
    """The same, but read in its original place, where it can't be left out."""
    ageless: tuple[str, ...] = ()
    """Absolute paths of inputs of which it can't be told whether they were there before the run."""


def first_uses(evidence: Evidence) -> Iterator[Use]:
    """Yield each path's first use, with the hash of the version that was there.

    A file that was removed or renamed away first had to be there too; what a later read of the
    same path says about that version is not asked, since it may be another one.
    """
    seen: set[str] = set()
    for use in evidence.uses:
        path = os.path.normpath(use.path)
        if path not in seen:
            seen.add(path)
            yield use


def find_inputs(evidence: Evidence, content: Content, *, fixed: bool) -> Inputs:
    """Return the run's inputs and where each of them can be had.

    Args:
        evidence: the run.
        content: the kept bytes.
        fixed: whether absolute paths inside the working folder are taken as fixed places (the
            code names the folder), so that the originals themselves would be read.
    """
    imported = {os.path.normpath(use.path) for use in evidence.uses if use.via == "import"}
    given = {
        os.path.normpath(use.path) for use in evidence.uses if use.absolute and use.role == "read"
    }
    files, in_place, changed, missing = [], [], [], []
    left_out: list[Missing] = []
    doubtful: list[Missing] = []
    ageless: list[str] = []
    old = not any(use.signature for use in evidence.uses)
    taken = {os.path.normpath(use.path) for use in evidence.uses if use.role == "remove"}
    for use in first_uses(evidence):
        if use.role == "write":
            continue
        path = os.path.normpath(use.path)
        relative = relative_to(path, evidence.cwd)
        outside = relative is None or (fixed and path in given and path not in imported)
        if use.hash is None:
            reason = use.reason or "its content was not recorded"
            if use.role == "remove":
                reason = "it was removed or renamed before its content was recorded"
            missing.append(Missing(path=path, reason=reason, cells=_readers(evidence, path)))
            continue
        made = _may_be_made(evidence, use)
        if made is not None:
            own = Missing(path=path, reason=made, cells=_readers(evidence, path))
            (doubtful if outside else left_out).append(own)
            if not outside:
                continue
        elif _is_ageless(evidence, use, old=old):
            ageless.append(path)
        if outside and path in taken and not os.path.lexists(path):
            reason = "the run took it away from there"
            missing.append(Missing(path=path, reason=reason, cells=_readers(evidence, path)))
        elif outside and hash_file(path) != use.hash:
            changed.append(path)
        elif outside:
            in_place.append((path, use.hash))
        if relative is None:
            continue
        if content.has(use.hash) or hash_file(path) == use.hash:
            kept = content.has(use.hash)
            files.append(
                Input(path=relative, hash=use.hash, size=use.size or 0, kept=kept, original=path)
            )
        elif not outside:
            reason = "its bytes were not kept and the file has changed or is gone"
            missing.append(Missing(path=path, reason=reason, cells=_readers(evidence, path)))
    return Inputs(
        files=tuple(files),
        in_place=tuple(in_place),
        changed=tuple(changed),
        missing=tuple(missing),
        left_out=tuple(left_out),
        doubtful=tuple(doubtful),
        ageless=tuple(ageless),
    )


def _may_be_made(evidence: Evidence, use: Use) -> str | None:
    """Return why a file that the run read first may be of its own making, None where it is not.

    What it is not seen to have written may be written by a program that it started, or by a library
    where only Python's own writing is seen. Where there was neither, somebody else changed the file
    meanwhile. Where the record has no times, it is taken for older when an earlier run met it.
    """
    program = ages.started_before(evidence, use)
    seen = evidence.capture_level == "full"
    if use.role != "read" or (program is None and seen):
        return None
    during = ages.came_during(evidence, use)
    if during is None:
        during = program is not None and use.path not in evidence.known_before
    if not during:
        return None
    if program is not None:
        return f"a program that cell {program} started may have made it"
    return "it came into being during the run, and what libraries write natively was not seen"


def _is_ageless(evidence: Evidence, use: Use, *, old: bool) -> bool:
    """Tell whether it has to be said that an input may be the run's own making.

    Args:
        evidence: the run.
        use: its first use of a file.
        old: whether it was recorded before times of versions were; then it is not known either
            which programs worker processes were.
    """
    if use.role != "read" or not (old or ages.started_before(evidence, use) is not None):
        return False
    return ages.came_during(evidence, use) is None


def changed_meanwhile(evidence: Evidence) -> list[str]:
    """Return paths of which the run read two versions without having written in between."""
    last: dict[str, str | None] = {}
    found: dict[str, None] = {}
    for use in evidence.uses:
        path = os.path.normpath(use.path)
        known = last.get(path)
        if use.role != "read":
            last[path] = None
        elif known is not None and use.hash is not None and use.hash != known:
            found.setdefault(path)
        else:
            last[path] = use.hash or known
    return list(found)


def _readers(evidence: Evidence, path: str) -> tuple[int, ...]:
    """Return the cells that read a path before the run first wrote it."""
    found: dict[int, None] = {}
    for use in evidence.uses:
        if os.path.normpath(use.path) != path:
            continue
        if use.role == "write":
            break
        if use.cell is not None:
            found.setdefault(use.cell)
    return tuple(found)


def open_at_once(path: str) -> BinaryIO:
    """Open a file for reading without waiting where it is a pipe that nobody writes.

    Raises:
        OSError: it can't be opened.
    """
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")


def hash_file(path: str) -> str | None:
    """Return the ``blake3:…`` hash of a regular file, or None when it can't be read."""
    from blake3 import blake3

    hasher = blake3()
    try:
        with open_at_once(path) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                return None
            while chunk := stream.read(_CHUNK):
                hasher.update(chunk)
    except (OSError, ValueError):
        return None
    return HASH_PREFIX + hasher.hexdigest()
