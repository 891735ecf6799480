"""Longer checks by name; `pytest` alone runs every promise at small scale."""

from __future__ import annotations

import nox

nox.options.sessions = ["tests"]
PYTHONS = ["3.10", "3.11", "3.12", "3.13"]


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The whole test suite on every supported Python."""
    session.install("-e", ".[test]")
    session.run("pytest", *session.posargs)


@nox.session(python=False)
def benchmarks(session: nox.Session) -> None:
    """Every budget of the design against a bare twin; results go to benchmarks/results/."""
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session(python=False)
def stale_bundle(session: nox.Session) -> None:
    """A second install in a dirty tree ships the panel as it is now, not as it was."""
    session.run("pytest", "tests/slow/test_stale_bundle.py", "-p", "no:cacheprovider")
