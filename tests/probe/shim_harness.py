"""Runs code in a process of its own with the shim loaded, and reads what the shim wrote."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest

from jupyter_lineage.probe.shim import build

ROOT = Path(__file__).parents[2]

PRELUDE = """\
import os, sys
from jupyter_lineage.probe import shim as _loader
from jupyter_lineage.probe.uuid7 import uuid7
shim = _loader.load(
    os.environ["TEST_SPOOL"], os.environ["TEST_PROCESS"], os.environ["TEST_RUN"],
    library=os.environ["TEST_LIBRARY"],
)
if isinstance(shim, str):
    print(shim)
    sys.exit(3)
shim.set_ignored([sys.prefix, sys.base_prefix, os.environ["TEST_ROOT"], "/usr", "/etc", "/proc"])
slot = shim.cell_slot()
slot.value = 1
shim.set_active(1)
"""

PROCESS = "01999999-0000-7000-8000-000000000001"
RUN = "01999999-0000-7000-8000-000000000002"


@cache
def library() -> Path:
    """Return a helper compiled from the sources as they are, with warnings as errors."""
    return build.build(tempfile.mkdtemp(prefix="lineage-shim-"), strict=True)


@cache
def native_library(source: str) -> Path:
    """Compile C ``source`` as a library of somebody else's."""
    folder = Path(tempfile.mkdtemp(prefix="lineage-native-"))
    file = folder / "native.c"
    file.write_text(source)
    command = [*(build.compiler() or ["cc"]), "-shared", "-fPIC", "-O1", str(file)]
    subprocess.run([*command, "-o", str(folder / "native.so"), "-lpthread", "-ldl"], check=True)
    return folder / "native.so"


class Watched:
    """A working folder, a spool folder and an environment that nobody else uses."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.spool = folder / "spool"
        self.data.mkdir()
        self.spool.mkdir(mode=0o700)
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")
        } | {
            "XDG_DATA_HOME": str(folder / "home"),
            "IPYTHONDIR": str(folder / "ipython"),
            "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
            "JUPYTER_LINEAGE_DISABLE": "1",  # the shim alone, without the probe
            "PYTHONPATH": str(ROOT),
            "TEST_ROOT": str(ROOT),
            "TEST_SPOOL": str(self.spool),
            "TEST_PROCESS": PROCESS,
            "TEST_RUN": RUN,
            "TEST_LIBRARY": str(library()),
        }

    def run(self, code: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run ``code`` after the prelude; the caller looks at the status."""
        return subprocess.run(
            [sys.executable, "-c", PRELUDE + code],
            cwd=self.data,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def see(self, code: str, **environment: str) -> list[dict[str, Any]]:
        """Run ``code``, which must succeed, and return all records."""
        done = self.run(code, **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return self.records()

    def records(self) -> list[dict[str, Any]]:
        """Return every record of every spool; a line that is none is a failure."""
        return [
            record | {"spool_id": spool.stem}
            for spool in sorted(self.spool.glob("*.spool"))
            for record in map(json.loads, filter(None, spool.read_text().split("\n")))
        ]

    def files(self, *ops: str) -> list[dict[str, Any]]:
        """Return the ``file`` records under the working folder, paths decoded and relative."""
        found = []
        for record in self.records():
            if record["type"] not in ("file", "refused") or (ops and record["op"] not in ops):
                continue
            for key in ("p", "q"):
                if key in record:
                    record[key] = self.relative(record[key])
            if not record["p"].startswith("/") or not record.get("q", "/").startswith("/"):
                found.append(record)
        return found

    def relative(self, encoded: str) -> str:
        path = os.fsdecode(unquote_to_bytes(encoded))
        inside = f"{self.data}/"
        return path[len(inside) :] if path.startswith(inside) else path


def direction(record: dict[str, Any]) -> str:
    """Return the direction that an open's flags say."""
    return ("read", "write", "both")[record["flags"] & os.O_ACCMODE]


def facts(records: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """Return (path, direction) of every ``open`` record."""
    return {(record["p"], direction(record)) for record in records if record["op"] == "open"}


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)
