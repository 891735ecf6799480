"""Before and after each cell: the records ``cell``, ``cell_end`` and ``outputs``.

Here is the probe's one broad ``except``: whatever goes wrong in our own code stays here and is
counted, and after five failures in a row recording is off. A cell that runs inside another one
(``%run`` of a notebook, ``ip.run_cell``) is part of it and gets no record of its own.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import context, namespace, randomness, redact, say
from .context import Execution
from .identity import VSCODE_NOTEBOOK, working_folder
from .interrupts import Interrupts
from .switch import executions
from .uuid7 import uuid7

if TYPE_CHECKING:
    from .files import Files
    from .modules import Modules
    from .outputs import Collector, Outputs
    from .spool import Spool

MOST_FAILURES = 5
_LONGEST_MESSAGE = 4096
_LAST_WAIT = 1.0
"""Seconds that a kernel that ends leaves for what its last cells bound; it has some more."""
_ENDED_FIRST = "its kernel ended before it was looked at"


class _Open:
    """A cell that runs: what is remembered of it until it ends."""

    __slots__ = ("before", "execution", "info", "masked", "random", "source", "started", "token")

    def __init__(self, execution: Execution, info: Any, source: str) -> None:
        self.execution = execution
        self.info = info
        self.source = source
        self.masked = False
        """Whether the source has a secret in it."""
        self.started = 0
        self.before: namespace.Snapshot = {}
        self.random: dict[str, str] = {}
        self.token: Execution | None = None


class Hooks:
    """The two callbacks that IPython calls around each cell, and what they share.

    Args:
        shell: IPython's shell.
        spool: where the records go.
        files: which side watches files.
        modules: finds local modules.
        notify: wakes the recorder.
    """

    def __init__(
        self,
        shell: Any,
        spool: Spool,
        files: Files,
        *,
        modules: Modules,
        notify: Callable[[], None],
    ) -> None:
        self.shell = shell
        self.spool = spool
        self.outputs: Outputs | None = None
        self.recording = True
        self.off_since = 0
        """How many executions there were when recording was turned off."""
        self.children: list[str] = []
        """Child runs that ``%track`` opened, outermost first."""
        self.opens: Callable[[str], str | None] = lambda _: None
        """Opens the child run that a cell with this source is to belong to, where it is to."""
        self.closes: Callable[[str, str], None] = lambda *_: None
        """Closes that run where it is open still, with how the cell ended."""
        self.notebook: str | None = None
        """The notebook as last recorded."""
        self.said: list[str] = []
        """What went wrong in our own code, newest last; for ``%track`` and the log."""
        self._files = files
        self._modules = modules
        self._notify = notify
        self._number = 0
        self._open: dict[int, _Open] = {}
        self._nested: dict[int, Any] = {}
        self._idle: dict[str, str] = {}
        self._ended: dict[str, tuple[_Open, dict[str, Any]]] = {}
        self._when_idle: list[Callable[[], None]] = []
        self._failures = 0
        self._failing = False
        self._random: dict[str, str] = {}
        self._again = namespace.Again()

    def run(self) -> str:
        """Return the run that a cell beginning now belongs to."""
        return self.children[-1] if self.children else self.spool.run

    def pre_run_cell(self, info: Any) -> None:
        """Write that a cell begins, before its first line runs."""
        if not self.recording:
            return
        with Interrupts(deliver=True):
            try:
                if not self._failing:
                    self._failures = 0
                self._failing = False
                self._begin(info)
            except Exception as error:  # noqa: BLE001 - the notebook comes first
                self.failed(error)

    def post_run_cell(self, result: Any) -> None:
        """Write how a cell ended; ``result`` is None where IPython itself was interrupted."""
        with Interrupts(deliver=False):
            try:
                self._end(result)
            except Exception as error:  # noqa: BLE001 - the notebook comes first
                self.failed(error)

    def failed(self, error: BaseException) -> None:
        """Count a failure of our own code; five cells in a row with one switch recording off."""
        if not self._failing:
            self._failures += 1
        self._failing = True
        self.said.append(f"{type(error).__name__}: {error}"[:500])
        del self.said[:-MOST_FAILURES]
        if self._failures >= MOST_FAILURES and self.recording:
            self.set_recording(False)
            self.spool.write(
                "gap",
                {
                    "reason": "recording switched itself off after failures of its own",
                    "count": MOST_FAILURES,
                    "detail": self.said[-1],
                },
            )
            say.once(f"jupyter_lineage switched itself off in a kernel: {self.said[-1]}")

    def set_recording(self, on: bool) -> None:
        """Switch cells and files off or on."""
        if self.recording and not on:
            self.off_since = executions(self.shell)
        self.recording = on
        self._failures = 0 if on else self._failures
        self._files.set_recording(on)

    def _message(self) -> str:
        kernel = getattr(self.shell, "kernel", None)
        if kernel is None:
            return ""
        try:
            parent = kernel.get_parent("shell")
        except (AttributeError, TypeError, LookupError):
            return ""
        return str((parent or {}).get("header", {}).get("msg_id", ""))

    def _begin(self, info: Any) -> None:
        message = self._message()
        outer = context.current.get()
        if outer is not None and not outer.ended and outer.message == message:
            self._nested[id(info)] = info
            return
        self._number += 1
        own = self.opens(info.raw_cell)
        execution = Execution(uuid7(), self._number, own or self.run(), message)
        cell = _Open(execution, info, info.raw_cell)
        cell.token = outer
        self._open[id(info)] = cell
        self.spool.write("cell", self._cell(cell), execution=execution.uid)
        if self.outputs is not None and message:
            self.outputs.begin(message)
            self._idle[message] = execution.uid
        cell.random = randomness.states(self.shell.user_ns, self._random)
        cell.before = namespace.snapshot(self.shell.user_ns)
        context.enter(execution)
        self._files.begin(execution)
        if self._number == 1:
            self._notify()
        cell.started = time.monotonic_ns()

    def _cell(self, cell: _Open) -> dict[str, Any]:
        source, execution, info = cell.source, cell.execution, cell.info
        stored = bool(getattr(info, "store_history", False)) and not getattr(info, "silent", False)
        fields: dict[str, Any] = {
            "c": execution.number,
            "count": self._count(execution, info) if stored else None,
            "run": execution.run,
            "source": None,
            "size": len(source),
            "masked": 0,
            "cell_id": getattr(info, "cell_id", None),
            "cwd": working_folder(),
        }
        if len(source) <= redact.LIMIT:
            fields["source"], fields["masked"] = redact.mask(source)
            cell.masked = fields["masked"] > 0
        if fields["source"] is None or fields["masked"]:
            encoded = source.encode("utf-8", "surrogatepass")
            fields["sha256"] = hashlib.sha256(encoded).hexdigest()
        editor = self.shell.user_ns.get(VSCODE_NOTEBOOK)
        if type(editor) is str and editor != self.notebook:
            self.notebook = fields["notebook"] = editor
        return fields

    def _count(self, execution: Execution, info: Any) -> int | None:
        told = self.outputs.count(execution.message) if self.outputs is not None else None
        if told is not None:
            return told
        # Plain IPython: newer versions, whose info carries the transformed cell, count up before
        # they call us.
        count: int = self.shell.execution_count
        return count - 1 if hasattr(info, "transformed_cell") else count

    def _end(self, result: Any) -> None:
        info = getattr(result, "info", None)
        if self._nested.pop(id(info), None) is not None:
            return
        cell = self._open.get(id(info)) if info is not None else self._interrupted()
        if cell is None:
            return
        del self._open[id(cell.info)]
        seconds = (time.monotonic_ns() - cell.started) / 1e9
        execution = cell.execution
        execution.ended = True
        if context.current.get() is execution:
            context.enter(cell.token)
        self._files.end(execution)
        fields = self._how_it_ended(cell, result)
        self.closes(execution.run, fields["status"])
        fields.update(seconds=seconds, at=time.time(), ns=time.monotonic_ns())
        # With a kernel the rest waits until it has answered: nobody's answer waits for it.
        self._ended[execution.uid] = cell, fields
        if self._idle.get(execution.message) != execution.uid:
            self._write_end(execution.uid)
            self._notify()
            self._do_when_idle()

    def when_idle(self, action: Callable[[], None]) -> None:
        """Do something once the cells that have begun are recorded whole: now, if they are."""
        self._when_idle.append(action)
        self._do_when_idle()

    def not_when_idle(self, action: Callable[[], None]) -> bool:
        """Take back what :meth:`when_idle` was asked for; False where it is done already."""
        if action not in self._when_idle:
            return False
        self._when_idle.remove(action)
        return True

    def _do_when_idle(self) -> None:
        while self._when_idle and not self._open and not self._ended:
            self._when_idle.pop(0)()

    def _write_end(self, execution: str, unread: str | None = None) -> None:
        """Write the end of a cell that has ended, with what it changed.

        How it ended is written whatever becomes of the rest, and once: another thread may want it
        written while the values are looked at.
        """
        waiting = self._ended.get(execution)
        if waiting is None:
            return
        cell, fields = waiting
        found: dict[str, Any] = {}
        try:
            if self.recording:
                found = self._what_it_changed(cell, unread)
        except BaseException as error:
            found = self._what_it_changed(cell, f"could not be looked at: {type(error).__name__}")
            raise
        finally:
            if self._ended.pop(execution, None) is not None:
                self.spool.write("cell_end", {**fields, **found}, execution=execution)

    def finish(self) -> None:
        """Write what waits for an idle message that may not come any more."""
        with Interrupts(deliver=False):
            for execution in list(self._ended):
                self._write_end(execution)

    def end_soon(self) -> None:
        """Have the cells that have ended recorded before the kernel is gone.

        Called by the thread that answers the request to end. The main thread may be looking at
        values meanwhile, and is killed in it when that takes too long.
        """
        if threading.main_thread().ident != threading.get_ident():
            latest = time.monotonic() + _LAST_WAIT
            while self._ended and time.monotonic() < latest:
                time.sleep(0.01)
        for execution in list(self._ended):
            self._write_end(execution, _ENDED_FIRST)
        self._do_when_idle()

    def _interrupted(self) -> _Open | None:
        """Return the cell of the current request whose result never came."""
        message = self._message()
        found = [cell for cell in self._open.values() if cell.execution.message == message]
        return found[-1] if found else None

    def _how_it_ended(self, cell: _Open, result: Any) -> dict[str, Any]:
        error = None
        if result is not None:
            error = result.error_before_exec or result.error_in_exec
        shown = self.outputs.error(cell.execution.message) if self.outputs is not None else None
        if error is None and result is not None:
            return {"status": "completed", "error": None, "cwd": working_folder()}
        interrupted = error is None or isinstance(
            error, (KeyboardInterrupt, asyncio.CancelledError)
        )
        if shown is None:
            shown = ("KeyboardInterrupt", "") if error is None else _described(error)
        name, value = (redact.mask_start(text, _LONGEST_MESSAGE) for text in shown)
        return {
            "status": "interrupted" if interrupted else "failed",
            "error": {"name": name, "value": value},
            "cwd": working_folder(),
        }

    def _what_it_changed(self, cell: _Open, unread: str | None) -> dict[str, Any]:
        source = getattr(cell.info, "transformed_cell", None) or cell.source
        names, deleted = namespace.changes(
            cell.before,
            self.shell.user_ns,
            source,
            again=self._again,
            secret=cell.masked,
            unread=unread,
        )
        self._random = randomness.states(self.shell.user_ns)
        return {
            "names": names,
            "deleted": deleted,
            "random": randomness.pairs(cell.random, self._random),
            "modules": self._modules.new(),
        }

    def outputs_finished(self, message: str, collector: Collector) -> None:
        """Write what the execution of request ``message`` showed; called at its idle message."""
        execution = self._idle.pop(message, None)
        if execution is None:
            return
        with Interrupts(deliver=False):
            if execution in self._ended:
                self._write_end(execution)
            if self.recording:
                self.spool.write("outputs", collector.record(), execution=execution)
            self._notify()
            self._do_when_idle()


def _described(error: BaseException) -> tuple[str, str]:
    """Return an error's name and text; no text where getting it would run code of the user."""
    kind = type(error)
    # A heap type's own __str__ is a Python function; those written in C are slot wrappers.
    own = type(kind.__str__) is type(BaseException.__str__)
    plain = all(type(argument) in (str, int, float, type(None)) for argument in error.args)
    return kind.__name__, str(error) if own and plain else ""
