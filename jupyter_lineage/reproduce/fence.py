"""Starts a program that can change nothing outside of given folders, nor can what it starts.

The guard in the kernel refuses what Python and loaded libraries do; programs that a cell starts
(``!cp``, ``subprocess``) are held by the system here. Landlock holds contents, names and folders.
A file's rights, owner, times and extended attributes it does not: so the program also gets, where
the system lets it, a list of mounts of its own in which everything else is read-only (where it
can't be had, :mod:`.originals` compares afterwards). Reading stays free. Shared memory is a folder
too (``/dev/shm``), of all programs together, and semaphores and worker processes need it: in that
list of mounts the program has one of its own.
Run as a script, with the standard library only:
``python -I -S fence.py hold 'world memory' '["/folder", …]' program arguments…``.

Source: Linux, Documentation/userspace-api/landlock.rst (version 3 of the interface or newer);
mount_namespaces(7), user_namespaces(7), mount_setattr(2) (Linux 5.12, so wherever Landlock's
version 3 is).
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_ASK_VERSION = 1
_PATH_BENEATH = 1
_SET_NO_NEW_PRIVILEGES = 38
_LEAST_VERSION = 3

WORLD = "world"
"""Everything that it may not change is read-only for it, down to rights and times."""
MEMORY = "memory"
"""It has a shared memory of its own."""

SHARED_MEMORY = "/dev/shm"  # noqa: S108 - it is what is made private
PRIVATE = "jupyter-lineage"
"""What the system's list of mounts calls a shared memory that this made."""
_NEW_MOUNTS, _NEW_USERS = 0x20000, 0x10000000
_NO_SETUID, _NO_DEVICES, _BIND, _RECURSIVE, _FOLLOWING = 2, 4, 0x1000, 0x4000, 1 << 19
_SET_MOUNT, _HERE, _WHOLE_TREE, _READ_ONLY = 442, -100, 0x8000, 1
_OF_THE_SYSTEM = ("/proc", "/dev/pts")  # a process's own state, and the rights of terminals

_WRITE_FILE, _TRUNCATE = 1 << 1, 1 << 14
# Write, remove and make entries of every kind (bits 4 to 12), move between folders, truncate.
_CHANGES = _WRITE_FILE | sum(1 << bit for bit in range(4, 13)) | 1 << 13 | _TRUNCATE


class _Ruleset(ctypes.Structure):
    _fields_ = (("handled_access_fs", ctypes.c_uint64),)


class _MountAttributes(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_uint64) for name in ("attr_set", "attr_clr", "propagation", "userns_fd")
    )


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def is_available() -> bool:
    """Tell whether this system can hold a program so."""
    if not sys.platform.startswith("linux"):
        return False
    version: int = _libc().syscall(_CREATE_RULESET, None, 0, _ASK_VERSION)
    return version >= _LEAST_VERSION


def possible(wanted: Iterable[str], folders: Iterable[str]) -> list[str]:
    """Return what of :data:`WORLD` and :data:`MEMORY` this system gives a program.

    Tried in children: a failure half-way could not be undone.

    Args:
        wanted: what it shall have.
        folders: those that it may change.
    """
    both, paths = list(wanted), list(folders)
    ways = [both, *([one] for one in both if len(both) > 1)]
    return next((way for way in ways if way and _works(way, paths)), [])


def _works(wanted: list[str], folders: list[str]) -> bool:
    child = os.fork()
    if child == 0:
        try:
            set_apart(wanted, folders)
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def set_apart(wanted: Iterable[str], folders: Iterable[str]) -> None:
    """Give this process, and what it starts, a list of mounts of their own.

    Only an administrator may have that as such; others get it as the only known user of a user
    namespace. Who they are is not changed by that.

    Args:
        wanted: what to do there, of :data:`WORLD` and :data:`MEMORY`.
        folders: those that stay changeable.

    Raises:
        OSError: the system does not do it.
    """
    libc, wishes, here = _libc(), set(wanted), os.getcwd()  # noqa: PTH109 - a script: no imports
    user, group = os.getuid(), os.getgid()
    if libc.unshare(_NEW_MOUNTS) != 0:
        _checked(libc.unshare(_NEW_MOUNTS | _NEW_USERS))
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")
    # What is mounted outside still comes in, as network folders do when they are first looked
    # into; what is mounted here never gets out.
    _checked(libc.mount(None, b"/", None, _RECURSIVE | _FOLLOWING, None))
    if WORLD in wishes:
        _make_read_only(libc, [path for path in folders if _stays(path, wishes)])
        os.chdir(here)  # until now it is the folder below the mount that may be changed
    if MEMORY in wishes:
        place, kind = SHARED_MEMORY.encode(), b"tmpfs"
        flags = _NO_SETUID | _NO_DEVICES
        _checked(libc.mount(PRIVATE.encode(), place, kind, flags, b"mode=1777"))


def _stays(path: str, wishes: set[str]) -> bool:
    """Tell whether a place needs a mount that may be written; devices and /proc do without."""
    real = os.path.realpath(path)
    if any((real + "/").startswith(place + "/") for place in _OF_THE_SYSTEM):
        return False
    if MEMORY in wishes and real == os.path.realpath(SHARED_MEMORY):
        return False
    return (os.path.isdir(real) or os.path.isfile(real)) and _can_be_written(real)  # noqa: PTH112, PTH113


def _can_be_written(path: str) -> bool:
    return not os.statvfs(path).f_flag & os.ST_RDONLY


def _make_read_only(libc: ctypes.CDLL, folders: list[str]) -> None:
    """Make all mounts read-only, save those of the given places and of the system's own."""
    own = [place for place in _OF_THE_SYSTEM if os.path.ismount(place) and _can_be_written(place)]
    for folder in folders:
        name = os.fsencode(folder)
        _checked(libc.mount(name, name, None, _BIND | _RECURSIVE, None))
    _set_mount(libc, "/", _MountAttributes(attr_set=_READ_ONLY), _WHOLE_TREE)
    for place in (*folders, *own):
        _set_mount(libc, place, _MountAttributes(attr_clr=_READ_ONLY), 0)


def _set_mount(libc: ctypes.CDLL, place: str, attributes: _MountAttributes, flags: int) -> None:
    name, size = ctypes.c_char_p(os.fsencode(place)), ctypes.c_size_t(ctypes.sizeof(attributes))
    _checked(libc.syscall(_SET_MOUNT, _HERE, name, flags, ctypes.byref(attributes), size))


def _write(path: str, text: str) -> None:
    opened = os.open(path, os.O_WRONLY)
    try:
        os.write(opened, text.encode())
    finally:
        os.close(opened)


def restrict(folders: Iterable[str]) -> None:
    """Let this process, and all that it starts, change nothing outside of ``folders``.

    Folders that don't exist are passed over. There is no way back.

    Raises:
        OSError: the system does not do it.
    """
    libc = _libc()
    rules = _Ruleset(_CHANGES)
    ruleset = _checked(libc.syscall(_CREATE_RULESET, ctypes.byref(rules), ctypes.sizeof(rules), 0))
    for folder in folders:
        try:
            opened = os.open(folder, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        allowed = _CHANGES if os.path.isdir(folder) else _WRITE_FILE | _TRUNCATE  # noqa: PTH112
        rule = _Beneath(allowed, opened)
        _checked(libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0))
        os.close(opened)
    _checked(libc.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    _checked(libc.syscall(_RESTRICT_SELF, ruleset, 0))
    os.close(ruleset)


def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    return libc


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def arguments(folders: Iterable[str], *, apart: Iterable[str] = ()) -> list[str]:
    """Return what this script is started with, the program's own arguments left out.

    Args:
        folders: those that the program may change; files, such as devices, are possible too.
        apart: what of :data:`WORLD` and :data:`MEMORY` it has; :func:`question` asks which it can.
    """
    return ["-I", "-S", __file__, "hold", " ".join(apart), json.dumps([*folders])]


def question(folders: Iterable[str], *, apart: Iterable[str]) -> list[str]:
    """Return what this script is started with to print what of ``apart`` this system gives."""
    return ["-I", "-S", __file__, "ask", " ".join(apart), json.dumps([*folders])]


def main(given: list[str]) -> int:
    """Hold this process and become the program that the arguments name, or answer a question."""
    what, apart, text, *command = given
    wanted, folders = apart.split(), json.loads(text)
    if what == "ask":
        print(" ".join(possible(wanted, folders)))  # noqa: T201 - that is the answer
        return 0
    if wanted:
        set_apart(wanted, folders)
    restrict(folders)
    os.execv(command[0], command)  # noqa: S606 - it is the program we were started for


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
