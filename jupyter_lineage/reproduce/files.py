"""The files of a run against those of its repetition, and which cells they tie to each other."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .cells import GOOD, Version, Word, compare_file
from .evidence import relative_to

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .evidence import Evidence


def written_by_cell(run: Evidence) -> dict[int, dict[str, Version]]:
    """Return the last version of each file that a cell wrote, by cell and relative path."""
    gone = _gone(run)
    found: dict[int, dict[str, Version]] = {}
    for use in run.uses:
        path = relative_to(use.path, run.cwd)
        if use.role == "write" and use.cell is not None and path is not None and path not in gone:
            found.setdefault(use.cell, {})[path] = (use.hash, use.reason)
    return found


def _gone(run: Evidence) -> set[str]:
    """Return the relative paths that were removed or renamed away in the end."""
    last: dict[str, str] = {}
    for use in run.uses:
        path = relative_to(use.path, run.cwd)
        if path is not None and use.role != "read":
            last[path] = use.role
    return {path for path, role in last.items() if role == "remove"}


def made_by(run: Evidence) -> dict[int, set[int]]:
    """Return, for each cell, the cells that wrote the files it read."""
    writers: dict[str, int] = {}
    found: dict[int, set[int]] = {}
    for use in run.uses:
        path = os.path.normpath(use.path)
        if use.cell is None:
            continue
        if use.role == "write":
            writers[path] = use.cell
        elif use.role == "read" and writers.get(path, use.cell) != use.cell:
            found.setdefault(use.cell, set()).add(writers[path])
    return found


def strays(then: Evidence, now: Evidence) -> dict[int, str]:
    """Return, in words, what cells of the repetition read that the original's did not.

    That is a result which the original run had made itself, or a file that has changed since.
    """
    made = {os.path.normpath(use.path) for use in then.uses if use.role == "write"}
    read: dict[str, set[str | None]] = {}
    for use in then.uses:
        if use.role == "read":
            read.setdefault(os.path.normpath(use.path), set()).add(use.hash)
    found: dict[int, str] = {}
    for use in now.uses:
        path = os.path.normpath(use.path)
        if use.role != "read" or use.cell is None or relative_to(path, now.cwd) is not None:
            continue
        if path in made:
            found[use.cell] = f"it read the original's own result {use.path}"
        elif use.hash is not None and path in read and not {use.hash, None} & read[path]:
            text = f"it read {use.path} outside its own folder, which has changed since"
            found.setdefault(use.cell, text)
    return found


def judge_files(
    then: Evidence, now: Evidence, verdicts: Mapping[int, Word]
) -> list[dict[str, Any]]:
    """Return the verdict of every file that the original run left behind, by its original path.

    Args:
        then: the original run.
        now: its reproduction.
        verdicts: those of the cells.
    """
    before, after = _left_behind(then), _left_behind(now)
    found = []
    for path, (version, cell) in before.items():
        again = after.get(path)
        word, reason = compare_file(version, again[0] if again else None)
        bad = verdicts.get(cell or 0, "identical")
        if word == "different" and bad not in GOOD:
            how = {"failed": "failed", "different": "differs"}.get(bad, "was not compared")
            word = "not compared" if bad == "not compared" else word
            reason = f"written by cell {cell}, which {how}: {reason}"
        found.append(
            {"path": f"{then.cwd.rstrip(os.sep)}{os.sep}{path}", "verdict": word, "reason": reason}
        )
    for path in after.keys() - before.keys():
        reason = "only the repetition writes it"
        found.append(
            {
                "path": f"{then.cwd.rstrip(os.sep)}{os.sep}{path}",
                "verdict": "different",
                "reason": reason,
            }
        )
    return found


def _left_behind(run: Evidence) -> dict[str, tuple[Version, int | None]]:
    gone = _gone(run)
    found: dict[str, tuple[Version, int | None]] = {}
    for use in run.uses:
        path = relative_to(use.path, run.cwd)
        if use.role == "write" and path is not None and path not in gone:
            found[path] = ((use.hash, use.reason), use.cell)
    return found
