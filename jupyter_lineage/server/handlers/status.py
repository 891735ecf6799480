"""Is the notebook in front of the reader being recorded?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from ...errors import LineageError, NotFound
from ...store.kernels import find_kernel_run, is_first_run
from ..recording import disabled, events_behind
from .base import LineageHandler

if TYPE_CHECKING:
    from ...store import Store

_UNSEEN = "not recorded – restart the kernel"
_ENDED = {
    "completed": "this kernel's run has ended",
    "died": "this kernel died",
    "failed": "this kernel's run has failed",
    "interrupted": "this kernel's run was interrupted",
}


class StatusHandler(LineageHandler):
    """``GET status?kernel_id=…``: recorded or not, and why."""

    @authenticated
    @authorized
    async def get(self) -> None:
        """Reply with the state of recording; a broken store is a warning here, not an error."""
        kernel_id = self.get_query_argument("kernel_id", "")
        document: dict[str, Any] = {
            "state": "not-recorded",
            "recording": False,
            "run": None,
            "reason": _UNSEEN,
            "warning": None,
            "first_time": False,
        }
        try:
            document.update(await self.read(lambda store: _state(store, kernel_id)))
        except NotFound:
            pass  # nothing is recorded yet: the kernel is older than the installation
        except LineageError as error:
            document.update(reason="", warning=error.line())
        if disabled():
            reason = "recording is off (JUPYTER_LINEAGE_DISABLE)"
            document.update(state="off", recording=False, reason=reason)
        database = self.services.database
        behind = await asyncio.to_thread(events_behind, database)
        self.reply({**document, "database": str(database), "behind": behind})


def _state(store: Store, kernel_id: str) -> dict[str, Any]:
    run = find_kernel_run(store, kernel_id)
    if run is None:
        return {}
    if run.status != "running":
        state, reason = "ended", _ENDED.get(run.status, "this kernel's run has ended")
    elif run.recording.split()[0] != "on":
        state = "off"
        reason = f"recording was turned {run.recording}; %track on turns it on again"
    else:
        state, reason = "recording", ""
    return {
        "state": state,
        "recording": state == "recording",
        "run": run.id,
        "reason": reason,
        "first_time": is_first_run(store, run.id),
    }
