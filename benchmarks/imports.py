"""Import of pandas + scikit-learn + matplotlib in a fresh kernel: budget 1 %."""

from __future__ import annotations

from . import report
from .twins import Twins, alternate

HEAVY = "import pandas, sklearn.ensemble, matplotlib.pyplot"


def measure(twins: Twins, rounds: int) -> list[report.Result]:
    """Import in fresh kernels in alternation; the first pair writes the bytecode."""

    def heavy(side: str) -> float:
        kernel = twins.start(side)
        seconds = kernel.run(HEAVY)
        kernel.stop()
        return seconds * 1000

    return [report.compare("heavy imports", alternate(heavy, rounds), most_ratio=1.01)]
