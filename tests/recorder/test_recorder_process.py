from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jupyter_lineage import __version__
from jupyter_lineage.probe import places
from jupyter_lineage.probe import wake as waking
from jupyter_lineage.probe.wake import version_key
from jupyter_lineage.recorder import client
from jupyter_lineage.recorder.cycle import Recorder
from jupyter_lineage.recorder.election import Election
from jupyter_lineage.recorder.log import Log

from .fake_kernel import ROOT, FakeKernel
from .processes import eventually, start, stop

R = os.O_RDONLY


@pytest.fixture
def processes():
    made: list[subprocess.Popen[str]] = []
    yield made
    for process in made:
        if process.poll() is None:
            process.kill()
        process.communicate()


_SERVE = (
    "import sys; from pathlib import Path;"
    "from jupyter_lineage.recorder.service import Service;"
    "sys.exit(Service(Path(sys.argv[1]), idle_seconds=60, version=sys.argv[2]).run())"
)


def log_of(database: Path) -> str:
    return (places.spool_folder(database) / "recorder.log").read_text()


def test_one_recorder_serves_and_a_second_leaves_at_once(kernel, database, rows, processes):
    first = start(database)
    processes.append(first)
    eventually(lambda: client.is_running(database))
    second = start(database)
    processes.append(second)
    assert second.wait(20) == 0
    assert first.poll() is None
    kernel.cell("1")
    assert client.wake_and_wait(database, 10.0) == 0
    assert rows("SELECT source FROM executions") == [("1",)]
    assert stop(first) == 0
    assert not client.is_running(database)
    assert "leaving: told to" in log_of(database)


def test_a_killed_recorders_socket_does_not_stop_the_next(kernel, database, rows, processes):
    first = start(database)
    processes.append(first)
    eventually(lambda: client.is_running(database))
    first.kill()
    first.wait()
    second = start(database)
    processes.append(second)
    eventually(lambda: client.is_running(database))
    kernel.cell("1")
    client.wake(database)
    eventually(lambda: not client.behind(database))
    assert rows("SELECT source FROM executions") == [("1",)]
    assert stop(second) == 0


def test_an_idle_recorder_leaves_and_a_live_kernel_keeps_it(kernel, database, processes):
    recorder = start(database, "--idle", "0.3")
    processes.append(recorder)
    eventually(lambda: client.is_running(database))
    time.sleep(1.0)
    assert recorder.poll() is None
    kernel.end()
    assert recorder.wait(20) == 0


def test_an_older_recorder_makes_way_for_a_newer_one(database, processes):
    def serve(version: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", _SERVE, str(database), version]
        started = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        processes.append(started)
        return started

    older = serve("0.0.9")
    eventually(lambda: client.is_running(database))
    newer = serve("0.0.10")
    assert older.wait(20) == 0
    eventually(lambda: client.is_running(database))
    oldest = serve("0.0.1")
    assert oldest.wait(20) == 0
    assert newer.poll() is None


def test_a_new_kernel_has_an_older_recorder_of_the_same_version_make_way(
    database, processes, monkeypatch
):
    """The one before had its package's version alone, and one step of the schema less."""
    monkeypatch.delenv("JUPYTER_LINEAGE_RECORDER", raising=False)
    monkeypatch.setattr(waking, "_last_start", -100.0)
    monkeypatch.setattr(waking, "_compared", set())
    folder = places.spool_folder(database)
    command = [sys.executable, "-c", _SERVE, str(database), __version__]
    older = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)})
    processes.append(older)
    eventually(lambda: client.is_running(database))
    waking.notify(str(folder), database)
    assert older.wait(20) == 0
    eventually(lambda: client.is_running(database))
    newer = json.loads((folder / "recorder.lock").read_text())
    assert newer["version"] == waking.RECORDER_VERSION
    os.kill(newer["pid"], signal.SIGTERM)
    eventually(lambda: not client.is_running(database))


def test_versions_compare_by_their_numbers():
    assert version_key("0.10.0") > version_key("0.9.9") > version_key("0.9")
    assert version_key("1.0rc1") == version_key("1.0")


def test_the_lock_is_free_again_when_its_holder_resigns(database):
    folder = places.spool_folder(database)
    places.make_private(folder)
    first, second = Election(folder, "1"), Election(folder, "1")
    assert first.win()
    assert not second.win()
    first.resign()
    assert second.win()
    second.resign()


def test_a_deep_folder_still_has_a_socket(tmp_path, monkeypatch, work):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / ("deep" * 25)))
    database = tmp_path / "lineage.db"
    folder = places.spool_folder(database)
    places.make_private(folder)
    election = Election(folder)
    assert election.win()
    listener = election.listen()
    assert client.wake(database)
    assert listener.recv(10) == b"w"
    listener.close()
    election.resign()


def test_a_database_of_a_newer_version_is_left_alone(kernel, database, processes):
    Recorder(database).close()
    with sqlite3.connect(database) as connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " VALUES ('jupyter_lineage', 'm999_future', '2030')"
        )
    connection.close()
    kernel.cell("1")
    before = kernel.spool.path.read_bytes()
    recorder = start(database)
    processes.append(recorder)
    assert recorder.wait(20) == 2
    assert "newer version" in log_of(database)
    assert kernel.spool.path.read_bytes() == before


@pytest.mark.parametrize("damage", [b"this is no database at all" * 100, b"SQLite format 3\0"])
def test_a_damaged_database_is_moved_away_and_recording_goes_on(
    kernel, database, rows, processes, damage
):
    Recorder(database).close()  # leaves the content folder by which the file is known as ours
    database.write_bytes(damage)
    kernel.cell("1")
    recorder = start(database)
    processes.append(recorder)
    eventually(lambda: client.is_running(database) and not client.behind(database))
    assert rows("SELECT source FROM executions") == [("1",)]
    ((reason, detail),) = rows("SELECT reason, detail FROM gap")
    assert reason == "the database was damaged"
    (aside,) = [p for p in database.parent.glob("*.corrupt-*") if p.suffix[-4:] not in ("-wal",)]
    assert str(aside) in detail
    assert aside.read_bytes() == damage
    assert stop(recorder) == 0


def test_a_full_disk_loses_nothing_and_is_said_afterwards(tmp_path, work, processes):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=700k", "none", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.fail("this test mounts a tiny file system: it needs root")
    try:
        database = disk / "lineage.db"
        kernel = FakeKernel(database, work)
        recorder = start(database, "--retry", "0.3")
        processes.append(recorder)
        eventually(lambda: client.is_running(database) and not client.behind(database))
        (disk / "filler").write_bytes(b"")
        with (disk / "filler").open("wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(b"x" * 4096)
            except OSError:
                pass
        sources = [f"x = '{os.urandom(2000).hex()}'" for _ in range(20)]
        for source in sources:
            kernel.cell_end(kernel.cell(source))
        client.wake(database)
        eventually(lambda: "waiting:" in log_of(database))
        assert client.behind(database) > 0
        (disk / "filler").unlink()
        eventually(lambda: "can be written again" in log_of(database))
        assert not client.behind(database)
        connection = sqlite3.connect(database)
        found = [row[0] for row in connection.execute("SELECT source FROM executions")]
        gaps = connection.execute("SELECT reason FROM gap").fetchall()
        connection.close()
        assert found == sources
        assert gaps == [("the database could not be written for a while",)]
        assert stop(recorder) == 0
        kernel.kill()
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_folder_that_can_not_be_written_is_said_once_and_spools_wait(
    kernel, database, rows, processes
):
    database.parent.parent.mkdir(exist_ok=True)
    database.parent.write_text("a file where the folder should be")
    kernel.cell("1")
    recorder = start(database, "--retry", "0.1")
    processes.append(recorder)
    eventually(lambda: client.is_running(database) and "waiting:" in log_of(database))
    time.sleep(0.5)
    assert log_of(database).count("waiting:") == 1
    database.parent.unlink()
    eventually(lambda: not client.behind(database))
    assert rows("SELECT source FROM executions") == [("1",)]
    assert stop(recorder) == 0


def test_a_large_file_does_not_delay_what_others_write(kernel, make_kernel, database, rows, work):
    large = work / "large"
    with large.open("wb") as stream:
        stream.truncate(200_000_000)
    execution = kernel.cell("read it")
    kernel.opened(execution, large, R)
    other = make_kernel()
    seen: list[list[tuple[object, ...]]] = []

    def pause() -> None:
        if not seen:
            other.cell("meanwhile")
            recorder.take()
            seen.append(rows("SELECT source FROM executions WHERE source = 'meanwhile'"))
            assert rows("SELECT * FROM file_version") == []

    recorder = Recorder(database, pause=pause)
    recorder.run_once()
    kernel.cell_end(execution)
    recorder.run_once()
    recorder.close()
    assert seen == [[("meanwhile",)]]
    assert rows("SELECT size, hash IS NOT NULL FROM files") == [(200_000_000, 1)]


def test_the_log_does_not_grow_without_end(tmp_path):
    log = Log(tmp_path / "recorder.log")
    for number in range(6000):
        log.say(f"line {number} {'x' * 100}")
    text = (tmp_path / "recorder.log").read_text()
    assert len(text) < 300_000
    assert text.endswith("x" * 100 + "\n")
    assert f"line {5999} " in text


def test_a_reading_command_needs_little_of_it():
    code = (
        "import sys; import jupyter_lineage.recorder.client;"
        "print([n for n in ('sqlite_utils', 'blake3', 'zstandard', 'traitlets', 'pandas', 'numpy')"
        " if n in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
