"""``jupyter lineage reproduce`` as a person and as the server call it: real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from .conftest import ROOT

COMMAND = [sys.executable, "-m", "jupyter_lineage", "reproduce"]


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=100, check=False
    )


def test_a_person_reads_the_verdict_and_the_exit_status_says_yes(bench):
    run = bench.record("print(1)", "open('a.txt', 'w').write('a')")
    done = command(run[-8:])
    assert done.returncode == 0, done.stderr
    assert "2 cells to run again, 0 inputs" in done.stdout
    assert "print(1)" in done.stdout
    assert "identical" in done.stdout.splitlines()[-1]
    assert done.stderr == ""


def test_the_server_reads_one_document_and_progress_lines(bench):
    run = bench.record("import random", "print(random.random())")
    done = command(run, "--json", "--progress")
    assert done.returncode == 1, done.stderr
    document = json.loads(done.stdout)
    schema = json.loads((ROOT / "docs/reference/schemas/reproduce.json").read_text())
    Draft202012Validator(schema).validate(document)
    steps = [json.loads(line) for line in done.stderr.splitlines()]
    assert [step["done"] for step in steps if step["phase"] == "cells"] == [0, 1, 2]


def test_a_refusal_is_one_line_with_the_paths_and_status_2(bench):
    target = bench.project / "out.txt"
    run = bench.record(f"open({str(target)!r}, 'w').write('a')")
    done = command(run)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert str(target) in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_run_is_one_line_and_status_1(bench):
    bench.record("1")
    done = command("abcdef12")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_cancelled_reproduction_leaves_no_kernel_and_no_folder(bench, how):
    run = bench.record(
        "import os, time",
        "if 'reproductions' in os.getcwd():\n"
        "    open('pid.txt', 'w').write(str(os.getpid()))\n    time.sleep(600)",
    )
    process = subprocess.Popen(
        [*COMMAND, run, "--yes"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    folder = bench.home / "share" / "jupyter-lineage" / "reproductions"
    pid = ""
    for _ in range(600):
        found = list(folder.glob("*/pid.txt"))
        pid = found[0].read_text() if found else ""
        if pid:
            break
        time.sleep(0.05)
    assert pid
    process.send_signal(how)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert "interrupted" in errors
    assert "Traceback" not in errors
    assert not os.path.exists(f"/proc/{pid}")
    assert list(folder.iterdir()) == []
