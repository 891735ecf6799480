"""A reproduction from its plan to its stored verdict."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ReproduceError
from ..ids import uuid7
from ..probe.places import data_folder, spool_folder
from ..recorder.client import hand_in, start_if_needed, wake_and_wait
from ..store import open_reader
from ..store.content import Content, content_folder
from ..store.queries import change_number, find_run
from . import apart, fence, memory
from .environment import (
    Interpreter,
    changeable_folders,
    choose_interpreter,
    describe,
    differences,
    kernel_variables,
    present_environment,
)
from .evidence import Evidence, load
from .execute import Launch, run_cells
from .folders import private_folders
from .originals import changes, named, state_of
from .plan import Plan, plan
from .verdict import Circumstances, judge
from .workspace import fill, make_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Progress = Callable[[str, int, int], None]

_WAIT_SECONDS = 0.5
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A reproduction that may start: what will be done, in which Python, and what to say before."""

    database: Path
    plan: Plan
    interpreter: Interpreter
    problems: tuple[str, ...]
    apart: frozenset[str]
    """What the reproduction has for itself, as :func:`.apart.given` tells."""


def prepare(database: Path, run: str) -> Prepared:
    """Plan a reproduction and find out everything that has to be said before it starts.

    Args:
        database: the database that the run is in.
        run: a run's id, or the beginning or end of one.

    Raises:
        NotFound: there is no such run, or no database.
        InvalidInput: several runs have such an id.
        ReproduceRefused: it would change something outside its own folder, or read wrong bytes.
        ReproduceError: it can't be done for another reason.
    """
    wake_and_wait(database, _WAIT_SECONDS)
    with open_reader(database) as store:
        planned = plan(store, Content(content_folder(database)), find_run(store, run))
    interpreter = choose_interpreter(planned.evidence.process)
    found = differences(planned.evidence.environment, present_environment(interpreter))
    notes = [interpreter.note] if interpreter.note else []
    alone = apart.given(planned, changeable_folders((spool_folder(database),)))
    notes += apart.said_before(planned.evidence, alone)
    return Prepared(
        database=database,
        plan=planned,
        interpreter=interpreter,
        problems=(*planned.problems, *notes, *map(describe, found)),
        apart=alone,
    )


def run(
    database: Path,
    run: str | Prepared,
    *,
    into: Path | None = None,
    progress: Progress | None = None,
    keep: bool = True,
    seconds: float | None = None,
) -> dict[str, Any]:
    """Run a recorded run again and return the verdict, which is also stored.

    Args:
        database: the database that the run is in; the reproduction is recorded there too.
        run: a run's id, or what :func:`prepare` gave.
        into: a new or empty folder to work in; by default one in the user's data folder.
        progress: told (phase, done, total); phases are ``plan``, ``inputs``, ``starting``,
            ``cells``, ``recording`` and ``verdict``.
        keep: whether the folder stays when all is done.
        seconds: a time limit for all cells together.

    Returns:
        The document of ``reproduce --json``, with the workspace as ``folder``.

    Raises:
        NotFound: there is no such run.
        InvalidInput: the id is not clear, or the folder can't be used.
        ReproduceRefused: it would change something outside its own folder, or read wrong bytes.
        ReproduceError: it can't be done for another reason.
    """
    say = progress or _silent
    say("plan", 0, 1)
    prepared = prepare(database, run) if isinstance(run, str) else run
    reproduction = str(uuid7())
    folder = make_folder(into or data_folder() / "reproductions" / reproduction)
    try:
        document = _reproduce(prepared, reproduction, folder, say, seconds)
    except BaseException:
        _clear(folder, made=into is None)
        raise
    if not keep:
        _clear(folder, made=into is None)
    return {**document, "folder": str(folder)}


def _silent(phase: str, done: int, total: int) -> None:
    """Say nothing."""


def _clear(folder: Path, *, made: bool) -> None:
    """Empty a workspace; take the folder itself away too when it was ours."""
    if made:
        shutil.rmtree(folder, ignore_errors=True)
        return
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)


def _reproduce(
    prepared: Prepared, reproduction: str, folder: Path, say: Progress, seconds: float | None
) -> dict[str, Any]:
    planned, database = prepared.plan, prepared.database
    fill(
        folder,
        Content(content_folder(database)),
        planned.inputs.files,
        folders=planned.folders,
        progress=lambda done, total: say("inputs", done, total),
    )
    say("starting", 0, 1)
    start_if_needed(database)
    originals, shared = state_of(planned.evidence, folder), memory.state()
    with tempfile.TemporaryDirectory(
        prefix="jupyter-lineage-", ignore_cleanup_errors=True
    ) as temporary:
        launch = _launch(prepared, reproduction, folder, Path(temporary))
        lacking = list(apart.said_before(planned.evidence, launch.apart))
        if apart.SAID_BEFORE in lacking:
            own = (temporary, *(launch.changeable or (str(folder),)))
            originals = {**named(planned.evidence, folder, own), **originals}
        broken = run_cells(
            launch,
            list(planned.steps),
            seconds=seconds,
            progress=lambda done, total: say("cells", done, total),
        )
    changed = changes(originals)
    meanwhile = [] if fence.MEMORY in launch.apart else memory.changed_since(shared)
    meanwhile += [text for text in lacking if text not in prepared.problems]
    say("recording", 0, 1)
    repeated = wait_until_recorded(database, reproduction)
    say("verdict", 0, 1)
    known = _circumstances(prepared, broken, changed, meanwhile)
    document = judge(planned.evidence, repeated, known)
    _store(database, document)
    say("verdict", 1, 1)
    return document


def _launch(prepared: Prepared, reproduction: str, folder: Path, temporary: Path) -> Launch:
    evidence = prepared.plan.evidence
    own = (folder, temporary, spool_folder(prepared.database))
    changeable = changeable_folders(own)
    variables = kernel_variables(evidence.process) | {
        "JUPYTER_LINEAGE_DATABASE": str(prepared.database),
        # One that the kernel started would be as fenced in as the kernel is; ours runs already.
        "JUPYTER_LINEAGE_RECORDER": "0",
        "TMPDIR": str(temporary),
        **private_folders(temporary),
    }
    return Launch(
        python=prepared.interpreter.executable,
        workspace=folder,
        temporary=temporary,
        changeable=changeable if fence.is_available() else None,
        apart=apart.given(prepared.plan, changeable),
        variables=variables,
        hand_over={
            "run": reproduction,
            "run_kind": "reproduction",
            "run_parent": evidence.id,
            "run_name": None,
            "notebook": evidence.notebook,
            "guard": str(folder),
            "programs": fence.is_available(),
        },
    )


def _circumstances(
    prepared: Prepared,
    broken: str | None,
    changed: Sequence[str],
    meanwhile: Sequence[str],
) -> Circumstances:
    planned = prepared.plan
    return Circumstances(
        skipped={step.cell.number: step.skipped for step in planned.steps if step.skipped},
        missing={missing.path: missing.cells for missing in planned.inputs.missing},
        left_out={one.path: one.cells for one in planned.inputs.left_out},
        doubtful={one.path: one.cells for one in planned.inputs.doubtful},
        broken=broken,
        changed=changed,
        problems=(*meanwhile, *prepared.problems),
    )


def wait_until_recorded(database: Path, run_id: str) -> Evidence:
    """Wait until the recorder has stored a run whole and return its evidence.

    The recorder hashes what the run wrote, which takes its time; it is given up only when
    nothing more is stored.

    Raises:
        ReproduceError: the run is not stored.
    """
    last, since = -1, time.monotonic()
    while time.monotonic() - since < _PATIENCE_SECONDS:
        behind = wake_and_wait(database, _WAIT_SECONDS)
        with open_reader(database) as store:
            number = change_number(store)
            status = _status(store, run_id)
            if behind == 0 and status not in (None, "running"):
                return load(store, run_id)
        if number != last:
            last, since = number, time.monotonic()
        time.sleep(0.05)
    raise ReproduceError(
        f"the reproduction {run_id} ran, but its record is not stored",
        hint="`jupyter lineage doctor` looks at the recorder.",
    )


def _status(store: Any, run_id: str) -> str | None:
    from ..store.queries import rows

    found = rows(store, "SELECT status FROM runs WHERE id = ?", (run_id,))
    return str(found[0]["status"]) if found else None


def _store(database: Path, document: dict[str, Any]) -> None:
    """Hand the verdict to the recorder, the only one that writes the database."""
    hand_in(
        database,
        [
            {
                "type": "reproduction",
                "run": document["reproduction"],
                "original": document["run"],
                "verdict": document["verdict"],
                "document": json.loads(json.dumps(document)),
            }
        ],
    )
    wake_and_wait(database, _WAIT_SECONDS)
