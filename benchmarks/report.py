"""What a benchmark found: medians, an interval, the budget and whether it is held."""

from __future__ import annotations

import datetime
import json
import os
import platform
import random
import statistics
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_DRAWS = 2000
_DIGITS = 4


@dataclass(frozen=True, kw_only=True)
class Result:
    """One budget, measured.

    ``bare`` and ``recorded`` are the medians of the two sides in ``unit``. ``median``, ``low`` and
    ``high`` are of ``figure``, which is what ``budget`` is a limit for: the ``difference`` of the
    two sides, their ``ratio``, or a ``value`` that has no bare side. ``holds`` is about the median
    (None without a budget); where ``high`` is above the budget it is not shown, only not refuted.
    """

    name: str
    rounds: int
    unit: str
    bare: float | None
    recorded: float
    figure: str
    median: float
    low: float
    high: float
    budget: float | None
    holds: bool | None
    note: str = ""


def compare(
    name: str,
    sides: tuple[list[float], list[float]],
    *,
    unit: str = "ms",
    most: float | None = None,
    most_ratio: float | None = None,
    note: str = "",
) -> Result:
    """Compare two sides that were measured in alternation, in ``unit``, pair by pair.

    The figure is the median over the pairs, so that a machine that is slower for a while counts
    on both sides.

    Args:
        name: what was measured.
        sides: bare and recorded, of equal length.
        unit: of the two sides and their difference.
        most: budget of the difference.
        most_ratio: budget of recorded / bare; then the ratio is the figure.
        note: whatever else a reader has to know.
    """
    bare, recorded = sides
    pairs = list(zip(bare, recorded, strict=True))
    if most_ratio is None:
        figure, each = "difference", [b - a for a, b in pairs]
    else:
        figure, each = "ratio", [b / a for a, b in pairs]
    return _result(
        (name, unit, note),
        figure=figure,
        each=each,
        sides=(statistics.median(bare), statistics.median(recorded)),
        budget=most if most_ratio is None else most_ratio,
    )


def amount(
    name: str, values: list[float], *, unit: str, most: float | None = None, note: str = ""
) -> Result:
    """Report a figure that has no bare side: one value per round."""
    sides = (None, statistics.median(values))
    return _result((name, unit, note), figure="value", each=values, sides=sides, budget=most)


def _result(
    words: tuple[str, str, str],
    *,
    figure: str,
    each: list[float],
    sides: tuple[float | None, float],
    budget: float | None,
) -> Result:
    name, unit, note = words
    median = statistics.median(each)
    low, high = interval(each, statistics.median)
    bare, recorded = sides
    return Result(
        name=name,
        rounds=len(each),
        unit=unit,
        bare=None if bare is None else round(bare, _DIGITS),
        recorded=round(recorded, _DIGITS),
        figure=figure,
        median=round(median, _DIGITS),
        low=round(low, _DIGITS),
        high=round(high, _DIGITS),
        budget=budget,
        holds=None if budget is None else median <= budget,
        note=note,
    )


def interval(values: list[float], figure: Callable[[list[float]], float]) -> tuple[float, float]:
    """Return the 95 % bootstrap interval (percentiles of resampled figures, always the same)."""
    generator = random.Random(1)
    drawn = sorted(figure(generator.choices(values, k=len(values))) for _ in range(_DRAWS))
    return drawn[_DRAWS // 40], drawn[_DRAWS - _DRAWS // 40 - 1]


def line(result: Result) -> str:
    """Return the result as one line for people."""
    unit = f" {result.unit}" if result.figure != "ratio" else ""
    sign = "+" if result.figure == "difference" else ""
    sides = f"{result.recorded:g} {result.unit}"
    if result.bare is not None:
        sides = f"{result.bare:g} {result.unit} bare, {sides} recorded"
    found = f"{result.figure} {result.median:{sign}.4g}{unit}"
    shown = f"(95 % {result.low:{sign}.4g} to {result.high:{sign}.4g}; {result.rounds} rounds)"
    parts = [f"{result.name}: {sides}; {found} {shown}"]
    if result.budget is not None:
        parts.append(f"budget {result.budget:g}{unit}: {_word(result)}")
    if result.note:
        parts.append(result.note)
    return "; ".join(parts)


def _word(result: Result) -> str:
    if not result.holds:
        return "NOT HELD"
    assert result.budget is not None, "what is held is a budget"
    return "held" if result.high <= result.budget else "held by the median, not by the interval"


def machine() -> dict[str, str | int]:
    """Return what the figures were measured on: nothing that names this machine or its owner."""
    release = ".".join(platform.release().split("-")[0].split(".")[:2])
    return {
        "cpu": _processor(),
        "cores": os.cpu_count() or 0,
        "system": f"{platform.system()} {release} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def _processor() -> str:
    try:
        facts = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    names = [row.partition(":")[2].strip() for row in facts.splitlines() if "model name" in row]
    return names[0] if names else platform.machine()


def save(folder: Path, name: str, found: list[Result]) -> Path:
    """Keep what a program found as ``<date>-<name>.json``; a later run of the day replaces it."""
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    folder.mkdir(exist_ok=True)
    path = folder / f"{today}-{name}.json"
    document = {
        "benchmark": name,
        "date": today,
        "machine": machine(),
        "results": [asdict(result) for result in found],
    }
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return path
