"""Masked cells come from the live notebook or are said; names that are no Unicode work."""

from __future__ import annotations

import json
import os

import pytest

from .conftest import Bench

SECRET = "AKIA" + "ABCDEFGHIJKLMNOP"
CELLS = (f"key = '{SECRET}'", "print(len(key))", "print('free')")


def save_notebook(bench: Bench, monkeypatch: pytest.MonkeyPatch, *cells: str) -> None:
    path = bench.project / "book.ipynb"
    made = [{"cell_type": "code", "source": source.splitlines(keepends=True)} for source in cells]
    path.write_text(json.dumps({"cells": made, "nbformat": 4, "nbformat_minor": 5}))
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))


def test_a_masked_cell_is_not_run_and_what_needs_it_is_not_compared(bench, words):
    run = bench.record(*CELLS)
    document = bench.reproduce(run)
    assert words(document) == ["not compared", "not compared", "identical"], document
    assert "masked" in document["executions"][0]["reason"]
    assert SECRET not in json.dumps(document)


def test_a_masked_cell_is_taken_from_the_notebook_that_still_has_it(bench, words, monkeypatch):
    save_notebook(bench, monkeypatch, *CELLS)
    run = bench.record(*CELLS)
    document = bench.reproduce(run)
    assert words(document) == ["not compared", "identical", "identical"], document
    reason = document["executions"][0]["reason"]
    assert reason == "no digest for key (str, holds a secret), which cell 2 reads"
    assert SECRET not in json.dumps(document)


def test_a_notebook_whose_masked_cell_has_changed_is_not_used(bench, words, monkeypatch):
    save_notebook(bench, monkeypatch, CELLS[0] + " + 'x'", *CELLS[1:])
    run = bench.record(*CELLS)
    document = bench.reproduce(run)
    assert words(document)[0] == "not compared", document


def test_a_file_name_that_is_no_unicode_is_an_input_and_a_result(bench, words):
    path = os.fsencode(bench.project) + b"/in-\xff.txt"
    with open(path, "w") as stream:
        stream.write("data")
    run = bench.record(
        "text = open(b'in-\\xff.txt').read()", "open(b'out-\\xff.txt', 'w').write(text)"
    )
    os.unlink(path)
    document = bench.reproduce(run)
    assert words(document) == ["identical"] * 2, document
    assert [one["verdict"] for one in document["files"]] == ["identical"]
