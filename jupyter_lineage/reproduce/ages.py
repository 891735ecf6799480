"""Whether a file that a run read was there before it, or came into being while the run went on.

The times that a file had when it was read tell: the second one can't be set at will, so a copy that
keeps the first, an unpacked archive or a download is found too. A file whose mode or name somebody
changed meanwhile looks like a new one; it is better taken for one than the other way round.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .evidence import Evidence, Use


def came_during(evidence: Evidence, use: Use) -> bool | None:
    """Tell whether the version that a run read came into being after its start.

    Args:
        evidence: the run.
        use: a reading of the version.

    Returns:
        None where it can't be told: the record has no times of it, and the file has been touched
        since.
    """
    started = _nanoseconds(evidence.started_at)
    if started is None:
        return None
    if use.signature is not None:
        return max(use.signature[3:]) >= started
    try:
        found = os.lstat(use.path)
    except (OSError, ValueError):
        return None
    return False if max(found.st_mtime_ns, found.st_ctime_ns) < started else None


def started_before(evidence: Evidence, use: Use) -> int | None:
    """Return the first cell whose programs may have made what was read, None where there is none.

    A program that only asks the system makes nothing. Of one cell's programs and reads it is not
    known which came first, nor which cells went before a reading between cells.
    """
    starters = (cell.number for cell in evidence.cells if cell.programs)
    first = next(starters, None)
    return None if first is None or (use.cell is not None and first > use.cell) else first


def _nanoseconds(moment: str) -> int | None:
    try:
        return int(datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp() * 1e9)
    except ValueError:
        return None
