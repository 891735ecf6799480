"""How far the recorder is: asked by reading commands, so it must cost almost nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .queries import rows

if TYPE_CHECKING:
    from .sqlite import Store


def taken_of_spools(store: Store) -> dict[str, float]:
    """Return how many bytes of each spool that is not read whole are taken, by the spool's id.

    Of one that holds what the recorder can't take, all that it could take is: infinity.
    """
    found = rows(store, "SELECT * FROM spool WHERE ended = 0")
    known = found and "refused" in found[0].keys()  # noqa: SIM118 - a database row is no mapping
    return {row["id"]: math.inf if known and row["refused"] else row["taken"] for row in found}


def refused_spools(store: Store) -> list[str]:
    """Return the ids of spools of which something can't be taken: broken, or of a newer version."""
    found = rows(store, "SELECT * FROM spool WHERE ended = 0")
    return [row["id"] for row in found if "refused" in row.keys() and row["refused"]]  # noqa: SIM118


def waiting_files(store: Store) -> int:
    """Return how many file events of what has ended are not settled.

    Those of cells that still run are not counted, nor files that a kernel still holds open.
    """
    statement = """
    SELECT count(*) FROM pending_file p
    WHERE (p.reason IS NULL AND EXISTS
        (SELECT 1 FROM execution_end d WHERE d.execution_id = p.execution_id))
      OR (SELECT value FROM run_event x WHERE x.run_id = p.run_id AND x.kind = 'status'
          ORDER BY x.id DESC LIMIT 1) <> 'running'"""
    return int(rows(store, statement)[0][0])
