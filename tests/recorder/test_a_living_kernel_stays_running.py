"""User code may drop the lock of its kernel without knowing; the kernel's number and start tell."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from jupyter_lineage.probe import alive, places

from .fake_kernel import ROOT, Spool

KERNEL = """
import sys
from pathlib import Path
from jupyter_lineage.probe import alive
from jupyter_lineage.probe.spool import Spool
folder, process, run = sys.argv[1:]
alive.hold(f"{folder}/{process}.alive")
spool = Spool(folder, run, {"cwd": "/", "site_dirs": [], "ignored": []}, process=process)
spool.begin()
for path in Path(folder).iterdir():
    path.read_bytes()
print("read", flush=True)
sys.stdin.read()
"""
PROCESS, RUN = "0190b6f0-0000-7000-8000-00000000000a", "0190b6f0-0000-7000-8000-00000000000b"


@pytest.fixture
def process(database):
    folder = places.spool_folder(database)
    places.make_private(folder)
    started = subprocess.Popen(
        [sys.executable, "-c", KERNEL, str(folder), PROCESS, RUN],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert started.stdout is not None
    assert started.stdout.readline() == "read\n"
    yield started
    started.kill()
    started.communicate()


def test_a_kernel_that_dropped_its_lock_is_running_until_it_dies(process, database, recorder, rows):
    folder = places.spool_folder(database)
    assert not alive.is_held(str(folder / f"{PROCESS}.alive"))
    header = {"writer": "shim", "process": PROCESS, "run": RUN, "alive": f"{PROCESS}.alive"}
    shim = Spool(database, header | {"pid": process.pid, "forked": False, "parent_process": None})
    recorder.run_once()
    assert rows("SELECT status FROM runs") == [("running",)]
    assert shim.path.exists()
    process.kill()  # not waited for: a zombie is over too
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    recorder.run_once()
    assert rows("SELECT status FROM runs") == [("died",)]
    assert list(folder.iterdir()) == []


def test_the_start_of_a_process_tells_it_from_a_later_one_of_its_number():
    mine = alive.started(os.getpid())
    assert mine is not None
    assert mine == alive.started(os.getpid())
    assert mine != alive.started(1)
