"""Kernel start to first answered cell, with and without the probe: budget +30 ms."""

from __future__ import annotations

from . import report
from .twins import Twins, alternate


def measure(twins: Twins, rounds: int) -> list[report.Result]:
    """Start kernels in alternation; the first pair fills the caches and does not count."""

    def start(side: str) -> float:
        kernel = twins.start(side)
        kernel.stop()
        return kernel.start_seconds * 1000

    return [report.compare("kernel start", alternate(start, rounds), most=30)]
