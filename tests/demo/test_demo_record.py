"""The demo, run as a user runs it: its record holds every data file, by its hash, and no other."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from blake3 import blake3

COMMAND = str(Path(sys.executable).with_name("jupyter-lineage"))

# What the notebook reads and writes, by its source; the numbers are cells in order of execution.
EXPECTED = {
    "data/wine.csv": (["read"], [2]),
    "data/clean.parquet": (["write", "read"], [3, 4]),
    "model.joblib": (["write"], [6]),
    "wines.png": (["write"], [7]),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def lineage(home):
    """Run `jupyter lineage …` with a home folder of its own; returns the finished process."""
    variables = {
        **os.environ,
        "HOME": str(home),
        "XDG_DATA_HOME": str(home / "share"),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
    }
    for name in ("JUPYTER_LINEAGE_DATABASE", "JUPYTER_LINEAGE_DISABLE", "JUPYTER_LINEAGE_SHIM"):
        variables.pop(name, None)

    def call(*arguments):
        return subprocess.run(
            [COMMAND, *arguments],
            cwd=home,
            env=variables,
            capture_output=True,
            text=True,
            timeout=170,
            check=False,
        )

    return call


@pytest.fixture(scope="module")
def demo(lineage):
    return lineage("demo", "--into", "work space")


@pytest.fixture(scope="module")
def record(demo, lineage):
    runs = json.loads(lineage("log", "--json").stdout)["runs"]
    original = next(run for run in runs if run["kind"] == "session")
    return json.loads(lineage("show", original["id"], "--json").stdout)


def test_the_demo_ends_with_an_identical_reproduction(demo):
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert "identical" in demo.stdout
    assert "different" not in demo.stdout


def test_every_data_file_is_in_the_record_by_its_blake3_and_nothing_else_is(record, home):
    folder = home / "work space"
    found = {
        str(Path(file["path"]).relative_to(folder)): (file["roles"], file["executions"])
        for file in record["files"]
    }
    assert found == EXPECTED
    for file in record["files"]:
        assert file["hash"] == "blake3:" + blake3(Path(file["path"]).read_bytes()).hexdigest()


@pytest.mark.skipif(shutil.which("b3sum") is None, reason="b3sum, an optional witness, is not here")
def test_b3sum_gives_the_same_hashes(record):
    for file in record["files"]:
        told = subprocess.run(
            ["b3sum", "--no-names", file["path"]], capture_output=True, text=True, check=True
        )
        assert file["hash"] == "blake3:" + told.stdout.strip()


def test_the_run_saw_everything_the_platform_allows(record):
    assert record["capture_level"] == ("full" if sys.platform == "linux" else "python-only")
    assert record["gaps"] == []
    assert record["status"] == "completed"


def test_the_model_is_traced_back_to_the_csv(demo, lineage, home):
    answer = json.loads(lineage("trace", "work space/model.joblib", "--json").stdout)
    labels = {node["id"]: node["label"] for node in answer["nodes"]}
    used = {labels[edge["target"]] for edge in answer["edges"] if edge["relation"] == "used"}
    assert any(label.endswith("wine.csv") for label in used)
    assert not any(label.endswith("wines.png") for label in labels.values())


def test_the_reproduction_is_identical_also_after_the_originals_are_gone(record, lineage, home):
    folder = home / "work space"
    (folder / "data" / "wine.csv").write_text("something else\n")
    (folder / "data" / "clean.parquet").unlink()
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    answer = lineage("reproduce", record["id"], "--json")
    assert answer.returncode == 0, answer.stderr
    verdict = json.loads(answer.stdout)
    assert {cell["verdict"] for cell in verdict["executions"]} == {"identical"}
    assert {file["verdict"] for file in verdict["files"]} == {"identical"}
    assert len(verdict["executions"]) == 7
    assert len(verdict["files"]) == 3
    after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert after == before


def test_a_second_demo_into_the_same_folder_is_one_clear_line(demo, lineage):
    answer = lineage("demo", "--into", "work space")
    assert answer.returncode == 2
    assert answer.stderr.count("\n") == 1
    assert "is not empty" in answer.stderr
    assert "Traceback" not in answer.stderr
