from __future__ import annotations

import math
import re
from typing import Any

import pytest

from .kernels import Kernel, of


def tracks(kernel: Kernel, code: str) -> tuple[str, list[Any]]:
    """Run a cell; return what it printed and the track records it left."""
    before = len(of(kernel.records(), "track"))
    text = kernel.text(code)
    return text, of(kernel.records(), "track")[before:]


def test_alone_it_says_what_is_recorded_and_where(shared):
    text, records = tracks(shared, "%track")
    assert records == []
    assert "Recording is on" in text
    assert str(shared.home / "lineage.db") in text
    for word in ("run", "notebook", "capture level", "%track off", "JUPYTER_LINEAGE_DISABLE"):
        assert word in text


def test_parameters_keep_their_kind(shared):
    text, records = tracks(
        shared, "%track param lr=0.1 n=3 name=adam flag=True none=None l=[1, 2] s='a b' t=(1, 2)"
    )
    assert text.count("\n") == 1
    found = {r["name"]: (r["value"], r["kind"]) for r in records}
    assert found == {
        "lr": (0.1, "float"),
        "n": (3, "int"),
        "name": ("adam", "str"),
        "flag": (True, "bool"),
        "none": (None, "NoneType"),
        "l": ([1, 2], "list"),
        "s": ("a b", "str"),
        "t": ("(1, 2)", "tuple"),
    }
    assert {r["verb"] for r in records} == {"param"}


def test_metrics_are_numbers(shared):
    _, records = tracks(shared, "%track metric auc=0.91 n=-3 bad=nan inf=inf")
    found = {r["name"]: r["value"] for r in records}
    assert found["auc"] == 0.91
    assert found["n"] == -3
    assert math.isnan(found["bad"])
    assert found["inf"] == math.inf


@pytest.mark.parametrize(
    "line",
    [
        "metric auc=high",
        "metric auc=True",
        "metric auc",
        "metric",
        "param",
        "param x",
        "param =3",
        "param x=",
        "start",
        "stop",
        "tag",
        "note",
        "nonsense",
        "param 'unclosed",
    ],
)
def test_bad_input_is_one_clear_line(shared, line):
    reply, messages = shared.run(f"%track {line}")
    assert reply["status"] == "ok"
    text = "".join(m["content"]["text"] for m in messages if m["msg_type"] == "stream")
    assert text.count("\n") == 1
    assert "Traceback" not in text
    assert tracks(shared, f"%track {line}")[1] == []


def test_tags_and_notes(shared):
    _, records = tracks(shared, "%track tag baseline\n%track note it works, ünlike before")
    assert [(r["verb"], r.get("name"), r.get("value")) for r in records] == [
        ("tag", "baseline", None),
        ("note", None, "it works, ünlike before"),
    ]


def test_child_runs_nest_and_own_their_cells(shared):
    _, (outer,) = tracks(shared, "%track start outer")
    _, (inner,) = tracks(shared, "%track start inner one")
    assert inner["parent"] == outer["run"] != outer["parent"]
    assert inner["name"] == "inner one"
    _, (param,) = tracks(shared, "%track param a=1")
    assert param["run"] == inner["run"]
    assert of(shared.records(), "cell")[-1]["run"] == inner["run"]
    tracks(shared, "%track stop")
    shared.run("pass")
    assert of(shared.records(), "cell")[-1]["run"] == outer["run"]
    _, (stop,) = tracks(shared, "%track stop outer")
    assert (stop["verb"], stop["run"]) == ("stop", outer["run"])
    shared.run("pass")
    assert of(shared.records(), "cell")[-1]["run"] == outer["parent"]


def test_a_cell_magic_is_a_child_run(shared):
    text, records = tracks(shared, "%%track sweep\nvalue = 6 * 7\nprint(value)\n%track metric m=1")
    assert "42\n" in text
    assert [r["verb"] for r in records] == ["start", "metric", "stop"]
    assert records[1]["run"] == records[0]["run"]
    end = of(shared.records(), "cell_end")[-1]
    assert "value" in end["names"]


def test_a_cell_of_a_cell_magic_belongs_to_the_child_run_with_all_it_does(start):
    kernel = start()
    kernel.run("lr = 0.1")
    kernel.run("\n%%track lr={lr} of $lr {lr+1}\nopen('in.txt', 'w').close(); x = 1; print(x)")
    kernel.run("pass")
    found = kernel.stop()
    (opened,) = [r for r in of(found, "track") if r["verb"] == "start"]
    (closed,) = [r for r in of(found, "track") if r["verb"] == "stop"]
    before, cell, after = of(found, "cell")
    assert opened["name"] == "lr=0.1 of 0.1 {lr+1}"
    assert (cell["run"], closed["run"]) == (opened["run"], opened["run"])
    assert before["run"] == after["run"] == opened["parent"]
    assert opened["n"] < cell["n"] < closed["n"]
    assert closed["status"] == "completed"
    (file,) = [r for r in of(found, "file") if r["op"] == "open"]
    assert cell["exec"] == file.get("exec") or cell["c"] == file["c"]


def test_a_cell_magic_inside_of_another_one_is_a_child_of_its_run(start):
    kernel = start()
    kernel.run("%track start outer")
    kernel.run("%%track a\nget_ipython().run_cell('%%track b\\n1/0')\n%track start c")
    kernel.run("%%track\npass")
    found = kernel.stop()
    names = {r["run"]: r["name"] for r in of(found, "track") if r["verb"] == "start"}
    parents = [names.get(r["parent"]) for r in of(found, "track") if r["verb"] == "start"]
    assert parents == [None, "outer", "a", "a"]
    stops = [(names[r["run"]], r["status"]) for r in of(found, "track") if r["verb"] == "stop"]
    assert stops == [("b", "failed"), ("a", "completed")]
    assert [names.get(cell["run"]) for cell in of(found, "cell")] == [None, "a", "outer"]


def test_a_cell_magic_that_is_not_reached_closes_its_run(start):
    kernel = start()
    kernel.run("def refuse(lines): raise SyntaxError('no')")
    kernel.run("get_ipython().input_transformers_post.append(refuse)")
    kernel.run("%%track never\npass")
    stop = of(kernel.stop(), "track")[-1]
    assert (stop["verb"], stop["status"]) == ("stop", "failed")


@pytest.mark.parametrize(
    ("body", "name"),
    [("raise KeyError('k')", "KeyError"), ("1 +", "SyntaxError"), ("%nonsense", "UsageError")],
)
def test_a_cell_magic_that_fails_fails_once_and_as_the_cell_alone(shared, body, name):
    alone, _ = shared.run(body)
    reply, messages = shared.run(f"%%track bad\n{body}")
    assert (reply["status"], reply["ename"]) == ("error", name)
    # a cell's file is named after its text
    assert re.sub(r"\d+\.py", "", reply["evalue"]) == re.sub(r"\d+\.py", "", alone["evalue"])
    errors = [m["content"] for m in messages if m["msg_type"] == "error"]
    said = [m["content"]["text"] for m in messages if m["msg_type"] == "stream"]
    if name == "UsageError":  # IPython shows it as text
        assert "".join(said).count("UsageError") == 1
        assert errors == []
    else:
        (error,) = errors
        assert name in "".join(error["traceback"])
        assert error["ename"] == name
    assert of(shared.records(), "cell_end")[-1]["status"] == "failed"
    stop = of(shared.records(), "track")[-1]
    assert (stop["verb"], stop["status"]) == ("stop", "failed")


def test_an_interrupted_cell_magic_is_interrupted(shared):
    shared.run("%%track bad\nraise KeyboardInterrupt")
    assert of(shared.records(), "cell_end")[-1]["status"] == "interrupted"
    assert of(shared.records(), "track")[-1]["status"] == "interrupted"


def test_a_cell_magic_without_a_name_still_runs_the_cell(shared):
    text, records = tracks(shared, "%%track\nprint('ran')")
    assert "ran\n" in text
    assert "needs a name" in text
    assert records == []


def test_a_secret_parameter_is_not_kept(shared):
    _, (record,) = tracks(shared, "%track param api_key=abcdef123456")
    assert record["value"] == "[redacted:parameter]"
    assert "abcdef123456" not in repr(shared.wait_for("outputs"))


def test_what_is_typed_is_masked_as_the_source_of_its_cell_is(start):
    kernel = start()
    secret = "s3cr3tVALUE0004zz"
    kernel.run(f"%track note password={secret}\n%track note the password: {secret}")
    kernel.run(f"%track tag token={secret}")
    kernel.run(f"%track param a=password={secret} b='token={secret}' c=[1, 'secret={secret}']")
    kernel.run(f"%track metric auc=token={secret}\n%track token={secret}")
    kernel.run(f"%track start token={secret}")
    kernel.run(f"%track stop password={secret}")
    kernel.run(f"%track stop token={secret}")
    kernel.run(f"%%track token={secret}\npass")
    kernel.run(f"%track off password={secret}")
    kernel.run(f"%track on password={secret}")
    found = kernel.stop()
    assert secret not in repr(found)
    starts = [r for r in of(found, "track") if r["verb"] == "start"]
    assert [r["name"] for r in starts] == ["token=[redacted:variable]"] * 2
    assert [r["on"] for r in of(found, "recording")] == [False, True]


def test_off_records_nothing_until_on(shared):
    shared.text("%track off the data is private")
    shared.run("hidden_cell_name = 1; open('hidden.txt', 'w').close(); print('hidden output')")
    assert "Recording is off" in shared.text("%track param hidden_parameter=1")
    text = shared.text("%track on")
    assert "3 executions up to here not recorded" in text
    shared.run("visible_cell_name = 2")
    found = shared.wait_for("outputs")
    raw = repr(found)
    assert "hidden" not in raw
    assert "visible_cell_name" in raw
    off, on = of(found, "recording")[-2:]
    assert (off["on"], off["reason"]) == (False, "the data is private")
    assert off["user"]
    assert on["on"] is True
    assert (off["exec"], on["unseen"]) == (of(found, "cell")[-2]["exec"], 3)
    # the cell that turned it off did end
    ended = {r["exec"] for r in of(found, "cell_end")}
    assert {r["exec"] for r in of(found, "cell")} == ended
