"""One cell against its repetition, as a table: evidence in, verdict and reason out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from jupyter_lineage.reproduce.evidence import Cell, Evidence, Use
from jupyter_lineage.reproduce.verdict import Circumstances, judge, judge_cells

THEN, NOW = "/then", "/now"


def text(value: str) -> list[dict[str, Any]]:
    return [{"output_type": "stream", "name": "stdout", "text": value}]


def cell(number: int = 1, printed: str = "", **changes: Any) -> Cell:
    outputs = text(printed) if printed else []
    made: dict[str, Any] = {
        "number": number,
        "source": f"cell {number}",
        "outputs": outputs,
        "outputs_hash": f"sha256:{printed}",
    }
    return Cell(**{**made, **changes})


def digest(value: str | None, kind: str = "int") -> dict[str, Any]:
    return {"type": kind, "digest": value and f"sha256:{value}", "size": 1}


def placed(value: str, placeless: str) -> dict[str, Any]:
    marks = {"placeless": f"sha256:{placeless}", "marked": ["the run's folder"]}
    return {**digest(value, "str"), **marks}


def write(path: str, content: str | None, cell: int = 1, reason: str | None = None) -> Use:
    return Use(path=path, role="write", hash=content, reason=reason, cell=cell)


def error(name: str, value: str = "") -> dict[str, Any]:
    return {"status": "failed", "error": {"name": name, "value": value}}


@dataclass(frozen=True, kw_only=True)
class Case:
    name: str
    then: dict[str, Any] = field(default_factory=dict)
    now: dict[str, Any] = field(default_factory=dict)
    written_then: tuple[Use, ...] = ()
    written_now: tuple[Use, ...] = ()
    verdict: str = "identical"
    says: str | None = None


CASES = (
    Case(name="nothing differs"),
    Case(name="another output", then={"printed": "1"}, now={"printed": "2"}, verdict="different"),
    Case(
        name="another address",
        then={"printed": "<a at 0x7f0000000001>"},
        now={"printed": "<a at 0x7f0000000002>"},
        verdict="equivalent",
        says="memory addresses",
    ),
    Case(
        name="a printed hash is no address",
        then={"printed": "0x7f0000000001"},
        now={"printed": "0x7f0000000002"},
        verdict="different",
    ),
    Case(
        name="the folder of the run",
        then={"printed": "in /then/a.csv"},
        now={"printed": "in /now/a.csv"},
        verdict="equivalent",
        says="folder",
    ),
    Case(
        name="a duration that no magic printed",
        then={"printed": "took 5 min"},
        now={"printed": "took 6 min"},
        verdict="different",
    ),
    Case(
        name="%time",
        then={"printed": "CPU times: user 1 ms, sys: 2 ms\nWall time: 3 ms\n"},
        now={"printed": "CPU times: user 4 ms, sys: 5 ms\nWall time: 6 ms\n"},
        verdict="equivalent",
        says="%time",
    ),
    Case(
        name="a progress bar",
        then={"printed": "\r 50%|█ | 1/2 [00:01<00:01,  1.0it/s]\r100%|██| 2/2 [00:02<00:00]"},
        now={"printed": "\r100%|██| 2/2 [00:07<00:00]"},
        verdict="equivalent",
        says="progress bars",
    ),
    Case(
        name="an output that was not recorded",
        now={"outputs_hash": None, "outputs": None},
        verdict="not compared",
        says="repeated cell's output was not recorded",
    ),
    Case(
        name="two outputs that were not recorded",
        then={"outputs_hash": None, "outputs": None},
        now={"outputs_hash": None, "outputs": None},
        verdict="not compared",
    ),
    Case(
        name="a large output that is the same",
        then={"outputs_hash": None, "outputs": None, "capped_sha256": "a"},
        now={"outputs_hash": None, "outputs": None, "capped_sha256": "a"},
    ),
    Case(
        name="a large output that differs",
        then={"outputs_hash": None, "outputs": None, "capped_sha256": "a"},
        now={"outputs_hash": None, "outputs": None, "capped_sha256": "b"},
        verdict="different",
    ),
    Case(
        name="a masked part of an output",
        then={"outputs_masked": 1},
        now={"outputs_masked": 1},
        says="masked",
    ),
    Case(
        name="an error now", now=error("ValueError", "no"), verdict="failed", says="ValueError: no"
    ),
    Case(name="no error now", then=error("ValueError"), verdict="different", says="ValueError"),
    Case(name="the same error", then=error("ValueError", "a"), now=error("ValueError", "a")),
    Case(
        name="another error", then=error("A"), now=error("B"), verdict="different", says="raises B"
    ),
    Case(
        name="an error in other words",
        then=error("A", "x"),
        now=error("A", "y"),
        verdict="different",
    ),
    Case(name="input", now=error("StdinNotImplementedError"), verdict="failed", says="for input"),
    Case(name="death", now={"status": "died"}, verdict="failed", says="died"),
    Case(
        name="another value",
        then={"digests": {"x": digest("a")}},
        now={"digests": {"x": digest("b")}},
        verdict="different",
        says="value of x",
    ),
    Case(
        name="a value without a digest",
        then={"digests": {"m": digest(None, "lib.Model")}},
        now={"digests": {"m": digest(None, "lib.Model")}},
        says="not compared: m (Model)",
    ),
    Case(
        name="a bound method without a digest is a value like any other",
        then={"digests": {"m": digest(None, "method")}},
        now={"digests": {"m": digest(None, "method")}},
        says="not compared: m (method)",
    ),
    Case(
        name="a function without a digest is like any value without one",
        then={"digests": {"f": digest(None, "function")}},
        now={"digests": {"f": digest(None, "function")}},
        says="not compared: f (function)",
    ),
    Case(
        name="the same but for the run's folder",
        then={"digests": {"p": placed("a", "p")}},
        now={"digests": {"p": placed("b", "p")}},
        verdict="equivalent",
        says="the value of p is the same but for the run's folder",
    ),
    Case(
        name="another path in the run's folder",
        then={"digests": {"p": placed("a", "p")}},
        now={"digests": {"p": placed("b", "q")}},
        verdict="different",
    ),
    Case(
        name="the run's folder in only one of them",
        then={"digests": {"p": placed("a", "p")}},
        now={"digests": {"p": digest("b", "str")}},
        verdict="different",
    ),
    Case(
        name="a path that is the same as it is",
        then={"digests": {"p": placed("a", "p")}},
        now={"digests": {"p": digest("a", "str")}},
    ),
    Case(
        name="values of other types",
        then={"digests": {"m": digest(None, "A")}},
        now={"digests": {"m": digest(None, "B")}},
        verdict="different",
    ),
    Case(
        name="a name that only one run set",
        then={"digests": {"x": digest("a")}},
        verdict="different",
        says="only one of the runs set x",
    ),
    Case(
        name="the same file",
        written_then=(write("/then/a", "h"),),
        written_now=(write("/now/a", "h"),),
    ),
    Case(
        name="another file",
        written_then=(write("/then/a", "h"),),
        written_now=(write("/now/a", "i"),),
        verdict="different",
        says="a: its bytes differ",
    ),
    Case(
        name="a file that is not written again",
        written_then=(write("/then/a", "h"),),
        verdict="different",
        says="not written again",
    ),
    Case(
        name="a file that was not hashed",
        written_then=(write("/then/a", None, reason="changed"),),
        written_now=(write("/now/a", "h"),),
        verdict="not compared",
        says="changed",
    ),
    Case(
        name="a temporary file that was removed again",
        written_then=(
            write("/then/a", "h"),
            Use(path="/then/a", role="remove", hash=None, reason="removed", cell=1),
        ),
    ),
    Case(
        name="a seed is set",
        then={"random": {"numpy": ["a", "s"]}},
        now={"random": {"numpy": ["b", "s"]}},
    ),
    Case(
        name="a state that nobody drew from",
        then={"random": {"numpy": ["a", "a"]}},
        now={"random": {"numpy": ["b", "b"]}},
    ),
    Case(
        name="numpy's own state begins with its import",
        then={"random": {"numpy": [None, "a"]}},
        now={"random": {"numpy": [None, "b"]}},
    ),
    Case(
        name="a generator without a seed",
        then={"random": {"generator:r": [None, "a"]}, "digests": {"r": digest(None, "Generator")}},
        now={"random": {"generator:r": [None, "b"]}, "digests": {"r": digest(None, "Generator")}},
        verdict="different",
        says="unseeded random state (r)",
    ),
    Case(
        name="an output in other pieces",
        now={"outputs_hash": "sha256:x"},
        verdict="equivalent",
        says="pieces",
    ),
    Case(
        name="a draw for a value without a digest",
        then={"random": {"numpy": ["a", "c"]}, "digests": {"m": digest(None, "Model")}},
        now={"random": {"numpy": ["b", "d"]}, "digests": {"m": digest(None, "Model")}},
        verdict="different",
        says="unseeded random state (numpy) first used in cell 1",
    ),
    Case(
        name="a draw that may have changed what was given",
        then={"random": {"random": ["a", "c"]}, "names_read": ("deck",)},
        now={"random": {"random": ["b", "d"]}, "names_read": ("deck",)},
        verdict="different",
    ),
    Case(
        name="a draw by a library that is imported",
        then={
            "source": "from sklearn.ensemble import IsolationForest\nm = IsolationForest()",
            "random": {"random": ["a", "c"]},
            "names_read": ("x",),
            "digests": {"m": digest(None, "IsolationForest")},
        },
        now={
            "random": {"random": ["b", "d"]},
            "names_read": ("x",),
            "digests": {"m": digest(None, "IsolationForest")},
        },
        says="m (IsolationForest), random numbers drawn meanwhile (random)",
    ),
    Case(
        name="a draw in a cell that imports the module to draw with",
        then={
            "source": "import random\nrandom.shuffle(deck)",
            "random": {"random": ["a", "c"]},
            "names_read": ("deck",),
        },
        now={"random": {"random": ["b", "d"]}, "names_read": ("deck",)},
        verdict="different",
    ),
    Case(
        name="a draw in an import, for nothing that is seen",
        then={"random": {"random": ["a", "c"]}},
        now={"random": {"random": ["b", "d"]}},
        says="random numbers drawn meanwhile (random)",
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_verdict_of_one_cell(case):
    then = Evidence(id="t", cwd=THEN, cells=(cell(**case.then),), uses=case.written_then)
    now = Evidence(id="n", cwd=NOW, cells=(cell(**case.now),), uses=case.written_now)
    (found,) = judge_cells(then, now, Circumstances())
    assert (found.verdict, found.reason) == (case.verdict, found.reason)
    if case.says:
        assert case.says in (found.reason or "")
    elif case.verdict == "identical":
        assert found.reason is None


def chain(*printed: str, reads: tuple[tuple[str, ...], ...]) -> tuple[Cell, ...]:
    return tuple(
        cell(number, value, names_read=names, names_written=(f"n{number}",))
        for number, (value, names) in enumerate(zip(printed, reads, strict=True), start=1)
    )


READS: tuple[tuple[str, ...], ...] = ((), ("n1",), (), ("n2",))


def test_what_differs_downstream_names_the_cell_before_it():
    then = Evidence(id="t", cwd=THEN, cells=chain("a", "b", "c", "d", reads=READS))
    now = Evidence(id="n", cwd=NOW, cells=chain("A", "B", "c", "D", reads=READS))
    found = judge_cells(then, now, Circumstances())
    assert [one.verdict for one in found] == ["different", "different", "identical", "different"]
    assert [(one.reason or "").startswith("depends on cell") for one in found] == [
        *(False, True, False, True)
    ]


def test_a_cell_that_hangs_on_another_and_is_equal_stays_identical():
    then = Evidence(id="t", cwd=THEN, cells=chain("a", "b", "c", "d", reads=READS))
    now = Evidence(id="n", cwd=NOW, cells=chain("A", "b", "c", "d", reads=READS))
    found = judge_cells(then, now, Circumstances())
    assert [one.verdict for one in found] == ["different", *["identical"] * 3]


def test_what_hangs_on_a_differing_cell_and_has_no_digest_is_not_compared():
    model: dict[str, Any] = {"digests": {"m": digest(None, "Model")}, "names_read": ("n1",)}
    first = chain("a", reads=((),))
    then = Evidence(id="t", cwd=THEN, cells=(*first, cell(2, **model)))
    now = Evidence(id="n", cwd=NOW, cells=(cell(1, "A", names_written=("n1",)), cell(2, **model)))
    assert judge_cells(then, now, Circumstances())[1].verdict == "not compared"


MODEL: dict[str, Any] = {"digests": {"m": digest(None, "Model")}, "names_bound": ("m",)}
READ: dict[str, Any] = {"names_read": ("m",)}
SAME: dict[str, Any] = {"digests": {"m": {**digest(None, "Model"), "same": True}}}


@pytest.mark.parametrize(
    ("cells", "verdicts"),
    [
        ([MODEL, READ], ["not compared", "identical"]),
        ([MODEL, {}, {**READ, **SAME}], ["not compared", "identical", "identical"]),
        ([MODEL, {**READ, **SAME}, READ], ["not compared", "not compared", "identical"]),
        ([MODEL, {}], ["identical"] * 2),
        ([MODEL, MODEL, READ], ["identical", "not compared", "identical"]),
        ([MODEL, {**MODEL, **READ}], ["not compared", "identical"]),
        ([READ, MODEL], ["identical"] * 2),
    ],
)
def test_a_value_without_a_digest_counts_where_a_later_cell_reads_it(cells, verdicts):
    made = tuple(cell(number, **one) for number, one in enumerate(cells, start=1))
    then, now = (Evidence(id=name, cwd=name, cells=made) for name in (THEN, NOW))
    found = judge_cells(then, now, Circumstances())
    assert [one.verdict for one in found] == verdicts
    for one in found:
        assert one.verdict == "identical" or "no digest for m (Model)" in (one.reason or "")


def test_a_read_that_only_the_repetition_made_counts_too():
    then = Evidence(id="t", cwd=THEN, cells=(cell(1, **MODEL), cell(2)))
    now = Evidence(id="n", cwd=NOW, cells=(cell(1, **MODEL), cell(2, **READ)))
    assert judge_cells(then, now, Circumstances())[0].verdict == "not compared"


def test_a_repetition_that_read_a_changed_original_is_told_so():
    def reads(content: str | None) -> tuple[Use, ...]:
        return (Use(path="/data/in.csv", role="read", hash=content, cell=1),)

    then = Evidence(id="t", cwd=THEN, cells=(cell(1, "a"),), uses=reads("h"))
    now = Evidence(id="n", cwd=NOW, cells=(cell(1, "b"),), uses=reads("i"))
    (found,) = judge_cells(then, now, Circumstances())
    assert found.verdict == "not compared"
    assert found.reason == "it read /data/in.csv outside its own folder, which has changed since"
    (found,) = judge_cells(then, replace(now, uses=reads("h")), Circumstances())
    assert (found.verdict, found.reason) == ("different", "the output differs")


def test_cells_that_were_not_run_are_not_compared_and_neither_is_what_needs_them():
    then = Evidence(id="t", cwd=THEN, cells=chain("a", "b", "c", "d", reads=READS))
    again = chain("a", "b", "c", "d", reads=READS)
    failed = replace(again[1], **error("NameError", "n1"))
    now = Evidence(id="n", cwd=NOW, cells=(failed, again[2], replace(again[3], **error("E"))))
    found = judge_cells(then, now, Circumstances(skipped={1: "masked"}))
    assert [one.verdict for one in found] == [*["not compared"] * 2, "identical", "not compared"]
    assert found[0].reason == "masked"


def test_a_repetition_that_read_the_originals_result_is_not_compared():
    wrote = (write("/then/made", "h"), Use(path="/then/made", role="read", hash="h", cell=2))
    stray = (write("/now/made", "h"), Use(path="/then/made", role="read", hash="h", cell=2))
    cells = chain("a", "b", reads=((), ()))
    then = Evidence(id="t", cwd=THEN, cells=cells, uses=wrote)
    now = Evidence(id="n", cwd=NOW, cells=cells, uses=stray)
    found = judge_cells(then, now, Circumstances())
    assert [one.verdict for one in found] == ["identical", "not compared"]
    assert "/then/made" in (found[1].reason or "")


def test_cells_after_the_kernels_death_have_failed():
    then = Evidence(id="t", cwd=THEN, cells=chain("a", "b", reads=((), ())))
    now = Evidence(id="n", cwd=NOW, cells=(cell(1, "a", status="died"),))
    found = judge_cells(then, now, Circumstances(broken="the kernel died in cell 1"))
    assert [one.verdict for one in found] == ["failed", "failed"]
    assert found[1].reason == "not run: the kernel died in cell 1"


@pytest.mark.parametrize(
    ("then", "now", "verdict"),
    [
        (0.5, 0.5, "identical"),
        (0.5, 0.6, "different"),
        ("nan", "nan", "identical"),
        (0.5, None, "different"),
        (None, 0.5, "different"),
    ],
)
def test_metrics_are_compared_as_they_are(then, now, verdict):
    def run(value: float | str | None) -> Evidence:
        metrics = {} if value is None else {"auc": value}
        return Evidence(id="r", cwd=THEN, cells=(cell(),), metrics=metrics)

    document = judge(run(then), run(now), Circumstances())
    assert [one["verdict"] for one in document["metrics"]] == [verdict]
    assert document["verdict"] == verdict


def test_a_file_names_the_cell_that_made_it_differ():
    then = Evidence(id="t", cwd=THEN, cells=(cell(1, "a"),), uses=(write("/then/a", "h"),))
    now = Evidence(id="n", cwd=NOW, cells=(cell(1, "b"),), uses=(write("/now/a", "i"),))
    (file,) = judge(then, now, Circumstances())["files"]
    assert file == {
        "path": "/then/a",
        "verdict": "different",
        "reason": "written by cell 1, which differs: its bytes differ",
    }


def test_a_name_that_a_cell_only_names_makes_no_other_cell_differ():
    mentioned = {**digest("m", "module"), "same": True}

    def cells(printed: str) -> tuple[Cell, ...]:
        first = cell(1, printed, digests={"time": mentioned}, names_written=("time",))
        second = cell(2, printed, digests={"time": mentioned}, names_read=("time",))
        return first, second

    then, now = (Evidence(id="r", cwd=THEN, cells=cells(printed)) for printed in "ab")
    found = judge_cells(then, now, Circumstances())
    assert [one.verdict for one in found] == ["different"] * 2
    assert "depends on" not in str(found[1].reason)
