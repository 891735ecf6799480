from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_lineage.recorder.cycle import Recorder

from .fake_kernel import FakeKernel


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("JUPYTER_LINEAGE_SPOOL", raising=False)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "store" / "lineage.db"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def make_kernel(database: Path, work: Path) -> Iterator[Callable[..., FakeKernel]]:
    made: list[FakeKernel] = []

    def make(**options: Any) -> FakeKernel:
        made.append(FakeKernel(database, work, **options))
        return made[-1]

    yield make
    for kernel in made:
        kernel.kill()


@pytest.fixture
def kernel(make_kernel: Callable[..., FakeKernel]) -> FakeKernel:
    return make_kernel()


@pytest.fixture
def recorder(database: Path) -> Iterator[Recorder]:
    made = Recorder(database)
    yield made
    made.close()


class Rows:
    """Looks into the database from outside."""

    def __init__(self, database: Path) -> None:
        self._database = database

    def __call__(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(self._database)
        try:
            return connection.execute(statement, values).fetchall()
        finally:
            connection.close()


@pytest.fixture
def rows(database: Path) -> Rows:
    return Rows(database)
