"""Whoever reads the record is told in one line that it can't grow; the answer itself is untouched.

Real recorders, a disk that is really full, a database that is really damaged.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess

import pytest

from jupyter_lineage.ids import uuid7
from jupyter_lineage.probe import places, unrecorded
from jupyter_lineage.recorder import client
from jupyter_lineage.recorder.cycle import Recorder
from jupyter_lineage.recorder.trouble import FILE_NAME, trouble_in
from jupyter_lineage.store.health import set_aside
from tests.recorder.fake_kernel import FakeKernel
from tests.recorder.processes import eventually, start

READING = [["log"], ["log", "--json"], ["show", "last"], ["trace", "last", "--json"]]


@pytest.fixture
def started():
    """Start real recorders, and stop them in the end."""
    running = []

    def begin(database):
        running.append(start(database, "--retry", "0.2"))
        return running[-1]

    yield begin
    for process in running:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=20)


@pytest.fixture
def small_disk(tmp_path, monkeypatch):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=800k", "none", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.fail("this test mounts a tiny file system: it needs root")
    monkeypatch.setenv("JUPYTER_LINEAGE_DATABASE", str(disk / "lineage.db"))
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.fixture
def store_there(small_disk):
    database = small_disk / "lineage.db"
    Recorder(database).close()
    return database


def fill(disk):
    with (disk / "filler").open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(b"x" * 4096)
        except OSError:
            return


@pytest.mark.parametrize("own_disk", [True, False], ids=["record alone", "spools as well"])
def test_a_full_disk_is_said_by_every_reading_command(
    small_disk, tmp_path, lineage, started, monkeypatch, own_disk
):
    if not own_disk:
        monkeypatch.setenv("XDG_DATA_HOME", str(small_disk / "data"))
    database = small_disk / "lineage.db"
    kernel = FakeKernel(database, tmp_path)
    kernel.cell("1")
    recorder = started(database)
    eventually(lambda: database.exists() and not client.behind(database))
    folder = places.spool_folder(database)
    eventually((folder / FILE_NAME).exists)
    recorder.send_signal(signal.SIGSTOP)
    for _ in range(20):
        kernel.cell_end(kernel.cell(f"x = '{os.urandom(2000).hex()}'"))
    fill(small_disk)
    recorder.send_signal(signal.SIGCONT)
    eventually(lambda: trouble_in(folder))
    for command in READING:
        reply = lineage(*command)
        assert reply.status == 0
        assert reply.err.count("\n") == 1
        assert "recording is held up" in reply.err
        assert "full" in reply.err
        assert "held up" not in reply.out
    (small_disk / "filler").unlink()
    eventually(lambda: not client.behind(database) and trouble_in(folder) is None)
    assert lineage("log").err == ""
    kernel.kill()


def test_a_disk_so_full_that_no_recorder_could_say_it_is_seen_anyway(
    small_disk, tmp_path, lineage, store_there
):
    kernel = FakeKernel(store_there, tmp_path)
    kernel.cell("1")
    fill(small_disk)
    reply = lineage("log")
    assert reply.err.count("\n") == 1
    assert "held up" in reply.err
    assert f"the disk of {small_disk} is full" in reply.err
    kernel.kill()


def test_a_database_of_a_newer_version_is_said_once_however_much_waits(
    database, tmp_path, lineage, started
):
    Recorder(database).close()
    with sqlite3.connect(database) as connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " VALUES ('jupyter_lineage', 'm999_future', '2030')"
        )
    connection.close()
    kernel = FakeKernel(database, tmp_path)
    kernel.cell("1")
    assert started(database).wait(20) == 2
    reply = lineage("log")
    assert reply.status == 2
    assert reply.err.count("\n") == 1
    assert "newer version" in reply.err
    kernel.kill()


def test_a_damaged_database_that_was_moved_away_is_said_until_somebody_took_it(
    database, tmp_path, lineage, started
):
    Recorder(database).close()
    database.write_bytes(b"this is no database at all" * 100)
    kernel = FakeKernel(database, tmp_path)
    kernel.cell("1")
    started(database)
    eventually(lambda: set_aside(database) and not client.behind(database))
    (moved,) = set_aside(database)
    for command in READING:
        reply = lineage(*command)
        assert reply.status == 0
        assert reply.err.count("\n") == 1
        assert str(moved) in reply.err
        assert "doctor" in reply.err
        assert str(moved) not in reply.out
    moved.unlink()
    assert lineage("log").err == ""
    kernel.kill()


def test_a_full_disk_and_what_it_cost_are_said_by_every_reading_command(
    small_disk, tmp_path, lineage, store_there, monkeypatch
):
    monkeypatch.setenv("XDG_DATA_HOME", str(small_disk / "data"))
    places.make_private(places.spool_folder(store_there))
    unrecorded.prepare()
    fill(small_disk)
    assert "nothing that runs now can be recorded" in lineage("log").err
    facts = {"notebook": "/work/a.ipynb"}
    note = unrecorded.Note(str(places.spool_folder(store_there)), uuid7(), facts)
    assert note.say(reason="the disk is full", cells=1)  # of a kernel that still runs
    for command in (["log"], ["log", "--json"]):
        reply = lineage(*command)
        assert reply.err.count("\n") == 1
        assert "(a.ipynb) is not recorded: the disk is full" in reply.err
    page = lineage("doctor").out
    assert "a.ipynb" in page
    assert "everything seen is stored" not in page


def test_a_run_that_could_not_be_recorded_is_marked_in_the_log(database, lineage):
    run = uuid7()
    places.make_private(places.spool_folder(database))
    unrecorded.prepare()
    note = unrecorded.Note(str(places.spool_folder(database)), run, {"notebook": "/work/a.ipynb"})
    note._fields["pid_started"] = 1  # its kernel is gone
    note.say(reason="the disk is full", cells=2)
    recorder = Recorder(database)
    recorder.run_once()
    recorder.close()
    assert "a.ipynb (not recorded)" in lineage("log").out
    assert "the disk is full; 2 cells ran" in lineage("show", run).out
