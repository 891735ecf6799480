"""Import of pandas + scikit-learn + matplotlib in a fresh kernel: budget 1 %."""

from __future__ import annotations

from . import report
from .twins import Twins

HEAVY = "import pandas, sklearn.ensemble, matplotlib.pyplot"


def measure(twins: Twins, rounds: int) -> list[report.Result]:
    """Import in fresh kernels in alternation; the first pair writes the bytecode."""
    seconds: dict[str, list[float]] = {"bare": [], "probed": []}
    for number in range(rounds + 1):
        for side in ("bare", "probed") if number % 2 else ("probed", "bare"):
            kernel = twins.start(side)
            taken = kernel.run(HEAVY)
            kernel.stop()
            if number:
                seconds[side].append(taken)
    return [report.compare("heavy imports", seconds["bare"], seconds["probed"], limit_ratio=1.01)]
