"""What programs that a cell started read or wrote is not seen, and no verdict pretends it was."""

from __future__ import annotations

import pytest

from jupyter_lineage.reproduce import fence
from jupyter_lineage.reproduce.evidence import Cell, Evidence, Use
from jupyter_lineage.reproduce.inputs import find_inputs, hash_file
from jupyter_lineage.reproduce.reproduction import prepare
from jupyter_lineage.reproduce.verdict import Circumstances, judge
from jupyter_lineage.store.content import Content

from .conftest import files_of

pytestmark = pytest.mark.skipif(not fence.is_available(), reason="this system has no Landlock")

CACHE = (
    "import os\nif not os.path.exists('cache.txt'):\n    os.system('date +%N > cache.txt')\n"
    "print(open('cache.txt').read())"
)


def test_a_cell_whose_program_wrote_something_is_not_identical(bench, words):
    run = bench.record("!head -c 16 /dev/urandom | base64 > r.txt", "print(1)")
    document = bench.reproduce(run)
    assert words(document) == ["not compared", "identical"], document
    assert document["verdict"] == "not compared"
    assert "started other programs" in document["executions"][0]["reason"]
    said = "cell 1 started other programs; what they read is not in the record"
    assert said in document["problems"]


def test_a_file_that_a_program_of_the_run_made_is_made_again(bench, words):
    run = bench.record(CACHE)
    document = bench.reproduce(run)
    assert words(document) == ["different"], document
    assert any("cache.txt" in said and "left out" in said for said in document["problems"])


def test_a_file_that_was_there_before_the_run_stays_an_input(bench, words):
    bench.write("data.csv", "1,2")
    run = bench.record("!true", "print(open('data.csv').read())")
    document = bench.reproduce(run)
    assert words(document) == ["not compared", "identical"], document
    assert files_of(document) == {}


def test_a_file_that_an_earlier_run_met_stays_an_input(bench, words):
    data = bench.write("data.csv", "1,2")
    bench.record("print(open('data.csv').read())")
    run = bench.record("!true", "print(open('data.csv').read())")
    data.write_text("3,4")
    document = bench.reproduce(run)
    assert words(document) == ["not compared", "identical"], document


def test_a_file_that_a_program_made_again_as_it_was_is_no_input(bench, words):
    cells = "!rm -f five.txt; echo 5 > five.txt", "print(open('five.txt').read())"
    bench.record(*cells)
    run = bench.record(*cells)
    prepared = prepare(bench.database, run)
    made = str(bench.project / "five.txt")
    assert [one.path for one in prepared.plan.inputs.left_out] == [made]
    assert prepared.plan.inputs.files == ()
    assert any(made in said and "left out" in said for said in prepared.problems)
    document = bench.reproduce(run)
    assert words(document) == ["not compared", "identical"], document
    assert any(made in said and "left out" in said for said in document["problems"])


def test_what_a_reader_of_such_a_file_says_depends_on_the_program(bench, words):
    run = bench.record("!date +%N > now.txt", "print(open('now.txt').read())")
    document = bench.reproduce(run)
    assert words(document) == ["not compared", "not compared"], document
    assert document["executions"][1]["reason"].startswith("depends on cell 1")


def test_a_file_of_unknown_age_is_left_out_and_its_reader_not_called_failed(bench, words):
    data = bench.write("data.csv", "1,2")
    run = bench.record("!true", "print(open('data.csv').read())")
    bench.forget_signatures()
    data.write_text("3,4")
    document = bench.reproduce(run)
    assert words(document) == ["not compared", "not compared"], document
    assert "may have made itself" in document["executions"][1]["reason"]


def test_an_input_of_unknown_age_is_named(bench, words):
    data = bench.write("data.csv", "1,2")
    run = bench.record("print(open('data.csv').read())")
    assert not any("can't be told" in said for said in bench.reproduce(run)["problems"])
    bench.forget_signatures()
    data.write_text("3,4")
    document = bench.reproduce(run)
    assert words(document) == ["identical"], document
    (said,) = (said for said in document["problems"] if "can't be told" in said)
    assert str(data) in said


STARTED = "2026-01-05T09:00:00+00:00"
BEFORE, DURING = 1_767_603_599_000_000_000, 1_767_603_601_000_000_000


def inputs_of(tmp_path, *, times, programs, level="full", path="made.txt"):
    """Return the inputs of a run of three cells, the second of which starts programs or does not.

    The third reads a file that had these times then.
    """
    cells = [Cell(number=number, source="", programs=number == 2 and programs) for number in (1, 2)]
    made = tmp_path / path
    made.write_text("1")
    known = hash_file(str(made))
    signature = (1, 1, 1, *times)
    use = Use(path=str(made), role="read", hash=known, cell=3, signature=signature)
    evidence = Evidence(
        id="r",
        cwd=str(tmp_path / "project"),
        started_at=STARTED,
        capture_level=level,
        cells=(*cells, Cell(number=3, source="")),
        uses=(use,),
    )
    found = find_inputs(evidence, Content(tmp_path / "content"), fixed=False)
    kinds = ("files", "in_place", "left_out", "doubtful", "ageless")
    return [kind for kind in kinds if getattr(found, kind)]


@pytest.mark.parametrize(
    ("times", "programs", "level", "found"),
    [
        ((BEFORE, BEFORE), True, "full", ["files"]),
        ((DURING, DURING), True, "full", ["left_out"]),
        ((BEFORE, DURING), True, "full", ["left_out"]),  # a copy with its times, a download
        ((DURING, DURING), False, "full", ["files"]),
        ((DURING, DURING), False, "python-only", ["left_out"]),
        ((BEFORE, BEFORE), False, "python-only", ["files"]),
    ],
)
def test_whose_work_a_file_is(tmp_path, times, programs, level, found):
    (tmp_path / "project").mkdir()
    path = "project/made.txt"
    assert inputs_of(tmp_path, times=times, programs=programs, level=level, path=path) == found


def test_such_a_file_outside_the_folder_is_doubtful(tmp_path):
    found = inputs_of(tmp_path, times=(DURING, DURING), programs=True)
    assert found == ["in_place", "doubtful"]
    assert inputs_of(tmp_path, times=(BEFORE, BEFORE), programs=True) == ["in_place"]


def test_a_cell_that_read_a_doubtful_file_is_not_compared():
    cells = tuple(Cell(number=1, source="", outputs=(), outputs_hash="sha256:0") for _ in "x")
    run = Evidence(id="r", cwd="/work", cells=cells)
    known = Circumstances(doubtful={"/data/a.csv": (1,)})
    (found,) = judge(run, run, known)["executions"]
    assert found["verdict"] == "not compared"
    assert "/data/a.csv" in found["reason"]
