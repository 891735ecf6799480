"""Many files in one cell cost a few transactions, and an odd one costs no other its place."""

from __future__ import annotations

import os

from .test_files_of_a_cell import content_of

R = os.O_RDONLY


def test_many_files_of_a_cell_are_stored_in_few_transactions(kernel, recorder, rows, work):
    execution = kernel.cell()
    for number in range(300):
        path = work / f"{number}.csv"
        path.write_text(f"{number}\n")
        kernel.opened(execution, path, R)
    kernel.cell_end(execution)
    recorder.take()
    statements: list[str] = []
    recorder.store.connection.set_trace_callback(statements.append)
    recorder.run_once()
    recorder.store.connection.set_trace_callback(None)
    assert statements.count("BEGIN IMMEDIATE") < 20
    found = dict(rows("SELECT path, hash FROM files"))
    assert found == {
        str(work / f"{number}.csv"): content_of(b"%d\n" % number) for number in range(300)
    }
    assert rows("SELECT count(*) FROM content_event WHERE kept = 1") == [(300,)]


def test_a_file_that_the_database_refuses_does_not_take_the_others_along(
    kernel, recorder, rows, work
):
    execution = kernel.cell()
    for name in ("a", "b", "c"):
        (work / name).write_text(name)
        kernel.opened(execution, work / name, R)
    kernel.cell_end(execution)
    recorder.take()
    with recorder.store.writing() as connection:
        connection.execute(
            "CREATE TEMP TRIGGER odd BEFORE INSERT ON main.location WHEN new.path LIKE '%/b'"
            " BEGIN SELECT raise(ABORT, 'odd'); END"
        )
    recorder.run_once()
    assert rows("SELECT path FROM files ORDER BY path") == [(str(work / "a"),), (str(work / "c"),)]
    assert rows("SELECT reason FROM gap") == [("a file could not be looked at",)]
    assert rows("SELECT count(*) FROM pending_file") == [(0,)]
