"""Starts a program that can change nothing outside of given folders, nor can what it starts.

The guard in the kernel refuses what Python and loaded libraries do; programs that a cell starts
(``!cp``, ``subprocess``) are held by the system here: contents, names and folders, not a file's
rights, owner, times and extended attributes, of which :mod:`.originals` compares the first three
afterwards. Reading stays free. Run as a script, with the standard library only:
``python -I -S fence.py '["/folder", …]' program arguments…``.

Source: Linux, Documentation/userspace-api/landlock.rst (version 3 of the interface or newer).
"""

from __future__ import annotations

import ctypes
import json
import os
import sys

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_ASK_VERSION = 1
_PATH_BENEATH = 1
_SET_NO_NEW_PRIVILEGES = 38
_LEAST_VERSION = 3

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


def restrict(folders: list[str]) -> None:
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


def main(arguments: list[str]) -> None:
    """Hold this process and become the program that the arguments name."""
    folders, *command = arguments
    restrict(json.loads(folders))
    os.execv(command[0], command)  # noqa: S606 - it is the program we were started for


if __name__ == "__main__":
    main(sys.argv[1:])
