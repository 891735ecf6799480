"""A cell with 10,000 opens: repeats and decoded files within 3 %, bare distinct ones 6 us each."""

from __future__ import annotations

from . import report
from .twins import Kernel, Sides, Twins, alternate

COUNT = 10_000

MAKE = f"""
import os
from PIL import Image
os.makedirs("small", exist_ok=True)
os.makedirs("images", exist_ok=True)
noise = Image.effect_noise((160, 160), 40)
for i in range({COUNT}):
    with open(f"small/{{i}}.bin", "wb") as stream:
        stream.write(os.urandom(64))
    image = Image.merge("RGB", [noise.rotate(i % 360), noise.rotate(i % 7), noise])
    image.save(f"images/{{i}}.jpg", quality=85)
"""

DISTINCT = f"""
for i in range({COUNT}):
    with open(f"small/{{i}}.bin", "rb") as stream:
        stream.read()
"""

REPEATED = f"""
for i in range({COUNT}):
    with open(f"small/{{i % 10}}.bin", "rb") as stream:
        stream.read()
"""

DECODED = f"""
from PIL import Image
for i in range({COUNT}):
    with Image.open(f"images/{{i}}.jpg") as image:
        image.load()
"""


def measure(twins: Twins, rounds: int) -> list[report.Result]:
    """Run the three cells in both kernels in alternation; what counts is the kernel's own time."""
    with twins.both() as kernels:
        kernels["bare"].run(MAKE)
        for kernel in kernels.values():
            kernel.time_cells()
        distinct = _cells(kernels, DISTINCT, rounds)
        repeated = _cells(kernels, REPEATED, rounds)
        decoded = _cells(kernels, DECODED, rounds)
    each: Sides = ([one * 1000 / COUNT for one in distinct[0]], [])
    each[1].extend(one * 1000 / COUNT for one in distinct[1])
    return [
        report.compare("10,000 distinct opens, each", each, unit="us", most=6),
        report.compare("10,000 repeated opens", repeated, most_ratio=1.03),
        report.compare("10,000 opens, each decoded", decoded, most_ratio=1.03),
    ]


def _cells(kernels: dict[str, Kernel], code: str, rounds: int) -> Sides:
    def run(side: str) -> float:
        kernels[side].run(code)
        return kernels[side].last_cell() * 1000

    return alternate(run, rounds)
