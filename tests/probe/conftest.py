"""Kernels for the probe's tests: one per module where cells may share it, else one per test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .kernels import Kernel


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """One kernel for all tests of a module."""
    kernel = Kernel(tmp_path_factory.mktemp("shared"))
    yield kernel
    kernel.kill()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Kernel]]:
    """Start kernels that are gone after the test."""
    started: list[Kernel] = []

    def begin(home: Path = tmp_path, **options: Any) -> Kernel:
        started.append(Kernel(home, **options))
        return started[-1]

    yield begin
    for kernel in started:
        kernel.kill()
