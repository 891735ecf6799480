"""The headline question: what a model came from, over several runs, and what a data set fed."""

from __future__ import annotations

from jupyter_lineage.lineage import trace
from tests.builders import Cell, File, make_run

from .answers import edge, file_id, ids, names, runs

RAW = File(path="/work/raw.csv", content=b"raw")
CLEAN = File(path="/work/clean.parquet", content=b"clean")
MODEL = File(path="/work/model.joblib", content=b"model")
FIGURE = File(path="/work/figure.png", content=b"figure")


def history(store):
    clean = make_run(
        store, notebook="/work/clean.ipynb", cells=[Cell(reads=[RAW]), Cell(writes=[CLEAN])]
    )
    train = make_run(store, cells=[Cell(reads=[CLEAN]), Cell(), Cell(writes=[MODEL])])
    plot = make_run(store, cells=[Cell(reads=[CLEAN], writes=[FIGURE])])
    return clean, train, plot


def test_a_model_is_traced_over_runs_to_the_raw_data(store):
    clean, train, _ = history(store)
    answer = trace(store, MODEL.path)
    assert answer["start"] == file_id(b"model")
    assert names(answer) == {"clean.parquet", "raw.csv"}
    assert runs(answer) == {clean, train}


def test_edges_speak_prov_with_their_subject_as_source_and_name_the_cells(store):
    clean, train, _ = history(store)
    answer = trace(store, MODEL.path)
    made = edge(answer, "wasGeneratedBy", file_id(b"model"), f"run:{train}")
    read = edge(answer, "used", f"run:{train}", file_id(b"clean"))
    assert made["executions"] == [3]
    assert read["executions"] == [1]
    assert len(answer["edges"]) == 4
    assert edge(answer, "used", f"run:{clean}", file_id(b"raw"))


def test_data_is_traced_down_to_all_that_it_fed(store):
    clean, train, plot = history(store)
    answer = trace(store, RAW.path, down=True)
    assert names(answer) == {"clean.parquet", "model.joblib", "figure.png"}
    assert runs(answer) == {clean, train, plot}


def test_a_run_is_traced_to_its_inputs_and_to_its_outputs(store):
    clean, train, _ = history(store)
    up = trace(store, train[-8:])
    assert up["start"] == f"run:{train}"
    assert names(up) == {"clean.parquet", "raw.csv"}
    assert "model.joblib" in names(trace(store, clean, down=True))
    assert "model.joblib" not in names(up)


def test_a_cycle_between_runs_ends(store):
    one, two = File(path="/w/one", content=b"one"), File(path="/w/two", content=b"two")
    first = make_run(store, cells=[Cell(reads=[one], writes=[two])])
    second = make_run(store, cells=[Cell(reads=[two], writes=[one])])
    for down in (False, True):
        assert runs(trace(store, "/w/one", down=down)) == {first, second}


def test_a_read_whose_version_is_not_known_is_in_the_answer_with_the_reason(store):
    gone = File(path="/work/gone.csv", content=None, reason="removed before it was hashed")
    make_run(store, cells=[Cell(reads=[gone], writes=[MODEL])])
    (node,) = (node for node in trace(store, MODEL.path)["nodes"] if "?" in node["id"])
    assert node["id"] == "file:?file:///work/gone.csv"
    assert (node["hash"], node["reason"]) == (None, "removed before it was hashed")


def test_an_answer_that_is_too_long_says_that_it_was_cut(store):
    many = [File(path=f"/work/{n}", content=b"%d" % n) for n in range(20)]
    make_run(store, cells=[Cell(reads=many, writes=[MODEL])])
    assert not trace(store, MODEL.path)["truncated"]
    make_run(store, cells=[Cell(reads=[File(path="/first", content=b"1st")], writes=[many[3]])])
    cut = trace(store, MODEL.path, limit=10)
    assert cut["truncated"]
    assert "first" not in names(cut)
    assert {end for e in cut["edges"] for end in (e["source"], e["target"])} <= ids(cut)


def test_strangers_are_not_joined_by_an_empty_file(store):
    make_run(store, cells=[Cell(reads=[RAW], writes=[File(path="/a/log.txt", content=b"")])])
    make_run(store, cells=[Cell(reads=[File(path="/b/__init__.py", content=b"")], writes=[MODEL])])
    assert names(trace(store, MODEL.path)) == {"__init__.py"}


def test_an_empty_file_is_followed_at_its_own_place(store):
    flag = File(path="/work/_SUCCESS", content=b"")
    make_run(store, cells=[Cell(reads=[RAW], writes=[flag])])
    make_run(store, cells=[Cell(reads=[flag], writes=[MODEL])])
    assert names(trace(store, MODEL.path)) == {"_SUCCESS", "raw.csv"}
    assert names(trace(store, "/work/_SUCCESS")) == {"raw.csv"}
