"""What a run needed from its files: the versions it read before it wrote them, and where they are.

A version comes from the kept bytes, else from its original place while that still holds the same
bytes. What the run made itself is no input, even where it read it later.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO

from ..ids import HASH_PREFIX
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
    """What a program that the run started may have made: left to be made again."""


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
    files, in_place, changed, missing, left_out = [], [], [], [], []
    for use in first_uses(evidence):
        if use.role == "write":
            continue
        path = os.path.normpath(use.path)
        relative = relative_to(path, evidence.cwd)
        outside = relative is None or (fixed and path in given and path not in imported)
        if use.role == "remove" and use.hash is None:
            reason = "it was removed or renamed before its content was recorded"
            missing.append(Missing(path=path, reason=reason, cells=_readers(evidence, path)))
        elif use.hash is None:
            reason = use.reason or "its content was not recorded"
            missing.append(Missing(path=path, reason=reason, cells=_readers(evidence, path)))
        elif not outside and (program := _program_before(evidence, use)) is not None:
            reason = f"a program that cell {program} started may have made it"
            left_out.append(Missing(path=path, reason=reason, cells=_readers(evidence, path)))
            continue
        elif outside and hash_file(path) != use.hash:
            changed.append(path)
        elif outside:
            in_place.append((path, use.hash))
        if relative is None or use.hash is None:
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
    )


def _program_before(evidence: Evidence, use: Use) -> int | None:
    """Return the cell whose programs may have made a file that the run read then.

    None where the file is known from before the run: by an earlier run's record, or because it
    has not been touched since.
    """
    if use.role != "read" or use.cell is None or use.path in evidence.known_before:
        return None
    starters = [cell.number for cell in evidence.cells if cell.programs]
    if not starters or starters[0] > use.cell:
        return None
    return None if _untouched_since(use, evidence.started_at) else starters[0]


def _untouched_since(use: Use, started_at: str) -> bool:
    """Tell whether a file still is as it was before a run; its second time can't be set at will."""
    try:
        found = os.lstat(use.path)
        started = datetime.fromisoformat(started_at).timestamp()
    except (OSError, ValueError):
        return False
    return max(found.st_mtime, found.st_ctime) < started and hash_file(use.path) == use.hash


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
