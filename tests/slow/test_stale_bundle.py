"""A second build in a changed checkout ships the panel as it is now, not as it was."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".nox", ".venv", "node_modules", "lib", "__pycache__", "results", "*.so"
)


@pytest.mark.timeout(900)
def test_a_second_build_ships_the_changed_panel(tmp_path):
    checkout = tmp_path / "checkout"
    shutil.copytree(REPOSITORY, checkout, ignore=LEFT_OUT)
    shutil.rmtree(checkout / "jupyter_lineage" / "labextension", ignore_errors=True)
    assert "No runs yet" in built_panel(checkout, tmp_path / "first")
    view = checkout / "labextension" / "src" / "runs" / "view.tsx"
    view.write_text(view.read_text().replace("No runs yet", "Nothing was run yet"))
    second = built_panel(checkout, tmp_path / "second")
    assert "Nothing was run yet" in second
    assert "No runs yet" not in second


def built_panel(checkout: Path, wheels: Path) -> str:
    """Build a wheel as ``pip install .`` does and return all JavaScript of the panel in it."""
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", str(wheels), str(checkout)],
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        check=True,
    )
    (wheel,) = wheels.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = [
            name
            for name in archive.namelist()
            if "share/jupyter/labextensions" in name and name.endswith(".js")
        ]
        return "".join(archive.read(name).decode() for name in names)
