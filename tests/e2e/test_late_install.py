"""A notebook whose kernel was running when the package was installed, in a real JupyterLab."""

from __future__ import annotations

import json
import shutil
import subprocess
import sysconfig
import venv
from pathlib import Path

import pytest

from .lab import HERE, TOKEN, node, running_lab
from .test_panel import write_notebook

ROOT = Path(__file__).resolve().parents[2]
STARTUP = ROOT / "jupyter-config" / "00-jupyter-lineage.py"
NOTEBOOK = "early.ipynb"
KERNEL = "early"


def environment_without_the_package(folder: Path) -> Path:
    """Make an environment whose kernels don't load the package, though they could."""
    venv.create(folder, symlinks=True)
    paths = sysconfig.get_paths(vars={"base": str(folder), "platbase": str(folder)})
    borrowed = [sysconfig.get_paths()["purelib"], str(ROOT)]
    (Path(paths["purelib"]) / "borrowed.pth").write_text("\n".join(borrowed) + "\n")
    return folder


def install_into(environment: Path) -> None:
    """Do what an installation does to an environment's kernels: one more startup file."""
    startup = environment / "etc" / "ipython" / "startup"
    startup.mkdir(parents=True)
    shutil.copy(STARTUP, startup)


def write_kernelspec(data: Path, environment: Path) -> None:
    folder = data / "jupyter" / "kernels" / KERNEL
    folder.mkdir(parents=True)
    python = str(environment / "bin" / "python")
    spec = {
        "argv": [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Early",
        "language": "python",
    }
    (folder / "kernel.json").write_text(json.dumps(spec))


@pytest.mark.timeout(420)
def test_a_kernel_from_before_the_installation_is_said_to_need_a_restart(tmp_path, results):
    driver = node()
    environment = environment_without_the_package(tmp_path / "environment")
    with running_lab(tmp_path) as lab:
        write_kernelspec(Path(lab.environment["XDG_DATA_HOME"]), environment)
        write_notebook(lab.root / NOTEBOOK, ("40 + 2",), kernel=KERNEL)
        told = {"url": lab.url, "token": TOKEN, "results": str(results), "notebook": NOTEBOOK}
        with subprocess.Popen(
            [driver, str(HERE / "late.mjs"), json.dumps(told)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as scenario:
            assert scenario.stdout is not None
            if scenario.stdout.readline() == "install\n":
                install_into(environment)
            _, errors = scenario.communicate("done\n", timeout=400)
        log = lab.log.read_text(errors="replace")[-3000:]
        assert scenario.returncode == 0, f"{errors}\n{log}"
