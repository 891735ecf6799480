"""Programs that only ask the system: starting one leaves a cell as comparable as it was.

They read nothing of the user's and write nothing but what they print. Names are those of the
program's file, without its folder: only one that lies in a folder of the system is such a program,
and not another one of its name. The record has no names of others; where a shell was started, it
is the cell's text that names the program, and its folder has to be found out (:func:`leads_to`).
"""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
_SYSTEM = ("/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/opt/homebrew/bin")
_SHELLS = frozenset(("sh", "bash", "dash", "zsh", "ksh"))
_MOVES = re.compile(
    r"\bPATH\b|\bBASH_|putenv|setenv|dotenv"
    # Any use of the environment but by the name of one variable, or as a copy.
    r"|environb?\b(?!(?:\.get\(|\.setdefault\(|\.pop\(|\[)\s*[\"']\w+[\"']|\.copy\(\))"
)
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


def by_shell(programs: Iterable[str | None]) -> bool:
    """Tell whether nothing but shells of the system was started, so that a cell's text says what.

    Args:
        programs: each as the record has it.
    """
    return all(name in _SHELLS for name in programs)


def moves_search(text: str) -> bool:
    """Tell whether code may change where a shell looks for programs.

    >>> moves_search("os.environ['PATH'] = 'bin:' + os.environ['PATH']")
    True
    >>> moves_search("os.environ['CUDA_VISIBLE_DEVICES'] = '0'")
    False
    """
    return _MOVES.search(text) is not None


def leads_to(program: str, first: Sequence[str] = ()) -> bool:
    """Tell whether a name leads to a program in a folder of the system here.

    Args:
        program: the name.
        first: folders that were looked through before those of the search path.
    """
    folders = [*first, *os.environ.get("PATH", os.defpath).split(os.pathsep)]
    if not all(map(os.path.isabs, folders)):
        return False
    found = shutil.which(program, path=os.pathsep.join(folders))
    return found is not None and found.rpartition("/")[0] in _SYSTEM


def _only_asks(program: str, arguments: list[str]) -> bool:
    if program in _CHANGING_ALONE and not arguments:
        return False
    allowed = _MAY_SET.get(program, ".*")
    return program in ASKERS and all(re.fullmatch(allowed, one) for one in arguments)
