"""What programs that a cell started read or wrote is not seen, and no verdict pretends it was."""

from __future__ import annotations

import pytest

from jupyter_lineage.reproduce import fence

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
    assert words(bench.reproduce(run)) == ["not compared", "identical"]


def test_a_file_of_unknown_age_is_left_out_and_its_reader_not_called_failed(bench, words):
    data = bench.write("data.csv", "1,2")
    run = bench.record("!true", "print(open('data.csv').read())")
    data.write_text("3,4")
    document = bench.reproduce(run)
    assert words(document) == ["not compared", "not compared"], document
    assert "may have been made by a program" in document["executions"][1]["reason"]
