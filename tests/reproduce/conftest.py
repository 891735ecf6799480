"""A home folder of its own for every test, real kernels that record into it, real reproductions."""

from __future__ import annotations

import os
import queue
import shutil
import sqlite3
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

from jupyter_lineage.recorder.client import wake_and_wait
from jupyter_lineage.reproduce import apart
from jupyter_lineage.reproduce import run as reproduce
from jupyter_lineage.reproduce.evidence import Evidence, load
from jupyter_lineage.reproduce.reproduction import wait_until_recorded
from jupyter_lineage.store import Store, open_reader
from jupyter_lineage.store.queries import verdict_of

ROOT = Path(__file__).resolve().parents[2]
STARTUP = ROOT / "jupyter-config" / "00-jupyter-lineage.py"
Document = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Bench:
    """One person's place: a home folder, a database, a project folder."""

    home: Path
    database: Path
    project: Path

    def record(self, *cells: str, kill: bool = False) -> str:
        """Run cells in a real recorded kernel in the project folder and return the run's id."""
        manager = KernelManager()
        manager._kernel_spec = KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name="Python 3",
            language="python",
        )
        manager.start_kernel(cwd=str(self.project))
        client = manager.blocking_client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=60)
            for source in cells:
                _execute(manager, client, source)
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=kill)
        return self.newest()

    def newest(self) -> str:
        """Return the id of the run that was recorded last, once it has ended."""
        while wake_and_wait(self.database, 0.5):
            pass
        with self.store() as store:
            row = store.connection.execute("SELECT id FROM runs ORDER BY run_key DESC").fetchone()
        wait_until_recorded(self.database, row[0])
        return str(row[0])

    def store(self) -> Store:
        return open_reader(self.database)

    def evidence(self, run: str) -> Evidence:
        with self.store() as store:
            return load(store, run)

    def reproduce(self, run: str, **options: Any) -> Document:
        return reproduce(self.database, run, **options)

    def forget_bytes(self) -> None:
        """Remove all kept bytes, as when there was no room for them."""
        shutil.rmtree(self.database.with_name(self.database.name + ".content"))

    def forget_signatures(self) -> None:
        """Make the record one of before signatures of versions were kept."""
        with closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute("UPDATE use SET signature = NULL")

    def stored_verdict(self, reproduction: str) -> Document | None:
        """Return the verdict that the recorder has stored, waiting for it a moment."""
        for _ in range(200):
            wake_and_wait(self.database, 0.05)
            with self.store() as store:
                found = verdict_of(store, reproduction)
            if found is not None:
                return found
        return None

    def write(self, name: str, text: str) -> Path:
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


def _execute(manager: KernelManager, client: BlockingKernelClient, source: str) -> None:
    """Run a cell until the kernel is idle again or dead; its outputs are in the record."""
    message = client.execute(source, allow_stdin=False, stop_on_error=False)
    while manager.is_alive():
        try:
            said = client.get_iopub_msg(timeout=0.2)
        except queue.Empty:
            continue
        if said["parent_header"].get("msg_id") != message:
            continue
        if said["content"].get("execution_state") == "idle":
            return


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    home = tmp_path / "home"
    folders = {
        "HOME": home,
        "XDG_DATA_HOME": home / "share",
        "XDG_CACHE_HOME": home / "cache",
        "XDG_CONFIG_HOME": home / "config",
        "IPYTHONDIR": home / "ipython",
        "JUPYTER_RUNTIME_DIR": home / "runtime",
        "JUPYTER_LINEAGE_DATABASE": home / "lineage.db",
    }
    for name, path in folders.items():
        monkeypatch.setenv(name, str(path))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("JUPYTER_LINEAGE_RECORDER_IDLE_SECONDS", "5")
    monkeypatch.setenv("PYTHONHASHSEED", "0")
    for name in ("JUPYTER_LINEAGE_DISABLE", "JUPYTER_LINEAGE_SHIM", "JUPYTER_LINEAGE_SPOOL"):
        monkeypatch.delenv(name, raising=False)
    startup = home / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (home / "runtime").mkdir()
    shutil.copy(STARTUP, startup)
    project = tmp_path / "project"
    project.mkdir()
    return Bench(home=home, database=home / "lineage.db", project=project)


@pytest.fixture
def words() -> Callable[[Document], list[str]]:
    """Return a function that gives the verdicts of a document's cells in order."""
    return lambda document: [one["verdict"] for one in document["executions"]]


def without(monkeypatch: pytest.MonkeyPatch, *refused: str) -> None:
    """Let the system refuse what a reproduction would have for itself."""
    given = apart.given
    monkeypatch.setattr(apart, "given", lambda *asked: given(*asked) - {*refused})


def files_of(document: Document) -> dict[str, str]:
    return {os.path.basename(one["path"]): one["verdict"] for one in document["files"]}


__all__: Sequence[str] = ["Bench", "files_of", "without"]
