"""Lint, types, import directions and the panel's own tests are part of the one test command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = Path(sys.executable).parent
PYTHON = [sys.executable, "-m"]
PANEL = ROOT / "labextension"

CHECKS = {
    "lint": (ROOT, [*PYTHON, "ruff", "check", "--no-cache", "."]),
    "format": (ROOT, [*PYTHON, "ruff", "format", "--no-cache", "--check", "."]),
    "types": (ROOT, [*PYTHON, "mypy"]),
    "import directions": (ROOT, [str(SCRIPTS / "lint-imports"), "--no-cache"]),
    "types of the panel": (PANEL, ["npm", "run", "--silent", "check"]),
    "tests of the panel": (PANEL, ["npm", "test", "--silent"]),
}


@pytest.mark.parametrize("name", CHECKS)
def test_the_check_is_clean(name):
    folder, command = CHECKS[name]
    # node and npm come with the test extra, into this environment's scripts.
    path = os.pathsep.join([str(SCRIPTS), os.environ.get("PATH", os.defpath)])
    result = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert result.returncode == 0, f"{name}:\n{result.stdout[-6000:]}\n{result.stderr[-2000:]}"
