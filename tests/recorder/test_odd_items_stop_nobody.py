"""One spool, run or file event that makes no sense costs itself and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from jupyter_lineage.ids import uuid7
from jupyter_lineage.probe import places
from jupyter_lineage.recorder import descriptions
from jupyter_lineage.recorder.cycle import Recorder
from jupyter_lineage.recorder.environment import Environments

from .fake_kernel import ROOT
from .processes import eventually, start, stop

R = os.O_RDONLY
SOUND = [("sound",)]


def header(**changes):
    process = uuid7()
    record = {
        "v": 1,
        "n": 1,
        "type": "process",
        "at": 1.7e9,
        "ns": 1,
        "writer": "probe",
        "process": process,
        "run": uuid7(),
        "alive": f"{process}.alive",
        "pid": 1,
        "forked": False,
        "cwd": "/",
        "site_dirs": [],
        "ignored": [],
    }
    record.update(changes)
    return {key: value for key, value in record.items() if value != "absent"}


def put(database, record):
    folder = places.spool_folder(database)
    places.make_private(folder)
    path = folder / f"{os.urandom(16).hex()}.spool"
    path.write_bytes(b"\n" + json.dumps(record).encode() + b"\n")
    return path


@pytest.mark.parametrize(
    "change",
    [
        *({"cwd": 5}, {"cwd": "/a\0b"}, {"site_dirs": 5}, {"site_dirs": ["/a\0b"]}),
        *({"n": "abc"}, {"n": 2**70}, {"ignored": 5}, {"at": "absent"}, {"at": float("inf")}),
        *({"run": "x"}, {"run": 5}, {"pid": 2**70}, {"process": "../x"}, {"run_parent": "x"}),
        *({"unseen": "many"}, {"variables": [1]}),
    ],
    ids=str,
)
def test_an_odd_header_is_said_once_and_stops_nobody(kernel, database, rows, change):
    path = put(database, header(**change))
    kernel.cell("sound")
    for _ in range(2):
        recorder = Recorder(database)
        recorder.run_once()
        recorder.run_once()
        recorder.close()
    assert rows("SELECT source FROM executions") == SOUND
    assert rows("SELECT reason, detail FROM gap") == [
        ("a spool's first record is broken", path.stem)
    ]


def test_a_header_that_names_another_file_as_its_lock_can_not_have_it_removed(
    kernel, database, recorder, rows
):
    treasure = places.spool_folder(database) / "treasure"
    treasure.write_text("x")
    put(database, header(alive="treasure"))
    put(database, header(alive="../treasure"))
    kernel.cell("sound")
    recorder.run_once()
    assert treasure.exists()
    assert rows("SELECT count(*) FROM runs") == [(1,)]
    assert rows("SELECT count(*) FROM gap") == [(2,)]


ONCE = (
    "import sys; from jupyter_lineage.recorder.__main__ import main; sys.exit(main(sys.argv[1:]))"
)


def test_what_is_named_a_spool_and_is_none_does_not_hang(kernel, database, rows, tmp_path):
    folder = places.spool_folder(database)
    os.mkfifo(folder / "pipe.spool")
    other = tmp_path / "other"
    other.write_text(json.dumps(header()) + "\n")
    (folder / "link.spool").symlink_to(other)
    kernel.cell("sound")
    command = [sys.executable, "-c", ONCE, "--database", str(database), "--once"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=20)
    assert done.returncode == 0, done.stderr
    assert rows("SELECT source FROM executions") == SOUND
    assert rows("SELECT count(*) FROM runs") == [(1,)]


@pytest.mark.parametrize(
    "change",
    [
        *({"stat": [1, 2]}, {"stat": "abc"}, {"stat": [1, 2, 3, 4, 2**70]}, {"path": "/a\0b"}),
        *({"at": float("inf")}, {"at": float("nan")}, {"at": 1e300}, {"path2": 5}, {"p": 5}),
        *({"flags": "r"}, {"ns": 2**70}, {"n": "abc"}, {"n": 2**70}, {"via": 5}, {"path": ""}),
    ],
    ids=str,
)
def test_an_odd_file_event_is_a_gap_and_the_next_is_taken(kernel, recorder, rows, work, change):
    source = work / "in.csv"
    source.write_bytes(b"x")
    execution = kernel.cell("sound")
    odd = {"op": "open", "path": str(work / "odd"), "flags": R, "exec": execution}
    kernel.write("file", **(odd | change))
    kernel.opened(execution, source, R)
    kernel.cell_end(execution)
    recorder.run_once()
    assert rows("SELECT reason FROM gap") == [("a record could not be used",)]
    assert rows("SELECT path FROM files WHERE hash NOT NULL") == [(str(source),)]
    assert rows("SELECT count(*) FROM pending_file") == [(0,)]


def test_an_odd_module_costs_itself_and_not_the_end_of_its_cell(kernel, recorder, rows):
    execution = kernel.cell("sound")
    kernel.cell_end(execution, modules=[{"name": "a", "path": "/a\0b"}])
    recorder.run_once()
    assert rows("SELECT status FROM executions") == [("completed",)]
    assert rows("SELECT reason FROM gap") == [("a record could not be used",)]


@pytest.mark.parametrize("column", ["path = x'2f610062'", "at = 9e999", "stat = '[1, 2]'"])
def test_an_event_that_an_earlier_version_let_in_is_dropped(kernel, database, rows, work, column):
    source = work / "in.csv"
    source.write_bytes(b"x")
    execution = kernel.cell("sound")
    kernel.opened(execution, source, R, stat=None)
    first = Recorder(database)
    first.take()
    with first.store.writing() as connection:
        connection.execute(f"UPDATE pending_file SET {column}")
    first.close()
    kernel.cell_end(execution)
    other = kernel.cell("next")
    kernel.opened(other, source, R)
    kernel.cell_end(other)
    second = Recorder(database)
    second.run_once()
    second.close()
    assert rows("SELECT count(*) FROM pending_file") == [(0,)]
    assert rows("SELECT count(*) FROM files WHERE execution = 2 AND hash NOT NULL") == [(1,)]


@pytest.mark.parametrize("kind", ["environment", "code_state"])
def test_a_run_that_can_not_be_described_is_said_once(
    make_kernel, database, rows, monkeypatch, kind
):
    odd, sound = make_kernel(cwd="/odd"), make_kernel()
    del odd, sound

    def fail(place):
        if place == "/odd":
            raise ValueError("odd")
        return {"git": None, "reason": "none"}

    monkeypatch.setattr(
        descriptions, "code_state", fail if kind == "code_state" else lambda _: fail("")
    )
    if kind == "environment":
        monkeypatch.setattr(Environments, "document", lambda _, process: fail(process["cwd"]))
    for _ in range(2):
        recorder = Recorder(database)
        recorder.run_once()
        recorder.close()
    assert rows("SELECT count(*) FROM gap WHERE reason LIKE '%could not be described'") == [(1,)]
    wanted = 2 if kind == "code_state" else 1
    assert rows("SELECT count(*) FROM run_event WHERE kind = ?", kind) == [(wanted,)]


FAILING = """
import sys
from pathlib import Path
from jupyter_lineage.recorder.cycle import Recorder
from jupyter_lineage.recorder.service import Service
settle, failed = Recorder.settle, []
def once(self):
    if not failed:
        failed.append(1)
        raise ValueError("unforeseen")
    return settle(self)
Recorder.settle = once
sys.exit(Service(Path(sys.argv[1]), idle_seconds=60, retry_seconds=0.1).run())
"""


def test_an_unforeseen_error_does_not_end_the_service(kernel, database, rows):
    kernel.cell_end(kernel.cell("sound"))
    process = subprocess.Popen(
        [sys.executable, "-c", FAILING, str(database)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        log = places.spool_folder(database) / "recorder.log"
        eventually(lambda: log.exists() and "can be written again" in log.read_text())
        assert "ValueError: unforeseen" in log.read_text()
        assert rows("SELECT source FROM executions") == SOUND
    finally:
        assert stop(process) == 0


def test_the_recorder_leaves_where_the_file_is_not_ours(kernel, database):
    database.parent.mkdir(parents=True, exist_ok=True)
    database.write_text("my notes\n" * 100)
    recorder = start(database)
    recorder.communicate(timeout=20)
    assert recorder.returncode == 2
    assert [path.name for path in database.parent.iterdir()] == [database.name]
    log = (places.spool_folder(database) / "recorder.log").read_text()
    assert log.count("damaged or no lineage database") == 1
