"""What the server knows about recording beyond the store: where, whether, and how far behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import LineageError
from ..probe.places import database_path, disabled

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["database_path", "disabled", "events_behind"]


def events_behind(database: Path) -> int:
    """Return how many events of this machine's kernels wait to be stored; does not wait itself."""
    from ..recorder.client import wake_and_wait

    try:
        return wake_and_wait(database, 0.0)
    except (LineageError, OSError):
        return 0
