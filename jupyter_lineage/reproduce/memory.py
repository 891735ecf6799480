"""Shared memory: whether a reproduction has one of its own, and where not, whether it stayed equal.

It is one folder for all programs of a machine. A reproduction gets an empty one in its place, see
:mod:`.fence`, except where the system refuses that or where the run itself works in that folder.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from . import fence
from .evidence import relative_to
from .originals import State, changes, states

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .plan import Plan

SAID_BEFORE = (
    f"no {fence.SHARED_MEMORY} of its own can be had here: programs that a cell starts could "
    "change what others keep there"
)
_ASK_SECONDS = 30


def is_used(paths: Iterable[str]) -> bool:
    """Tell whether one of some paths lies in the shared memory."""
    return any(relative_to(path, fence.SHARED_MEMORY) is not None for path in paths)


def can_be_private(plan: Plan) -> bool:
    """Tell whether a reproduction gets a shared memory of its own."""
    needed = (plan.evidence.cwd, *(path for path, _ in plan.inputs.in_place))
    if not fence.is_available() or is_used(needed):
        return False
    command = [sys.executable, *fence.arguments((), private_memory=True)]
    try:
        done = subprocess.run(command, timeout=_ASK_SECONDS, check=False, capture_output=True)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def state() -> State:
    """Return the state of what other programs keep in the shared memory."""
    try:
        with os.scandir(fence.SHARED_MEMORY) as entries:
            return states(entry.path for entry in entries)
    except OSError:
        return {}


def changed_since(before: State) -> list[str]:
    """Return what differs there now, a sentence for each; other programs may have done it."""
    return [f"in shared memory, by this or another program: {text}" for text in changes(before)]
