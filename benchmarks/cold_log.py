"""`jupyter lineage log` from a cold process on a store of some runs: budget 0.4 s."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from . import report
from .twins import Twins, alternate


def measure(twins: Twins, rounds: int) -> list[report.Result]:
    """Alternate `python -c pass` with `jupyter-lineage log`, after one kernel was recorded."""
    kernel = twins.start("recorded")
    kernel.run("x = 1")
    kernel.stop()
    commands = {
        "bare": [sys.executable, "-c", "pass"],
        "recorded": [str(Path(sys.executable).with_name("jupyter-lineage")), "log"],
    }

    def run(side: str) -> float:
        before = time.perf_counter()
        subprocess.run(commands[side], env=twins.variables, check=True, capture_output=True)
        return (time.perf_counter() - before) * 1000

    bare, logged = alternate(run, rounds)
    note = f"`python -c pass` takes {report.amount('', bare, unit='ms').median:.0f} ms"
    return [report.amount("cold log", logged, unit="ms", most=400, note=note)]
