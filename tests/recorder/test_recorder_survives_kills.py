from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from functools import partial
from pathlib import Path

from jupyter_lineage.recorder import client

from .fake_kernel import ROOT, FakeKernel
from .processes import Zygote, eventually

KILLS = 50
W = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


def is_gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


class Load(threading.Thread):
    """Writes what a busy kernel would, and remembers it."""

    def __init__(self, kernel: FakeKernel) -> None:
        super().__init__()
        self.kernel = kernel
        self.done = threading.Event()
        self.executions: list[str] = []
        self.files: list[tuple[str, int]] = []

    def run(self) -> None:
        shim = self.kernel.helper(writer="shim")
        while not self.done.is_set():
            number = len(self.executions) + 1
            execution = self.kernel.cell(f"x = {number}")
            target = self.kernel.folder / f"{self.kernel.run}-{number}.bin"
            target.write_bytes(os.urandom(2000))
            shim.write("file", op="open", p=str(target), flags=W, c=number, absolute=False)
            value = {"verb": "metric", "run": self.kernel.run, "name": "n", "value": number}
            self.kernel.write("track", exec=execution, **value)
            self.kernel.cell_end(execution)
            self.kernel.write("outputs", exec=execution, outputs=[], size=0, count=0)
            client.wake(self.kernel.database)
            self.executions.append(execution)
            self.files.append((str(target), number))
            time.sleep(0.002)


def test_nothing_is_lost_or_doubled_by_kills_at_any_moment(database, make_kernel, rows):
    zygote = Zygote(database)
    loads = [Load(make_kernel()) for _ in range(2)]
    for load in loads:
        load.start()
    chance = random.Random(7)
    try:
        for _ in range(KILLS):
            recorder = zygote.start()
            eventually(lambda: client.is_running(database))
            time.sleep(chance.uniform(0, 0.1))
            os.kill(recorder, signal.SIGKILL)
            eventually(partial(is_gone, recorder))
    finally:
        for load in loads:
            load.done.set()
            load.join()
        zygote.close()
    for load in loads:
        load.kernel.end()
    command = [sys.executable, "-m", "jupyter_lineage.recorder", "--once", "--database"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([*command, str(database)], check=True, env=environment)

    assert rows("PRAGMA integrity_check") == [("ok",)]
    assert rows("SELECT reason, detail FROM gap") == []
    assert rows("SELECT status FROM runs") == [("completed",)] * len(loads)
    for load in loads:
        assert len(load.executions) > KILLS
        run = "WHERE run_key = (SELECT run_key FROM runs WHERE id = ?)"
        found = rows(f"SELECT id, status FROM executions {run} ORDER BY number", load.kernel.run)
        assert found == [(execution, "completed") for execution in load.executions]
        files = rows(f"SELECT path, execution FROM files {run}", load.kernel.run)
        assert Counter(files) == Counter(load.files)
        outputs = rows(f"SELECT count(outputs_hash IS NULL) FROM executions {run}", load.kernel.run)
        assert outputs == [(len(load.executions),)]
    assert rows("SELECT count(*) FROM execution_output") == [
        (sum(len(load.executions) for load in loads),)
    ]
    assert rows("SELECT run_id, count(*), count(DISTINCT value) FROM metric GROUP BY run_id") == [
        (key, len(load.executions), len(load.executions))
        for key, load in sorted(
            (rows("SELECT run_key FROM runs WHERE id = ?", load.kernel.run)[0][0], load)
            for load in loads
        )
    ]
    assert rows("SELECT count(*) FROM files WHERE hash IS NULL") == [(0,)]
    assert not list(loads[0].kernel.spool.folder.glob("*.spool"))
