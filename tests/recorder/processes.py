"""Real recorder processes: fresh ones, and quick ones forked from a process that imported all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .fake_kernel import ROOT

_ZYGOTE = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from jupyter_lineage.recorder import cycle, service, codestate
from jupyter_lineage.recorder.__main__ import main
from jupyter_lineage.config import settings
from jupyter_lineage.store.sqlite import open_writer
from pathlib import Path
open_writer(Path(sys.argv[2])).close()
import blake3, zstandard
settings()
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
print("ready", flush=True)
for line in sys.stdin:
    child = os.fork()
    if not child:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os._exit(main(["--database", sys.argv[2], "--idle", "60"]))
    print(child, flush=True)
"""


class Zygote:
    """Starts recorders in a few milliseconds each."""

    def __init__(self, database: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _ZYGOTE, str(ROOT), str(database)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._answer() == "ready"

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def start(self) -> int:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return int(self._answer())

    def close(self) -> None:
        self._process.communicate(timeout=20)


def start(database: Path, *options: str, **more: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "jupyter_lineage.recorder", "--database", str(database)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **more.pop("environment", {})}
    return subprocess.Popen(
        [*command, *options], env=environment, stderr=subprocess.PIPE, text=True, **more
    )


def stop(process: subprocess.Popen[str]) -> int:
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    return process.returncode


def eventually(condition: Callable[[], object], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)
