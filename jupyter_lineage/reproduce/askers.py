"""Programs that only ask the system: starting one leaves a cell as comparable as it was.

They read nothing of the user's and write nothing but what they print. Names are those of the
program's file, without its folder.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

ASKERS = {
    "fc-list": "which fonts there are; Matplotlib asks it at its first import",
    "fc-match": "which font stands for another",
    "uname": "the system's name; Python's platform asks it",
    "arch": "the processor's kind",
    "lsb_release": "the distribution's name",
    "ldconfig": "where a library is; Python's ctypes asks it",
    "getconf": "limits of the system",
    "lscpu": "the processor; joblib and cpuinfo ask it",
    "nproc": "how many processors there are",
    "free": "how much memory there is",
    "sysctl": "the machine, on macOS and BSD",
    "sw_vers": "the system's version, on macOS",
    "system_profiler": "the machine and its fonts, on macOS",
    "nvidia-smi": "graphics processors",
    "rocm-smi": "graphics processors",
    "whoami": "the user's name",
    "id": "the user's numbers and groups",
    "hostname": "the machine's name",
    "tty": "the terminal",
    "stty": "the terminal's size",
    "tput": "what the terminal can do",
    "date": "the time",
    "which": "where a program is",
}
"""What each of them is asked for."""

_MAY_SET = {
    "date": r"\+.*",
    "hostname": r"-[fsdiI]",
    "ldconfig": r"-p",
    "sysctl": r"-n|[\w.]+",
    "nvidia-smi": r"-[qL]|--query\S*|--format\S*",
    "stty": r"-a|size",
}
"""Those that can also change what they tell, with the arguments by which they don't."""
_CHANGING_ALONE = ("ldconfig",)
_LINE = re.compile(r"!\s*(?P<program>[\w-]+)(?P<rest>[^;&|<>`$(){}\\]*)")


def in_source(source: str) -> tuple[str, ...]:
    """Return such programs of a cell that does nothing but start them; none of any other cell.

    >>> in_source("!fc-list :mono")
    ('fc-list',)
    >>> in_source("!uname -a; rm data.csv")
    ()
    """
    found: dict[str, None] = {}
    for line in filter(None, map(str.strip, source.splitlines())):
        match = _LINE.fullmatch(line)
        if line.startswith("#"):
            continue
        if match is None or not _only_asks(match["program"], match["rest"].split()):
            return ()
        found.setdefault(match["program"])
    return tuple(found)


def among(programs: Iterable[str | None]) -> tuple[str, ...]:
    """Return the names of recorded programs when all of them only ask, else none.

    Args:
        programs: each as the record has it, a name and nothing more; None where it has none.
    """
    names = tuple(dict.fromkeys(programs))
    return tuple(filter(None, names)) if all(name in ASKERS for name in names) else ()


def _only_asks(program: str, arguments: list[str]) -> bool:
    if program in _CHANGING_ALONE and not arguments:
        return False
    allowed = _MAY_SET.get(program, ".*")
    return program in ASKERS and all(re.fullmatch(allowed, one) for one in arguments)
