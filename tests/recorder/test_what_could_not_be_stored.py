"""A kernel that could not write says so in a note; the recorder makes a gap of it, and no lie."""

from __future__ import annotations

import os
import time

from jupyter_lineage.ids import uuid7
from jupyter_lineage.probe import places, unrecorded
from jupyter_lineage.recorder import client
from jupyter_lineage.recorder.cycle import Recorder
from jupyter_lineage.store.queries import NOT_RECORDED, not_recorded

from .fake_kernel import Spool

FULL = "the disk is full"


def left(database, run, *, alive=False, **said):
    """Leave the note of a kernel; of one that is gone, unless ``alive``."""
    facts = {"notebook": "/work/a.ipynb", "user": "ada", "cwd": "/work"}
    places.make_private(places.spool_folder(database))
    unrecorded.prepare()
    note = unrecorded.Note(str(places.spool_folder(database)), run, facts)
    if not alive:
        note._fields["pid_started"] = 1
    assert note.say(reason=FULL, **said)
    return note


def test_a_run_of_which_nothing_could_be_stored_is_in_the_record_and_says_so(
    database, recorder, rows
):
    run = uuid7()
    left(database, run, cells=3, ended=time.time())
    assert client.behind(database) == 1
    assert "not recorded: the disk is full" in client.not_stored(database)[0]
    recorder.run_once()
    recorder.run_once()
    assert rows("SELECT id, status, notebook, executions FROM runs") == [
        (run, "completed", "/work/a.ipynb", 0)
    ]
    assert rows("SELECT reason, detail FROM gap") == [(NOT_RECORDED, f"{FULL}; 3 cells ran")]
    assert not_recorded(recorder.store, [run]) == {run}
    assert client.behind(database) == 0
    assert client.not_stored(database) == []


def test_a_kernel_that_still_runs_may_yet_begin_its_spool(database, recorder, rows):
    left(database, uuid7(), alive=True, cells=1)
    recorder.run_once()
    assert rows("SELECT * FROM run") == []
    assert "is not recorded" in client.not_stored(database)[0]
    assert client.behind(database) == 0  # whoever waits for this would wait for ever


def test_notes_for_another_database_are_left_alone(database, recorder, rows, tmp_path):
    left(tmp_path / "other.db", uuid7(), cells=1)
    recorder.run_once()
    assert rows("SELECT * FROM run") == []
    assert len(unrecorded.notes()) == 1


def test_a_run_whose_end_could_not_be_stored_did_not_die(kernel, database, recorder, rows):
    kernel.cell_end(kernel.cell("1"))
    kernel.spool.raw(b'\n{"v":1,"n":4,"ty')
    at = time.time()
    left(database, kernel.run, lost=2, ended=at)
    recorder.run_once()
    assert rows("SELECT status FROM runs") == [("running",)]
    kernel.kill()
    recorder.run_once()
    recorder.run_once()
    assert rows("SELECT status FROM runs") == [("completed",)]
    assert ("what its kernel wrote last could not be stored", f"2 records: {FULL}") in rows(
        "SELECT reason, detail FROM gap"
    )
    assert unrecorded.notes() == []


def test_a_kernel_that_lost_records_and_did_not_end_in_order_died(kernel, database, recorder, rows):
    kernel.cell("while True: pass")
    left(database, kernel.run, lost=2)
    kernel.kill()
    recorder.run_once()
    assert rows("SELECT status FROM runs") == [("died",)]
    assert rows("SELECT detail FROM gap") == [(f"at least 2 records: {FULL}",)]


def test_a_note_that_could_not_be_removed_is_not_said_twice(database, recorder, rows, monkeypatch):
    left(database, uuid7(), cells=1)

    def refuse(_):
        raise OSError

    with monkeypatch.context() as patch:
        patch.setattr(unrecorded, "remove", refuse)
        recorder.run_once()
        recorder.run_once()
    assert rows("SELECT count(*) FROM gap") == [(1,)]
    assert rows("SELECT count(*) FROM run") == [(1,)]


def old(spool):
    """Make a spool as old as it has to be before it counts as an orphan."""
    past = time.time() - 60
    os.utime(spool.path, (past, past))


def test_after_a_damage_the_tail_of_a_run_begins_no_run(database, rows):
    run = uuid7()
    header = {"writer": "reproduce", "run": run, "alive": None, "forked": False, "pid": 2**22 + 1}
    spool = Spool(database, header)
    spool.write("reproduction", original=uuid7(), verdict="identical", document={})
    spool.write("end", reason="handed in")
    old(spool)
    database.parent.mkdir(parents=True)
    database.with_name(f"{database.name}.corrupt-20260101T000000").write_bytes(b"damaged")
    recorder = Recorder(database)
    recorder.run_once()
    recorder.run_once()
    recorder.close()
    assert rows("SELECT * FROM run") == []
    assert rows("SELECT reason, detail FROM gap") == [
        ("earlier records of this run were in a database that was damaged", run)
    ]
    assert not spool.path.exists()
    assert client.behind(database) == 0


def test_a_verdict_without_its_reproduction_begins_no_run(database, recorder, rows):
    run = uuid7()
    header = {"writer": "reproduce", "run": run, "alive": None, "forked": False, "pid": 2**22 + 1}
    spool = Spool(database, header)
    old(spool)
    recorder.run_once()
    assert rows("SELECT * FROM run") == []
    assert rows("SELECT reason, detail FROM gap") == [
        ("a reproduction's verdict came without the reproduction", run)
    ]
