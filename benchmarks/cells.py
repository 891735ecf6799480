"""What a cell costs inside the kernel: a trivial one (+0.2 ms) and one of 20 lines (+0.5 ms)."""

from __future__ import annotations

from . import report
from .twins import Kernel, Sides, Twins, alternate

TRIVIAL = "x = 1"

TWENTY_LINES = """
import math
values = [i * 0.5 for i in range(200)]
total = sum(values)
mean = total / len(values)
spread = math.sqrt(sum((v - mean) ** 2 for v in values) / len(values))
text = ", ".join(str(v) for v in values[:20])
words = text.split(", ")
counts = {}
for word in words:
    counts[word] = counts.get(word, 0) + 1
pairs = sorted(counts.items())
first, last = pairs[0], pairs[-1]
def scale(numbers, factor):
    return [n * factor for n in numbers]
scaled = scale(values, 2)
largest = max(scaled)
smallest = min(scaled)
label = f"{mean:.2f} +- {spread:.2f}"
print(label)
result = (largest, smallest, first, last)
"""

_PAIRS_PER_ROUND = 5


def measure(twins: Twins, rounds: int) -> list[report.Result]:
    """Run each cell in both kernels in alternation, five times a round."""
    with twins.both() as kernels:
        trivial, trivial_whole = _alternate(kernels, TRIVIAL, rounds * _PAIRS_PER_ROUND)
        twenty, twenty_whole = _alternate(kernels, TWENTY_LINES, rounds * _PAIRS_PER_ROUND)
    until_idle = "with what is done once the kernel has answered"
    return [
        report.compare("trivial cell", trivial, most=0.2),
        report.compare("20-line cell", twenty, most=0.5),
        report.compare("trivial cell until idle", trivial_whole, note=until_idle),
        report.compare("20-line cell until idle", twenty_whole, note=until_idle),
    ]


def _alternate(kernels: dict[str, Kernel], code: str, pairs: int) -> tuple[Sides, Sides]:
    """Return milliseconds of ``run_cell``, and those from the request to the kernel being idle."""
    for kernel in kernels.values():
        kernel.time_cells()
        for _ in range(10):
            kernel.run(code)
    inside: Sides = ([], [])

    def run(side: str) -> float:
        whole = kernels[side].run(code)
        inside[side == "recorded"].append(kernels[side].last_cell() * 1000)
        return whole * 1000

    whole = alternate(run, pairs)
    return (inside[0][1:], inside[1][1:]), whole
