"""A store on disk with a small history, and the command line over it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jupyter_lineage.cli import main
from jupyter_lineage.store import open_writer
from tests.builders import Cell, File, make_run

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "docs" / "reference" / "schemas"


@pytest.fixture(autouse=True)
def database(tmp_path, monkeypatch):
    """Everything of ours lies in the test's folder; no recorder is started."""
    path = tmp_path / "store" / "lineage.db"
    home = tmp_path / "home"
    home.mkdir()
    for name in [name for name in os.environ if name.startswith("JUPYTER_")]:
        monkeypatch.delenv(name)
    for name, value in {
        "JUPYTER_LINEAGE_DATABASE": path,
        "JUPYTER_LINEAGE_RECORDER": "0",
        "JUPYTER_CONFIG_DIR": home / "config",
        "XDG_DATA_HOME": home / "data",
        "IPYTHONDIR": home / "ipython",
        "HOME": home,
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }.items():
        monkeypatch.setenv(name, str(value))
    return path


@pytest.fixture
def store(database):
    with open_writer(database) as opened:
        yield opened


@dataclass
class History:
    clean: str
    train: str
    child: str
    again: str


@pytest.fixture
def history(store):
    raw = File(path="/work/raw.csv", content=b"raw")
    data = File(path="/work/clean.parquet", content=b"clean")
    model = File(path="/work/model.joblib", content=b"model")
    lost = File(path="/work/lost.tmp", content=None)
    environment = {
        "python": {"version": "3.11.7 (main)"},
        "distributions": [{"name": "pandas", "version": "2.2.0"}],
        "system": {"system": "Linux", "distribution": "A Linux 12"},
        "hardware": {"cpu_model": "a processor", "gpus": [{"name": "a card"}]},
    }
    clean = make_run(
        store,
        notebook="/work/clean.ipynb",
        cells=[Cell(source="import pandas", reads=[raw]), Cell(writes=[data])],
    )
    train = make_run(
        store,
        cells=[
            Cell(source="fit(\n  data\n)", reads=[data, lost]),
            Cell(source="dump(model)", writes=[model], outputs=None),
            Cell(source="1/0", status="failed", error={"name": "ZeroDivisionError", "value": "no"}),
            Cell(source=None, status=None),
        ],
        status="failed",
        parameters={"lr": 0.1},
        metrics={"auc": 0.91},
        tags=["baseline"],
        gaps=["the disk was full"],
        environment=environment,
        git={"commit": "abcdef0123456789", "branch": "main"},
    )
    child = make_run(store, kind="tracked", parent=train, name="sweep-1", metrics={"auc": 0.9})
    verdict = {"schema": 1, "verdict": "identical"}
    again = make_run(
        store,
        kind="reproduction",
        parent=train,
        verdict=verdict,
        capture_level="python-only",
        cells=[Cell(reads=[data], writes=[model])],
    )
    return History(clean, train, child, again)


@dataclass
class Result:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def lineage(capsys):
    """Run the command line in this process: ``lineage("log", "--json")``."""

    def run(*arguments: str) -> Result:
        capsys.readouterr()
        try:
            status = main(arguments)
        except SystemExit as stop:  # argparse ends by itself on --help and wrong usage
            status = int(stop.code or 0)
        captured = capsys.readouterr()
        return Result(status, captured.out, captured.err)

    return run


@pytest.fixture
def process():
    """Run the command line as a process of its own."""

    def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "jupyter_lineage", *arguments]
        options = {"capture_output": True, "text": True, "timeout": 60, "check": False, **options}
        return subprocess.run(command, **options)

    return run
