"""A cold ``log`` or ``trace`` must be quick, so it imports none of the heavy libraries."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    "sqlite_utils",
    "traitlets",
    "pandas",
    "numpy",
    "jupyter_client",
    "jupyter_core",
    "blake3",
    "zstandard",
    "importlib.metadata",
    "asyncio",
    "email",
}


@pytest.mark.parametrize("arguments", [["log"], ["show", "last"], ["trace", "model.joblib"]])
def test_a_reading_command_imports_nothing_heavy(history, arguments):
    command = [sys.executable, "-X", "importtime", "-m", "jupyter_lineage", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if "|" in line}
    assert "jupyter_lineage.store.queries" in imported
    assert not HEAVY & imported
