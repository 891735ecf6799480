"""A kernel's spool without the kernel: records as the contract describes them, a real lock."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from jupyter_lineage.ids import uuid7
from jupyter_lineage.probe import places

ROOT = Path(__file__).resolve().parents[2]
_HOLD = (
    "import sys; sys.path.insert(0, sys.argv[1])\n"
    "from jupyter_lineage.probe.alive import hold\n"
    "hold(sys.argv[2]); print('held', flush=True); sys.stdin.read()"
)


def signature(path: Path) -> list[int]:
    now = path.stat()
    return [now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns]


class Spool:
    """Writes one spool file line by line."""

    def __init__(self, database: Path, header: dict[str, Any]) -> None:
        self.folder = places.spool_folder(database)
        places.make_private(self.folder)
        self.id = os.urandom(16).hex()
        self.path = self.folder / f"{self.id}.spool"
        self.n = 0
        self.write("process", spool=self.id, **header)

    def write(self, kind: str, **fields: Any) -> None:
        self.n += 1
        record = {"v": 1, "n": self.n, "type": kind, "at": time.time(), "ns": time.monotonic_ns()}
        self.raw(b"\n" + json.dumps(record | fields).encode() + b"\n")

    def raw(self, data: bytes) -> None:
        with self.path.open("ab") as stream:
            stream.write(data)


class FakeKernel:
    """What a kernel would write; ``alive`` holds the liveness lock until ``kill``."""

    def __init__(self, database: Path, folder: Path, *, alive: bool = True, **extra: Any) -> None:
        self.database = database
        self.run = uuid7()
        self.process = uuid7()
        self.folder = folder
        self.c = 0
        self.holder: subprocess.Popen[str] | None = None
        self.header = {
            "writer": "probe",
            "process": self.process,
            "parent_process": None,
            "forked": False,
            "run": self.run,
            "alive": f"{self.process}.alive",
            "pid": os.getpid(),
        }
        places.make_private(places.spool_folder(database))
        if alive:
            self.hold()
        facts = {
            "run_kind": "session",
            "cwd": str(folder),
            "notebook": str(folder / "a.ipynb"),
            "user": "ada",
            "host": "here",
            "capture_level": "full",
            "site_dirs": [],
            "ignored": ["/usr", "/proc"],
            "hashseed": "0",
        }
        self.spool = Spool(database, self.header | facts | extra)
        self.write = self.spool.write

    def hold(self) -> None:
        path = places.spool_folder(self.database) / f"{self.process}.alive"
        self.holder = subprocess.Popen(
            [sys.executable, "-S", "-c", _HOLD, str(ROOT), str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.holder.stdout is not None
        assert self.holder.stdout.readline() == "held\n"

    def kill(self) -> None:
        if self.holder is not None:
            self.holder.kill()
            self.holder.communicate()
            self.holder = None

    def helper(self, **header: Any) -> Spool:
        """Begin the spool of the shim or of a fork."""
        return Spool(self.database, self.header | header)

    def cell(self, source: str = "pass", **fields: Any) -> str:
        execution = uuid7()
        self.c += 1
        cell = {"exec": execution, "c": self.c, "count": self.c, "run": self.run}
        self.write("cell", source=source, size=len(source), masked=0, **(cell | fields))
        return execution

    def cell_end(self, execution: str, **fields: Any) -> None:
        end = {"status": "completed", "seconds": 0.1, "error": None, "names": {}}
        self.write("cell_end", exec=execution, **(end | fields))

    def opened(self, execution: str | None, path: Path | str, flags: int, **fields: Any) -> None:
        real = Path(path)
        stat = signature(real) if real.exists() else None
        file = {"op": "open", "path": str(path), "flags": flags, "absolute": False, "stat": stat}
        where = {} if execution is None else {"exec": execution}
        self.write("file", **(file | where | {"via": "python", "thread": "python"} | fields))

    def end(self) -> None:
        self.write("end", reason="shutdown")
        self.kill()
