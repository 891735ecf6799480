"""Longer checks by name; `pytest` alone runs every promise at small scale.

A Python that is not on this machine is skipped with a line that says so.
"""

from __future__ import annotations

import nox

nox.options.sessions = ["tests"]
nox.options.error_on_missing_interpreters = False
PYTHONS = ["3.10", "3.11", "3.12", "3.13"]
LOWEST_LAB = "jupyterlab==4.2.*"


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The whole test suite on every supported Python, with the newest JupyterLab."""
    session.install("-e", ".[test]")
    session.run("pytest", *session.posargs)


@nox.session
@nox.parametrize("lab", [LOWEST_LAB, "jupyterlab"], ids=["lowest", "newest"])
def lab(session: nox.Session, lab: str) -> None:
    """What JupyterLab has a part in, with the lowest version that is promised and the newest."""
    session.install("-e", ".[test]", lab)
    session.run("jupyter", "lab", "--version")
    session.run("pytest", "tests/server", "tests/e2e", "tests/demo", *session.posargs)


@nox.session(python=False)
def benchmarks(session: nox.Session) -> None:
    """Every budget of the design against a bare twin; results go to benchmarks/results/."""
    session.run("python", "-m", "benchmarks", "--save", *session.posargs)


@nox.session(python=False)
def stale_bundle(session: nox.Session) -> None:
    """A second install in a dirty tree ships the panel as it is now, not as it was."""
    session.run("pytest", "tests/slow/test_stale_bundle.py", "-p", "no:cacheprovider")
