"""Begins to record a kernel: at once, or at the first cell at which that is possible.

A kernel that starts on a full disk can't make its spool. Until it can, it says so in a note
(:mod:`.unrecorded`), and what ran meanwhile is later said in the record as unseen.
"""

from __future__ import annotations

import atexit
import errno
import os
import time
from typing import Any

from . import identity, places, say, unrecorded, wake
from .switch import executions
from .uuid7 import uuid7
from .wiring import Probe

ATTRIBUTE = "_jupyter_lineage_probe"
"""Where IPython's shell keeps what records it."""

_FACTS = (
    *("run_kind", "run_parent", "run_name", "notebook", "notebook_source", "kernel_id"),
    *("cwd", "user", "user_source", "host", "capture_level"),
)
"""What of a ``process`` record goes into a note."""
_WORDS = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the disk quota is used up"}


class Start:
    """One kernel's beginning.

    Args:
        shell: IPython's shell.
        hand_over: what a program of ours told this kernel.
        connection: the kernel's connection file; None in plain IPython.
    """

    def __init__(self, shell: Any, hand_over: dict[str, Any], connection: str | None) -> None:
        self._shell = shell
        self._hand_over = {**hand_over, "run": str(hand_over.get("run") or uuid7())}
        self._connection = connection
        self._before = executions(shell)
        self._missed = 0
        self._why = ""
        self._probe: Probe | None = None
        self._note: unrecorded.Note | None = None
        self._pid = os.getpid()
        self._waits = False

    def now(self) -> Probe:
        """Begin to record.

        Raises:
            OSError: the folder, the lock or the spool can't be made.
        """
        if self._probe is None:
            self._probe = Probe(self._shell, self._hand_over, self._connection)
        probe = self._probe
        probe.unseen = self._before + self._missed
        header = probe.spool.describe(unseen=probe.unseen, unseen_reason=self._why or None)
        probe.start()
        setattr(self._shell, ATTRIBUTE, probe)
        unrecorded.prepare()
        probe.spool.note = self._note = self._note or self._new_note(header)
        self._note.clear()
        self.wait_no_more()
        return probe

    def later(self, error: OSError) -> None:
        """Say that recording can't begin, and try again at each cell."""
        if self._waits or self._hand_over.get("guard"):
            return  # of a reproduction that is not recorded whole nothing could be compared
        self._waits = True
        probe = self._probe
        self._note = self._new_note(self._facts() if probe is None else probe.spool.describe())
        self._note.say(reason=_words(error), cells=self._missed)
        self._shell.events.register("pre_run_cell", self._again)
        atexit.register(self._at_exit)

    def wait_no_more(self) -> None:
        """Try no more; what was not recorded so far stays said."""
        self._waits = False
        atexit.unregister(self._at_exit)
        if self._again in self._shell.events.callbacks["pre_run_cell"]:
            self._shell.events.unregister("pre_run_cell", self._again)

    def _facts(self) -> dict[str, Any]:
        notebook, source = identity.notebook(self._hand_over, self._shell.user_ns)
        told = {"notebook": notebook, "notebook_source": source}
        return {**self._hand_over, **identity.facts(self._connection), **told}

    def _new_note(self, facts: dict[str, Any]) -> unrecorded.Note:
        kept = {name: facts[name] for name in _FACTS if facts.get(name) is not None}
        folder = places.spool_folder(places.database_path())
        return unrecorded.Note(str(folder), self._hand_over["run"], kept)

    def _again(self, info: Any) -> None:
        """Try once more, just before a cell runs."""
        try:
            probe = self.now()
        except OSError as error:
            self._missed += 1
            self._why = _words(error)
            if self._note is not None:
                self._note.say(reason=self._why, cells=self._missed)
        except Exception as error:  # noqa: BLE001 - the notebook comes first
            self.wait_no_more()
            say.once(f"jupyter_lineage is not recording: {type(error).__name__}: {error}")
        else:
            probe.hooks.pre_run_cell(info)

    def _at_exit(self) -> None:
        if os.getpid() == self._pid and self._note is not None:
            self._note.say(ended=time.time())
            wake.wake(str(places.spool_folder(places.database_path())))


def _words(error: OSError) -> str:
    known = _WORDS.get(error.errno or 0)
    return known or f"{errno.errorcode.get(error.errno or 0, 'error')}: {error.strerror}"
