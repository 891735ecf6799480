"""`jupyter lineage demo`: the whole product on a real notebook and real data, in under a minute.

A workspace is made, its notebook runs in a real kernel, the record is shown, the model traced
back to its data, and the run reproduced and judged: by the same code as the commands of those
names, nothing is staged.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InvalidInput, RecorderError
from . import output

if TYPE_CHECKING:
    import argparse

HELP = "see all of it work on a real notebook and real data"

_NEEDED = ("pandas", "pyarrow", "sklearn", "matplotlib", "joblib", "nbclient")
_NOTEBOOK = "wine.ipynb"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--into", metavar="FOLDER", type=Path, help="a new or empty folder (default: lineage-demo)"
    )
    parser.add_argument(
        "--lab", action="store_true", help="open JupyterLab there afterwards, panel open"
    )


def run(args: argparse.Namespace) -> int:
    """Play the demo; 0 when the reproduction came out the same."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise InvalidInput(
            f"the demo needs {', '.join(missing)}",
            hint='Install them with: pip install "jupyter_lineage[demo]"',
        )
    from ..probe.places import database_path

    database = database_path()
    folder = _workspace(args.into)
    _say(
        "Workspace",
        f"{output.short_path(str(folder))} with {_NOTEBOOK} and data/wine.csv (178 wines)",
    )
    _say(
        "Record",
        f"{output.short_path(str(database))}: stays on this disk, nothing is sent anywhere",
    )
    _list_fonts()
    seconds, cells = _execute(folder / _NOTEBOOK)
    _say("Ran", f"{_NOTEBOOK}: {cells} cells in a real kernel in {seconds:.1f} s")
    document = _recorded(database, folder)
    _show(document, folder)
    _trace(database, folder)
    verdict = _reproduce(database, document["id"])
    if args.lab:
        return _lab(folder)
    print()
    print(f"Look around: jupyter lineage log · show {document['id'][-8:]} · demo --lab")
    return 0 if verdict in ("identical", "equivalent") else 1


def _say(topic: str, text: str) -> None:
    print(f"{topic:<11} {text}", flush=True)


def _workspace(chosen: Path | None) -> Path:
    """Make the demo's folder with its notebook and data.

    Raises:
        InvalidInput: the chosen folder holds something already, or can't be made.
    """
    folder = (chosen or Path("lineage-demo")).absolute()
    if chosen is None:
        number = 2
        while folder.exists():
            folder, number = folder.with_name(f"lineage-demo-{number}"), number + 1
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise InvalidInput(
                f"the folder {folder} is not empty", hint="Choose a new one with --into FOLDER."
            )
        (folder / "data").mkdir()
        shutil.copyfile(Path(__file__).parents[1] / "demo" / _NOTEBOOK, folder / _NOTEBOOK)
        shutil.copyfile(_data_set(), folder / "data" / "wine.csv")
    except OSError as error:
        raise InvalidInput(
            f"the folder {folder} can't be used: {error.strerror}",
            hint="Choose another with --into FOLDER.",
        ) from error
    return folder


def _data_set() -> Path:
    spec = importlib.util.find_spec("sklearn")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "datasets" / "data" / "wine_data.csv"


def _list_fonts() -> None:
    """Let matplotlib list the fonts, as it does once on each account, before the notebook runs.

    It starts `fc-list` for that. A cell that starts a program is not compared, and this one has
    nothing to do with what the demo is about.
    """
    _progress("listing fonts, once for this account")
    subprocess.run(
        [sys.executable, "-c", "import matplotlib.font_manager"], check=False, capture_output=True
    )
    _progress("")


def _execute(notebook: Path) -> tuple[float, int]:
    """Run the notebook as `jupyter execute` does; return its seconds and number of cells."""
    import nbformat
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager
    from jupyter_core.utils import run_sync
    from nbclient import NotebookClient

    content = nbformat.read(notebook, as_version=4)
    cells = [cell for cell in content.cells if cell.cell_type == "code"]
    # The kernel of this very environment, whatever kernels the user has registered elsewhere.
    manager = AsyncKernelManager(kernel_name="python3")
    manager._kernel_spec = KernelSpec(
        argv=[
            *(sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"),
            "--IPKernelApp.log_level=ERROR",  # its hint about encryption is not our story
        ],
        display_name="Python 3",
        language="python",
    )
    done = 0

    def started(**_: Any) -> None:
        nonlocal done
        done += 1
        _progress(f"running cell {done} of {len(cells)}")

    _progress("starting a kernel")
    client = NotebookClient(
        content,
        km=manager,
        timeout=600,
        resources={"metadata": {"path": str(notebook.parent)}},
        on_cell_execute=started,
    )
    before = time.monotonic()
    try:
        client.execute(env=_environment(notebook))
    finally:
        seconds = time.monotonic() - before
        _progress("")
        run_sync(manager.shutdown_kernel)()
    nbformat.write(content, notebook)
    return seconds, len(cells)


def _environment(notebook: Path) -> dict[str, str]:
    variables = {**os.environ, "JPY_SESSION_NAME": str(notebook)}
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    return variables


def _progress(text: str) -> None:
    """Show what is going on in one line that is written over; a log gets none of it."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def _recorded(database: Path, folder: Path) -> dict[str, Any]:
    """Wait for the run of the notebook in ``folder`` to be stored whole, and return it."""
    from ..recorder.client import wake_and_wait
    from ..store import open_reader
    from ..store.queries import list_runs, show_run

    _progress("waiting for the recorder")
    until = time.monotonic() + 30
    while time.monotonic() < until:
        behind = wake_and_wait(database, 0.2)
        if database.exists():
            with open_reader(database) as store:
                runs = list_runs(store, limit=1, notebook=str(folder / _NOTEBOOK))
                if runs and runs[0]["status"] != "running" and not behind:
                    document = show_run(store, runs[0]["id"])
                    if document["environment"]:
                        _progress("")
                        return document
        time.sleep(0.1)
    raise RecorderError(
        "the run was not stored within 30 s", hint="`jupyter lineage doctor` says what is wrong."
    )


def _show(document: dict[str, Any], folder: Path) -> None:
    packages = len(document["environment"]["distributions"])
    _say(
        "Recorded",
        f"run {document['id'][-8:]}: {document['status']}, {len(document['executions'])} cells,"
        f" {packages} packages, capture level {document['capture_level']}",
    )
    for file in document["files"]:
        path = Path(file["path"])
        name = str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)
        cells = ", ".join(map(str, file["executions"]))
        roles = " and ".join({"read": "read", "write": "written"}[role] for role in file["roles"])
        print(f"  {name:<20} {(file['hash'] or file['reason'])[:19]}…  {roles} by cell {cells}")


def _trace(database: Path, folder: Path) -> None:
    from ..lineage.trace import trace
    from ..store import open_reader
    from .tree import tree_lines

    with open_reader(database) as store:
        answer = trace(store, str(folder / "model.joblib"))
    _say("Lineage", "what made model.joblib (jupyter lineage trace model.joblib)")
    for line in tree_lines(answer):
        print(f"  {line}")


def _reproduce(database: Path, run_id: str) -> str:
    from ..reproduce import run as reproduce
    from .reproduce import render

    _say("Reproduce", "the same cells in a fresh kernel, in a folder with nothing but the inputs")

    def progress(phase: str, done: int, total: int) -> None:
        _progress(f"{phase} {done} of {total}")

    document = reproduce(database, run_id, progress=progress)
    _progress("")
    for line in render(document):
        print(f"  {line}")
    return str(document["verdict"])


def _lab(folder: Path) -> int:
    _say("JupyterLab", "opens now: the runs are in the Lineage panel on the left; Ctrl-C ends it")
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}"]
    command += [f"--LabApp.default_url=/lab/tree/{_NOTEBOOK}", "--LineageExtension.open_panel=True"]
    try:
        return subprocess.run(command, check=False).returncode
    except KeyboardInterrupt:
        return 0
