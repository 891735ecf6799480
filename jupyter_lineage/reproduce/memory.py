"""Shared memory that a reproduction does not have for itself: whether it stayed equal.

It is one folder for all programs of a machine. A reproduction gets an empty one in its place, see
:mod:`.apart`, except where the system refuses that or where the run itself works in that folder.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from . import fence
from .evidence import relative_to
from .originals import State, changes, states

if TYPE_CHECKING:
    from collections.abc import Iterable

SAID_BEFORE = (
    f"no {fence.SHARED_MEMORY} of its own can be had here: programs that a cell starts could "
    "change what others keep there"
)


def is_used(paths: Iterable[str]) -> bool:
    """Tell whether one of some paths lies in the shared memory."""
    return any(relative_to(path, fence.SHARED_MEMORY) is not None for path in paths)


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
