"""The folder for the pictures that the scenarios take."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .lab import HERE


@pytest.fixture(scope="session")
def results() -> Path:
    """Return the folder, with nothing in it from earlier test runs."""
    folder = HERE / "results"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder
