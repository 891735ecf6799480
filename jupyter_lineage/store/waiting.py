"""How far the recorder is: asked by reading commands, so it must cost almost nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .queries import rows

if TYPE_CHECKING:
    from .sqlite import Store


def taken_of_spools(store: Store) -> dict[str, int]:
    """Return how many bytes of each spool that is not read whole are taken, by the spool's id."""
    found = rows(store, "SELECT id, taken FROM spool WHERE ended = 0")
    return {row["id"]: row["taken"] for row in found}


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
