"""Laws of lineage on generated histories."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_lineage.ids import hash_bytes
from jupyter_lineage.lineage import trace
from jupyter_lineage.store import open_writer
from tests.builders import Cell, File, make_run

from .answers import file_id, ids

CONTENTS = (b"", b"a", b"b", b"c", b"d", b"e", b"f", None)
files = st.builds(
    lambda place, content: File(path=f"/w/{place}", content=content),
    st.sampled_from("xyz"),
    st.sampled_from(CONTENTS),
)
cells = st.builds(
    Cell,
    reads=st.lists(files, max_size=2),
    writes=st.lists(files, max_size=2),
    reads_late=st.lists(files, max_size=1),
    moment=st.integers(1, 60).map(lambda step: step * 1_000_000),
)
histories = st.lists(
    st.tuples(st.lists(cells, min_size=1, max_size=3), st.booleans()), min_size=1, max_size=5
)
"""Runs in order; the flag says whether a run is tracked inside the one before it."""


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory):
    path = tmp_path_factory.mktemp("empty") / "lineage.db"
    open_writer(path).close()
    return path


def build(store, history):
    made, parent = [], None
    for runs, inside in history:
        kind = "tracked" if inside and parent else "session"
        parent = make_run(
            store, kind=kind, parent=parent if kind == "tracked" else None, cells=runs
        )
        made.append(parent)
    return made


@settings(max_examples=60, deadline=None)
@given(history=histories)
def test_up_of_one_contains_the_other_exactly_when_down_of_that_contains_it(
    empty_database, history
):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lineage.db"
        shutil.copy(empty_database, path)
        with open_writer(path) as store:
            runs = build(store, history)
            hashes = {
                node["hash"]
                for run in runs
                for down in (False, True)
                for node in trace(store, run, down=down)["nodes"]
                if node["type"] == "file" and node["size"]
            }
            starts = {f"run:{run}": run for run in runs} | {f"file:{h}": h for h in hashes}
            up = {start: ids(trace(store, what)) for start, what in starts.items()}
            down = {start: ids(trace(store, what, down=True)) for start, what in starts.items()}
    for one, other in itertools.product(starts, repeat=2):
        if one != other:
            assert (other in up[one]) == (one in down[other]), (one, other)


@settings(max_examples=100, deadline=None)
@given(history=st.lists(cells, min_size=1, max_size=4))
def test_inside_one_run_the_ancestors_are_what_was_read_by_then(empty_database, history):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lineage.db"
        shutil.copy(empty_database, path)
        with open_writer(path) as store:
            make_run(store, cells=history)
            for file in {file for cell in history for file in cell.writes if file.content}:
                nodes = trace(store, file_id(file.content))["nodes"]
                found = {(n["hash"], n["size"] or n["path"]) for n in nodes if n["type"] == "file"}
                assert found == {known_as(each) for each in ancestors(history, file)}


def known_as(file):
    """What tells a file version from others: its bytes, or its place where they say nothing."""
    content = None if file.content is None else hash_bytes(file.content)
    return content, len(file.content or b"") or file.path


def ancestors(history, start):
    """The definition, said plainly: close over pairs of a write and a read that it may hold."""
    found, waiting = {known_as(start): start}, [start]
    while waiting:
        target = known_as(waiting.pop())
        for number, cell in enumerate(history):
            if target not in map(known_as, cell.writes):
                continue
            until = max(
                moment for earlier in history[: number + 1] for moment, _, _ in uses(earlier)
            )
            for moment, role, file in itertools.chain.from_iterable(map(uses, history)):
                if role == "read" and moment <= until and known_as(file) not in found:
                    found[known_as(file)] = file
                    waiting.append(file)
    return found.values()


def uses(cell):
    """What a cell does, with the moments that ``make_run`` gives it."""
    files = [("read", file) for file in cell.reads] + [("write", file) for file in cell.writes]
    files += [("read", file) for file in cell.reads_late]
    return [(cell.moment + 1000 * n, role, file) for n, (role, file) in enumerate(files, 1)]
