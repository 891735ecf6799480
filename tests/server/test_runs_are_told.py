"""What the routes tell about runs, read from a real database by a real server."""

from __future__ import annotations

import json

import jsonschema  # type: ignore[import-untyped]
import pytest

from jupyter_lineage.server.schemas import REPLIES
from jupyter_lineage.store import Store
from tests.builders import Cell, File, make_run

from .conftest import REPOSITORY, Server

TEXT = [{"output_type": "stream", "name": "stdout", "text": "14\n"}]


PUBLISHED = {"runs": "log", "run": "show", "trace": "trace"}


def check(route: str, body: object) -> None:
    """Check a reply against what the route adds and what the command's schema says."""
    if route in REPLIES:
        jsonschema.validate(body, REPLIES[route])
    if route in PUBLISHED:
        schemas = REPOSITORY / "docs" / "reference" / "schemas"
        jsonschema.validate(body, json.loads((schemas / f"{PUBLISHED[route]}.json").read_text()))


def verdict(original: str, run: str, word: str) -> dict[str, object]:
    return {
        "schema": 1,
        "run": original,
        "reproduction": run,
        "verdict": word,
        "executions": [{"number": 1, "verdict": word, "reason": None}],
        "files": [],
        "metrics": [],
        "environment": {},
    }


def test_pages_hold_every_run_once_and_newest_first(server: Server, store: Store) -> None:
    made = [make_run(store, notebook="/pages/a.ipynb") for _ in range(7)]
    seen: list[str] = []
    before = ""
    while True:
        page = server.get(f"runs?limit=3&notebook=pages&before={before}")
        check("runs", page)
        seen += [run["id"] for run in page["runs"]]
        before = page["next"]
        if before is None:
            break
    assert seen == made[::-1]


def test_filters_are_applied_together(server: Server, store: Store) -> None:
    wanted = make_run(store, notebook="/filter/Wine.ipynb", status="failed")
    make_run(store, notebook="/filter/Wine.ipynb")
    make_run(store, notebook="/filter/other.ipynb", status="failed")
    found = server.get("runs?notebook=wine&status=failed")["runs"]
    assert [run["id"] for run in found] == [wanted]


@pytest.mark.parametrize("limit", ["0", "-1", "501", "many", "1.5", "%C2%B2"])
def test_an_impossible_limit_is_said(server: Server, store: Store, limit: str) -> None:
    reply = server.ask(f"lineage/api/runs?limit={limit}")
    assert reply.status == 400
    assert "limit" in reply.body["error"]


def test_a_run_is_told_whole(server: Server, store: Store) -> None:
    run = make_run(
        store,
        cells=[
            Cell(source="a = 1", reads=[File(path="/work/raw.csv")]),
            Cell(source="print(14)", outputs=TEXT, writes=[File(path="/work/x", content=None)]),
        ],
        parameters={"lr": 0.1},
        metrics={"auc": 0.9},
        gaps=["recording was off"],
        environment={"python": {"version": "3.12"}, "distributions": []},
    )
    told = server.get(f"runs/{run}")
    check("run", told)
    assert [cell["source"] for cell in told["executions"]] == ["a = 1", "print(14)"]
    assert told["files"][0]["hash"].startswith("blake3:")
    assert told["files"][1]["hash"] is None
    assert told["files"][1]["reason"]
    assert told["reproduction"] is None
    outputs = server.get(f"runs/{run}/executions/2/outputs")
    check("outputs", outputs)
    assert outputs["outputs"] == TEXT


def test_a_file_name_that_is_no_text_does_not_break_the_reply(server: Server, store: Store) -> None:
    run = make_run(store, cells=[Cell(reads=[File(path="/work/caf\udce9.csv")])])
    assert server.get(f"runs/{run}")["files"][0]["path"].endswith(".csv")


def test_a_reproduction_and_its_original_know_each_other(server: Server, store: Store) -> None:
    original = make_run(store, notebook="/known/n.ipynb")
    again = make_run(
        store,
        kind="reproduction",
        notebook="/known/n.ipynb",
        parent=original,
        verdict=verdict(original, "later", "different"),
    )
    assert server.get(f"runs/{again}")["reproduction"]["verdict"] == "different"
    links = server.get(f"runs/{original}")["reproductions"]
    assert [(link["id"], link["verdict"]) for link in links] == [(again, "different")]
    listed = server.get("runs?notebook=known")["runs"]
    assert [run["verdict"] for run in listed] == ["different", None]


def test_an_unknown_run_and_cell_are_not_found(server: Server, store: Store) -> None:
    run = make_run(store)
    for path in ("runs/nonsense", "runs/ffffffff", f"runs/{run}/executions/{10**30}/outputs"):
        reply = server.ask(f"lineage/api/{path}")
        assert reply.status == 404
        check("error", reply.body)


def test_lineage_is_a_graph(server: Server, store: Store) -> None:
    cell = Cell(reads=[File(path="/t/raw")], writes=[File(path="/t/out", content=b"o")])
    run = make_run(store, cells=[cell])
    told = server.get("trace?what=/t/out")
    check("trace", told)
    assert f"run:{run}" in {node["id"] for node in told["nodes"]}
    assert server.ask("lineage/api/trace").status == 400
    assert server.ask("lineage/api/trace?what=/t/out&down=maybe").status == 400


def test_the_state_of_a_kernel_follows_its_newest_run(server: Server, store: Store) -> None:
    unknown = server.get("status?kernel_id=older-than-us")
    check("status", unknown)
    assert (unknown["state"], unknown["recording"]) == ("not-recorded", False)
    assert "restart" in unknown["reason"]
    make_run(store, kernel_id="k", status="completed")
    assert server.get("status?kernel_id=k")["state"] == "ended"
    run = make_run(store, kernel_id="k", status="running")
    told = server.get("status?kernel_id=k")
    assert (told["state"], told["run"], told["recording"]) == ("recording", run, True)
    assert told["first_time"] is False
    assert told["database"] == str(server.database)
