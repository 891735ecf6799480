"""Starts a program that can change nothing outside of given folders, nor can what it starts.

The guard in the kernel refuses what Python and loaded libraries do; programs that a cell starts
(``!cp``, ``subprocess``) are held by the system here: contents, names and folders, not a file's
rights, owner, times and extended attributes, which :mod:`.originals` compares afterwards. Reading
stays free. Shared memory is a folder too (``/dev/shm``), of all programs together, and semaphores
and worker processes need it: so the program gets one of its own, where the system lets it.
Run as a script, with the standard library only:
``python -I -S fence.py '["/folder", …]' program arguments…``.

Source: Linux, Documentation/userspace-api/landlock.rst (version 3 of the interface or newer);
mount_namespaces(7), user_namespaces(7).
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

SHARED_MEMORY = "/dev/shm"  # noqa: S108 - it is what is made private
PRIVATE = "jupyter-lineage"
"""What the system's list of mounts calls a shared memory that this made."""
_NEW_MOUNTS, _NEW_USERS = 0x20000, 0x10000000
_NO_SETUID, _NO_DEVICES, _RECURSIVE, _FOLLOWING = 2, 4, 0x4000, 1 << 19

_WRITE_FILE, _TRUNCATE = 1 << 1, 1 << 14
# Write, remove and make entries of every kind (bits 4 to 12), move between folders, truncate.
_CHANGES = _WRITE_FILE | sum(1 << bit for bit in range(4, 13)) | 1 << 13 | _TRUNCATE


class _Ruleset(ctypes.Structure):
    _fields_ = (("handled_access_fs", ctypes.c_uint64),)


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


def gives_private_memory() -> bool:
    """Tell whether a program that is held here gets a shared memory of its own.

    Tried in a child: a failure half-way could not be undone.
    """
    child = os.fork()
    if child == 0:
        try:
            make_memory_private()
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def make_memory_private() -> None:
    """Give this process, and what it starts, an empty shared memory of their own.

    It needs a list of mounts of its own, which only an administrator may have as such; others get
    it as the only known user of a user namespace. Who they are is not changed by that.

    Raises:
        OSError: the system does not do it.
    """
    libc = _libc()
    user, group = os.getuid(), os.getgid()
    if libc.unshare(_NEW_MOUNTS) != 0:
        _checked(libc.unshare(_NEW_MOUNTS | _NEW_USERS))
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")
    # What is mounted outside still comes in; what is mounted here never gets out.
    _checked(libc.mount(None, b"/", None, _RECURSIVE | _FOLLOWING, None))
    place, kind = SHARED_MEMORY.encode(), b"tmpfs"
    flags = _NO_SETUID | _NO_DEVICES
    _checked(libc.mount(PRIVATE.encode(), place, kind, flags, b"mode=1777"))


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


def arguments(folders: Iterable[str], *, private_memory: bool) -> list[str]:
    """Return what this script is started with, the program's own arguments left out.

    Args:
        folders: those that the program may change; files, such as devices, are possible too.
        private_memory: whether it gets a shared memory of its own, where the system lets it.
    """
    return ["-I", "-S", __file__, "private" if private_memory else "common", json.dumps([*folders])]


def main(given: list[str]) -> int:
    """Hold this process and become the program that the arguments name.

    Without a program only tell, by the exit status, whether it would get a memory of its own.
    """
    memory, folders, *command = given
    private = memory == "private" and gives_private_memory()
    if not command:
        return 0 if private else 1
    if private:
        make_memory_private()
    restrict(json.loads(folders))
    os.execv(command[0], command)  # noqa: S606 - it is the program we were started for


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
