"""`jupyter lineage log` from a cold process on a store of some runs: budget 0.4 s."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from . import report
from .twins import Twins


def measure(twins: Twins, rounds: int) -> list[report.Result]:
    """Alternate `python -c pass` with `jupyter-lineage log`, after one kernel was recorded."""
    kernel = twins.start("probed")
    kernel.run("x = 1")
    kernel.stop()
    commands = {
        "bare": [sys.executable, "-c", "pass"],
        "probed": [str(Path(sys.executable).with_name("jupyter-lineage")), "log"],
    }
    seconds: dict[str, list[float]] = {"bare": [], "probed": []}
    for number in range(rounds + 1):
        for side, command in commands.items():
            before = time.perf_counter()
            subprocess.run(command, env=twins.variables, check=True, capture_output=True)
            if number:
                seconds[side].append(time.perf_counter() - before)
    found = report.compare("cold log", seconds["bare"], seconds["probed"], limit_ms=400)
    return [found]
