"""Compiling the shim: with the compiler there is, else with a line that says what is missing."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from jupyter_lineage.probe.shim import LIBRARY, build

from .shim_harness import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the shim is for Linux")


def hook(target: str) -> Any:
    """Return the package's build hook as hatchling makes it, for a copy's folder."""
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.ShimBuildHook(str(ROOT), {}, None, None, "", target)


def test_it_compiles_without_a_warning(tmp_path: Path) -> None:
    assert build.build(tmp_path, strict=True) == tmp_path / LIBRARY
    assert [path.name for path in tmp_path.iterdir()] == [LIBRARY]


def test_a_failure_is_one_line_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / LIBRARY).write_bytes(b"old")
    monkeypatch.setenv("CC", "false")
    monkeypatch.setattr(build, "_packaged_compiler", lambda: None)
    with pytest.raises(build.CannotCompile) as problem:
        build.build(tmp_path)
    assert str(problem.value) == "false failed: status 1"
    assert (tmp_path / LIBRARY).read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == [LIBRARY]


def test_no_compiler_at_all_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(build, "_packaged_compiler", lambda: None)
    with pytest.raises(build.CannotCompile, match="no C compiler"):
        build.build(tmp_path)


def test_the_wheel_asks_for_a_packaged_compiler_only_where_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("hatchling")
    monkeypatch.delenv("CC", raising=False)
    assert hook("wheel").dependencies() == ([] if build.compiler() else ["ziglang"])
    assert hook("sdist").dependencies() == []
    monkeypatch.setenv("PATH", str(tmp_path))
    assert hook("wheel").dependencies() == ["ziglang"]
