"""Keeps a reproduction from changing anything outside of its own folder.

Python's audit hook refuses what Python itself would do; the shim, where it is loaded, refuses the
same of native code. What the kernel needs to run stays allowed: our spool, Jupyter's folder for
running kernels, a temporary folder of the kernel's own, and the caches and settings that its
environment names, which a reproduction has of its own. Of the devices only those are allowed that
keep nothing. Shared memory is one folder for all programs: a reproduction has one of its own where
the system gives it one; elsewhere what is in it at the start stays as it is, and new entries bear
names that the usual libraries give. Programs that a cell starts are held by the system or, where it
can't, not started.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .devices import devices
from .files import CHILDREN
from .scope import is_under

if TYPE_CHECKING:
    from .shim import Shim

_CHANGING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_OWN_FOLDERS = ("XDG_CACHE_HOME", "IPYTHONDIR", "MPLCONFIGDIR")
_OWN_STATE = "/proc/self"
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - what is in it is looked after
_PRIVATE = "jupyter-lineage"  # how reproduce.fence names a shared memory that it made
_SHARED = ("sem.", "psm_", "wnsm_", "torch_", "loky-", "joblib_memmapping_folder_", "pymp-")
_MOUNT_POINT = 4  # of the fields of /proc/self/mountinfo; the last but one is what is mounted
_busy = threading.local()
_installed: list[Guard] = []


def allowed_folders(folder: str, spool_folder: str, temporary: str) -> tuple[str, ...]:
    """Return the folders that a guarded kernel may change, with every link resolved.

    Args:
        folder: the reproduction's own.
        spool_folder: where our records go.
        temporary: the kernel's own temporary folder.
    """
    home = os.path.expanduser("~")
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    data = os.environ.get("XDG_DATA_HOME") or os.path.join(home, ".local", "share")
    found = [folder, spool_folder, temporary]
    found += [os.environ.get("JUPYTER_RUNTIME_DIR") or os.path.join(data, "jupyter", "runtime")]
    found += [os.environ[name] for name in _OWN_FOLDERS if os.environ.get(name)]
    if runtime:
        found.append(os.path.join(runtime, "jupyter"))
    found += [*devices(), _OWN_STATE]
    if memory_is_private():
        found.append(_SHARED_MEMORY)
    return tuple(dict.fromkeys(os.path.realpath(path) for path in found))


def memory_is_private() -> bool:
    """Tell whether this process has a shared memory of its own, apart from other programs'."""
    place = os.path.realpath(_SHARED_MEMORY)
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as stream:
            mounts = [line.split() for line in stream]
    except OSError:
        return False
    # The last of those that lie upon each other is the one that is seen.
    found = [
        mount for mount in mounts if len(mount) > _MOUNT_POINT and mount[_MOUNT_POINT] == place
    ]
    return bool(found) and found[-1][-2] == _PRIVATE


class Guard:
    """The audit hook of a guarded kernel.

    Args:
        folder: the reproduction's own folder, for the message.
        allowed: what :func:`allowed_folders` gave.
        programs: whether other programs may be started: the system holds them.
        alone: whether nothing else than this hook holds the kernel.
    """

    def __init__(
        self, folder: str, allowed: tuple[str, ...], *, programs: bool, alone: bool
    ) -> None:
        self.folder = folder
        self.allowed = allowed
        self.programs = programs
        self.alone = alone
        self._memory = os.path.realpath(_SHARED_MEMORY)
        self._others = frozenset(_names_in(self._memory))

    def hook(self, event: str, args: tuple[Any, ...]) -> None:
        """Refuse a call that would change something outside.

        Raises:
            PermissionError: it would.
        """
        if event in CHILDREN and not self.programs:
            raise PermissionError(
                13, "a reproduction starts no other programs here: nothing would hold them"
            )
        check = _CHECKS.get(event)
        if check is None or getattr(_busy, "now", False):
            return
        _busy.now = True
        try:
            paths = check(args)
        finally:
            _busy.now = False
        if self.alone and event == "open" and paths and _may_be_elsewhere(args):
            raise PermissionError(
                13, "a reproduction can't see where os.open() with a relative path leads", args[0]
            )
        for path in paths:
            if not self._is_own(path):
                raise PermissionError(
                    13,
                    f"a reproduction changes nothing outside of its own folder {self.folder}",
                    path,
                )

    def _is_own(self, path: str) -> bool:
        if any(is_under(path, prefix) for prefix in self.allowed):
            return True
        if not is_under(path, self._memory):
            return False
        name = path[len(self._memory) :].strip(os.sep).partition(os.sep)[0]
        return name.startswith(_SHARED) and name not in self._others


def _names_in(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def install(folder: str, spool_folder: str, shim: Shim | None, *, programs: bool = True) -> Guard:
    """Guard this process for good, and give it a temporary folder of its own.

    That folder is new and so holds nothing of the user's, as the system's own might.

    Args:
        folder: the reproduction's own.
        spool_folder: where our records go.
        shim: the loaded helper, None where there is none.
        programs: whether other programs may be started.
    """
    temporary = tempfile.mkdtemp(prefix="jupyter-lineage-")
    tempfile.tempdir = temporary
    pid = os.getpid()
    atexit.register(_remove, temporary, pid)
    guard = Guard(
        folder,
        allowed_folders(folder, spool_folder, temporary),
        programs=programs,
        alone=shim is None and not programs,
    )
    if shim is not None:
        shim.set_guard(guard.allowed)
    sys.addaudithook(guard.hook)
    _installed.append(guard)
    return guard


def installed() -> bool:
    """Tell whether this process is guarded."""
    return bool(_installed)


def _remove(temporary: str, pid: int) -> None:
    if os.getpid() == pid:
        shutil.rmtree(temporary, ignore_errors=True)


def _text(name: Any, folder: Any = -1) -> str | None:
    """Return the absolute path of an audit event's argument, links of its folder not resolved."""
    if isinstance(name, int):
        if isinstance(name, bool) or name < 0:
            return None
        try:
            return os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            return None
    text = os.fsdecode(name)
    if os.path.isabs(text):
        return text
    base = _text(folder) if isinstance(folder, int) and folder >= 0 else os.getcwd()
    return os.path.join(base or os.sep, text)


def _entry(name: Any, folder: Any = -1) -> list[str]:
    """Return the directory entry itself: the folder's links resolved, not its own."""
    path = _text(name, folder)
    if path is None:
        return []
    parent, last = os.path.split(path.rstrip(os.sep))
    return [os.path.join(os.path.realpath(parent), last)]


def _content(name: Any, folder: Any = -1) -> list[str]:
    """Return the file that a call through this name would change: all links resolved."""
    path = _text(name, folder)
    return [] if path is None else [os.path.realpath(path)]


def _may_be_elsewhere(args: tuple[Any, ...]) -> bool:
    """Tell whether an open may have a ``dir_fd``: only ``os.open`` can, and its event hides it."""
    name, mode = args[0], args[1]
    return mode is None and not isinstance(name, int) and not os.path.isabs(os.fsdecode(name))


def _open(args: tuple[Any, ...]) -> list[str]:
    name, mode, flags = args[0], args[1], args[2]
    writes = isinstance(mode, str) and any(letter in mode for letter in "wax+")
    if not writes and not (isinstance(flags, int) and flags & _CHANGING):
        return []
    return [] if isinstance(name, int) else _content(name)


def _database(args: tuple[Any, ...]) -> list[str]:
    name = args[0]
    text = os.fsdecode(name) if isinstance(name, (str, bytes, os.PathLike)) else ""
    if text in ("", ":memory:"):
        return []
    if text.startswith("file:"):
        if "mode=ro" in text or "mode=memory" in text or "immutable=1" in text:
            return []
        text = text[len("file:") :].partition("?")[0]
    return _content(text)


_CHECKS: dict[str, Callable[[tuple[Any, ...]], list[str]]] = {
    "open": _open,
    "os.rename": lambda a: _entry(a[0], a[2]) + _entry(a[1], a[3]),
    "os.remove": lambda a: _entry(a[0], a[1]),
    "os.rmdir": lambda a: _entry(a[0], a[1]),
    "os.mkdir": lambda a: _entry(a[0], a[2]),
    "os.truncate": lambda a: _content(a[0]),
    # Writing through a second name would change the first one's content too.
    "os.link": lambda a: _content(a[0], a[2]) + _entry(a[1], a[3]),
    "os.symlink": lambda a: _entry(a[1], a[2]),
    "os.chmod": lambda a: _content(a[0], a[2]),
    "os.chown": lambda a: _content(a[0], a[3]),
    "os.utime": lambda a: _content(a[0], a[3]),
    "os.setxattr": lambda a: _content(a[0]),
    "os.removexattr": lambda a: _content(a[0]),
    "sqlite3.connect": _database,
}
