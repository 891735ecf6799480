from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from blake3 import blake3

from jupyter_lineage.ids import uuid7
from jupyter_lineage.recorder.cycle import Recorder

from .conftest import Rows

R, W, RW = os.O_RDONLY, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, os.O_RDWR


def content_of(data: bytes) -> str:
    return "blake3:" + blake3(data).hexdigest()


def files(rows: Rows) -> list[tuple[Any, ...]]:
    return rows("SELECT path, role, hash, execution FROM files ORDER BY path, role")


def test_what_was_read_and_written_has_its_hash_and_an_edge(kernel, recorder, rows, work):
    source, target = work / "in.csv", work / "out.csv"
    source.write_bytes(b"a,b\n")
    execution = kernel.cell()
    kernel.opened(execution, source, R)
    target.write_bytes(b"c\n")
    kernel.opened(execution, target, W)
    kernel.cell_end(execution)
    recorder.run_once()
    assert files(rows) == [
        (str(source), "read", content_of(b"a,b\n"), 1),
        (str(target), "write", content_of(b"c\n"), 1),
    ]
    assert rows("SELECT role FROM run_io ORDER BY role") == [("read",), ("write",)]


def test_a_read_is_hashed_while_its_cell_still_runs(kernel, recorder, rows, work):
    source = work / "in.csv"
    source.write_bytes(b"before")
    execution = kernel.cell()
    kernel.opened(execution, source, R)
    recorder.run_once()
    source.write_bytes(b"after")
    kernel.cell_end(execution)
    recorder.run_once()
    assert files(rows) == [(str(source), "read", content_of(b"before"), 1)]
    assert rows("SELECT kept FROM content_event") == [(1,)]


def test_a_file_changed_between_read_and_hash_has_a_reason_and_no_hash(
    kernel, recorder, rows, work
):
    source = work / "in.csv"
    source.write_bytes(b"before")
    execution = kernel.cell()
    kernel.opened(execution, source, R)
    source.write_bytes(b"after!")
    kernel.cell_end(execution)
    recorder.run_once()
    assert rows("SELECT hash, reason FROM files") == [(None, "changed before it could be hashed")]
    assert rows("SELECT * FROM run_io") == []


def test_a_file_with_its_times_set_back_is_still_a_changed_file(kernel, recorder, rows, work):
    source = work / "in.csv"
    source.write_bytes(b"before")
    before = source.stat()
    execution = kernel.cell()
    kernel.opened(execution, source, R)
    source.write_bytes(b"after!")
    os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))
    kernel.cell_end(execution)
    recorder.run_once()
    assert rows("SELECT hash, reason FROM files") == [(None, "changed before it could be hashed")]


def test_a_file_deleted_before_it_was_hashed_has_a_reason(kernel, recorder, rows, work):
    source, target = work / "in.csv", work / "out.csv"
    source.write_bytes(b"x")
    target.write_bytes(b"y")
    execution = kernel.cell()
    kernel.opened(execution, source, R)
    kernel.opened(execution, target, W)
    kernel.cell_end(execution)
    source.unlink()
    target.unlink()
    recorder.run_once()
    assert {row[0] for row in rows("SELECT reason FROM files")} == {
        "deleted before it could be hashed"
    }


def test_a_file_written_again_after_its_cell_has_a_reason(kernel, recorder, rows, work):
    target = work / "out.csv"
    target.write_bytes(b"y")
    execution = kernel.cell()
    kernel.opened(execution, target, W)
    kernel.cell_end(execution)
    time.sleep(0.05)
    target.write_bytes(b"z")
    recorder.run_once()
    assert rows("SELECT hash, reason FROM files") == [(None, "changed before it could be hashed")]


def test_a_file_that_can_not_be_read_says_so(kernel, recorder, rows, work):
    target = work / "out.csv"
    execution = kernel.cell()
    kernel.opened(execution, target, W)
    target.symlink_to(target)  # nobody can open it, not even root
    kernel.cell_end(execution)
    recorder.run_once()
    assert rows("SELECT reason FROM files") == [
        ("not readable: Too many levels of symbolic links",)
    ]


def test_a_read_without_a_signature_counts_when_the_file_is_older(kernel, recorder, rows, work):
    old, fresh = work / "old.csv", work / "fresh.csv"
    old.write_bytes(b"old")
    time.sleep(0.05)
    execution = kernel.cell()
    kernel.opened(execution, old, R, stat=None)
    kernel.opened(execution, fresh, R, stat=None)
    fresh.write_bytes(b"fresh")
    kernel.cell_end(execution)
    recorder.run_once()
    assert rows("SELECT path, hash FROM files ORDER BY path DESC") == [
        (str(old), content_of(b"old")),
        (str(fresh), None),
    ]


def test_a_temporary_file_is_no_data(kernel, recorder, rows, work):
    temporary = work / "scratch"
    execution = kernel.cell()
    kernel.opened(execution, temporary, W)
    temporary.write_bytes(b"x")
    kernel.opened(execution, temporary, R)
    kernel.write("file", op="remove", path=str(temporary), exec=execution, absolute=False)
    temporary.unlink()
    kernel.cell_end(execution)
    recorder.run_once()
    assert files(rows) == []
    assert rows("SELECT count(*) FROM pending_file") == [(0,)]


def test_a_rename_is_a_write_of_its_target(kernel, recorder, rows, work):
    temporary, target = work / "model.tmp", work / "model.bin"
    execution = kernel.cell()
    kernel.opened(execution, temporary, W)
    temporary.write_bytes(b"model")
    rename = {"op": "rename", "path": str(temporary), "path2": str(target), "exec": execution}
    kernel.write("file", **rename, absolute=False, absolute2=True)
    temporary.rename(target)
    kernel.cell_end(execution)
    recorder.run_once()
    assert files(rows) == [(str(target), "write", content_of(b"model"), 1)]
    assert rows("SELECT absolute FROM use") == [(1,)]


def test_a_folder_that_is_renamed_takes_its_files_along(kernel, recorder, rows, work):
    temporary, target = work / "tmp", work / "final"
    temporary.mkdir()
    execution = kernel.cell()
    kernel.opened(execution, temporary / "part", W)
    (temporary / "part").write_bytes(b"p")
    kernel.write("file", op="rename", path=str(temporary), path2=str(target), exec=execution)
    temporary.rename(target)
    kernel.cell_end(execution)
    recorder.run_once()
    assert files(rows) == [(str(target / "part"), "write", content_of(b"p"), 1)]


def test_removing_and_moving_known_data_is_recorded(kernel, recorder, rows, work):
    for name in ("a", "b"):
        (work / name).write_bytes(name.encode())
    first = kernel.cell()
    kernel.opened(first, work / "a", R)
    kernel.opened(first, work / "b", R)
    kernel.cell_end(first)
    recorder.run_once()
    second = kernel.cell()
    kernel.write("file", op="remove", path=str(work / "a"), exec=second)
    (work / "a").unlink()
    kernel.write("file", op="rename", path=str(work / "b"), path2=str(work / "c"), exec=second)
    (work / "b").rename(work / "c")
    kernel.cell_end(second)
    recorder.run_once()
    assert [row for row in files(rows) if row[3] == 2] == [
        (str(work / "a"), "remove", None, 2),
        (str(work / "b"), "read", content_of(b"b"), 2),
        (str(work / "b"), "remove", None, 2),
        (str(work / "c"), "write", content_of(b"b"), 2),
    ]


def test_an_open_for_both_is_a_read_and_a_write(kernel, recorder, rows, work):
    target = work / "data.h5"
    target.write_bytes(b"before")
    execution = kernel.cell()
    kernel.opened(execution, target, RW)
    recorder.run_once()
    target.write_bytes(b"after")
    kernel.cell_end(execution)
    recorder.run_once()
    assert files(rows) == [
        (str(target), "read", content_of(b"before"), 1),
        (str(target), "write", content_of(b"after"), 1),
    ]


def test_two_witnesses_of_one_open_are_one_use(kernel, recorder, rows, work):
    source = work / "in.csv"
    source.write_bytes(b"x")
    execution = kernel.cell()
    kernel.opened(execution, source, R, stat=None)
    shim = kernel.helper(writer="shim")
    stat = os.stat(source)
    signature = [stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]
    shim.write(
        "file", op="open", p=str(source), flags=R, c=1, absolute=False, stat=signature, via="native"
    )
    kernel.cell_end(execution)
    recorder.run_once()
    assert files(rows) == [(str(source), "read", content_of(b"x"), 1)]


def test_the_shims_cell_numbers_find_their_executions(kernel, recorder, rows, work):
    shim = kernel.helper(writer="shim")
    for number in (1, 2):
        execution = kernel.cell(f"cell {number}")
        target = work / f"out{number}"
        target.write_bytes(b"x")
        shim.write("file", op="open", p=str(target), flags=W, c=number, absolute=False)
        kernel.cell_end(execution)
    between = work / "between"
    between.write_bytes(b"x")
    shim.write("file", op="open", p=str(between), flags=W, c=0, absolute=False)
    kernel.end()
    recorder.run_once()
    assert rows("SELECT path, execution FROM files ORDER BY path") == [
        (str(between), None),
        (str(work / "out1"), 1),
        (str(work / "out2"), 2),
    ]


def test_what_is_no_data_is_left_out(kernel, recorder, rows, work):
    execution = kernel.cell()
    kernel.opened(execution, "/usr/share/zoneinfo/UTC", R)
    kernel.opened(execution, work, R)  # a folder
    kernel.opened(execution, "/dev/null", R)
    (work / "__pycache__").mkdir()
    kernel.opened(execution, work / "__pycache__" / "a.pyc", W)
    kernel.cell_end(execution)
    recorder.run_once()
    assert files(rows) == []


def test_a_name_that_is_not_unicode_is_shown_and_exact(kernel, recorder, rows, work):
    raw = os.fsencode(work) + b"/\xff\xe4.csv"
    Path(os.fsdecode(raw)).write_bytes(b"x")
    execution = kernel.cell()
    kernel.opened(execution, os.fsdecode(raw), R)
    shim = kernel.helper(writer="shim")
    shim.write("file", op="open", p=f"{work}/%FF%E4.csv", flags=R, c=1, absolute=False)
    kernel.cell_end(execution)
    recorder.run_once()
    assert rows("SELECT path, uri, hash FROM files") == [
        (f"{work}/\\xff\\xe4.csv", f"file://{work}/%FF%E4.csv", content_of(b"x"))
    ]


def test_a_file_held_open_is_hashed_when_it_is_closed(kernel, recorder, rows, work, database):
    target = work / "log.txt"
    stream = target.open("w")
    execution = kernel.cell()
    kernel.opened(execution, target, W)  # the kernel's number is this process's
    kernel.cell_end(execution)
    recorder.run_once()
    assert files(rows) == []
    stream.write("the end")
    stream.close()
    again = Recorder(database)
    again.run_once()
    again.close()
    assert files(rows) == [(str(target), "write", content_of(b"the end"), 1)]


def test_local_modules_are_read_by_the_cell_that_imports_them(kernel, recorder, rows, work):
    module = work / "helper.py"
    module.write_text("x = 1\n")
    time.sleep(0.05)
    execution = kernel.cell("import helper")
    kernel.cell_end(execution, modules=[{"name": "helper", "path": str(module)}])
    recorder.run_once()
    assert rows("SELECT path, role, via, hash FROM files") == [
        (str(module), "read", "import", content_of(b"x = 1\n"))
    ]


def test_a_tracked_runs_files_are_its_own(kernel, recorder, rows, work):
    child = uuid7()
    kernel.write("track", verb="start", run=child, parent=kernel.run, name="base")
    execution = kernel.cell("1", run=child)
    target = work / "out"
    target.write_bytes(b"x")
    kernel.opened(execution, target, W)
    kernel.cell_end(execution)
    recorder.run_once()
    assert rows("SELECT run_key FROM files") == [(2,)]
    assert rows("SELECT run_id FROM run_io") == [(2,)]


def test_adding_a_use_looks_it_up_by_its_place(recorder):
    # Ten thousand files of one content are ten thousand uses of one version: a look-up by version
    # takes minutes there.
    statements: list[str] = []
    connection = recorder.store.connection
    connection.set_trace_callback(statements.append)
    with recorder.store.writing():
        facts = {"run": 1, "execution": None, "version": None, "reason": "-", "at": 0.0, "ns": 0}
        recorder._append.run(uuid7(), {"at": 0.0}, kind="session", parent=None)
        more = {"size": None, "via": "python", "absolute": False}
        recorder._append.use("read", "file:///x", "/x", **facts, **more)
    connection.set_trace_callback(None)
    (lookup,) = [text for text in statements if "FROM use" in text]
    plan = connection.execute(f"EXPLAIN QUERY PLAN {lookup}").fetchall()
    assert "use_run (run_id=? AND location_id=?)" in plan[0]["detail"]
