"""Every ``--json`` reply fits the schema that is published, and has no key that it lacks."""

from __future__ import annotations

import json

import jsonschema  # type: ignore[import-untyped]
import pytest

from .conftest import SCHEMAS


def check(document, name):
    schema = json.loads((SCHEMAS / f"{name}.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(closed(schema)).validate(document)


def closed(schema):
    """Return the schema with every object closed that lists its keys."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {key: closed(value) for key, value in schema.items()}
    if "properties" in schema and "type" in schema:
        changed["additionalProperties"] = False
    return changed


@pytest.mark.parametrize("path", sorted(SCHEMAS.glob("*.json")), ids=lambda path: path.stem)
def test_each_schema_is_one(path):
    jsonschema.Draft202012Validator.check_schema(json.loads(path.read_text("utf-8")))


def test_log(lineage, history):
    reply = lineage("log", "--json")
    check(reply.json, "log")
    ids = [run["id"] for run in reply.json["runs"]]
    assert ids == [history.again, history.child, history.train, history.clean]


def test_log_of_a_store_without_runs(lineage, store):
    assert lineage("log", "--json").json == {"schema": 1, "runs": []}


@pytest.mark.parametrize("which", ["clean", "train", "child", "again"])
def test_show(lineage, history, which):
    run_id = getattr(history, which)
    reply = lineage("show", run_id, "--json")
    check(reply.json, "show")
    assert reply.json["id"] == run_id


@pytest.mark.parametrize("arguments", [[], ["--down"]])
@pytest.mark.parametrize("what", ["model.joblib", "raw.csv", "last", "/work/lost.tmp"])
def test_trace(lineage, history, arguments, what):
    reply = lineage("trace", what, "--json", *arguments)
    check(reply.json, "trace")
    known = {node["id"] for node in reply.json["nodes"]}
    assert reply.json["start"] in known
    assert {edge[end] for edge in reply.json["edges"] for end in ("source", "target")} <= known


def test_doctor(lineage, history):
    reply = lineage("doctor", "--json")
    check(reply.json, "doctor")
    assert reply.json["ok"] is (reply.status == 0)


def test_a_reply_is_plain_ascii_whatever_the_names_are(lineage, store):
    from tests.builders import make_run

    make_run(store, notebook="/work/\x1b[31mü\u202e.ipynb")
    assert lineage("log", "--json").out.isascii()


def test_reproduce(store, history):
    """The verdict of two recorded runs: `reproduce --json` prints what `judge` returns."""
    from jupyter_lineage.reproduce.evidence import load
    from jupyter_lineage.reproduce.verdict import Circumstances, judge

    then, now = load(store, history.train), load(store, history.again)
    verdict = judge(then, now, Circumstances())
    check(verdict, "reproduce")
    assert verdict["metrics"]
    assert verdict["executions"]
