"""Deterministic runs are identical again, whatever has become of the originals."""

from __future__ import annotations

from jupyter_lineage.store import queries

from .conftest import files_of

TABLE = "x,y\n1,2\n3,4\n"
CELLS = (
    "rows = [line.split(',') for line in open('data/in.csv').read().split()]\nprint(rows)",
    "total = sum(int(x) for x, _ in rows[1:])\ntotal",
    "with open('out.txt', 'w') as stream:\n    stream.write(f'{total}\\n')",
    "print(open('out.txt').read())",
)


def test_a_deterministic_run_is_identical(bench, words):
    bench.write("data/in.csv", TABLE)
    run = bench.record(*CELLS)
    document = bench.reproduce(run)
    assert words(document) == ["identical"] * 4, document
    assert files_of(document) == {"out.txt": "identical"}
    assert document["verdict"] == "identical"


def test_it_is_identical_after_the_originals_are_changed_and_removed(bench, words):
    source = bench.write("data/in.csv", TABLE)
    run = bench.record(*CELLS)
    source.write_text("x,y\n9,9\n")
    (bench.project / "out.txt").unlink()
    document = bench.reproduce(run)
    assert words(document) == ["identical"] * 4, document
    assert source.read_text() == "x,y\n9,9\n"
    assert not (bench.project / "out.txt").exists()


def test_local_modules_come_from_the_record(bench, words):
    module = bench.write("helpers.py", "def double(x):\n    return 2 * x\n")
    run = bench.record("import helpers", "helpers.double(21)")
    module.write_text("def double(x):\n    return 3 * x\n")
    document = bench.reproduce(run)
    assert words(document) == ["identical"] * 2, document


def test_what_the_run_made_itself_is_computed_again(bench, words):
    cells = (
        "import os",
        "if os.path.exists('cache.txt'):\n    value = open('cache.txt').read()\n"
        "else:\n    value = 'computed'\n    open('cache.txt', 'w').write(value)",
        "print('from cache' if os.path.getsize('cache.txt') > 8 else 'fresh', value)",
    )
    run = bench.record(*cells)
    (bench.project / "cache.txt").write_text("a stale result")
    document = bench.reproduce(run)
    assert words(document) == ["identical"] * 3, document
    assert files_of(document) == {"cache.txt": "identical"}


def test_a_failed_cell_is_expected_to_fail_and_the_rest_goes_on(bench, words):
    run = bench.record("1 / 0", "print('after')")
    document = bench.reproduce(run)
    assert words(document) == ["identical"] * 2, document


def test_the_verdict_is_stored_and_the_reproduction_is_a_run_linked_to_the_first(bench):
    run = bench.record("print(1)")
    document = bench.reproduce(run)
    stored = bench.stored_verdict(document["reproduction"])
    assert stored is not None
    assert stored["verdict"] == "identical"
    assert stored["run"] == run
    with bench.store() as store:
        shown = queries.show_run(store, document["reproduction"])
    assert (shown["kind"], shown["parent_id"]) == ("reproduction", run)


def test_a_tracked_run_is_reproduced_with_the_kernel_it_was_in(bench, words):
    run = bench.record(
        "x = 1", "%track start sweep", "x + 1", "%track metric auc=0.5", "%track stop"
    )
    document = bench.reproduce(run)
    assert words(document) == ["identical"] * 5, document
    assert [one["verdict"] for one in document["metrics"]] == ["identical"]


def test_folders_that_were_there_are_there_again(bench, words):
    (bench.project / "results").mkdir()
    run = bench.record("open('results/a.txt', 'w').write('a')")
    document = bench.reproduce(run)
    assert words(document) == ["identical"], document


def test_folders_that_the_run_made_are_not_there(bench, words):
    run = bench.record("import os; os.mkdir('made')", "open('made/a.txt', 'w').write('a')")
    document = bench.reproduce(run)
    assert words(document) == ["identical"] * 2, document
