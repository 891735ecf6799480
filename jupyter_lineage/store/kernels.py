"""Is this kernel being recorded? The questions of the status bar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..ids import from_bytes
from .queries import rows

if TYPE_CHECKING:
    from .sqlite import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelRun:
    """The newest run of a kernel."""

    id: str
    status: str
    recording: str
    """What was last said about recording: words that begin with ``on`` or ``off``."""


_NEWEST = """
SELECT r.uid,
  (SELECT x.value FROM run_event x WHERE x.run_id = r.id AND x.kind = 'status'
   ORDER BY x.id DESC LIMIT 1) AS status,
  (SELECT x.value FROM run_event x WHERE x.run_id = r.id AND x.kind = 'recording'
   ORDER BY x.id DESC LIMIT 1) AS recording
FROM run r WHERE r.kernel_id = ? AND r.kind NOT IN ('tracked', 'trial')
ORDER BY r.id DESC LIMIT 1"""


def find_kernel_run(store: Store, kernel_id: str) -> KernelRun | None:
    """Return the newest run of a kernel, None where nothing of it was recorded.

    A restarted kernel keeps its id and begins a new run, hence the newest.
    """
    found = rows(store, _NEWEST, (kernel_id,))
    if not found:
        return None
    row = found[0]
    return KernelRun(
        id=from_bytes(row["uid"]),
        status=row["status"] or "running",
        recording=row["recording"] or "on",
    )


def is_first_run(store: Store, run_id: str) -> bool:
    """Tell whether nothing but this run was ever recorded in this database."""
    oldest = rows(store, "SELECT uid FROM run ORDER BY id LIMIT 2")
    return [from_bytes(row["uid"]) for row in oldest] == [run_id]
