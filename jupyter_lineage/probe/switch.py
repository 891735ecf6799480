"""Turns recording off and on for the user: ``%track off`` and ``on``, unloading and loading again.

In a reproduction both are only noted. Cells that ran while recording was off are not in the record
and so not in the reproduction either: every cell there began with recording on, and what it says
about itself ends with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import context, identity

if TYPE_CHECKING:
    from .hooks import Hooks


class Switch:
    """Whether the user wants to be recorded.

    Args:
        hooks: the cells' hooks, which are switched and whose spool the records go to.
        only_noted: whether this is a reproduction, which goes on recording.
    """

    def __init__(self, hooks: Hooks, *, only_noted: bool) -> None:
        self._hooks = hooks
        self.only_noted = only_noted
        self._noted_off: context.Execution | None = None

    @property
    def is_on(self) -> bool:
        """Whether recording is on, as the running cell's user sees it."""
        noted = self._noted_off is not None and self._noted_off is context.current.get()
        return self._hooks.recording and not noted

    def off(self, reason: str) -> None:
        """Turn recording off, with who and why in the record."""
        if self.only_noted:
            self._noted_off = context.current.get()
            return
        self._write({"on": False}, reason)
        self._hooks.set_recording(False)

    def on(self, reason: str) -> int:
        """Turn recording on again; return how many executions were not seen meanwhile."""
        self._noted_off = None
        if self._hooks.recording:
            return 0
        unseen = max(0, executions(self._hooks.shell) - self._hooks.off_since)
        self._hooks.set_recording(True)
        self._write({"on": True, "unseen": unseen}, reason)
        return unseen

    def _write(self, fields: dict[str, Any], reason: str) -> None:
        execution = context.current.get()
        self._hooks.spool.write(
            "recording",
            {**fields, "user": identity.user()[0], "reason": reason},
            execution=None if execution is None else execution.uid,
        )


def executions(shell: Any) -> int:
    """Return how many executions there were so far, the one that is running counted."""
    running = getattr(shell.displayhook, "exec_result", None)
    count = getattr(running, "execution_count", None)
    return count if isinstance(count, int) else int(shell.execution_count) - 1


def counted(number: int) -> str:
    """Return a number of executions in words."""
    return "1 execution" if number == 1 else f"{number} executions"
