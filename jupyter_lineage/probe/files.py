"""Which files a cell touches: by the compiled shim where it is loaded, else by Python's audit hook.

Both sides offer the same few calls to the hooks: ``begin`` and ``end`` of an execution, ``step``
where a thread's execution changed, and ``set_recording``.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from . import context
from .programs import plain_name

if TYPE_CHECKING:
    from .context import Execution
    from .programs import Programs
    from .scope import Ignored
    from .shim import Shim


class Files(Protocol):
    """What the hooks need of either side."""

    def begin(self, execution: Execution) -> None:
        """An execution begins in the calling thread."""

    def end(self, execution: Execution) -> None:
        """An execution has ended."""

    def step(self) -> None:
        """The calling thread's execution has changed."""

    def set_recording(self, on: bool) -> None:
        """Switch recording off or on again."""


class ShimFiles:
    """Keeps the shim informed of which thread works for which execution.

    Args:
        shim: the loaded helper, which writes its own spool.
    """

    def __init__(self, shim: Shim) -> None:
        self._shim = shim
        self._local = threading.local()
        self._active: set[int] = set()
        shim.follow(context.number)

    def begin(self, execution: Execution) -> None:
        """See :class:`Files`."""
        self._active.add(execution.number)
        self._tell_active()
        self.step()

    def end(self, execution: Execution) -> None:
        """See :class:`Files`."""
        self._active.discard(execution.number)
        self._tell_active()
        self._shim.cell_end(execution.number)
        self.step()

    def step(self) -> None:
        """See :class:`Files`."""
        try:
            slot = self._local.slot
        except AttributeError:
            slot = self._local.slot = self._shim.cell_slot()
        slot.value = context.number.get(0)

    def set_recording(self, on: bool) -> None:
        """See :class:`Files`."""
        self._shim.set_recording(on)

    def _tell_active(self) -> None:
        # A thread that no Python code started works for the only active execution, if there is one.
        active = tuple(self._active)
        self._shim.set_active(active[0] if len(active) == 1 else 0)


Write = Callable[[dict[str, Any], "str | None"], None]

_EVENTS = frozenset(
    [
        "open",
        "os.rename",
        "os.remove",
        "os.mkdir",
        "os.link",
        "os.symlink",
        "os.truncate",
        "sqlite3.connect",
    ]
)


CHILDREN = {
    "subprocess.Popen": 0,
    "os.system": None,
    "os.exec": 0,
    "os.posix_spawn": 0,
    "os.spawn": 1,
    "pty.spawn": None,
}
"""Audit events of another program's start, and which argument names it, where one does.

A fork is none: what it does is seen as ours is.
"""

_SEEN = _EVENTS | CHILDREN.keys()


class AuditFiles:
    """Sees what Python itself opens, renames, removes and makes; nothing of C, C++ and Rust code.

    An audit event comes before its call, so success is guessed: a read of what is there and may be
    read succeeds, a write where the file or its folder may be written. An ``os.open`` with a
    ``dir_fd`` does not say so in its event: its relative path is taken from the working folder and
    dropped where nothing is there. A hook can't be taken out again, only switched off.

    Args:
        write: takes a ``file`` record's fields and the execution's id.
        ignored: which paths are no data.
        failed: called when the hook itself went wrong.
        programs: told which programs are started.
    """

    def __init__(
        self,
        write: Write,
        ignored: Ignored,
        failed: Callable[[BaseException], None],
        *,
        programs: Programs,
    ) -> None:
        self._write = write
        self._programs = programs
        self._ignored = ignored
        self._failed = failed
        self._on = True
        self._busy = threading.local()
        self._seen: dict[tuple[str | None, str, int], int] = {}

    def install(self) -> None:
        """Add the hook to this interpreter, for good."""
        sys.addaudithook(self._hook)

    def begin(self, execution: Execution) -> None:
        """See :class:`Files`."""

    def end(self, execution: Execution) -> None:
        """See :class:`Files`. What was opened again and again is written as a count."""
        ended = [key for key in self._seen if key[0] in (execution.uid, None)]
        for key in ended:
            repeats = self._seen.pop(key)
            if repeats:
                fields = {"op": "repeat", "path": key[1], "flags": key[2], "count": repeats}
                self._write({**fields, "via": "python", "thread": "python"}, key[0])

    def step(self) -> None:
        """See :class:`Files`."""

    def set_recording(self, on: bool) -> None:
        """See :class:`Files`."""
        self._on = on

    def _hook(self, event: str, args: tuple[Any, ...]) -> None:
        if event not in _SEEN or not self._on or getattr(self._busy, "now", False):
            return
        self._busy.now = True
        try:
            self._see(event, args)
        except Exception as error:  # noqa: BLE001 - raising here would refuse the user's call
            self._failed(error)
        finally:
            self._busy.now = False

    def _see(self, event: str, args: tuple[Any, ...]) -> None:
        if event in CHILDREN:
            self._starts(event, args)
        elif event == "open":
            self._opened(args[0], args[2] or 0)
        elif event == "sqlite3.connect":
            self._opened(args[0], os.O_RDWR | os.O_CREAT)
        elif event in ("os.rename", "os.link"):
            source, target = self._path(args[0], args[2]), self._path(args[1], args[3])
            if source and target and os.path.lexists(source[0]):
                self._changed(event[3:], source, target)
        elif event == "os.symlink":
            target = self._path(args[1], args[2])
            if target and not os.path.lexists(target[0]):
                self._changed("symlink", target)
        else:
            # os.truncate's second argument is a length, the others' last one a dir_fd
            path = self._path(args[0], -1 if event == "os.truncate" else args[-1])
            missing = path is None or not os.path.lexists(path[0])
            if path and missing == (event == "os.mkdir"):
                self._changed(event[3:], path)

    def _starts(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "subprocess.Popen" and sys.platform != "win32":
            return  # seen where it goes on to, which knows where the program lies
        position = CHILDREN[event]
        self._programs.started(event, None if position is None else plain_name(args[position]))

    def _opened(self, name: Any, flags: int) -> None:
        path = self._path(name, -1)
        if path is None or not self._ignored.is_data(path[0]):
            return
        status = _would_open(path[0], flags)
        if status is None:
            return
        execution = context.current.get()
        uid = None if execution is None else execution.uid
        access = flags & (os.O_RDONLY | os.O_WRONLY | os.O_RDWR)
        key = (uid, path[0], access)
        if key in self._seen:
            self._seen[key] += 1
            return
        self._seen[key] = 0
        emptied = flags & os.O_TRUNC
        fields = {
            "op": "open",
            "path": path[0],
            "flags": flags,
            "absolute": path[1],
            "stat": None if emptied else _signature(status),
        }
        self._write({**fields, "via": "python", "thread": "python"}, uid)

    def _changed(
        self, op: str, first: tuple[str, bool], second: tuple[str, bool] | None = None
    ) -> None:
        paths = [first] if second is None else [first, second]
        if not any(self._ignored.is_data(path) for path, _ in paths):
            return
        fields: dict[str, Any] = {"op": op, "path": first[0], "absolute": first[1]}
        if second is not None:
            fields.update(path2=second[0], absolute2=second[1])
        execution = context.current.get()
        uid = None if execution is None else execution.uid
        self._write({**fields, "via": "python", "thread": "python"}, uid)

    def _path(self, name: Any, folder: Any) -> tuple[str, bool] | None:
        """Return the absolute path and whether the program gave it so; None for a descriptor."""
        if not isinstance(name, (str, bytes, os.PathLike)):
            return None
        text = os.fsdecode(name)
        if not text or text == ":memory:" or text.startswith("file:"):
            return None
        if os.path.isabs(text):
            return os.path.normpath(text), True
        try:
            given = isinstance(folder, int) and folder >= 0
            base = os.readlink(f"/proc/self/fd/{folder}") if given else os.getcwd()
        except OSError:
            return None  # the working folder was removed: nothing relative can be opened
        return os.path.normpath(os.path.join(base, text)), False


def _would_open(path: str, flags: int) -> os.stat_result | bool | None:
    """Guess an open's success: the file's status, True for a new file, None where it will fail."""
    access = flags & (os.O_RDONLY | os.O_WRONLY | os.O_RDWR)
    try:
        status = os.stat(path)
    except OSError:
        folder = os.path.dirname(path)
        makes = flags & os.O_CREAT and os.access(folder, os.W_OK | os.X_OK)
        return True if makes else None
    if not os.path.isfile(path) or (flags & os.O_CREAT and flags & os.O_EXCL):
        return None
    needed = {os.O_RDONLY: os.R_OK, os.O_WRONLY: os.W_OK}.get(access, os.R_OK | os.W_OK)
    return status if os.access(path, needed) else None


def _signature(status: Any) -> list[int] | None:
    if status is True:
        return None
    return [status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]
