"""Whether the files that a run's record names are, after its reproduction, as they were before.

The system holds contents and names for every program; rights and times of a file it does not.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from .evidence import relative_to

if TYPE_CHECKING:
    from .evidence import Evidence

State = dict[str, "os.stat_result | None"]


def state_of(evidence: Evidence, workspace: Path) -> State:
    """Return the state of every file that a run's record names and that is not in a workspace."""
    paths = dict.fromkeys(os.path.normpath(use.path) for use in evidence.uses)
    return {path: _stat(path) for path in paths if relative_to(path, str(workspace)) is None}


def changes(before: State) -> tuple[str, ...]:
    """Return what differs now, a sentence for each file."""
    found = []
    for path, then in before.items():
        now = _stat(path)
        what = _difference(then, now)
        if what:
            found.append(f"changed while the reproduction ran: {path} ({what})")
    return tuple(found)


def _stat(path: str) -> os.stat_result | None:
    try:
        return Path(path).stat()
    except OSError:
        return None


def _difference(then: os.stat_result | None, now: os.stat_result | None) -> str:
    if then is None or now is None:
        return "" if then is now else "it is gone" if now is None else "it was not there"
    words = {
        "rights": then.st_mode != now.st_mode,
        "owner": (then.st_uid, then.st_gid) != (now.st_uid, now.st_gid),
        "size": then.st_size != now.st_size,
        "time": then.st_mtime_ns != now.st_mtime_ns,
        "file": (then.st_dev, then.st_ino) != (now.st_dev, now.st_ino),
    }
    return ", ".join(f"another {word}" for word, differs in words.items() if differs)
