"""Run the benchmarks: ``python -m benchmarks [NAME …] [--rounds N] [--save]``."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

from . import report
from .twins import twins

ROUNDS = {
    "kernel_start": 40,
    "cells": 40,
    "opens": 20,
    "imports": 40,
    "notebook": 20,
    "cold_log": 20,
    "store_size": 3,
    "recorder": 5,
}
"""The programs, and how many rounds each needs for an interval worth reading."""

RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """Run the chosen benchmarks, print and keep what they found; 1 where a budget is passed."""
    names = ", ".join(ROUNDS)
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {names} (default: all)")
    parser.add_argument("--rounds", type=int, help="instead of what each program needs")
    parser.add_argument("--save", action="store_true", help=f"keep the results in {RESULTS.name}/")
    args = parser.parse_args()
    held = True
    for name in args.names or ROUNDS:
        if name not in ROUNDS:
            parser.error(f"there is no benchmark {name!r}; there are {names}")
        program = importlib.import_module(f"benchmarks.{name}")
        with twins() as made:
            found = program.measure(made, args.rounds or ROUNDS[name])
        for result in found:
            print(report.line(result), flush=True)
        if args.save:
            report.save(RESULTS, name, found)
        held = held and all(result.holds is not False for result in found)
    return 0 if held else 1


if __name__ == "__main__":
    raise SystemExit(main())
