"""What the database grows by per cell execution, bytes of files not counted: budget 5 KB."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import report
from .twins import Twins

if TYPE_CHECKING:
    from pathlib import Path

CELLS = 300
_KB = 1024

LOAD = """
import numpy as np
import pandas as pd
from pathlib import Path
rows = np.random.default_rng(0)
stations = [f"station {i}" for i in range(12)]
for name in stations:
    pd.DataFrame({
        "hour": range(200),
        "celsius": rows.normal(12, 6, 200).round(1),
        "rain": rows.exponential(0.4, 200).round(2),
    }).to_csv(f"{name}.csv", index=False)
results = {}
"""

# Nobody runs 300 cells without a change: number and station differ, as a person's edits would.
CELL = """
# Look at one station: daily means, wet hours, and how far the two go together ({number}).
station = stations[{number} % len(stations)]
hourly = pd.read_csv(f"{{station}}.csv")
hourly["day"] = hourly["hour"] // 24
hourly = hourly[hourly["celsius"].between(-30, 45)]
daily = hourly.groupby("day").agg(
    celsius=("celsius", "mean"),
    coldest=("celsius", "min"),
    rain=("rain", "sum"),
)
threshold = {number} / 1000
wet = daily[daily["rain"] > threshold]
share = len(wet) / len(daily)
together = daily["celsius"].corr(daily["rain"])
def describe(name, share, together):
    direction = "warmer" if together > 0 else "colder"
    return f"{{name}}: {{share:.0%}} of the days are wet, and those are {{direction}}"
results[station] = (share, together)
text = describe(station, share, together)
print({number}, text)
daily.head(3).round(2)
"""


def measure(twins: Twins, rounds: int) -> list[report.Result]:
    """Record a notebook with and without its cells; the database's growth is theirs."""
    each = []
    for number in range(rounds):
        empty = _recorded(twins, twins.folder / f"empty{number}.db", 0)
        full = _recorded(twins, twins.folder / f"full{number}.db", CELLS)
        each.append((full - empty) / CELLS / _KB)
    note = f"{CELLS} cells of 20 lines, each reads a file and shows a table"
    return [report.amount("store per cell", each, unit="KB", most=5, note=note)]


def _recorded(twins: Twins, database: Path, cells: int) -> int:
    """Return the bytes of the database after a run of so many cells was taken in."""
    kernel = twins.start("recorded", JUPYTER_LINEAGE_DATABASE=str(database))
    kernel.run(LOAD)
    for number in range(cells):
        kernel.run(CELL.format(number=number))
    kernel.stop()
    twins.stop_recorders()
    twins.take_in(database)
    beside = [database.with_name(database.name + end) for end in ("-wal", "-shm")]
    return sum(path.stat().st_size for path in [database, *beside] if path.exists())
