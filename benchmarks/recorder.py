"""The recorder: 60 MB of anonymous memory at most, no CPU when idle, 80 % of b3sum's speed."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from . import report
from .cells import TWENTY_LINES
from .twins import Sides, Twins, alternate

if TYPE_CHECKING:
    from collections.abc import Callable

_MB = 1024 * 1024
_CELLS = 1000
_IDLE_SECONDS = 10.0
_HASHED = 512 * _MB

SMALL_FILES = """
import os
os.makedirs("many", exist_ok=True)
for i in range(10_000):
    with open(f"many/{i}.txt", "w") as stream:
        stream.write(f"{i},{i * i}\\n" * 50)
"""

LARGE_FILES = """
piece = os.urandom(1024 * 1024)
with open("large.bin", "wb") as stream:
    for i in range(1024):
        stream.write(piece)
with open("kept.csv", "w") as stream:
    for i in range(3_000_000):
        stream.write(f"{i},{i * 7919 % 1000003},{i / 7}\\n")
with open("scanned.txt", "w") as stream:
    stream.write("word " * 900_000)
print("x" * 200_000)
"""


def measure(twins: Twins, rounds: int) -> list[report.Result]:
    """Watch a recorder at work and at rest, then time its hashing against a reference."""
    peaks, resting = [], []
    for number in range(rounds):
        peak, cpu = _one_run(twins, twins.folder / f"run{number}.db")
        peaks.append(peak)
        resting.append(cpu)
    reference, name = _reference()
    speed = _hashing(twins.folder / "hashed.bin", reference, rounds * 2)
    work = f"{_CELLS} cells of 20 lines, 10,000 small files, 1 GiB, 100 MB and 4.5 MB"
    return [
        report.amount("recorder's peak of anonymous memory", peaks, unit="MB", most=60, note=work),
        report.amount(
            "recorder's CPU when idle",
            resting,
            unit="%",
            most=0.5,
            note=f"over {_IDLE_SECONDS:g} s beside a living kernel; below 0.5 % is 0 %",
        ),
        report.compare(
            "hashing 512 MiB",
            speed,
            unit="s",
            most_ratio=1.25,
            note=f"80 % of the speed; bare is {name}",
        ),
    ]


def _one_run(twins: Twins, database: Path) -> tuple[float, float]:
    """Return the recorder's peak in MB over a big run, and its CPU in per cent at rest after it."""
    kernel = twins.start("recorded", JUPYTER_LINEAGE_DATABASE=str(database))
    process = twins.recorder(database)
    peak = _Peak(process)
    for number in range(_CELLS):
        kernel.run(TWENTY_LINES + f"# {number}")
    kernel.run(SMALL_FILES)
    kernel.run(LARGE_FILES)
    _until_quiet(process)
    peak.end()
    before = _cpu_seconds(process)
    time.sleep(_IDLE_SECONDS)
    cpu = (_cpu_seconds(process) - before) / _IDLE_SECONDS * 100
    kernel.stop()
    twins.stop_recorders()
    return peak.megabytes, cpu


class _Peak:
    """The most anonymous memory that a process had, looked at every 20 ms."""

    def __init__(self, process: int) -> None:
        self.megabytes = 0.0
        self._path = Path(f"/proc/{process}/smaps_rollup")
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            self.megabytes = max(self.megabytes, self._now())

    def _now(self) -> float:
        for row in self._path.read_text(encoding="ascii").splitlines():
            if row.startswith("Anonymous:"):
                return int(row.split()[1]) / 1024
        return 0.0

    def end(self) -> None:
        self._over.set()
        self._thread.join()


def _cpu_seconds(process: int) -> float:
    """Return the time on a CPU in user and system mode: fields 14 and 15 of stat, in ticks."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _until_quiet(process: int) -> None:
    """Wait until the recorder has had nothing to do for three seconds."""
    limit = time.monotonic() + 300
    while time.monotonic() < limit:
        before = _cpu_seconds(process)
        time.sleep(3)
        if _cpu_seconds(process) - before < 0.03:
            return
    raise RuntimeError("the recorder does not come to rest")


def _reference() -> tuple[Callable[[Path], object], str]:
    """Return what hashes a file in one thread in compiled code, and what that is called."""
    program = shutil.which("b3sum")
    if program is not None:
        command = [program, "--num-threads", "1"]
        return (
            lambda path: subprocess.run([*command, path], check=True, stdout=subprocess.DEVNULL)
        ), "b3sum --num-threads 1"
    from blake3 import blake3

    return (
        lambda path: blake3(max_threads=1).update_mmap(path).digest()
    ), "blake3's Rust code over a memory map, one thread (no b3sum here)"


def _hashing(path: Path, reference: Callable[[Path], object], rounds: int) -> Sides:
    """Hash one file that is in the page cache, by the reference and by the recorder's code."""
    from jupyter_lineage.recorder.hashing import Hasher

    with path.open("wb") as stream:
        for _ in range(_HASHED // _MB):
            stream.write(os.urandom(_MB))

    def run(side: str) -> float:
        before = time.perf_counter()
        if side == "bare":
            reference(path)
        else:
            Hasher().hash(os.fsencode(path), lambda _: True)
        return time.perf_counter() - before

    return alternate(run, rounds)
