"""The verdict of a reproduction: cells, files and metrics of two recorded runs against each other.

Pure functions over evidence: nothing is read or run here. No verdict is better than its evidence;
``identical`` means equal bytes of everything that was compared, and what was not is said.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .cells import (
    GOOD,
    ORDER,
    Findings,
    Word,
    compare_cell,
    is_all_compared,
    may_have_changed,
    undigested,
    unseeded,
    worst,
)
from .environment import differences
from .files import judge_files, made_by, strays, written_by_cell
from .sources import lists_folders

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .evidence import Cell, Evidence

_TITLE = 120
_PROGRAMS = "started other programs"
_OWN = "the run may have made itself, unseen"
_AROUND = "it may look at which files a folder holds, and only what the run read is there"
_IMPORT = re.compile(r"(?m)^\s*(?:from|import)\s")
_IMPORT_RANDOM = re.compile(r"\b(?:from\s+random\b|import\s+(?:[\w., ]*,\s*)?random\b)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What is known about a reproduction beside the two records."""

    skipped: Mapping[int, str] = field(default_factory=dict)
    """Cells of the original that were not run, and why."""
    missing: Mapping[str, Iterable[int]] = field(default_factory=dict)
    """Inputs that could not be had, with the cells that read them."""
    left_out: Mapping[str, Iterable[int]] = field(default_factory=dict)
    """Files that the run may have made unseen, not given to it, with their readers."""
    doubtful: Mapping[str, Iterable[int]] = field(default_factory=dict)
    """Such files that were there all the same, in their original places, with their readers."""
    broken: str | None = None
    """Why the cells after the last one that ran did not run."""
    changed: Sequence[str] = ()
    """Files of the original run that are not as they were before the reproduction."""
    problems: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CellVerdict:
    """The verdict of one cell."""

    number: int
    verdict: Word
    reason: str | None = None


def judge(then: Evidence, now: Evidence, known: Circumstances) -> dict[str, Any]:
    """Return the verdict as ``reproduce --json`` shows it.

    Args:
        then: the original run.
        now: its reproduction.
        known: what else is known.
    """
    cells = judge_cells(then, now, known)
    files = judge_files(then, now, {cell.number: cell.verdict for cell in cells})
    metrics = judge_metrics(then, now)
    parts: list[Word] = [cell.verdict for cell in cells]
    parts += [part["verdict"] for part in (*files, *metrics)]
    parts += ["failed"] if known.changed else []
    overall = worst(iter(parts))
    return {
        "schema": 1,
        "run": then.id,
        "reproduction": now.id,
        "verdict": overall,
        "executions": [
            {
                "number": cell.number,
                "verdict": cell.verdict,
                "reason": cell.reason,
                "title": title(recorded.source),
            }
            for cell, recorded in zip(cells, then.cells, strict=True)
        ],
        "files": files,
        "metrics": metrics,
        "environment": judge_environment(then, now),
        "summary": summary(overall, cells, files, metrics),
        "problems": [*known.changed, *known.problems],
    }


def title(source: str | None) -> str:
    """Return the first line of a cell that says something, to know the cell by."""
    lines = (line.strip() for line in (source or "").splitlines())
    return next((line[:_TITLE] for line in lines if line), "")


def judge_cells(then: Evidence, now: Evidence, known: Circumstances) -> list[CellVerdict]:
    """Return the verdict of every cell, each knowing those before it."""
    run = [cell for cell in then.cells if cell.number not in known.skipped]
    repeats = {cell.number: again for cell, again in zip(run, now.cells, strict=False)}
    court = _Court(then, now, known)
    court.readers = _readers(then.cells, repeats)
    read_outside = strays(then, now)
    found = []
    for cell in then.cells:
        again = repeats.get(cell.number)
        found.append(court.judge(cell, again, read_outside.get(again.number) if again else None))
    return found


def _readers(cells: Sequence[Cell], repeats: Mapping[int, Cell]) -> dict[int, Mapping[str, int]]:
    """Return, for each cell, the names that are read after it, with the first reader's number.

    A name that both runs of a later cell bind anew without reading it is another value from there.
    """
    found: dict[int, Mapping[str, int]] = {}
    after: dict[str, int] = {}
    for cell in reversed(cells):
        found[cell.number] = dict(after)
        pair = (cell, repeats.get(cell.number, cell))
        for name in set(pair[0].names_bound) & set(pair[1].names_bound):
            after.pop(name, None)
        after.update(dict.fromkeys((*pair[0].names_read, *pair[1].names_read), cell.number))
    return found


class _Court:
    """Judges cells in order and remembers who wrote which name and file, and how it went."""

    def __init__(self, then: Evidence, now: Evidence, known: Circumstances) -> None:
        self._known = known
        self._folders = (then.cwd, now.cwd)
        self._files = {True: written_by_cell(then), False: written_by_cell(now)}
        self._missing = {number: path for path, cells in known.missing.items() for number in cells}
        self._left_out = {
            number: path for path, cells in known.left_out.items() for number in cells
        }
        self._doubtful = {
            number: path for path, cells in known.doubtful.items() for number in cells
        }
        self._sources = made_by(then)
        starters = [cell.number for cell in then.cells if cell.programs]
        for reader in self._left_out:
            made = {number for number in starters if number < reader}
            self._sources.setdefault(reader, set()).update(made)
        self._draws_itself = any(_IMPORT_RANDOM.search(cell.source or "") for cell in then.cells)
        self._importers = {use.cell for use in then.uses if use.via == "import"}
        self.readers: dict[int, Mapping[str, int]] = {}
        """For each cell, the names that later cells read, with the first that does."""
        self._writers: dict[str, int] = {}
        self._first_random: dict[str, int] = {}
        self._verdicts: dict[int, Word] = {}

    def judge(self, cell: Cell, again: Cell | None, stray: str | None) -> CellVerdict:
        """Judge the next cell.

        Args:
            cell: as it was recorded.
            again: its repetition, None where there is none.
            stray: what the repetition read in its original place and should not have.
        """
        if again is not None and stray is not None:
            verdict: Word = "not compared"
            reason: str | None = stray
        else:
            verdict, reason = self._judge(cell, again)
        if verdict not in GOOD and again is not None and cell.gap:
            verdict, reason = "not compared", f"{cell.gap}: {reason}"
        if verdict in GOOD and again is not None and (cell.programs or again.programs):
            verdict, reason = "not compared", "; ".join(filter(None, (_PROGRAMS, reason)))
        self._verdicts[cell.number] = verdict
        self._writers.update(dict.fromkeys(may_have_changed(cell, again), cell.number))
        return CellVerdict(number=cell.number, verdict=verdict, reason=reason)

    def _judge(self, cell: Cell, again: Cell | None) -> tuple[Word, str | None]:
        if cell.number in self._known.skipped:
            return "not compared", self._known.skipped[cell.number]
        if again is None:
            return "failed", f"not run: {self._known.broken or 'its repetition is not recorded'}"
        findings = self._compare(cell, again)
        random = self._random(cell, again)
        word = findings.worst
        if word not in GOOD and cell.number in self._missing:
            return "not compared", f"not in the record: {self._missing[cell.number]}"
        if word == "failed" and cell.number in self._left_out:
            left_out = self._left_out[cell.number]
            return "not compared", f"{left_out} {_OWN}, and was left out: {findings.text()}"
        if word in GOOD and cell.number in self._doubtful:
            return "not compared", f"it read {self._doubtful[cell.number]}, which {_OWN}"
        if random and word in GOOD and self._is_harmless(cell, again):
            drawn = ", ".join(unseeded(cell, again))
            findings.notes.append(f"random numbers drawn meanwhile ({drawn})")
        elif random and word != "failed":
            more = f": {findings.text()}" if word == "different" else ""
            return "different", random + more
        if word not in GOOD:
            return self._blame(cell, findings)
        return self._good(cell, findings)

    def _compare(self, cell: Cell, again: Cell) -> Findings:
        written = (
            self._files[True].get(cell.number, {}),
            self._files[False].get(again.number, {}),
        )
        readers = self.readers.get(cell.number)
        return compare_cell(cell, again, written=written, folders=self._folders, readers=readers)

    def _random(self, cell: Cell, again: Cell) -> str | None:
        names = unseeded(cell, again)
        if not names:
            return None
        for name in names:
            self._first_random.setdefault(name, cell.number)
        first = min(self._first_random[name] for name in names)
        return f"unseeded random state ({', '.join(names)}) first used in cell {first}"

    def _is_harmless(self, cell: Cell, again: Cell) -> bool:
        """Tell whether a draw had no effect: libraries draw a name or two when they are imported.

        A local module may draw, and may keep what it drew, so a run with one is no such case.
        Python's own state, in a run that never imports ``random`` itself, is drawn from by
        libraries only.
        """
        if cell.number in self._importers:
            return False
        if is_all_compared(cell, again):
            return True
        by_import = unseeded(cell, again) == ["random"] and _IMPORT.search(cell.source or "")
        return bool(by_import) and not self._draws_itself and not self._importers

    def _blame(self, cell: Cell, findings: Findings) -> tuple[Word, str]:
        """Return the verdict of a cell that differs, with the cell that made it so."""
        text = findings.text()
        cause = self._cause(cell)
        if cause is None:
            around = lists_folders(cell.source or "") and findings.worst == "different"
            return findings.worst, f"{text}; {_AROUND}" if around else text
        number, verdict = cause
        if verdict == "not compared":
            return "not compared", f"depends on cell {number}, which was not compared: {text}"
        word = "differs" if verdict == "different" else "failed"
        return findings.worst, f"depends on cell {number}, which {word}: {text}"

    def _good(self, cell: Cell, findings: Findings) -> tuple[Word, str | None]:
        word, texts = findings.worst, []
        cause = self._cause(cell)
        if cause is not None and undigested(cell):
            names = ", ".join(undigested(cell))
            return "not compared", f"depends on cell {cause[0]}, and {names} has no digest"
        if word == "equivalent":
            texts.append(findings.text())
        if cell.asked:
            texts.append(f"asked the system by {', '.join(cell.asked)}")
        if findings.notes:
            texts.append(f"not compared: {', '.join(findings.notes)}")
        return word, "; ".join(texts) or None

    def _cause(self, cell: Cell) -> tuple[int, Word] | None:
        """Return the worst of the cells that this one depends on, when that one is not good."""
        found = {self._writers[name] for name in cell.names_read if name in self._writers}
        found |= self._sources.get(cell.number, set())
        bad = [number for number in sorted(found) if self._bad(number)]
        if not bad:
            return None
        chosen = max(bad, key=lambda number: ORDER.index(self._verdicts[number]))
        return chosen, self._verdicts[chosen]

    def _bad(self, number: int) -> bool:
        return self._verdicts.get(number, "identical") not in GOOD


def judge_metrics(then: Evidence, now: Evidence) -> list[dict[str, Any]]:
    """Return the verdict of every metric of the two runs: equal numbers are identical."""
    found = []
    unseen = any(cell.gap for cell in then.cells)
    for name in (*then.metrics, *(name for name in now.metrics if name not in then.metrics)):
        first, second = then.metrics.get(name), now.metrics.get(name)
        word: Word = "identical" if first == second else "different"
        reason = None
        if first is None or second is None:
            reason = f"only the {'repetition' if first is None else 'original'} has it"
        if word == "different" and unseen:
            word, reason = "not compared", "not all cells of the original were seen"
        found.append(
            {"name": name, "then": first, "now": second, "verdict": word, "reason": reason}
        )
    return found


def judge_environment(then: Evidence, now: Evidence) -> dict[str, Any]:
    """Return how the two recorded environments differ; it has no part in the overall verdict."""
    if not then.environment or not now.environment:
        side = "repetition" if then.environment else "original"
        reason = f"the {side}'s environment was not recorded"
        return {"verdict": "not compared", "reason": reason, "differences": []}
    found = differences(then.environment, now.environment)
    return {"verdict": "different" if found else "identical", "differences": found}


def summary(
    overall: Word,
    cells: Sequence[CellVerdict],
    files: Sequence[Mapping[str, Any]],
    metrics: Sequence[Mapping[str, Any]],
) -> str:
    """Return the verdict in one line."""
    groups = (
        ("cell", [cell.verdict for cell in cells]),
        ("file", [one["verdict"] for one in files]),
        ("metric", [one["verdict"] for one in metrics]),
    )
    return f"{overall}: " + "; ".join(_counted(name, words) for name, words in groups if words)


def _counted(name: str, words: Sequence[Word]) -> str:
    counts = [(words.count(word), word) for word in ORDER if word in words]
    noun = name if len(words) == 1 else f"{name}s"
    if len(counts) == 1:
        every = "" if len(words) == 1 else "all "
        return f"{every}{len(words)} {noun} {counts[0][1]}"
    return f"{len(words)} {noun}: " + ", ".join(f"{count} {word}" for count, word in counts)
