"""One version number for Python and npm, and lock files that name packages and no places."""

from __future__ import annotations

import json
import re
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

import jupyter_lineage
from jupyter_lineage.probe.wake import RECORDER_VERSION
from jupyter_lineage.probe.wiring import VERSION
from jupyter_lineage.store.sqlite import SCHEMA_STEPS

ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted(
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files", "*package-lock.json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
)


def test_python_npm_and_the_probe_carry_one_version():
    package = json.loads((ROOT / "labextension" / "package.json").read_text())
    assert (
        version("jupyter_lineage") == jupyter_lineage.__version__ == VERSION == package["version"]
    )


def test_recorders_are_compared_by_the_version_and_the_schemas_steps():
    assert f"{jupyter_lineage.__version__}.{len(SCHEMA_STEPS)}" == RECORDER_VERSION


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.parent.name)
def test_a_lock_file_has_hashes_and_no_addresses(lock):
    text = lock.read_text()
    assert '"integrity"' in text
    assert '"resolved"' not in text
    assert not re.search(r'"resolved":\s*"http', text)
