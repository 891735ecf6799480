"""The panel in a real JupyterLab, with a real kernel, driven by a real browser."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from .lab import HERE, TOKEN, Lab, node, running_lab

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "images"
NOTEBOOK = "squares.ipynb"
OUTSIDE = "outside.ipynb"
WRITE_PICTURES = "JUPYTER_LINEAGE_WRITE_PICTURES"
CELLS = (
    "import csv\n\nwith open('numbers.csv') as source:\n"
    "    numbers = [int(row['number']) for row in csv.DictReader(source)]",
    "squares = [number**2 for number in numbers]\nsum(squares)",
    "with open('squares.csv', 'w') as target:\n"
    "    target.writelines(f'{square}\\n' for square in squares)\nprint(len(squares), 'squares')",
)


def write_workspace(root: Path, forbidden: Path) -> None:
    (root / "numbers.csv").write_text("number\n" + "".join(f"{n}\n" for n in range(10)))
    write_notebook(root / NOTEBOOK, CELLS)
    script = "<b>kept</b><script>window.fromARecord = 1</script>"
    image = "<img src='x' onerror='window.fromARecord = 1'>"
    cells = (
        f"from IPython.display import HTML\n\nHTML({script + image!r})",
        f"with open({str(forbidden)!r}, 'w') as target:\n    target.write('elsewhere')",
    )
    write_notebook(root / OUTSIDE, cells)


def write_notebook(path: Path, cells: tuple[str, ...], kernel: str = "python3") -> None:
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in cells],
        metadata={"kernelspec": {"name": kernel, "display_name": kernel}},
    )
    nbformat.write(notebook, path)


@pytest.mark.timeout(420)
def test_a_run_is_seen_live_opened_and_reproduced(tmp_path, results):
    driver = node()
    with running_lab(tmp_path) as lab:
        forbidden = tmp_path / "elsewhere.txt"
        write_workspace(lab.root, forbidden)
        names = {"notebook": NOTEBOOK, "outside": OUTSIDE, "forbidden": str(forbidden)}
        play(driver, "scenario.mjs", lab, results=results, **names)
        assert forbidden.read_text() == "elsewhere"


@pytest.mark.timeout(420)
def test_the_demo_opens_with_its_panel_as_the_picture_in_the_readme_shows(tmp_path, results):
    driver = node()
    pictures = PICTURES if os.environ.get(WRITE_PICTURES) else results
    pictures.mkdir(parents=True, exist_ok=True)
    with running_lab(tmp_path, "--LineageExtension.open_panel=True") as lab:
        subprocess.run(
            [sys.executable, "-m", "jupyter_lineage", "demo", "--into", str(lab.root / "wine")],
            env=lab.environment,
            check=True,
        )
        play(driver, "pictures.mjs", lab, results=pictures)


def play(driver: str, scenario: str, lab: Lab, *, results: Path, **more: str) -> None:
    """Run a scenario in the browser and fail with its words and the server's."""
    told = {"url": lab.url, "token": TOKEN, "results": str(results), **more}
    done = subprocess.run(
        [driver, str(HERE / scenario), json.dumps(told)],
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, f"{done.stderr}\n{lab.log.read_text(errors='replace')[-3000:]}"
