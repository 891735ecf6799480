"""Whether the files that a run's record names are, after its reproduction, as they were before.

The system holds contents and names for every program; rights, owner, times and extended attributes
of a file, and of the folder that it lies in, it does not.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .evidence import relative_to

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .evidence import Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a file or folder was like."""

    status: os.stat_result
    attributes: dict[str, bytes]


State = dict[str, "Found | None"]


def state_of(evidence: Evidence, workspace: Path) -> State:
    """Return the state of every file that a run's record names and that is not in a workspace.

    The folders that these files lie in, and the one that the run worked in, belong to it.
    """
    paths = dict.fromkeys(os.path.normpath(use.path) for use in evidence.uses)
    paths = dict.fromkeys((*paths, *map(os.path.dirname, paths), os.path.normpath(evidence.cwd)))
    return states(path for path in paths if relative_to(path, str(workspace)) is None)


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
            found.append(f"changed while the reproduction ran: {path} ({what})")
    return tuple(found)


def _find(path: str) -> Found | None:
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return Found(status=status, attributes=_attributes(path))


def _attributes(path: str) -> dict[str, bytes]:
    try:
        return {name: os.getxattr(path, name) for name in os.listxattr(path)}
    except (OSError, AttributeError):  # not every file system, not every system has them
        return {}


def _difference(then: Found | None, now: Found | None) -> str:
    if then is None or now is None:
        return "" if then is now else "it is gone" if now is None else "it was not there"
    old, new = then.status, now.status
    is_folder = stat.S_ISDIR(old.st_mode)
    words = {
        "other rights": old.st_mode != new.st_mode,
        "another owner": (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid),
        "other attributes": then.attributes != now.attributes,
        "another file": (old.st_dev, old.st_ino) != (new.st_dev, new.st_ino),
        # Whoever makes a file in a folder changes these, and others may do that at any time.
        "another size": not is_folder and old.st_size != new.st_size,
        "another time": not is_folder and old.st_mtime_ns != new.st_mtime_ns,
    }
    return ", ".join(word for word, differs in words.items() if differs)
