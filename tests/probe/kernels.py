"""A real kernel with the probe in it, and the records that it left."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client import KernelManager

from jupyter_lineage.probe.spool_reader import Torn, read_spool

ROOT = Path(__file__).resolve().parents[2]
STARTUP = ROOT / "jupyter-config" / "00-jupyter-lineage.py"

# The environment's own startup file is there wherever the package is installed.
WITHOUT_STARTUP_FILES = (
    "from IPython.core import shellapp; shellapp.ENV_CONFIG_DIRS[:] = [];"
    "from ipykernel import kernelapp; kernelapp.launch_new_instance()"
)


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return a kernel's environment that touches nothing outside ``home``."""
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "LC_ALL", "TMPDIR")}
    kept.update(
        HOME=str(home),
        XDG_DATA_HOME=str(home / "data"),
        XDG_CACHE_HOME=str(home / "cache"),
        XDG_CONFIG_HOME=str(home / "config"),
        IPYTHONDIR=str(home / "ipython"),
        JUPYTER_RUNTIME_DIR=str(home / "runtime"),
        JUPYTER_LINEAGE_DATABASE=str(home / "lineage.db"),
        JUPYTER_LINEAGE_RECORDER="0",
        PYTHONPATH=str(ROOT),
        PYTHONDONTWRITEBYTECODE="1",
    )
    kept.update(more)
    return kept


class Kernel:
    """A started kernel; ``run`` executes a cell and returns what the notebook got."""

    def __init__(
        self, home: Path, *, startup: bool = True, hand_over: str = "", **variables: str
    ) -> None:
        self.home = home
        self.work = home / "work"
        self.work.mkdir(parents=True, exist_ok=True)
        (home / "runtime").mkdir(exist_ok=True)
        folder = home / "ipython" / "profile_default" / "startup"
        folder.mkdir(parents=True, exist_ok=True)
        if startup:
            shutil.copy(STARTUP, folder)
        connection = home / "runtime" / "kernel-0123.json"
        self.manager = KernelManager(connection_file=str(connection), kernel_name="python3")
        assert self.manager.kernel_spec is not None
        self.manager.kernel_spec.argv[0] = sys.executable
        if not startup:
            self.manager.kernel_spec.argv[1:3] = ["-c", WITHOUT_STARTUP_FILES]
        if hand_over:
            (home / "runtime" / "kernel-0123.lineage.json").write_text(hand_over)
        self.errors = home / "terminal.txt"
        with self.errors.open("ab") as terminal:
            self.manager.start_kernel(
                env=environment(home, **variables), cwd=str(self.work), stderr=terminal
            )
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    @property
    def pid(self) -> int:
        provisioner: Any = self.manager.provisioner
        return int(provisioner.process.pid)

    def send(self, code: str, **options: Any) -> str:
        return str(self.client.execute(code, **options))

    def wait(self, message: str, timeout: float = 60) -> tuple[dict[str, Any], list[Any]]:
        """Return the reply's content and the messages of one request, once it is idle."""
        seen = []
        while True:
            found = self.client.get_iopub_msg(timeout=timeout)
            if found["parent_header"].get("msg_id") != message:
                continue
            if found["msg_type"] == "status":
                if found["content"]["execution_state"] == "idle":
                    break
                continue
            seen.append(found)
        while True:
            reply = self.client.get_shell_msg(timeout=timeout)
            if reply["parent_header"].get("msg_id") == message:
                return reply["content"], seen

    def run(self, code: str, **options: Any) -> tuple[dict[str, Any], list[Any]]:
        return self.wait(self.send(code, **options))

    def text(self, code: str) -> str:
        """Run a cell and return everything that it printed or showed as text."""
        _, messages = self.run(code)
        return text_of(messages)

    def stop(self) -> list[dict[str, Any]]:
        """Shut down in order and return the records."""
        self.client.stop_channels()
        self.manager.shutdown_kernel()
        return self.records()

    def kill(self) -> list[dict[str, Any]]:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        return self.records()

    def records(self) -> list[dict[str, Any]]:
        """Return the records; a cell's end is written a moment after the kernel's answer."""
        for _ in range(50):
            found = records(self.home)
            if len(of(found, "cell_end")) >= len(of(found, "cell")):
                break
            time.sleep(0.02)
        return found

    def wait_for(self, kind: str, count: int = 1) -> list[dict[str, Any]]:
        """Return the records once there are ``count`` of ``kind``: some come after the reply."""
        for _ in range(400):
            found = self.records()
            if len(of(found, kind)) >= count:
                return found
            time.sleep(0.02)
        raise AssertionError(f"no {count} records of {kind}")


def spools(home: Path) -> list[Path]:
    return sorted((home / "data" / "jupyter-lineage" / "spool").glob("*/*/*.spool"))


def records(home: Path) -> list[dict[str, Any]]:
    """Return every record of every spool by time, each with its spool's header's fields."""
    found = []
    for path in spools(home):
        header: dict[str, Any] = {}
        for record, _ in read_spool(path):
            assert not isinstance(record, Torn), path
            header = header or record
            found.append({**record, "_pid": header["pid"], "_writer": header["writer"]})
    return sorted(found, key=lambda record: record["ns"])


def of(found: list[dict[str, Any]], *kinds: str) -> list[dict[str, Any]]:
    return [record for record in found if record["type"] in kinds]


def text_of(messages: list[Any]) -> str:
    parts = []
    for message in messages:
        content = message["content"]
        if message["msg_type"] == "stream":
            parts.append(content["text"])
        elif "data" in content:
            parts.append(content["data"].get("text/plain", ""))
        elif message["msg_type"] == "error":
            parts.append("\n".join(content["traceback"]))
    return "".join(parts)


__all__ = ["Empty", "Kernel", "environment", "of", "records", "spools", "text_of"]
