"""The notes of kernels that could not store something, as the recorder and readers take them.

They are written by :mod:`..probe.unrecorded`; what becomes of them is in :mod:`.unrecorded`.
Imports little: a cold reading command looks here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..probe import places, unrecorded
from ..probe.alive import started
from .records import is_path, is_time, is_uuid, is_whole

if TYPE_CHECKING:
    from pathlib import Path

_FACTS = (
    *("notebook", "notebook_source", "kernel_id", "cwd", "user", "user_source", "host"),
    *("run_kind", "run_parent", "run_name", "capture_level"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """One kernel's note.

    ``ended`` is when the kernel ended in order, None where it did not say so; ``lost`` the records
    that some of its cells lack, 0 where nothing of the run was stored; ``cells`` those that ran.
    """

    raw: dict[str, Any]
    run: str
    at: float
    reason: str
    ended: float | None
    lost: int
    cells: int

    def is_alive(self) -> bool:
        """Tell whether its process still runs."""
        pid, began = self.raw.get("pid"), self.raw.get("pid_started")
        if not _machine_of(self.raw).endswith(f"-{places.boot_id()}"):
            return False
        return is_whole(pid, 1) and began is not None and started(pid) == began  # type: ignore[arg-type]

    def header(self) -> dict[str, Any]:
        """Return what is known of the run, as a ``process`` record says it."""
        known = {name: self.raw.get(name) for name in _FACTS}
        facts = {name: value for name, value in known.items() if isinstance(value, str)}
        if not is_path(facts.get("cwd")):
            facts.pop("cwd", None)
        if not is_uuid(facts.get("run_parent")):
            facts.pop("run_parent", None)
        return {**facts, "run": self.run, "at": self.at}


def notes_for(database: Path) -> list[Left]:
    """Return what kernels of this machine left that recorded to ``database``, or meant to."""
    machine, key = f"{places.machine_id()}-", f"/{places.database_key(database)}"
    found = (note for note in unrecorded.notes() if isinstance(note.get("folder"), str))
    ours = (note for note in found if note["folder"].endswith(key))
    left = (_left(note) for note in ours if note["folder"].startswith(machine))
    return [one for one in left if one is not None]


def _machine_of(note: dict[str, Any]) -> str:
    return str(note["folder"]).partition("/")[0]


def _left(note: dict[str, Any]) -> Left | None:
    if not (is_uuid(note.get("run")) and is_time(note.get("at"))):
        return None
    ended, lost, cells = note.get("ended"), note.get("lost"), note.get("cells")
    return Left(
        raw=note,
        run=note["run"],
        at=note["at"],
        reason=str(note.get("reason") or "not known why")[:200],
        ended=ended if is_time(ended) else None,
        lost=lost if is_whole(lost) else 0,  # type: ignore[arg-type]
        cells=cells if is_whole(cells) else 0,  # type: ignore[arg-type]
    )
