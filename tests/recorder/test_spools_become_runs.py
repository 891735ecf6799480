from __future__ import annotations

import json
import os
import time

import pytest

from jupyter_lineage.ids import uuid7
from jupyter_lineage.probe import places
from jupyter_lineage.recorder import client
from jupyter_lineage.recorder.cycle import Recorder
from jupyter_lineage.recorder.spools import is_unreadable_on
from jupyter_lineage.store.queries import unpack_outputs


def test_a_session_is_recorded_and_its_spool_removed(kernel, recorder, rows):
    execution = kernel.cell("x = y + 1")
    kernel.cell_end(execution, names={"x": {"type": "int", "digest": "sha256:1", "size": 8}})
    outputs = [{"output_type": "stream", "name": "stdout", "text": "hello\n"}]
    kernel.write("outputs", exec=execution, outputs=outputs, hash="sha256:2", size=6, count=1)
    recorder.run_once()
    assert rows("SELECT status, notebook, user, executions FROM runs") == [
        ("running", str(kernel.folder / "a.ipynb"), "ada", 1)
    ]
    kernel.end()
    recorder.run_once()
    assert rows("SELECT id, status FROM runs") == [(kernel.run, "completed")]
    assert rows("SELECT source, status, names_read, names_written FROM executions") == [
        ("x = y + 1", "completed", '["y"]', '["x"]')
    ]
    (packed,) = rows("SELECT outputs FROM execution_output")[0]
    assert unpack_outputs(packed) == outputs
    assert sorted(path.name for path in kernel.spool.folder.iterdir()) == []
    assert rows("SELECT * FROM gap") == []


def test_a_killed_kernel_died_in_its_cell(kernel, recorder, rows):
    done = kernel.cell("1")
    kernel.cell_end(done)
    kernel.cell("while True: pass")
    recorder.run_once()
    assert rows("SELECT status FROM executions ORDER BY number") == [("completed",), ("running",)]
    kernel.kill()
    recorder.run_once()
    assert rows("SELECT status FROM runs") == [("died",)]
    assert rows("SELECT status FROM executions ORDER BY number") == [("completed",), ("died",)]


def test_a_kernel_of_an_earlier_boot_died(make_kernel, database, recorder, rows):
    kernel = make_kernel(alive=False)
    kernel.cell("1")
    folder = kernel.spool.folder
    earlier = folder.parent.with_name(f"{places.machine_id()}-000000000000")
    folder.parent.rename(earlier)
    recorder.run_once()
    assert rows("SELECT status FROM runs") == [("died",)]
    assert list((earlier / folder.name).glob("*.spool")) == []


def test_a_run_whose_spool_was_removed_is_not_running_for_ever(kernel, database, rows):
    kernel.cell("1")
    first = Recorder(database)
    first.run_once()
    first.close()
    kernel.spool.path.unlink()
    Recorder(database).close()
    assert rows("SELECT status FROM runs") == [("died",)]
    assert rows("SELECT reason FROM gap") == [("its spool is gone",)]


def test_a_torn_record_becomes_a_gap_and_the_next_is_read(kernel, recorder, rows):
    kernel.spool.raw(b'\n{"v":1,"n":2,"type":"cell","exec":"01')
    execution = kernel.cell("after")
    kernel.cell_end(execution)
    recorder.run_once()
    assert rows("SELECT source FROM executions") == [("after",)]
    assert rows("SELECT reason, count FROM gap") == [("a record was cut short", 1)]


def test_the_torn_end_of_a_dead_kernel_becomes_a_gap(kernel, recorder, rows):
    kernel.spool.raw(b'\n{"v":1,"n":2,"ty')
    recorder.run_once()
    assert rows("SELECT * FROM gap") == []
    kernel.kill()
    recorder.run_once()
    assert rows("SELECT reason FROM gap") == [("a record was cut short",)]
    assert not kernel.spool.path.exists()


def test_lines_of_a_newer_version_stay_and_are_said_once(kernel, database, recorder, rows):
    kernel.spool.raw(b'\n{"v":2,"n":2,"type":"novelty"}\n')
    kernel.cell("later")
    recorder.run_once()
    recorder.run_once()
    kernel.kill()
    again = Recorder(database)
    again.run_once()
    again.close()
    assert rows("SELECT count(*) FROM gap WHERE reason LIKE '%newer version%'") == [(1,)]
    assert rows("SELECT count(*) FROM execution") == [(0,)]
    assert b"novelty" in kernel.spool.path.read_bytes()
    assert client.behind(database) == 0  # whoever waits for this recorder would wait for ever


def test_unknown_types_are_left_alone(kernel, recorder, rows):
    kernel.write("weather", sky="blue")
    recorder.run_once()
    assert rows("SELECT * FROM gap") == []


@pytest.mark.parametrize(
    "record",
    [
        {"type": "cell", "exec": "no uuid"},
        {"type": "cell_end", "exec": uuid7(), "status": "completed"},
        {"type": "track", "verb": "metric", "name": "auc", "value": "many"},
        {"type": "file", "op": "open", "path": None},
        {"type": "outputs"},
    ],
)
def test_a_record_that_makes_no_sense_is_a_gap_and_stops_nobody(kernel, recorder, rows, record):
    kernel.write(record.pop("type"), **record)
    kernel.cell("after")
    recorder.run_once()
    assert rows("SELECT reason FROM gap") == [("a record could not be used",)]
    assert rows("SELECT source FROM executions") == [("after",)]


def test_one_broken_spool_does_not_stop_the_others(make_kernel, database, rows):
    broken, sound = make_kernel(), make_kernel()
    sound.cell("sound")
    broken.spool.path.unlink()
    broken.spool.path.mkdir()
    said: list[str] = []
    recorder = Recorder(database, say=said.append)
    recorder.run_once()
    recorder.close()
    assert rows("SELECT source FROM executions") == [("sound",)]


def test_forks_belong_to_the_run_and_do_not_keep_it_running(kernel, recorder, rows):
    execution = kernel.cell("fork()")
    fork = kernel.helper(forked=True, alive=None, process=uuid7(), parent_process=kernel.process)
    target = kernel.folder / "from_fork.txt"
    target.write_text("x")
    fork.write(
        "file", op="open", path=str(target), flags=os.O_WRONLY, exec=execution, absolute=False
    )
    kernel.cell_end(execution)
    kernel.end()
    recorder.run_once()
    assert rows("SELECT status FROM runs") == [("completed",)]
    assert rows("SELECT path, role, execution FROM files") == [(str(target), "write", 1)]
    # The fork's process (this one) lives, so its spool stays.
    assert fork.path.exists()


def test_tracked_runs_are_children_with_values_of_their_own(kernel, recorder, rows):
    child = uuid7()
    first = kernel.cell("%track start base")
    kernel.write("track", verb="start", run=child, parent=kernel.run, name="base", exec=first)
    kernel.cell_end(first)
    second = kernel.cell("%track param lr=0.1", run=child)
    values = [("param", "lr", 0.1), ("metric", "auc", float("nan")), ("metric", "loss", 0.5)]
    for verb, name, value in values:
        kernel.write("track", verb=verb, run=child, name=name, value=value, exec=second)
    kernel.write("track", verb="tag", run=child, name="good")
    kernel.write("track", verb="note", run=child, value="a remark")
    kernel.cell_end(second)
    third = kernel.cell("%track stop", run=child)
    kernel.write("track", verb="stop", run=child, exec=third)
    kernel.cell_end(third)
    kernel.end()
    recorder.run_once()
    assert rows("SELECT id, parent_id, kind, name, status FROM runs ORDER BY run_key") == [
        (kernel.run, None, "session", None, "completed"),
        (child, kernel.run, "tracked", "base", "completed"),
    ]
    assert rows("SELECT number, status FROM executions WHERE run_key = 2") == [
        (1, "completed"),
        (2, "completed"),
    ]
    assert rows("SELECT name, value FROM parameters") == [("lr", "0.1")]
    assert rows("SELECT name, value, special FROM metrics") == [
        ("auc", None, "nan"),
        ("loss", 0.5, None),
    ]
    assert rows("SELECT kind, value FROM run_event WHERE kind IN ('tag', 'note') ORDER BY id") == [
        ("tag", "good"),
        ("note", "a remark"),
    ]


def test_a_tracked_run_that_is_open_ends_with_its_kernel(kernel, recorder, rows):
    child = uuid7()
    kernel.write("track", verb="start", run=child, parent=kernel.run, name="base")
    kernel.cell("1", run=child)
    kernel.kill()
    recorder.run_once()
    assert rows("SELECT status FROM runs") == [("died",), ("died",)]
    assert rows("SELECT status FROM executions") == [("died",)]


def test_turning_recording_off_is_a_gap_with_who_and_when(kernel, recorder, rows):
    kernel.write("recording", on=False, user="ada", reason="a secret meeting")
    kernel.write("recording", on=True, user="ada", reason="", unseen=2)
    recorder.run_once()
    assert rows("SELECT value FROM run_event WHERE kind = 'recording'") == [
        ("off by ada: a secret meeting",),
        ("on by ada",),
    ]
    assert rows("SELECT reason, detail, count FROM gap") == [
        ("recording was turned off by ada", "a secret meeting", 1),
        ("cells ran while recording was off", "turned on by ada", 2),
    ]


def test_a_spool_that_begins_again_under_its_name_is_not_taken_twice(kernel, recorder, rows):
    for source in ("one", "two"):
        kernel.cell_end(kernel.cell(source))
    recorder.run_once()
    whole = kernel.spool.path.read_bytes()
    kernel.spool.path.unlink()
    kernel.spool.path.write_bytes(whole[: len(whole) // 2])
    recorder.run_once()
    kernel.spool.path.write_bytes(whole)
    kernel.cell("three")
    recorder.run_once()
    assert rows("SELECT source FROM executions") == [("one",), ("two",), ("three",)]


def test_a_verdict_that_is_handed_in_is_stored(kernel, make_kernel, recorder, rows):
    original = make_kernel(alive=False)
    recorder.run_once()
    document = {"run": original.run, "verdict": "identical"}
    kernel.write(
        "reproduction",
        run=kernel.run,
        original=original.run,
        verdict="identical",
        document=document,
    )
    recorder.run_once()
    assert rows("SELECT id, original_id, verdict FROM reproductions") == [
        (kernel.run, original.run, "identical")
    ]
    assert json.loads(rows("SELECT document FROM reproduction")[0][0]) == document


def test_text_that_is_no_unicode_is_stored_spelled_out(kernel, recorder, rows):
    kernel.cell("x = '\udcff'")
    recorder.run_once()
    assert rows("SELECT source FROM executions") == [("x = '\\udcff'",)]


def test_events_behind_are_counted_and_then_none(kernel, database, recorder):
    recorder.run_once()
    for number in range(3):
        kernel.cell(str(number))
    assert client.behind(database) == 3
    recorder.run_once()
    assert client.behind(database) == 0


def test_a_shim_without_its_kernels_first_record_is_a_run_with_a_gap(make_kernel, recorder, rows):
    kernel = make_kernel(alive=False)
    shim = kernel.helper(writer="shim")
    kernel.spool.path.unlink()
    recorder.run_once()
    assert rows("SELECT * FROM run") == []
    long_ago = time.time() - 60
    os.utime(shim.path, (long_ago, long_ago))
    recorder.run_once()
    assert rows("SELECT reason FROM gap") == [("the kernel's first record is missing",)]
    assert rows("SELECT status, capture_level FROM runs") == [("died", "python-only")]


def test_a_line_that_came_after_the_last_look_is_no_line_of_a_newer_version(tmp_path):
    path = tmp_path / "0.spool"
    path.write_bytes(b'\n{"v":1,"n":1,"type":"process"}\n')
    assert not is_unreadable_on(path, 0)
    path.write_bytes(b'\n{"v":2,"n":1,"type":"process"}\n')
    assert is_unreadable_on(path, 0)
    path.write_bytes(b'\n{"v":2,"n":1,"ty')
    assert not is_unreadable_on(path, 0)


def test_a_tracked_cell_and_its_files_are_its_child_runs(kernel, recorder, rows, work):
    """``%%track`` has its ``start`` before the cell's own record, whose run is the child's."""
    kernel.cell_end(kernel.cell("before"))
    child = uuid7()
    kernel.write("track", verb="start", run=child, parent=kernel.run, name="inner")
    cell = kernel.cell("%%track inner\nopen('in.txt', 'w').write('1')", run=child)
    (work / "in.txt").write_text("1")
    kernel.opened(cell, work / "in.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    kernel.write("track", verb="stop", run=child, status="failed", exec=cell)
    kernel.cell_end(cell, status="failed", error={"name": "ZeroDivisionError", "value": ""})
    kernel.cell_end(kernel.cell("after"))
    kernel.end()
    recorder.run_once()
    assert rows("SELECT kind, name, status, executions FROM runs ORDER BY run_key") == [
        ("session", None, "completed", 2),
        ("tracked", "inner", "failed", 1),
    ]
    assert rows(
        "SELECT r.name, f.path, f.role, f.execution FROM files f JOIN runs r USING (run_key)"
    ) == [("inner", str(work / "in.txt"), "write", 1)]
    assert rows("SELECT * FROM gap") == []
