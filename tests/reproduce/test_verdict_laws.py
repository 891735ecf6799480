"""Laws of the verdict, over generated evidence: never better than it, and fair to both sides."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from jupyter_lineage.reproduce.cells import ORDER, Word
from jupyter_lineage.reproduce.equivalence import RULES, equivalent
from jupyter_lineage.reproduce.evidence import Cell, Evidence, Use
from jupyter_lineage.reproduce.verdict import Circumstances, judge

NAMES = st.sampled_from(["a", "b", "c"])
SHORT = st.sampled_from(["0", "1", "2"])
DIGESTS = st.dictionaries(
    NAMES,
    st.fixed_dictionaries({"type": st.just("int"), "digest": st.none() | SHORT}),
    max_size=2,
)
STATES = st.dictionaries(
    st.sampled_from(["random", "numpy", "generator:r"]),
    st.tuples(st.none() | SHORT, SHORT).map(list),
    max_size=2,
)


@st.composite
def cells(draw, number):
    printed = draw(SHORT)
    known = draw(st.booleans())
    digests = draw(DIGESTS)
    return Cell(
        number=number,
        source="x",
        status=draw(st.sampled_from(["completed", "completed", "failed", "died"])),
        names_read=tuple(draw(st.lists(NAMES, max_size=2, unique=True))),
        names_written=tuple(digests),
        digests=digests,
        random=draw(STATES),
        outputs=[{"output_type": "stream", "name": "stdout", "text": printed}] if known else None,
        outputs_hash=f"sha256:{printed}" if known else None,
    )


@st.composite
def runs(draw):
    count = draw(st.integers(1, 4))
    made = tuple(draw(cells(number)) for number in range(1, count + 1))
    uses = draw(
        st.lists(
            st.builds(
                Use,
                path=st.sampled_from(["/w/f", "/w/g"]),
                role=st.sampled_from(["read", "write", "remove"]),
                hash=st.none() | SHORT,
                reason=st.just("why"),
                cell=st.integers(1, count),
            ),
            max_size=4,
        )
    )
    return Evidence(id="r", cwd="/w", cells=made, uses=tuple(uses))


def verdicts(document: dict[str, Any]) -> list[Word]:
    return [one["verdict"] for one in (*document["executions"], *document["files"])]


@given(runs())
def test_a_run_against_itself_is_as_good_as_its_evidence_and_no_better(run):
    document = judge(run, run, Circumstances())
    for cell, one in zip(run.cells, document["executions"], strict=True):
        whole = cell.status in ("completed", "failed") and cell.outputs_hash is not None
        assert one["verdict"] != "different"
        assert whole or one["verdict"] != "identical"
    for one in document["files"]:
        assert one["verdict"] in ("identical", "not compared")


@given(runs())
def test_no_cell_is_identical_with_an_unknown_value_that_a_later_cell_reads(run):
    document = judge(run, run, Circumstances())
    for cell, one in zip(run.cells, document["executions"], strict=True):
        later = {name for other in run.cells[cell.number :] for name in other.names_read}
        unknown = {name for name, value in cell.digests.items() if value["digest"] is None}
        assert not unknown & later or one["verdict"] != "identical"


@given(runs(), runs())
def test_the_whole_is_as_bad_as_its_worst_part(then, now):
    document = judge(then, now, Circumstances())
    worst = max(verdicts(document), key=ORDER.index)
    assert document["verdict"] == worst
    assert len(document["executions"]) == len(then.cells)


@given(runs(), runs())
def test_identical_is_the_same_from_both_sides(then, now):
    now = replace(now, cells=now.cells[: len(then.cells)])
    then = replace(then, cells=then.cells[: len(now.cells)])
    there, back = judge(then, now, Circumstances()), judge(now, then, Circumstances())
    assert (there["verdict"] == "identical") == (back["verdict"] == "identical")


@given(runs(), runs())
def test_every_verdict_that_is_not_good_has_a_reason(then, now):
    document = judge(then, now, Circumstances())
    for one in (*document["executions"], *document["files"]):
        assert one["verdict"] == "identical" or one["reason"]


TEXTS = st.text(alphabet="ab0x1f at<>/.:\n", max_size=40)


@given(TEXTS, TEXTS)
def test_equivalence_is_symmetric_and_equal_texts_need_no_rule(first, second):
    def shown(value: str) -> list[dict[str, str]]:
        return [{"output_type": "stream", "name": "stdout", "text": value}]

    assert equivalent(shown(first), shown(first)) == ()
    there = equivalent(shown(first), shown(second))
    back = equivalent(shown(second), shown(first))
    assert (there is None) == (back is None)
    if first != second:
        assert there != ()


@given(st.sampled_from(RULES), TEXTS)
def test_a_rule_applied_twice_changes_nothing_more(rule, text):
    once = rule.apply(text)
    assert rule.apply(once) == once
