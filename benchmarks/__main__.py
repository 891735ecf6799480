"""Run the benchmarks: ``python -m benchmarks [NAME …] [--rounds N]``."""

from __future__ import annotations

import argparse
import datetime
import importlib
from pathlib import Path

from . import report
from .twins import twins

NAMES = ("kernel_start", "cells", "imports", "cold_log")


def main() -> int:
    """Run the chosen benchmarks, print and keep their lines; 1 when a limit is passed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(NAMES)} (default: all)")
    parser.add_argument("--rounds", type=int, default=40, help="alternations (default 40)")
    args = parser.parse_args()
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    kept = Path(__file__).parent / "results" / f"{today}.jsonl"
    kept.parent.mkdir(exist_ok=True)
    results: list[report.Result] = []
    for name in args.names or NAMES:
        if name not in NAMES:
            parser.error(f"there is no benchmark {name!r}; there are {', '.join(NAMES)}")
        with twins() as made:
            found = importlib.import_module(f"benchmarks.{name}").measure(made, args.rounds)
        for result in found:
            print(report.line(result), flush=True)
            with kept.open("a", encoding="utf-8") as stream:
                stream.write(report.line(result) + "\n")
        results += found
    return 0 if all(result.within for result in results) else 1


if __name__ == "__main__":
    raise SystemExit(main())
