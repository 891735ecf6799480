"""What ran while recording was off can't be run again: no verdict pretends that it was."""

from __future__ import annotations

import pytest

OFF_AND_ON = [
    ("%track off private", "%track on"),
    ("%unload_ext jupyter_lineage", "%load_ext jupyter_lineage"),
]


@pytest.mark.parametrize(("off", "on"), OFF_AND_ON)
def test_cells_after_a_gap_are_compared_as_far_as_they_can_be(bench, words, off, on):
    run = bench.record(
        "x = 1\nx", off, "y = 2", on, "y", "x", "%track metric auc=0.5", "open('o', 'w').write('a')"
    )
    document = bench.reproduce(run)
    assert words(document) == [
        *("identical", "not compared", "not compared"),
        *("identical", "identical", "identical"),
    ], document
    reasons = [cell["reason"] for cell in document["executions"]]
    assert "recording was turned off in it" in reasons[1]
    assert "ran after a gap in the record" in reasons[2]
    assert "NameError" in reasons[2]
    again = bench.evidence(document["reproduction"])
    assert [cell.status for cell in again.cells] == [
        *("completed", "completed", "failed"),
        *("completed", "completed", "completed"),
    ]
    assert again.gaps == ()


def test_a_metric_that_cells_out_of_sight_may_have_changed_is_not_compared(bench, words):
    run = bench.record(
        *("auc = 0.5", "%track off", "auc = 0.6", "%track on"),
        "get_ipython().run_line_magic('track', f'metric auc={auc}')",
    )
    document = bench.reproduce(run)
    assert words(document) == ["identical", "not compared", "not compared"], document
    assert [metric["verdict"] for metric in document["metrics"]] == ["not compared"]
    assert document["verdict"] == "not compared"
