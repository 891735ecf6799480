"""The base install is small: no data-science package, and nothing of ours in a kernel's imports."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import requires

BASE = {
    "blake3",
    "ipykernel",
    "jupyter-client",
    "jupyter-events",
    "jupyter-server",
    "nbformat",
    "nvidia-ml-py",
    "sqlite-utils",
    "tomli",
    "traitlets",
    "zstandard",
}
HEAVY = {"numpy", "pandas", "pyarrow", "scipy", "scikit-learn", "matplotlib", "torch", "jupyterlab"}

IMPORT_ALL_OF_THE_PROBE = """
import sys
before = set(sys.modules)
import importlib, pkgutil
import jupyter_lineage.probe as probe
for module in pkgutil.walk_packages(probe.__path__, probe.__name__ + "."):
    if not module.name.endswith(".lineage_shim"):  # a library without Python in it
        importlib.import_module(module.name)
loaded = set(sys.modules) - before
known = set(sys.stdlib_module_names) | {"jupyter_lineage"}
print(sorted(name for name in loaded if name.split(".")[0] not in known))
ours = {name for name in loaded if name.startswith("jupyter_lineage.")}
print(sorted(name for name in ours if not name.startswith("jupyter_lineage.probe")))
"""


def test_the_dependencies_of_the_base_install_are_these_and_no_others():
    lines = [line for line in requires("jupyter_lineage") or [] if "extra ==" not in line]
    names = {line.split(">")[0].split("<")[0].split(";")[0].strip() for line in lines}
    assert names == BASE
    assert not names & HEAVY


def test_the_probe_imports_only_the_standard_library_and_nothing_else_of_ours():
    result = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL_OF_THE_PROBE], capture_output=True, text=True, check=True
    )
    foreign, ours = result.stdout.splitlines()
    assert foreign == "[]"
    assert ours == "[]"
