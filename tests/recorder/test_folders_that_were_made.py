"""A folder that a run made is in the record; one that was there already is not."""

from __future__ import annotations

from jupyter_lineage.store import open_reader
from jupyter_lineage.store.recorded import made_folders


def test_folders_that_a_run_made_are_known_in_their_order(kernel, recorder, database, work):
    execution = kernel.cell("os.makedirs('out/figures')")
    for name in ("out", "out/figures"):
        kernel.write(
            "file",
            op="mkdir",
            path=str(work / name),
            exec=execution,
            absolute=False,
            directory=True,
        )
    kernel.write("file", op="mkdir", path="/usr/lib/ours", exec=execution, absolute=True)
    kernel.cell_end(execution)
    kernel.write("file", op="mkdir", path=str(work / "later"), absolute=True)
    recorder.run_once()
    with open_reader(database) as store:
        found = made_folders(store, kernel.run)
    assert found is not None
    assert [(one["path"], one["execution"], one["absolute"]) for one in found] == [
        (str(work / "out"), 1, False),
        (str(work / "out" / "figures"), 1, False),
        (str(work / "later"), None, True),
    ]
    assert found[0]["uri"] == (work / "out").as_uri()


def test_a_database_from_before_says_that_it_does_not_know(kernel, recorder, database):
    kernel.cell("1")
    recorder.run_once()
    recorder.store.connection.execute("DROP TABLE made_folder")
    with open_reader(database) as store:
        assert made_folders(store, kernel.run) is None
