"""A hash belongs to the cell that it is given to, or there is none."""

from __future__ import annotations

import os
import time

from .test_files_of_a_cell import content_of

R, W = os.O_RDONLY, os.O_WRONLY | os.O_CREAT | os.O_TRUNC
REASON = "overwritten before it could be hashed"
LAGGING = {"at": time.time() + 3600}
"""The end of a cell where the clock that stamps files lags: what came later seems to be before."""


def write(kernel, path, data, **end):
    execution = kernel.cell()
    path.write_bytes(data)
    kernel.opened(execution, path, W)
    kernel.cell_end(execution, **end)


def test_two_cells_that_write_one_file_back_to_back(kernel, recorder, rows, work):
    for number in range(6):
        for data in (b"A", b"B"):
            write(kernel, work / f"{number}.csv", data)
    recorder.run_once()
    found = rows("SELECT execution % 2, hash, reason FROM files ORDER BY execution")
    assert found == [(1, None, REASON), (0, content_of(b"B"), None)] * 6


def test_a_write_that_is_told_only_after_the_hashing_counts_too(
    kernel, recorder, rows, work, monkeypatch
):
    target = work / "out.csv"
    write(kernel, target, b"A", **LAGGING)
    real = recorder._hasher.hash
    told: list[object] = []

    def hash_and_tell(path, accept):
        if not told:
            target.write_bytes(b"B")
        found = real(path, accept)
        if not told:
            told.append(kernel.cell())
            kernel.opened(told[0], target, W)
            kernel.cell_end(told[0])
        return found

    monkeypatch.setattr(recorder._hasher, "hash", hash_and_tell)
    recorder.run_once()
    assert rows("SELECT execution, hash, reason FROM files ORDER BY execution") == [
        (1, None, REASON),
        (2, content_of(b"B"), None),
    ]


def test_a_write_through_another_name_of_the_file_counts(kernel, recorder, rows, work):
    target, link = work / "out.csv", work / "link.csv"
    target.write_bytes(b"")
    link.symlink_to(target)
    write(kernel, target, b"A", **LAGGING)
    write(kernel, link, b"B")
    recorder.run_once()
    assert rows("SELECT hash, reason FROM files WHERE execution = 1") == [(None, REASON)]


def test_a_read_before_an_overwrite_does_not_get_the_later_hash(kernel, recorder, rows, work):
    target = work / "out.csv"
    write(kernel, target, b"A")
    reading = kernel.cell()
    kernel.opened(reading, target, R)
    kernel.cell_end(reading)
    write(kernel, target, b"B")
    recorder.run_once()
    assert rows("SELECT hash FROM files WHERE role = 'read'") == [(None,)]


def test_a_running_cells_events_are_read_again_only_when_there_are_new_ones(kernel, recorder, work):
    source = work / "in.csv"
    source.write_bytes(b"x")
    execution = kernel.cell()
    for _ in range(20):
        kernel.opened(execution, source, R)
    recorder.run_once()
    statements: list[str] = []
    recorder.store.connection.set_trace_callback(statements.append)
    recorder.run_once()
    recorder.store.connection.set_trace_callback(None)
    assert not [text for text in statements if text.startswith("SELECT id, run_id")]
