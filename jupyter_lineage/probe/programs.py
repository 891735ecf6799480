"""Which other programs a cell starts: what these read and write is not seen.

Some are told by audit events (:mod:`.files` or the shim). ``subprocess``, ``multiprocessing`` and
joblib start theirs by ``_posixsubprocess.fork_exec``, which has no event: it is wrapped here. It
also says where a program is looked for.
"""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any

from . import context

_SYSTEM = ("/usr/", "/bin/", "/sbin/", "/opt/")
_PLAIN = re.compile(r"[A-Za-z0-9._+-]{1,64}")
# It removes what others left in shared memory and reads and writes nothing of anybody's.
_TRACKER = re.compile(
    r"from (?:multiprocessing|multiprocess|(?:[\w.]+\.)?loky\.backend)\.resource_tracker"
    r" import main; ?main\(\d+(?:, ?\w+)?\)"
)
_MOST_KNOWN = 4096

Write = Callable[[str, "str | None"], None]


def plain_name(program: Any) -> str | None:
    """Return the name of a program of the system, without its folder; None for any other.

    Args:
        program: its path; a bare name is none, it may lead anywhere.
    """
    if not isinstance(program, str) or not program.startswith(_SYSTEM) or "/../" in program:
        return None
    name = program.rpartition("/")[2]
    return name if _PLAIN.fullmatch(name) else None


class Programs:
    """Notes once per execution, way and program that an execution started it.

    Args:
        write: takes the execution's id, and the program's name where it is one of the system.
        failed: called when noting itself went wrong.
        refuse: whether the guard of a reproduction lets no program start.
    """

    def __init__(
        self, write: Write, failed: Callable[[BaseException], None], *, refuse: bool
    ) -> None:
        self._write = write
        self._failed = failed
        self._refuse = refuse
        self._known: set[tuple[str, str, str | None]] = set()
        self._patches: list[tuple[Any, str, Any, Any]] = []

    def started(self, way: str, program: str | None) -> None:
        """Note a program that the running execution started; between cells nothing is noted."""
        execution = context.current.get()
        if execution is None or (execution.uid, way, program) in self._known:
            return
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known.add((execution.uid, way, program))
        self._write(execution.uid, program)

    def install(self) -> None:
        """Wrap ``fork_exec`` wherever the standard library holds it; nothing on Windows."""
        try:
            import _posixsubprocess
        except ImportError:
            return
        original = _posixsubprocess.fork_exec
        wrapper = self._watched(original)
        # From Python 3.11 on, subprocess has a name of its own for it.
        for owner, name in (
            (_posixsubprocess, "fork_exec"),
            (sys.modules.get("subprocess"), "_fork_exec"),
        ):
            if getattr(owner, name, None) is original:
                setattr(owner, name, wrapper)
                self._patches.append((owner, name, original, wrapper))

    def uninstall(self) -> None:
        """Put the original back, except where somebody else has wrapped ours since."""
        while self._patches:
            owner, name, original, wrapper = self._patches.pop()
            if getattr(owner, name, None) is wrapper:
                setattr(owner, name, original)

    def _watched(self, original: Callable[..., int]) -> Callable[..., int]:
        @functools.wraps(original)
        def fork_exec(*args: Any, **named: Any) -> int:
            try:
                program = self._program(args)
            except Exception as error:  # noqa: BLE001 - the user's program starts all the same
                self._failed(error)
                program = None
            if program is not None and self._refuse:
                raise PermissionError(
                    13, "a reproduction starts no other programs here: nothing would hold them"
                )
            return original(*args, **named)

        return fork_exec

    def _program(self, args: tuple[Any, ...]) -> str | None:
        """Note what is about to start and return its path; None where nothing is."""
        arguments, candidates, folder = args[0], args[1], args[4]
        if any(_TRACKER.fullmatch(os.fsdecode(one)) for one in arguments):
            return None
        path = _first(candidates, os.fsdecode(folder or ""))
        if path is not None:
            self.started("fork_exec", plain_name(path))
        return path


def _first(candidates: Iterable[str | bytes], folder: str) -> str | None:
    """Return the path that the system will come to first, relative to where the child begins."""
    for candidate in candidates:
        path = os.fsdecode(candidate)
        place = os.path.join(folder, path)
        if os.access(place, os.X_OK) and not os.path.isdir(place):
            return path
    return None
