"""What can't be taken keeps nobody waiting, is said, and is taken once it can be."""

from __future__ import annotations

import os

from jupyter_lineage.cli import checks
from jupyter_lineage.probe import places
from jupyter_lineage.recorder import client
from jupyter_lineage.recorder.cycle import Recorder


def test_a_spool_with_a_broken_first_record_is_not_waited_for(kernel, database, recorder):
    kernel.cell("1")
    broken = places.spool_folder(database) / f"{os.urandom(16).hex()}.spool"
    broken.write_bytes(b'\n{"v":1,"n":1,"type":"process","run":7}\n\n{"v":1,"n":2}\n')
    assert client.behind(database) == 4
    recorder.run_once()
    assert client.behind(database) == 0
    assert client.wake_and_wait(database, 0) == 0
    (found,) = checks._refused(database)
    assert broken.stem in found.text
    assert broken.exists()


def test_a_spool_of_a_newer_version_is_taken_by_the_newer_recorder(kernel, database, rows):
    kernel.spool.raw(b'\n{"v":2,"n":2,"type":"novelty","at":1.0,"ns":1}\n')
    kernel.cell("later")
    once(database)
    assert client.behind(database) == 0
    raw = kernel.spool.path.read_bytes()
    kernel.spool.path.write_bytes(raw.replace(b'"v":2', b'"v":1'))  # as a newer one would read it
    once(database)
    assert rows("SELECT source FROM executions") == [("later",)]
    assert list(checks._refused(database)) == []


def once(database):
    recorder = Recorder(database)
    recorder.run_once()
    recorder.close()


def test_spools_that_ended_are_not_remembered_for_ever(database, rows):
    recorder = Recorder(database)
    with recorder.store.writing() as connection:
        for number in range(1500):
            connection.execute(
                "INSERT INTO spool (id, folder, ended) VALUES (?, '/x', ?)",
                (f"{number:032x}", int(number != 3)),
            )
    recorder.close()
    once(database)
    found = [int(row[0], 16) for row in rows("SELECT id FROM spool ORDER BY id")]
    assert found == [3, *range(500, 1500)]
