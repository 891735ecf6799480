"""The verdicts of many reproductions at once: what the list of runs shows beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..ids import from_bytes, to_bytes
from .queries import marks, rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .sqlite import Store


_JOINED = "SELECT r.uid, x.verdict FROM reproduction x JOIN run r ON r.id = x.run_id"


def verdicts_of(store: Store, run_ids: Sequence[str]) -> dict[str, str]:
    """Return the verdicts of those of ``run_ids`` (full ids) that are reproductions with one."""
    chosen = marks(len(run_ids))
    statement = f"{_JOINED} WHERE r.uid IN ({chosen})"
    found = rows(store, statement, [to_bytes(run_id) for run_id in run_ids])
    return {from_bytes(row["uid"]): str(row["verdict"]) for row in found}
