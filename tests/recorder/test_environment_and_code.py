from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_lineage.recorder import hardware
from jupyter_lineage.recorder.codestate import code_state
from jupyter_lineage.recorder.environment import (
    Environments,
    list_distributions,
    normalised,
    without_credentials,
)


def test_it_finds_what_importlib_metadata_finds():
    folders = [path for path in sys.path if path.endswith("-packages")]
    expected: dict[str, str] = {}
    for distribution in importlib.metadata.distributions(path=folders):
        expected.setdefault(normalised(distribution.metadata["Name"]), distribution.version)
    found = Environments().distributions(folders)
    assert len(expected) > 20
    assert {one["name"]: one["version"] for one in found} == expected


def install(folder: Path, name: str, **direct: object) -> None:
    metadata = folder / f"{name}.dist-info"
    metadata.mkdir(parents=True)
    if direct:
        (metadata / "direct_url.json").write_text(json.dumps(direct))


def test_where_a_distribution_came_from_is_known(tmp_path):
    install(tmp_path, "plain-1.0")
    install(
        tmp_path,
        "from_git-2.0",
        url="https://someone:secret@example.org/x.git",
        vcs_info={"vcs": "git", "commit_id": "abc"},
    )
    install(tmp_path, "here-0.1", url="file:///src/here", dir_info={"editable": True})
    (tmp_path / "broken-1.dist-info").mkdir()
    (tmp_path / "broken-1.dist-info" / "direct_url.json").write_text("{")
    found = {one["name"]: one.get("origin") for one in list_distributions(str(tmp_path))}
    assert found == {
        "plain": None,
        "from-git": {"url": "https://example.org/x.git", "vcs": "git", "commit": "abc"},
        "here": {"url": "file:///src/here", "editable": True},
        "broken": None,
    }


def test_a_new_distribution_is_seen_although_the_folder_is_remembered(tmp_path):
    environments = Environments()
    install(tmp_path, "one-1.0")
    assert len(environments.distributions([str(tmp_path)])) == 1
    os.utime(tmp_path, ns=(1, 1))
    install(tmp_path, "two-1.0")
    assert len(environments.distributions([str(tmp_path), "/not/there"])) == 2


def test_equal_environments_are_stored_once(make_kernel, recorder, rows):
    for _ in range(2):
        make_kernel(version=platform.python_version())
    recorder.run_once()
    assert rows("SELECT count(*) FROM environment") == [(1,)]
    assert rows("SELECT count(*) FROM run_event WHERE kind = 'environment'") == [(2,)]
    document = json.loads(rows("SELECT document FROM environment")[0][0])
    assert document["python"]["version"] == platform.python_version()
    assert document["hardware"]["cpu_count"] == os.cpu_count()
    assert document["hardware"]["memory_bytes"] > 100_000_000
    assert document["system"]["system"] == platform.system()


class BrokenDriver:
    """NVML where the library loads and the driver does not answer."""

    def nvmlInit(self) -> None:
        raise RuntimeError("driver not loaded")


def test_a_broken_driver_means_no_cards(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", BrokenDriver())
    assert hardware.gpus() == []


class Card:
    total = 8 << 30


class Nvml:
    """NVML with one card."""

    def __getattr__(self, name: str):
        answers = {
            "nvmlSystemGetCudaDriverVersion": 12040,
            "nvmlSystemGetDriverVersion": b"550.1",
            "nvmlDeviceGetCount": 1,
            "nvmlDeviceGetName": b"Card",
            "nvmlDeviceGetUUID": "GPU-1",
            "nvmlDeviceGetMemoryInfo": Card,
        }
        return lambda *_: answers.get(name)


def test_a_card_is_described(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", Nvml())
    card = {"name": "Card", "uuid": "GPU-1", "memory_bytes": 8 << 30}
    assert hardware.gpus() == [{**card, "driver": "550.1", "cuda": "12.4"}]


def test_credentials_do_not_stay_in_urls():
    assert without_credentials("https://a:b@host:8080/x") == "https://host:8080/x"
    assert without_credentials("git@host:x/y.git") == "git@host:x/y.git"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "a.py").write_text("x = 1\n")
    git(folder, "add", "a.py")
    git(folder, "commit", "-q", "-m", "first")
    return folder


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    command = ["git", *identity, *arguments]
    return subprocess.run(
        command, cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_a_clean_commit(repository):
    git(repository, "remote", "add", "origin", "https://ada:pass@example.org/r.git")
    (repository / "deep").mkdir()
    assert code_state(str(repository / "deep")) == {
        "git": {
            "root": str(repository),
            "commit": git(repository, "rev-parse", "HEAD"),
            "branch": "main",
            "remote": "https://example.org/r.git",
            "dirty": False,
        }
    }


def test_what_is_not_committed_is_kept_as_a_diff(repository):
    (repository / "a.py").write_text("x = 2\n")
    state = code_state(str(repository))["git"]
    assert state["dirty"]
    assert "+x = 2" in state["diff"]
    assert state["diff_hash"].startswith("blake3:")


def test_a_diff_with_a_secret_keeps_its_hash_only(repository):
    (repository / "a.py").write_text("token = 'ghp_0123456789abcdefghijABCDEFGHIJ012345'\n")
    state = code_state(str(repository))["git"]
    assert state["diff"] is None
    assert state["diff_reason"] == "holds a secret"
    assert "ghp_" not in json.dumps(state)


def test_no_repository_a_broken_one_and_a_missing_folder_say_so(tmp_path, repository):
    assert "not a git repository" in code_state(str(tmp_path))["reason"]
    (repository / ".git" / "HEAD").write_text("nonsense")
    assert code_state(str(repository))["git"] is None
    assert code_state(str(tmp_path / "gone"))["reason"] == "its folder is gone"


def test_a_repository_without_a_commit(tmp_path):
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "a.py").write_text("")
    state = code_state(str(tmp_path))["git"]
    assert (state["commit"], state["branch"], state["dirty"]) == (None, "main", True)
