"""A file depends on what was read until it was written, and on nothing that was read later."""

from __future__ import annotations

import pytest

from jupyter_lineage.lineage import trace
from tests.builders import Cell, File, make_run

from .answers import edge, names, runs

EARLY = File(path="/work/early.csv", content=b"early")
LATE = File(path="/work/late.csv", content=b"late")
OUT = File(path="/work/out.bin", content=b"out")


def test_what_a_later_cell_read_is_no_ancestor(store):
    make_run(store, cells=[Cell(reads=[EARLY]), Cell(writes=[OUT]), Cell(reads=[LATE])])
    assert names(trace(store, OUT.path)) == {"early.csv"}
    assert names(trace(store, LATE.path, down=True)) == set()


def test_what_the_same_cell_read_is_one_even_after_the_open_for_writing(store):
    make_run(store, cells=[Cell(writes=[OUT], reads_late=[LATE])])
    assert names(trace(store, OUT.path)) == {"late.csv"}
    assert names(trace(store, LATE.path, down=True)) == {"out.bin"}


def test_a_file_written_twice_with_the_same_bytes_depends_on_both_times(store):
    make_run(store, cells=[Cell(writes=[OUT]), Cell(reads=[LATE]), Cell(writes=[OUT])])
    assert names(trace(store, OUT.path)) == {"late.csv"}


def test_what_is_read_between_cells_counts_by_the_clock(store):
    make_run(store, cells=[Cell(writes=[OUT])], between=[("read", LATE)])
    assert names(trace(store, OUT.path)) == set()
    other = File(path="/work/other.bin", content=b"other")
    make_run(store, between=[("read", EARLY), ("write", other)])
    assert names(trace(store, other.path)) == {"early.csv"}


def test_an_earlier_cell_that_still_reads_in_the_background_counts(store):
    slow = Cell(reads=[LATE], moment=5_000_000)
    make_run(store, cells=[slow, Cell(writes=[OUT], moment=1_000_000)])
    assert names(trace(store, OUT.path)) == {"late.csv"}


def test_a_second_output_takes_in_only_what_it_adds(store):
    second = File(path="/work/second.bin", content=b"second")
    make_run(
        store,
        cells=[Cell(reads=[EARLY]), Cell(writes=[OUT]), Cell(reads=[LATE]), Cell(writes=[second])],
    )
    user = File(path="/work/both.bin", content=b"both")
    make_run(store, cells=[Cell(reads=[OUT, second], writes=[user])])
    assert names(trace(store, OUT.path)) == {"early.csv"}
    assert names(trace(store, second.path)) == {"early.csv", "late.csv"}
    assert names(trace(store, user.path)) == {"early.csv", "late.csv", "out.bin", "second.bin"}


@pytest.mark.parametrize("kind", ["tracked", "trial"])
def test_a_child_run_has_its_parents_values_until_then(store, kind):
    parent = make_run(
        store,
        cells=[Cell(reads=[EARLY], moment=1_000_000), Cell(reads=[LATE], moment=9_000_000)],
    )
    child = make_run(store, kind=kind, parent=parent, cells=[Cell(writes=[OUT], moment=5_000_000)])
    answer = trace(store, OUT.path)
    assert names(answer) == {"early.csv"}
    assert edge(answer, "wasInformedBy", f"run:{child}", f"run:{parent}")
    assert names(trace(store, EARLY.path, down=True)) == {"out.bin"}
    assert names(trace(store, LATE.path, down=True)) == set()


def test_a_reproduction_has_a_kernel_of_its_own(store):
    original = make_run(store, cells=[Cell(reads=[EARLY])])
    again = make_run(store, kind="reproduction", parent=original, cells=[Cell(writes=[OUT])])
    answer = trace(store, OUT.path)
    assert runs(answer) == {again}
    assert names(answer) == set()
