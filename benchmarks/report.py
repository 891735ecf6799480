"""One JSON line per benchmark: medians, difference with its interval, limit and verdict."""

from __future__ import annotations

import json
import os
import platform
import random
import statistics
from dataclasses import asdict, dataclass


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one benchmark found; times in milliseconds."""

    name: str
    rounds: int
    bare_ms: float
    probed_ms: float
    difference_ms: float
    low_ms: float
    high_ms: float
    ratio: float
    limit: str
    within: bool
    machine: str


def machine() -> str:
    """Return what the figures were measured on, in a few words."""
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    return f"{system}, {os.cpu_count()} cores, Python {platform.python_version()}"


def compare(
    name: str,
    bare: list[float],
    probed: list[float],
    *,
    limit_ms: float | None = None,
    limit_ratio: float | None = None,
) -> Result:
    """Compare two sides that were measured in alternation (seconds, pairwise).

    Difference and ratio are medians over the pairs, so that a machine that is slower for a while
    counts on both sides. The interval is a 95 % bootstrap interval of the median difference. The
    limit is held when the median is within it.
    """
    differences = [b - a for a, b in zip(bare, probed, strict=True)]
    generator = random.Random(1)
    medians = sorted(
        statistics.median(generator.choices(differences, k=len(differences))) for _ in range(2000)
    )
    difference = statistics.median(differences) * 1000
    ratio = statistics.median(b / a for a, b in zip(bare, probed, strict=True))
    within = (limit_ms is None or difference <= limit_ms) and (
        limit_ratio is None or ratio <= limit_ratio
    )
    limits = [f"+{limit_ms} ms" if limit_ms is not None else ""]
    limits += [f"ratio {limit_ratio}" if limit_ratio is not None else ""]
    return Result(
        name=name,
        rounds=len(bare),
        bare_ms=round(statistics.median(bare) * 1000, 4),
        probed_ms=round(statistics.median(probed) * 1000, 4),
        difference_ms=round(difference, 4),
        low_ms=round(medians[50] * 1000, 4),
        high_ms=round(medians[1949] * 1000, 4),
        ratio=round(ratio, 4),
        limit=" and ".join(part for part in limits if part),
        within=within,
        machine=machine(),
    )


def line(result: Result) -> str:
    """Return the result as one JSON line."""
    return json.dumps(asdict(result))
