"""What a reproduction has apart from all other programs: its view of the disks, its shared memory.

Whether the system gives it (see :mod:`.fence`) is asked before the start; where it doesn't, that is
said, and the files that cells name are compared afterwards.
"""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

from . import fence, memory
from .plan import starting_programs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from .evidence import Evidence
    from .plan import Plan

SAID_BEFORE = (
    "no view of the disks of its own can be had here: programs that a cell starts could change "
    "rights, owner and times of files; those that cells name, and at most 10,000 in folders that "
    "they name, are compared afterwards"
)
_ASK_SECONDS = 30
_NATIVE = re.compile(r"\b(?:ctypes|cffi|syscall)\b")
_TEMPORARY = re.compile(r"\btempfile\b|mk[sd]?temp\(|Temporary(?:File|Directory)|/tmp\b")
_RENAMES = re.compile(
    r"\bos\.(?:rename|renames|replace|link)\(|\.(?:rename|hardlink_to)\(|\.replace\([^,()]*\)"
)


def given(plan: Plan, folders: Sequence[str]) -> frozenset[str]:
    """Return what a reproduction gets, of :data:`.fence.WORLD` and :data:`.fence.MEMORY`.

    Args:
        plan: what will be done.
        folders: those that its kernel may change, as far as they are known.
    """
    evidence = plan.evidence
    if not fence.is_available():
        return frozenset()
    wanted = [] if _moves_from_temporary(evidence) else [fence.WORLD]
    if not memory.is_used((evidence.cwd, *folders, *(path for path, _ in plan.inputs.in_place))):
        wanted.append(fence.MEMORY)
    command = [sys.executable, *fence.question(folders, apart=wanted)]
    try:
        done = subprocess.run(
            command, timeout=_ASK_SECONDS, check=True, capture_output=True, text=True
        )
    except (OSError, subprocess.SubprocessError):
        return frozenset()
    return frozenset(done.stdout.split())


def _moves_from_temporary(evidence: Evidence) -> bool:
    """Tell whether a run may rename temporary files into its folder.

    In a view of its own these two are as two disks, between which nothing can be renamed.
    """
    text = "\n".join(cell.source or "" for cell in evidence.cells)
    return bool(_TEMPORARY.search(text) and _RENAMES.search(text))


def said_before(evidence: Evidence, apart: Collection[str]) -> Iterator[str]:
    """Yield what has to be said before a run is reproduced with no more than this apart."""
    programs = bool(starting_programs(evidence))
    if programs and fence.MEMORY not in apart:
        yield memory.SAID_BEFORE
    natively = any(_NATIVE.search(cell.source or "") for cell in evidence.cells)
    if (programs or natively) and fence.WORLD not in apart:
        yield SAID_BEFORE
