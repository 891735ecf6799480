"""No statement of the walk looks through a whole table, whatever statistics there are."""

from __future__ import annotations

import re

import pytest

from jupyter_lineage.ids import hash_bytes
from jupyter_lineage.lineage import trace
from tests.builders import Cell, File, make_run


@pytest.fixture
def statements(store):
    for step in range(40):
        source = File(path=f"/w/{step}", content=b"%d" % step)
        target = File(path=f"/w/{step + 1}", content=b"%d" % (step + 1))
        make_run(store, cells=[Cell(reads=[source]), Cell(writes=[target])])
    for _ in range(400):  # so many that looking through all is never the better plan
        make_run(store)
    seen: list[str] = []
    store.connection.set_trace_callback(seen.append)
    trace(store, "/w/20")
    trace(store, "/w/20", down=True)
    trace(store, hash_bytes(b"20"))
    store.connection.set_trace_callback(None)
    return sorted({re.sub(r"\b\d+\b", "1", statement) for statement in seen})


@pytest.mark.parametrize("analysed", [False, True])
def test_every_step_is_a_search(store, statements, analysed):
    if analysed:
        store.connection.execute("ANALYZE")
    assert statements
    for statement in statements:
        plan = [
            row["detail"] for row in store.connection.execute("EXPLAIN QUERY PLAN " + statement)
        ]
        assert not [step for step in plan if step.startswith("SCAN") and "CONSTANT" not in step], (
            plan
        )


def test_the_step_from_a_version_to_its_runs_reads_the_index_alone(store, statements):
    (step,) = {s for s in statements if "FROM run_io" in s and "'write'" in s}
    (plan,) = store.connection.execute("EXPLAIN QUERY PLAN " + step)
    assert "USING COVERING INDEX run_io_reverse" in plan["detail"]


def test_no_statement_is_recursive(statements):
    assert not [statement for statement in statements if "RECURSIVE" in statement.upper()]
