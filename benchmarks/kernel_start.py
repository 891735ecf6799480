"""Kernel start to first answered cell, with and without the probe: budget +30 ms."""

from __future__ import annotations

from . import report
from .twins import Twins


def measure(twins: Twins, rounds: int) -> list[report.Result]:
    """Start kernels in alternation; the first pair fills the caches and does not count."""
    seconds: dict[str, list[float]] = {"bare": [], "probed": []}
    for number in range(rounds + 1):
        order = ("bare", "probed") if number % 2 else ("probed", "bare")
        for side in order:
            kernel = twins.start(side)
            kernel.stop()
            if number:
                seconds[side].append(kernel.start_seconds)
    return [report.compare("kernel start", seconds["bare"], seconds["probed"], limit_ms=30)]
