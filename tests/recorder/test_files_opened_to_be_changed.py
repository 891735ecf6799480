"""Opened for writing is not written: what counts is whether the file changed, and what it held."""

from __future__ import annotations

import mmap
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_lineage.recorder.cycle import Recorder

from .fake_kernel import FakeKernel
from .test_files_of_a_cell import content_of, files

R, RW = os.O_RDONLY, os.O_RDWR
APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND
NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
GONE = "changed before it could be hashed"


def old(path: Path, data: bytes) -> Path:
    """Write a file that was there long before its cell: no tick of a clock is in doubt."""
    path.write_bytes(data)
    time.sleep(0.03)
    return path


@pytest.mark.parametrize("flags", [RW, RW | os.O_CREAT, APPEND, os.O_WRONLY])
def test_a_file_that_was_opened_for_writing_and_did_not_change_was_only_read(
    kernel, recorder, rows, work, flags
):
    target = old(work / "log.csv", b"a\n")
    execution = kernel.cell()
    kernel.opened(execution, target, flags)
    kernel.cell_end(execution)
    recorder.run_once()
    assert files(rows) == [(str(target), "read", content_of(b"a\n"), 1)]


@pytest.mark.parametrize("flags", [RW, APPEND, os.O_WRONLY])
def test_what_a_file_held_before_it_was_changed_is_an_input(kernel, recorder, rows, work, flags):
    target = old(work / "log.csv", b"a\n")
    first = kernel.cell()
    kernel.opened(first, target, R)
    kernel.cell_end(first)
    recorder.run_once()
    second = kernel.cell()
    kernel.opened(second, target, flags)
    with target.open("ab") as stream:
        stream.write(b"b\n")
    kernel.cell_end(second)
    recorder.run_once()
    found = rows("SELECT role, hash FROM files WHERE execution = 2 ORDER BY use_key")
    assert found == [("read", content_of(b"a\n")), ("write", content_of(b"a\nb\n"))]
    assert rows("SELECT count(DISTINCT ns) FROM use WHERE execution_id = 2") == [(1,)]


def test_what_was_there_is_known_from_an_earlier_recorder_too(kernel, database, rows, work):
    target = work / "data.bin"
    first = kernel.cell()
    target.write_bytes(b"12345")
    kernel.opened(first, target, NEW)
    kernel.cell_end(first)
    run_apart(database)
    second = kernel.cell()
    kernel.opened(second, target, RW)
    time.sleep(0.03)
    target.write_bytes(b"54321")
    kernel.cell_end(second)
    run_apart(database)
    found = rows("SELECT role, hash FROM files WHERE execution = 2 ORDER BY use_key")
    assert found == [("read", content_of(b"12345")), ("write", content_of(b"54321"))]


def run_apart(database: Path) -> None:
    recorder = Recorder(database)
    recorder.run_once()
    recorder.close()


def test_what_was_there_and_is_known_to_nobody_has_a_reason(kernel, recorder, rows, work):
    target = old(work / "log.csv", b"a\n")
    execution = kernel.cell()
    kernel.opened(execution, target, APPEND)
    with target.open("ab") as stream:
        stream.write(b"b\n")
    kernel.cell_end(execution)
    recorder.run_once()
    assert rows("SELECT role, hash, reason FROM files ORDER BY use_key") == [
        ("read", None, GONE),
        ("write", content_of(b"a\nb\n"), None),
    ]


def test_a_file_that_is_made_by_appending_was_not_read(kernel, recorder, rows, work):
    target = work / "log.csv"
    target.touch()
    execution = kernel.cell()
    kernel.opened(execution, target, APPEND)
    target.write_bytes(b"a\n")
    kernel.cell_end(execution)
    recorder.run_once()
    assert files(rows) == [(str(target), "write", content_of(b"a\n"), 1)]


@pytest.mark.parametrize("flags", [NEW, APPEND])
def test_an_empty_file_that_was_made_is_written(kernel, recorder, rows, work, flags):
    target = work / "flag"
    target.touch()
    execution = kernel.cell()
    kernel.opened(execution, target, flags)
    kernel.cell_end(execution)
    recorder.run_once()
    assert files(rows) == [(str(target), "write", content_of(b""), 1)]


def test_a_file_that_is_changed_and_renamed_was_read_under_its_old_name(
    kernel, recorder, rows, work
):
    source, target = old(work / "a.bin", b"12345"), work / "b.bin"
    execution = kernel.cell()
    kernel.opened(execution, source, RW)
    recorder.run_once()
    source.rename(target)
    kernel.write("file", op="rename", path=str(source), path2=str(target), exec=execution)
    kernel.cell_end(execution)
    recorder.run_once()
    assert files(rows) == [
        (str(source), "read", content_of(b"12345"), 1),
        (str(target), "write", content_of(b"12345"), 1),
    ]


def test_a_database_that_was_only_asked_is_no_result(kernel, recorder, rows, work):
    target = work / "facts.sqlite"
    connection = sqlite3.connect(target)
    connection.execute("CREATE TABLE t (x)")
    connection.commit()
    connection.close()
    time.sleep(0.03)
    execution = kernel.cell()
    kernel.opened(execution, target, RW | os.O_CREAT)
    connection = sqlite3.connect(target)
    assert connection.execute("SELECT count(*) FROM t").fetchone() == (0,)
    connection.close()
    kernel.cell_end(execution)
    recorder.run_once()
    assert files(rows) == [(str(target), "read", content_of(target.read_bytes()), 1)]


def test_a_memory_map_that_left_no_trace_in_the_times_is_seen_by_the_hash(
    kernel, recorder, rows, work
):
    target = old(work / "map.bin", b"0" * 4096)
    execution = kernel.cell()
    with target.open("r+b") as stream, mmap.mmap(stream.fileno(), 0) as mapped:
        # This page is written to already: the next store changes no time.
        mapped[0] = ord("1")
        time.sleep(0.03)
        before = target.read_bytes()
        kernel.opened(execution, target, RW)
        recorder.run_once()
        mapped[1] = ord("2")
    kernel.cell_end(execution)
    recorder.run_once()
    after = target.read_bytes()
    assert before != after
    assert files(rows) == [
        (str(target), "read", content_of(before), 1),
        (str(target), "write", content_of(after), 1),
    ]


def test_a_file_still_open_for_writing_keeps_the_version_it_held(
    make_kernel: Callable[..., FakeKernel], recorder, rows, work
):
    kernel = make_kernel(pid=os.getpid())
    target = old(work / "log.csv", b"a\n")
    with target.open("ab") as stream:
        execution = kernel.cell()
        kernel.opened(execution, target, APPEND)
        kernel.cell_end(execution)
        recorder.run_once()
        stream.write(b"b\n")
    recorder.run_once()
    assert files(rows) == [
        (str(target), "read", content_of(b"a\n"), 1),
        (str(target), "write", content_of(b"a\nb\n"), 1),
    ]
