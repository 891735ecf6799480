"""The panel in a real JupyterLab, with a real kernel, driven by a real browser."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest

from .lab import HERE, TOKEN, node, running_lab

RESULTS = HERE / "results"
PICTURES = Path(__file__).resolve().parents[2] / "docs" / "images"
NOTEBOOK = "squares.ipynb"
CELLS = (
    "import csv\n\nwith open('numbers.csv') as source:\n"
    "    numbers = [int(row['number']) for row in csv.DictReader(source)]",
    "squares = [number**2 for number in numbers]\nsum(squares)",
    "with open('squares.csv', 'w') as target:\n"
    "    target.writelines(f'{square}\\n' for square in squares)\nprint(len(squares), 'squares')",
)


def write_workspace(root: Path) -> None:
    (root / "numbers.csv").write_text("number\n" + "".join(f"{n}\n" for n in range(10)))
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in CELLS],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(notebook, root / NOTEBOOK)


@pytest.mark.timeout(420)
def test_a_run_is_seen_live_opened_and_reproduced(tmp_path):
    driver = node()
    shutil.rmtree(RESULTS, ignore_errors=True)
    with running_lab(tmp_path) as lab:
        write_workspace(lab.root)
        told = {"url": lab.url, "token": TOKEN, "notebook": NOTEBOOK, "results": str(RESULTS)}
        done = subprocess.run(
            [driver, str(HERE / "scenario.mjs"), json.dumps(told)],
            capture_output=True,
            text=True,
            timeout=400,
        )
        assert done.returncode == 0, done.stderr + (tmp_path / "lab.log").read_text()[-3000:]
    if os.environ.get("JUPYTER_LINEAGE_WRITE_PICTURES"):
        PICTURES.mkdir(parents=True, exist_ok=True)
        shutil.copy(RESULTS / "verdict.png", PICTURES / "panel.png")
        shutil.copy(RESULTS / "verdict-dark.png", PICTURES / "panel-dark.png")
