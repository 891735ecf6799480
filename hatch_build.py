"""Build hook of the wheel: compiles the file shim on Linux, and says so in the wheel's tag.

Where it can't be compiled the package is built without it: it works, its runs say ``python-only``.
"""

from __future__ import annotations

import importlib.util
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SHIM = Path("jupyter_lineage", "probe", "shim")


def _load_build_module(root: str) -> Any:
    """Return ``shim/build.py``, by its path: the package itself can't be imported yet."""
    spec = importlib.util.spec_from_file_location(
        "lineage_shim_build", Path(root, SHIM, "build.py")
    )
    if spec is None or spec.loader is None:
        raise ImportError(str(SHIM / "build.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class ShimBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Compile ``lineage_shim.so`` before a wheel is put together, editable ones too."""

    def dependencies(self) -> list[str]:
        """Return the compiler that comes as a Python package, where the machine has none."""
        if not self._wanted() or _load_build_module(self.root).compiler():
            return []
        return ["ziglang"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Compile, and tag the wheel with this platform; without a compiler it stays pure."""
        if self.target_name != "wheel":
            return
        shim = _load_build_module(self.root)
        folder = Path(self.root, SHIM)
        if self._wanted():
            try:
                shim.build(folder)
            except shim.CannotCompile as problem:
                self.app.display_warning(f"Built without the file shim: {problem}")
            else:
                platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
                build_data["pure_python"] = False
                build_data["tag"] = f"py3-none-{platform}"
                return
        Path(folder, shim.LIBRARY).unlink(missing_ok=True)  # an old one would go into the wheel

    def _wanted(self) -> bool:
        return self.target_name == "wheel" and sys.platform.startswith("linux")
