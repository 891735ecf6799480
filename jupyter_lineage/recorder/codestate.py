"""The code that a run stands on: its git commit, branch, remote, and what is not committed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from ..ids import hash_bytes
from ..probe import redact
from .environment import without_credentials

_SECONDS = 10
_DIFF_LIMIT = 5_000_000
_REMOTE = "origin"


def code_state(folder: str) -> dict[str, Any]:
    """Return the state of the git repository that holds ``folder``.

    Returns:
        ``{"git": None, "reason": …}`` without one, or where git can't tell; else ``git`` with
        ``root``, ``commit`` (None before the first), ``branch``, ``remote``, ``dirty``, and
        ``diff``, ``diff_hash``, ``diff_reason`` (why the text is not kept).
    """
    try:
        root = _git(folder, "rev-parse", "--show-toplevel")
    except FileNotFoundError:
        return {"git": None, "reason": "git is not installed"}
    except (OSError, subprocess.SubprocessError) as error:
        return {"git": None, "reason": _why(error)}
    try:
        return {"git": {"root": root, **_state(root)}}
    except (OSError, subprocess.SubprocessError) as error:
        return {"git": None, "reason": _why(error)}


def _state(root: str) -> dict[str, Any]:
    commit = _maybe(root, "rev-parse", "--verify", "HEAD")
    branch = _maybe(root, "symbolic-ref", "--short", "HEAD")
    remote = _maybe(root, "config", "--get", f"remote.{_REMOTE}.url")
    status = _git(root, "status", "--porcelain", "--untracked-files=normal", "--ignore-submodules")
    state: dict[str, Any] = {
        "commit": commit,
        "branch": None if branch is None else redact.mask(branch)[0],
        "remote": None if remote is None else without_credentials(remote),
        "dirty": bool(status),
    }
    if commit is not None and status:
        state |= _diff(root)
    return state


def _diff(root: str) -> dict[str, Any]:
    options = ("--no-ext-diff", "--no-textconv", "--no-color", "--ignore-submodules")
    raw = _run(root, "diff", *options, "HEAD")
    if not raw:
        return {}
    known: dict[str, Any] = {"diff_hash": hash_bytes(raw), "diff": None}
    if len(raw) > _DIFF_LIMIT:
        return {**known, "diff_reason": f"larger than {_DIFF_LIMIT} bytes"}
    text = raw.decode("utf-8", "replace")
    step = redact.LIMIT - 4096
    if any(redact.mask(text[at : at + redact.LIMIT])[1] for at in range(0, len(text), step)):
        return {**known, "diff_reason": "holds a secret"}
    return {**known, "diff": text}


def _maybe(folder: str, *arguments: str) -> str | None:
    try:
        return _git(folder, *arguments) or None
    except subprocess.CalledProcessError:
        return None


def _git(folder: str, *arguments: str) -> str:
    return (
        os.fsdecode(_run(folder, *arguments))
        .rstrip("\n")
        .encode("utf-8", "backslashreplace")
        .decode()
    )


def _run(folder: str, *arguments: str) -> bytes:
    if not Path(folder).is_dir():
        raise subprocess.SubprocessError("its folder is gone")
    # No lock is taken, nothing is asked, and nothing of the repository's own is run.
    environment = {
        **os.environ,
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }
    return subprocess.run(
        ["git", "-c", "core.fsmonitor=false", *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_SECONDS,
        check=True,
    ).stdout


def _why(error: OSError | subprocess.SubprocessError) -> str:
    if isinstance(error, subprocess.TimeoutExpired):
        return f"git did not answer within {_SECONDS} s"
    if isinstance(error, subprocess.CalledProcessError):
        said = error.stderr.decode(errors="replace").strip().splitlines()
        return redact.mask(said[0][:300])[0] if said else "git failed"
    return str(error)
