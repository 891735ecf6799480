"""A run that can't come out the same is told so: where, why, and what hangs on it."""

from __future__ import annotations

from .conftest import Document, files_of


def reasons(document: Document) -> list[str]:
    return [one["reason"] for one in document["executions"]]


def test_an_unseeded_random_cell_differs_exactly_there_and_downstream(bench, words):
    run = bench.record(
        "import random, json",
        "base = [1, 2, 3]",
        "noise = random.random()",
        "shifted = [x + noise for x in base]\njson.dump(shifted, open('noisy.json', 'w'))",
        "json.dump(base, open('base.json', 'w'))",
        "print(shifted)",
        "print(base)",
        "print(open('noisy.json').read())",
    )
    document = bench.reproduce(run)
    same, other = "identical", "different"
    assert words(document) == [same, same, other, other, same, other, same, other], document
    assert "unseeded random state (random) first used in cell 3" in reasons(document)[2]
    assert "depends on cell 3" in reasons(document)[3]
    assert "depends on cell 4" in reasons(document)[7]
    assert files_of(document) == {"noisy.json": other, "base.json": same}
    assert document["verdict"] == other


def test_a_seeded_random_cell_is_identical(bench, words):
    run = bench.record(
        "import random, numpy as np",
        "random.seed(1)",
        "print(random.random())",
        "rng = np.random.default_rng(7)\nrng.random()",
        "print(rng.random())",
    )
    document = bench.reproduce(run)
    assert words(document) == ["identical"] * 5, document


def test_an_unseeded_generator_differs_from_where_it_is_made(bench, words):
    run = bench.record(
        "import numpy as np", "rng = np.random.default_rng()", "rng.random()", "print('other')"
    )
    document = bench.reproduce(run)
    assert words(document) == ["identical", "different", "different", "identical"], document
    assert "rng" in reasons(document)[1]


def test_an_input_that_can_not_be_had_is_not_compared(bench, words):
    source = bench.write("in.txt", "data")
    run = bench.record("text = open('in.txt').read()", "print(text)", "print('free')")
    source.unlink()
    bench.forget_bytes()
    document = bench.reproduce(run)
    assert words(document) == ["not compared", "not compared", "identical"], document
    assert "not in the record" in reasons(document)[0]
    assert "in.txt" in " ".join(document["problems"])
    assert document["verdict"] == "not compared"


def test_bytes_that_were_not_kept_come_from_the_unchanged_original(bench, words):
    bench.write("in.txt", "data")
    run = bench.record("print(open('in.txt').read())")
    bench.forget_bytes()
    assert words(bench.reproduce(run)) == ["identical"]


def test_addresses_and_the_working_folder_make_an_output_equivalent(bench, words):
    run = bench.record("object()", "import os; print(os.getcwd())")
    document = bench.reproduce(run)
    assert words(document) == ["equivalent"] * 2, document
    assert document["verdict"] == "equivalent"
    assert "memory addresses" in reasons(document)[0]


def test_a_cell_that_fails_now_is_failed(bench, words):
    bench.write("flag.txt", "x")
    run = bench.record("import os", "assert 'reproductions' not in os.getcwd()", "print('end')")
    document = bench.reproduce(run)
    assert words(document) == ["identical", "failed", "identical"], document
    assert "AssertionError" in reasons(document)[1]


def test_a_cell_that_asks_for_input_now_is_said(bench, words):
    run = bench.record("import os", "if 'reproductions' in os.getcwd():\n    input('name?')")
    document = bench.reproduce(run)
    assert words(document) == ["identical", "failed"], document
    assert "asked for input" in reasons(document)[1]


def test_a_kernel_that_dies_ends_the_reproduction_there(bench, words):
    run = bench.record(
        "import os", "if 'reproductions' in os.getcwd():\n    os._exit(3)", "print('never')"
    )
    document = bench.reproduce(run)
    assert words(document) == ["identical", "failed", "failed"], document
    assert "died" in reasons(document)[1]
    assert "cell 2" in reasons(document)[2]


def test_a_cell_in_which_the_kernel_died_is_not_run_again(bench, words):
    run = bench.record("print(1)", "import os; os._exit(1)")
    document = bench.reproduce(run)
    assert words(document) == ["identical", "not compared"], document
    assert any("cell 2 is not run again" in problem for problem in document["problems"])


def test_a_time_limit_ends_what_would_go_on_for_ever(bench, words):
    run = bench.record("import os", "while 'reproductions' in os.getcwd():\n    pass", "1")
    document = bench.reproduce(run, seconds=3)
    assert words(document) == ["identical", "failed", "failed"], document
    assert "time limit" in reasons(document)[2]


def test_what_a_cell_changes_in_place_is_compared(bench, words):
    run = bench.record(
        "import time, json, pandas as pd",
        "frame, items, same = pd.DataFrame({'a': [1]}), [], [1]",
        "frame['b'] = time.time_ns()",
        "items.append(time.time_ns())",
        "same.append(2)",
        "other = 'free'",
    )
    document = bench.reproduce(run)
    same, different = "identical", "different"
    assert words(document) == [same, same, different, different, same, same], document


def test_a_draw_beside_an_import_is_no_draw_of_the_import(bench, words):
    run = bench.record("import os; import random; x = [1, 2, 3, 4, 5, 6, 7, 8]; random.shuffle(x)")
    document = bench.reproduce(run)
    assert words(document) == ["different"], document
    assert "unseeded random state" in reasons(document)[0]


def test_a_line_that_only_begins_like_a_duration_is_compared(bench, words):
    run = bench.record("import os\nprint('user', os.urandom(4).hex(), 'scored')")
    assert words(bench.reproduce(run)) == ["different"]
