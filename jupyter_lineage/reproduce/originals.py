"""Whether the files that a run's record names are, after its reproduction, as they were before.

The system holds contents and names for every program. Rights, owner, times and extended attributes
it holds only where the reproduction has a view of the disks of its own (:mod:`.apart`); elsewhere
the files that the text of the cells names are looked at too.
"""

from __future__ import annotations

import glob
import itertools
import os
import re
import stat
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from .evidence import relative_to

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .evidence import Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a file or folder was like."""

    status: os.stat_result
    attributes: dict[str, bytes]
    by_chance: bool = False
    """Whether nothing names the file itself: others may be writing it, which we can't."""


CHANGED = "changed while the reproduction ran: "
"""What a sentence about a changed file begins with, or holds."""

_MOST = 10_000
_NOT_ENTERED = ("/", "/proc", "/sys", "/dev")
_QUOTED = re.compile(r"[\"']([^\"'\n]*/[^\"'\n]*)[\"']")
_WORD = re.compile(r"[^\s\"'`;|&<>()=,{}:#]*/[^\s\"'`;|&<>()=,{}:#]*|(?<!\S)(?:~|\.\.)(?!\S)")

State = dict[str, "Found | None"]


def state_of(evidence: Evidence, workspace: Path) -> State:
    """Return the state of every file that a run's record names and that is not in a workspace.

    The folders that these files lie in, and the one that the run worked in, belong to it.
    """
    paths = dict.fromkeys(os.path.normpath(use.path) for use in evidence.uses)
    paths = dict.fromkeys((*paths, *map(os.path.dirname, paths), os.path.normpath(evidence.cwd)))
    return states(path for path in paths if relative_to(path, str(workspace)) is None)


def named(evidence: Evidence, workspace: Path, own: Iterable[str]) -> State:
    """Return the state of what the text of a run's cells names, as far as it is there.

    Absolute paths, those below a home folder and those that leave the folder they start from; and
    what is in the folders among them.

    Args:
        evidence: the run.
        workspace: where its reproduction works.
        own: folders that the reproduction may change, the workspace among them: left out.
    """
    starts, inside = (str(workspace), evidence.cwd), tuple(own)

    def is_own(path: str) -> bool:
        return any(path == one or relative_to(path, one) is not None for one in inside)

    texts = [cell.source or "" for cell in evidence.cells]
    paths = dict.fromkeys(path for text in texts for path in _paths(text, starts))
    found = {path: state for path in paths if not is_own(path) and (state := _find(path))}
    for path in _within(found):
        if path not in found and not is_own(path) and (state := _find(path)):
            found[path] = replace(state, by_chance=True)
    return dict(found)


def _paths(source: str, starts: Iterable[str]) -> Iterator[str]:
    text = os.path.expandvars(source)
    for match in (*_QUOTED.findall(text), *_WORD.findall(text)):
        path = os.path.expanduser(match)  # noqa: PTH111 - it may be no path at all
        if not path.startswith(os.sep) and ".." not in path:
            continue
        for start in starts:
            whole = os.path.normpath(f"{start}{os.sep}{path}" if path[0] != os.sep else path)
            yield whole
            if glob.has_magic(whole):
                yield from itertools.islice(glob.iglob(whole), _MOST)  # noqa: PTH207 - as above


def _within(folders: Iterable[str]) -> Iterator[str]:
    """Yield what is in some folders, the nearest first and not too many; links are not followed."""
    waiting, left = deque(folders), _MOST
    while waiting and left > 0:
        folder = waiting.popleft()
        for entry in _entries(folder) if folder not in _NOT_ENTERED else ():
            left -= 1
            yield entry.path
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (OSError, ValueError):
        return []


def states(paths: Iterable[str]) -> State:
    """Return the state of some files; None for those that are not there."""
    return {path: _find(path) for path in paths}


def changes(before: State) -> tuple[str, ...]:
    """Return what differs now, a sentence for each file."""
    found = []
    for path, then in before.items():
        now = _find(path)
        what = _difference(then, now)
        if what:
            found.append(f"{CHANGED}{path} ({what})")
    return tuple(found)


def _find(path: str) -> Found | None:
    try:
        status = Path(path).stat()
    except (OSError, ValueError):  # a text in a cell need not be a possible name
        return None
    return Found(status=status, attributes=_attributes(path))


def _attributes(path: str) -> dict[str, bytes]:
    try:
        return {name: os.getxattr(path, name) for name in os.listxattr(path)}
    except (OSError, AttributeError):  # not every file system, not every system has them
        return {}


def _difference(then: Found | None, now: Found | None) -> str:
    if then is None or now is None:
        if then is not None and then.by_chance:
            return ""
        return "" if then is now else "it is gone" if now is None else "it was not there"
    old, new = then.status, now.status
    # Whoever makes a file in a folder changes these, and others may do that at any time.
    content_counts = not stat.S_ISDIR(old.st_mode) and not then.by_chance
    is_same = (old.st_dev, old.st_ino) == (new.st_dev, new.st_ino)
    if then.by_chance and not is_same:
        return ""
    words = {
        "other rights": old.st_mode != new.st_mode,
        "another owner": (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid),
        "other attributes": then.attributes != now.attributes,
        "another file": not is_same,
        "another size": content_counts and old.st_size != new.st_size,
        "another time": content_counts and old.st_mtime_ns != new.st_mtime_ns,
    }
    return ", ".join(word for word, differs in words.items() if differs)
