"""Everything of ours in one kernel, put together; :mod:`.extension` decides when."""

from __future__ import annotations

import atexit
import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from . import alive, context, guard, identity, places, scope, shim, track, wake
from .files import AuditFiles, Files, ShimFiles
from .hooks import Hooks
from .modules import Modules
from .outputs import Outputs
from .programs import Programs
from .spool import Spool
from .switch import Switch, executions
from .uuid7 import uuid7

VERSION = "0.1.0"
_PACKAGE = Path(__file__).resolve().parents[1]


class Probe:
    """Everything of ours in one kernel.

    Args:
        shell: IPython's shell.
        hand_over: what a program of ours told this kernel; empty for a kernel of the user's.
        connection: the kernel's connection file; None in plain IPython.

    Raises:
        OSError: the spool's folder or the liveness lock can't be made.
    """

    def __init__(self, shell: Any, hand_over: dict[str, Any], connection: str | None) -> None:
        self.shell = shell
        self.running = False
        self.unseen = executions(shell)
        self.database = places.database_path()
        self.folder = str(places.spool_folder(self.database))
        places.make_private(Path(self.folder))
        self.notebook, source = identity.notebook(hand_over, shell.user_ns)
        self.guard: str | None = hand_over.get("guard")
        process = uuid7()
        run = str(hand_over.get("run") or uuid7())
        alive.hold(os.path.join(self.folder, f"{process}.alive"))
        if connection is not None:
            # ipykernel looks for the temporary folder, by making a file there, just before the
            # first cell's code runs: earlier, it is no file of that cell.
            tempfile.gettempdir()
        helper = shim.load(self.folder, process, run)
        self.capture_level = "python-only" if isinstance(helper, str) else "full"
        self.why_not_full = helper if isinstance(helper, str) else ""
        facts = identity.facts(connection)
        ignored = scope.Ignored(self._ignored(facts, connection))
        header = {
            "run_kind": hand_over.get("run_kind") or "session",
            "run_parent": hand_over.get("run_parent"),
            "run_name": hand_over.get("run_name"),
            **facts,
            "notebook": self.notebook,
            "notebook_source": source,
            "shim": self.why_not_full or "loaded",
            "capture_level": self.capture_level,
            "guard": self.guard,
            "extension_version": VERSION,
            "unseen": self.unseen,
            "ignored": list(ignored.prefixes),
        }
        self.spool = Spool(self.folder, run, header, process=process)
        programs = self.guard is None or hand_over.get("programs") is not False
        self._programs = Programs(self._write_child, self._fault, refuse=not programs)
        self.files = self._files(helper, ignored)
        modules = Modules(ignored)
        self.hooks = Hooks(shell, self.spool, self.files, modules=modules, notify=self.notify)
        self.hooks.notebook = self.notebook
        self._pid = os.getpid()
        self._switch = Switch(self.hooks, only_noted=self.guard is not None)
        self._track = track.Track(self.hooks, self._switch, self.about)
        self.hooks.opens, self.hooks.closes = self._track.open_for, self._track.close_for
        self._ended = False
        self._shim = None if isinstance(helper, str) else helper
        if self.guard is not None:
            guard.install(self.guard, self.folder, self._shim, programs=programs)

    def start(self) -> None:
        """Write the first record and let IPython, threads and the kernel's messages come to us.

        Raises:
            OSError: the spool can't be written.
        """
        self.spool.begin()
        if self._shim is not None:
            self.spool.child_process = self._shim.process_id
        context.install(self.files.step)
        self._programs.install()
        self._watch_messages()
        self.shell.events.register("post_run_cell", self.hooks.post_run_cell)
        self._begin_with_the_next_cell()
        atexit.unregister(self._at_exit)
        atexit.register(self._at_exit)
        self.notify()

    def _watch_messages(self) -> None:
        kernel = getattr(self.shell, "kernel", None)
        session = getattr(kernel, "session", None)
        if session is None:
            return
        self.hooks.outputs = Outputs(
            session, self.hooks.outputs_finished, self.hooks.failed, shutdown=self._shut_down
        )
        self.hooks.outputs.install()
        socket = getattr(kernel, "iopub_socket", None)
        self.hooks.outputs.watch_forks(getattr(socket, "io_thread", None))

    def _begin_with_the_next_cell(self) -> None:
        self.shell.events.register("pre_run_cell", self.hooks.pre_run_cell)
        self.shell.register_magic_function(self._track.line, "line", "track")
        self.shell.register_magic_function(self._track.cell, "cell", "track")
        self.running = True

    def stop(self) -> None:
        """Stop recording; in a reproduction that is only noted.

        What the cell that asks for it still needs goes once that cell is recorded. Audit hooks
        can only be switched off, and the run still has its end to come.
        """
        self._switch.off("%unload_ext")
        if self._switch.only_noted:
            return
        self.running = False
        self._unregister("pre_run_cell", self.hooks.pre_run_cell)
        for kind in ("line", "cell"):
            self.shell.magics_manager.magics[kind].pop("track", None)
        self.hooks.when_idle(self._take_out)
        self.notify()

    def _take_out(self) -> None:
        self._unregister("post_run_cell", self.hooks.post_run_cell)
        if self.hooks.outputs is not None:
            self.hooks.outputs.uninstall()
        context.uninstall()
        self._programs.uninstall()

    def _unregister(self, event: str, callback: Callable[..., None]) -> None:
        if callback in self.shell.events.callbacks[event]:
            self.shell.events.unregister(event, callback)

    def resume(self) -> int:
        """Take up again after :meth:`stop`, in the same run.

        Returns:
            How many executions were not seen meanwhile.
        """
        unseen = self._switch.on("%load_ext")
        if self.hooks.not_when_idle(self._take_out):
            self._begin_with_the_next_cell()
        else:
            self.start()
        return unseen

    def notify(self) -> None:
        """Wake the recorder, or start it."""
        wake.notify(self.folder, self.database)

    def about(self) -> list[str]:
        """Return the lines that ``%track`` alone prints."""
        on = "on" if self.hooks.recording else "off (%track on turns it on again)"
        level = self.capture_level
        if self.why_not_full:
            level += f" ({self.why_not_full})"
        lines = [
            f"Recording is {on}: cells, outputs, files read and written, random states.",
            f"  database       {self.database}",
            f"  run            {self.hooks.run()}",
            f"  notebook       {self.hooks.notebook or 'not known'}",
            f"  capture level  {level}",
            "  turn it off    %track off here, JUPYTER_LINEAGE_DISABLE=1 for good",
        ]
        if self.spool.lost or self.hooks.said:
            reason = self.spool.last_error if self.spool.lost else self.hooks.said[-1]
            lines.append(f"  not recorded   {reason}")
        return lines

    def _shut_down(self, restart: bool) -> None:
        """The kernel was asked to end: it may be killed before Python's own end is reached."""
        self.hooks.when_idle(partial(self._end, "restart" if restart else "shutdown"))
        self.hooks.end_soon()

    def _at_exit(self) -> None:
        if os.getpid() == self._pid:
            self.hooks.finish()
            self._end("shutdown")
        elif self.spool.path():
            self.spool.write("end", {"reason": "shutdown"})  # of a fork that wrote something

    def _end(self, reason: str) -> None:
        if not self._ended:
            self._ended = True
            self.spool.write("end", {"reason": reason})
            wake.wake(self.folder)

    def _ignored(self, facts: dict[str, Any], connection: str | None) -> tuple[str, ...]:
        own = [str(places.spool_root()), str(self.database), str(_PACKAGE)]
        own += [f"{self.database}{suffix}" for suffix in ("-wal", "-shm", "-journal")]
        if connection is not None:
            own.append(connection)
        profile = getattr(getattr(self.shell, "profile_dir", None), "location", None)
        if isinstance(profile, str) and profile:
            own.append(profile)
        prefixes = scope.default_prefixes(os.environ, facts["site_dirs"], own)
        return scope.ignored_prefixes(prefixes, facts["cwd"] or os.sep)

    def _files(self, helper: shim.Shim | str, ignored: scope.Ignored) -> Files:
        if not isinstance(helper, str):
            helper.set_ignored(ignored.prefixes)
            return ShimFiles(helper)
        audit = AuditFiles(self._write_file, ignored, self._fault, programs=self._programs)
        audit.install()
        return audit

    def _write_file(self, fields: dict[str, Any], execution: str | None) -> None:
        self.spool.write("file", fields, execution=execution)

    def _write_child(self, execution: str, program: str | None) -> None:
        if self.hooks.recording:
            fields = {} if program is None else {"program": program}
            self.spool.write("child", fields, execution=execution)

    def _fault(self, error: BaseException) -> None:
        self.hooks.failed(error)
