"""What a cell costs inside the kernel: a trivial one, one of 20 lines, one that opens files."""

from __future__ import annotations

from . import report
from .twins import Kernel, Twins

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

OPENS = """
import os
for name in os.listdir("many"):
    with open("many/" + name, "rb") as stream:
        stream.read()
"""

MAKE_FILES = """
import os
os.makedirs("many", exist_ok=True)
for i in range({count}):
    with open(f"many/{{i}}.bin", "wb") as stream:
        stream.write(os.urandom(64))
"""

# What the kernel itself needs for a cell, hooks included: its own clock around run_cell, so that
# messages and scheduling do not blur a difference of a fraction of a millisecond.
TIMER = """
def _timed():
    import time
    from IPython import get_ipython
    shell = get_ipython()
    inner = type(shell).run_cell
    seconds = []
    def run_cell(*args, **kwargs):
        before = time.perf_counter()
        try:
            return inner(shell, *args, **kwargs)
        finally:
            seconds.append(time.perf_counter() - before)
    shell.run_cell = run_cell
    return seconds
_seconds = _timed()
del _timed
"""


def _alternate(
    kernels: dict[str, Kernel], code: str, rounds: int
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Return the seconds of ``run_cell`` and those from the request to the kernel being idle."""
    whole: dict[str, list[float]] = {"bare": [], "probed": []}
    for kernel in kernels.values():
        kernel.run(TIMER)
        for _ in range(10):
            kernel.run(code)
        kernel.ask("_seconds.clear()")
    for number in range(rounds):
        for side in ("bare", "probed") if number % 2 else ("probed", "bare"):
            whole[side].append(kernels[side].run(code))
    inside = {side: kernel.ask("list(_seconds)")[:rounds] for side, kernel in kernels.items()}
    return inside, whole


def measure(twins: Twins, rounds: int) -> list[report.Result]:
    """Run each cell in both kernels in alternation."""
    kernels = {side: twins.start(side) for side in ("bare", "probed")}
    try:
        trivial, trivial_whole = _alternate(kernels, TRIVIAL, rounds * 5)
        twenty, twenty_whole = _alternate(kernels, TWENTY_LINES, rounds * 5)
        kernels["bare"].run(MAKE_FILES.format(count=10_000))
        opens, _ = _alternate(kernels, OPENS, max(rounds // 2, 5))
    finally:
        for kernel in kernels.values():
            kernel.stop()
    return [
        report.compare("trivial cell", trivial["bare"], trivial["probed"], limit_ms=0.2),
        report.compare("20-line cell", twenty["bare"], twenty["probed"], limit_ms=0.5),
        # without a budget: also what is done once the kernel has answered
        report.compare("trivial cell, whole", trivial_whole["bare"], trivial_whole["probed"]),
        report.compare("20-line cell, whole", twenty_whole["bare"], twenty_whole["probed"]),
        # 10,000 distinct opens at 6 us each
        report.compare("10,000 distinct opens", opens["bare"], opens["probed"], limit_ms=60),
    ]
