"""Real Jupyter servers in processes of their own, over a real database."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from jupyter_lineage.store import Store, open_writer

REPOSITORY = Path(__file__).resolve().parents[2]
TOKEN = "only-for-this-test"
START_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Reply:
    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Server:
    """A Jupyter server that runs, and how to ask it."""

    url: str
    database: Path
    process: subprocess.Popen[bytes]

    def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        token: str | None = TOKEN,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        given = {"Authorization": f"token {token}"} if token else {}
        request = urllib.request.Request(
            self.url + path,
            method=method,
            headers={**given, **(headers or {})},
            data=b"{}" if method == "POST" else None,
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return _reply(response.status, response.read(), response.headers)
        except urllib.error.HTTPError as error:
            with error:
                return _reply(error.code, error.read(), error.headers)

    def get(self, path: str) -> Any:
        reply = self.ask(f"lineage/api/{path}")
        assert reply.status == 200, reply
        return reply.body


def _reply(status: int, body: bytes, headers: Any) -> Reply:
    with contextlib.suppress(ValueError):
        return Reply(status=status, body=json.loads(body), headers=dict(headers.items()))
    return Reply(status=status, body=body, headers=dict(headers.items()))


@contextlib.contextmanager
def running_server(folder: Path, *options: str) -> Iterator[Server]:
    database = folder / "data" / "lineage.db"
    root = folder / "work"
    root.mkdir(parents=True)
    variables = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "XDG_DATA_HOME": str(folder / "data"),
        "JUPYTER_LINEAGE_DATABASE": str(database),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "IPYTHONDIR": str(folder / "ipython"),
    }
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"),
                *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"),
                f"--ServerApp.root_dir={root}",
                f"--IdentityProvider.token={TOKEN}",
                "--ServerApp.allow_unauthenticated_access=False",
                "--ServerApp.jpserver_extensions=jupyter_lineage=True",
                *options,
            ],
            env=variables,
            cwd=root,
            stdout=log,
            stderr=log,
        )
    server = Server(url=f"http://127.0.0.1:{port}/", database=database, process=process)
    try:
        _wait(server, folder / "server.log")
        yield server
    finally:
        process.terminate()
        process.wait(20)


def _wait(server: Server, log: Path) -> None:
    limit = time.monotonic() + START_SECONDS
    while time.monotonic() < limit and server.process.poll() is None:
        with contextlib.suppress(OSError):
            if server.ask("api/status").status == 200:
                return
        time.sleep(0.1)
    raise AssertionError(f"the server does not start:\n{log.read_text(errors='replace')[-3000:]}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def store(server: Server) -> Iterator[Store]:
    """The server's own database, opened for writing as the recorder would."""
    with open_writer(server.database) as opened:
        yield opened
