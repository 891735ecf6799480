"""What a cell renamed, linked or cut by its name was there before: read, though not opened."""

from __future__ import annotations

import os
import time

import pytest

from .fake_kernel import signature
from .test_files_of_a_cell import content_of, files

R = os.O_RDONLY
NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
GONE = "changed before it could be hashed"


def reads(rows, execution):
    found = rows(
        "SELECT path, hash, reason FROM files WHERE role = 'read' AND execution = ?", execution
    )
    return [(os.path.basename(path), content, reason) for path, content, reason in found]


def move(kernel, execution, source, target, op="rename"):
    getattr(os, op)(source, target)
    both = {"path": str(source), "path2": str(target), "stat": signature(target)}
    kernel.write("file", op=op, exec=execution, **both)


def cut(kernel, execution, path, length, *, told=True):
    os.truncate(path, length)
    stat = signature(path) if told else None
    kernel.write("file", op="truncate", path=str(path), exec=execution, stat=stat)


@pytest.mark.parametrize("op", ["rename", "link"])
def test_what_was_moved_was_read(kernel, recorder, rows, work, op):
    (work / "a").write_bytes(b"a")
    execution = kernel.cell()
    move(kernel, execution, work / "a", work / "b", op)
    kernel.cell_end(execution)
    recorder.run_once()
    assert reads(rows, 1) == [("a", content_of(b"a"), None)]
    assert (str(work / "b"), "write", content_of(b"a"), 1) in files(rows)
    # Its times are those of after the rename.
    assert rows("SELECT signature FROM use WHERE role = 'read'") == [(None,)]
    assert rows("SELECT signature IS NULL FROM use WHERE role = 'write'") == [(0,)]


def test_what_was_moved_twice_was_read_once(kernel, recorder, rows, work):
    (work / "a").write_bytes(b"a")
    execution = kernel.cell()
    move(kernel, execution, work / "a", work / "b")
    move(kernel, execution, work / "b", work / "c")
    kernel.cell_end(execution)
    recorder.run_once()
    assert reads(rows, 1) == [("a", content_of(b"a"), None)]


def test_what_was_changed_after_it_was_moved_is_not_what_was_read(kernel, recorder, rows, work):
    (work / "a").write_bytes(b"a")
    execution = kernel.cell()
    move(kernel, execution, work / "a", work / "b")
    kernel.opened(execution, work / "b", NEW)
    (work / "b").write_bytes(b"other")
    kernel.cell_end(execution)
    recorder.run_once()
    assert ("a", content_of(b"other"), None) not in reads(rows, 1)


def test_what_the_cell_made_and_renamed_was_not_read(kernel, recorder, rows, work):
    execution = kernel.cell()
    kernel.opened(execution, work / "a", NEW)
    (work / "a").write_bytes(b"a")
    move(kernel, execution, work / "a", work / "b")
    kernel.cell_end(execution)
    recorder.run_once()
    assert reads(rows, 1) == []


def test_a_folder_that_was_moved_is_no_file(kernel, recorder, rows, work):
    (work / "a").mkdir()
    execution = kernel.cell()
    os.rename(work / "a", work / "b")
    both = {"path": str(work / "a"), "path2": str(work / "b")}
    kernel.write("file", op="rename", exec=execution, directory=True, **both)
    kernel.cell_end(execution)
    recorder.run_once()
    assert files(rows) == []


def meet(kernel, recorder, path):
    execution = kernel.cell()
    kernel.opened(execution, path, R)
    kernel.cell_end(execution)
    recorder.run_once()


@pytest.mark.parametrize("told", [True, False])
def test_what_was_cut_is_what_was_met_there_before(kernel, recorder, rows, work, told):
    path = work / "log"
    path.write_bytes(b"abcdef")
    meet(kernel, recorder, path)
    execution = kernel.cell()
    cut(kernel, execution, path, 3, told=told)
    kernel.cell_end(execution)
    recorder.run_once()
    assert reads(rows, 2) == [("log", content_of(b"abcdef"), None)]
    assert (str(path), "write", content_of(b"abc"), 2) in files(rows)


def test_what_was_cut_and_begins_otherwise_is_not_known(kernel, recorder, rows, work):
    path = work / "log"
    path.write_bytes(b"abcdef")
    meet(kernel, recorder, path)
    path.write_bytes(b"xyzdef")
    time.sleep(0.03)
    execution = kernel.cell()
    cut(kernel, execution, path, 3)
    kernel.cell_end(execution)
    recorder.run_once()
    assert reads(rows, 2) == [("log", None, GONE)]


def test_what_was_cut_and_never_met_is_not_known(kernel, recorder, rows, work):
    path = work / "log"
    path.write_bytes(b"abcdef")
    execution = kernel.cell()
    cut(kernel, execution, path, 3)
    kernel.cell_end(execution)
    recorder.run_once()
    assert reads(rows, 1) == [("log", None, GONE)]


@pytest.mark.parametrize("told", [True, False])
def test_what_was_emptied_was_not_read(kernel, recorder, rows, work, told):
    path = work / "log"
    path.write_bytes(b"abcdef")
    execution = kernel.cell()
    cut(kernel, execution, path, 0, told=told)
    kernel.cell_end(execution)
    recorder.run_once()
    assert reads(rows, 1) == []
