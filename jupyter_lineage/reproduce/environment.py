"""Which Python a reproduction runs in, and how its environment differs from the recorded one.

Nothing is built or installed here: the recorded interpreter is used where it still works, else
the one that runs this. Differences are said before the start and in the verdict.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import ReproduceError
from ..probe.devices import devices
from ..probe.variables import VARIABLES
from ..recorder.environment import Environments, normalised
from . import fence

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

Difference = dict[str, "str | None"]

_ASK = """
import importlib.util, json, sys, sysconfig, site
have = [n for n in ("ipykernel", "jupyter_lineage") if importlib.util.find_spec(n)]
paths = [sysconfig.get_path(n) for n in ("purelib", "platlib")]
if site.ENABLE_USER_SITE: paths.append(site.getusersitepackages())
print(json.dumps({"version": sys.version.split()[0], "have": have, "site_dirs": paths}))
"""
_ASK_SECONDS = 30
_MASKED = "[redacted:"
_OWN_STATE = "/proc/self"

# Of the recorded variables: PYTHONPATH is only ever added, since without it the kernel might not
# find this package; an interpreter's own folder says nothing where another one is used.
_NOT_REPEATED = ("PYTHONHASHSEED", "VIRTUAL_ENV", "CONDA_PREFIX")
_ONLY_ADDED = ("PYTHONPATH",)
_DROPPED = (
    "JUPYTER_LINEAGE_DISABLE",
    "PYTHONDONTWRITEBYTECODE",  # the first cell would be up to 8 s later
    "MPLBACKEND",  # the kernel sets its own
    "JPY_SESSION_NAME",
    "JPY_PARENT_PID",
    "PYTHONHASHSEED",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """The Python that a reproduction's kernel runs in."""

    executable: str
    version: str
    site_dirs: tuple[str, ...]
    note: str | None = None
    """Why it is not the recorded one."""


def choose_interpreter(process: Mapping[str, Any]) -> Interpreter:
    """Return the recorded interpreter when it can run a recorded kernel, else the current one.

    Args:
        process: the ``process`` record of the run's kernel.

    Raises:
        ReproduceError: neither can.
    """
    recorded = str(process.get("executable") or "")
    note = None
    if recorded and recorded != sys.executable:
        found = _ask(recorded)
        lacking = _lacking(found)
        if found is not None and not lacking:
            return _interpreter(recorded, found, None)
        why = "is gone" if found is None else f"has no {' and no '.join(lacking)} any more"
        note = f"the recorded Python {recorded} {why}; {sys.executable} is used"
    found = _ask(sys.executable)
    lacking = _lacking(found)
    if found is None or lacking:
        raise ReproduceError(
            f"the Python {sys.executable} has no {' and no '.join(lacking) or 'working kernel'}",
            hint="Install it there: pip install jupyter_lineage.",
        )
    return _interpreter(sys.executable, found, note)


def _interpreter(executable: str, found: Mapping[str, Any], note: str | None) -> Interpreter:
    return Interpreter(
        executable=executable,
        version=str(found["version"]),
        site_dirs=tuple(dict.fromkeys(found["site_dirs"])),
        note=note,
    )


def _ask(executable: str) -> dict[str, Any] | None:
    try:
        done = subprocess.run(
            [executable, "-c", _ASK],
            capture_output=True,
            text=True,
            timeout=_ASK_SECONDS,
            check=False,
            cwd=os.sep,
        )
        found = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return found if isinstance(found, dict) else None


def _lacking(found: Mapping[str, Any] | None) -> list[str]:
    have = (found or {}).get("have", ())
    return [name for name in ("ipykernel", "jupyter_lineage") if name not in have]


def kernel_variables(process: Mapping[str, Any]) -> dict[str, str]:
    """Return the environment for a reproduction's kernel: ours, with what was recorded put in.

    Args:
        process: the ``process`` record of the run's kernel.
    """
    environment = {name: value for name, value in os.environ.items() if name not in _DROPPED}
    recorded = process.get("variables")
    if isinstance(recorded, dict):
        for name in VARIABLES:
            if name not in (*_NOT_REPEATED, *_ONLY_ADDED):
                environment.pop(name, None)
        environment |= {
            name: value
            for name, value in recorded.items()
            if name in VARIABLES and name not in _NOT_REPEATED and _MASKED not in value
        }
    if process.get("hashseed"):
        environment["PYTHONHASHSEED"] = str(process["hashseed"])
    return environment


def changeable_folders(own: Iterable[Path]) -> list[str]:
    """Return the folders that a reproduction's kernel, and what it starts, may change.

    Args:
        own: those of this reproduction: its workspace, its temporary folder, its spools.
    """
    from jupyter_core.paths import jupyter_runtime_dir

    common = (jupyter_runtime_dir(), fence.SHARED_MEMORY, _OWN_STATE, *devices())
    return [*map(str, own), *common]


def present_environment(interpreter: Interpreter) -> dict[str, Any]:
    """Return what can be said at once of an interpreter's environment, as the record has it."""
    return {
        "python": {"version": interpreter.version},
        "distributions": Environments().distributions(list(interpreter.site_dirs)),
    }


def differences(then: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> list[Difference]:
    """Return how two environment documents differ: ``kind``, ``name``, ``then``, ``now``.

    Only what both documents speak of is compared, except for packages: one that is in a single
    document was added or is missing.
    """
    found: list[Difference] = []
    if not then or not now:
        return found
    _compare(found, "python", "python", _python(then), _python(now))
    before, after = _packages(then), _packages(now)
    found += [
        _difference("package", name, before.get(name), after.get(name))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]
    _compare(found, "system", "system", _words(then.get("system")), _words(now.get("system")))
    old, new = then.get("hardware") or {}, now.get("hardware") or {}
    for name in ("cpu", "gpus"):
        _compare(found, "hardware", name, _words(old.get(name)), _words(new.get(name)))
    return found


def _compare(found: list[Difference], kind: str, name: str, *sides: str | None) -> None:
    then, now = sides
    if then and now and then != now:
        found.append(_difference(kind, name, then, now))


def _difference(kind: str, name: str, then: str | None, now: str | None) -> Difference:
    return {"kind": kind, "name": name, "then": then, "now": now}


def _python(document: Mapping[str, Any]) -> str | None:
    version = (document.get("python") or {}).get("version")
    return str(version) if version else None


def _packages(document: Mapping[str, Any]) -> dict[str, str]:
    packages = document.get("distributions") or ()
    return {normalised(str(one["name"])): str(one.get("version")) for one in packages}


def _words(value: Any) -> str | None:
    if isinstance(value, str) or value is None:
        return value
    return json.dumps(value, sort_keys=True)


def describe(difference: Difference) -> str:
    """Return a difference in words."""
    name, then, now = difference["name"], difference["then"], difference["now"]
    if then is None:
        return f"{name} {now} was not installed then"
    if now is None:
        return f"{name} {then} is not installed now"
    return f"{name} was {then} and is {now}"
