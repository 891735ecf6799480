"""Compile the file shim: used by the package's build and by whoever changes the C sources.

    python jupyter_lineage/probe/shim/build.py

Standard library only, and nothing of ours: the build runs it before the package exists.
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

LIBRARY = "lineage_shim.so"
SOURCES = Path(__file__).parent
COMPILERS = ("cc", "gcc", "clang")
FLAGS = (
    "-std=gnu11",
    "-O2",
    "-fPIC",
    "-shared",
    "-fvisibility=hidden",
    "-Wl,-z,nodelete",
    "-Wl,-z,relro,-z,now",
)
LIBRARIES = ("-lpthread", "-ldl")
WARNINGS = ("-Wall", "-Wextra", "-Werror")


class CannotCompile(Exception):
    """There is no compiler, or it failed; the message is one line."""


def compiler() -> list[str] | None:
    """Return the command of the machine's C compiler (``$CC`` first), or ``None``."""
    chosen = shlex.split(os.environ.get("CC", ""))
    if chosen and shutil.which(chosen[0]):
        return chosen
    found = next((name for name in COMPILERS if shutil.which(name)), None)
    return [found] if found else None


def _packaged_compiler() -> list[str] | None:
    if importlib.util.find_spec("ziglang") is None:
        return None
    return [sys.executable, "-m", "ziglang", "cc"]


def build(target_folder: str | os.PathLike[str], *, strict: bool = False) -> Path:
    """Compile the helper into ``target_folder`` and return its path.

    Args:
        target_folder: an existing folder.
        strict: let warnings fail (the tests do).

    Raises:
        CannotCompile: in one line, why.
    """
    target = Path(target_folder) / LIBRARY
    attempts = [command for command in (compiler(), _packaged_compiler()) if command]
    if not attempts:
        raise CannotCompile("no C compiler (set CC, or install gcc, clang or ziglang)")
    problem = ""
    for command in attempts:
        problem = _compile([*command, *FLAGS, *(WARNINGS if strict else ())], target)
        if not problem:
            return target
    raise CannotCompile(problem)


def _compile(command: list[str], target: Path) -> str:
    """Run the compiler; return one line that says what failed, or nothing."""
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    sources = [str(source) for source in sorted(SOURCES.glob("*.c"))]
    try:
        done = subprocess.run(
            [*command, "-o", str(fresh), *sources, *LIBRARIES],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            lines = [line for line in done.stderr.splitlines() if "error" in line]
            return f"{command[0]} failed: {(lines or [f'status {done.returncode}'])[0]}"
        fresh.replace(target)  # a running kernel keeps the file that it has mapped
    except OSError as error:
        return f"{command[0]} can't be run: {error}"
    finally:
        fresh.unlink(missing_ok=True)
    return ""


if __name__ == "__main__":
    try:
        print(build(SOURCES, strict="--strict" in sys.argv))  # noqa: T201 - a program
    except CannotCompile as error:
        sys.exit(str(error))
