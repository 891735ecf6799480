"""What a reproduction will do, what it can't have, and whether it may be done at all.

Everything is decided and said before anything starts. Nothing here changes a file.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ReproduceError, ReproduceRefused
from ..store.content import Content, content_folder
from . import fence, sources
from .evidence import Cell, Evidence, Use, load, relative_to
from .inputs import Inputs, changed_meanwhile, find_inputs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..store import Store

_TEMPORARY = re.compile(r"/(?:tmp|temp|T)/(?:[^/]*tmp[a-z0-9_]{8}|joblib_memmapping_folder_)", re.I)
_MADE_HARMLESSLY = re.compile(r"exist_ok\s*=\s*True|mkdir\s+-p|exists\(|isdir\(|is_dir\(")
_SMALL_TEXT = 1_000_000
_PATHS_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One cell to run, or why it will not be."""

    cell: Cell
    source: str | None
    skipped: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A reproduction that may be done."""

    evidence: Evidence
    steps: tuple[Step, ...]
    inputs: Inputs
    folders: tuple[str, ...]
    """Folders, relative, that the run wrote into or worked in and did not make itself."""
    problems: tuple[str, ...]
    """What can't be had or may differ, one sentence each."""


def plan(store: Store, content: Content, run_id: str) -> Plan:
    """Return how a run will be reproduced.

    Args:
        store: an open store.
        content: the kept bytes that belong to it.
        run_id: a full id, as :func:`jupyter_lineage.store.queries.find_run` gives it.

    Raises:
        NotFound: there is no such run.
        ReproduceRefused: it would change something outside its own folder, or read wrong bytes.
        ReproduceError: the record holds no cell that could be run.
    """
    evidence = load(store, run_id)
    if not evidence.cells:
        raise ReproduceError(
            f"run {evidence.id} has no recorded cell", hint="There is nothing to run again."
        )
    if not evidence.cwd:
        raise ReproduceError(f"the working folder of run {evidence.id} is not recorded")
    fixed = names_its_folder(evidence, content)
    _refuse_writes(evidence, fixed=fixed)
    _refuse_links(evidence)
    _refuse_programs(evidence)
    inputs = find_inputs(evidence, content, fixed=fixed)
    if inputs.changed:
        raise ReproduceRefused(
            f"it would read other bytes than the run did: {_listed(inputs.changed)}",
            paths=inputs.changed,
            hint="Put the recorded versions back there: these paths lie outside the run's folder "
            "or are given absolutely.",
        )
    steps = tuple(_steps(evidence))
    return Plan(
        evidence=evidence,
        steps=steps,
        inputs=inputs,
        folders=tuple(_folders(evidence)),
        problems=tuple(_problems(evidence, inputs, steps)),
    )


def refuse_if_unsafe(store: Store, run_id: str) -> None:
    """Check, without doing anything, that a run may be reproduced here.

    Raises:
        NotFound: there is no such run.
        ReproduceRefused: it would change something outside its own folder, or read wrong bytes.
        ReproduceError: the record holds no cell that could be run.
    """
    plan(store, Content(content_folder(store.path)), run_id)


def names_its_folder(evidence: Evidence, content: Content) -> bool:
    """Tell whether the run's code may hold its working folder as a fixed place.

    Libraries make relative paths absolute before they open them (SQLite, logging); such a path
    follows the working folder. One that is written or put together in the code or in a local
    module, or that stands in a small input, does not. Where that can't be looked at (a masked cell,
    natively opened files that nobody would guard) the answer is yes.
    """
    if evidence.capture_level != "full":
        return True
    for cell in evidence.cells:
        if cell.source is None or cell.masked:
            return True
        if sources.may_name(cell.source, evidence.cwd, os.environ):
            return True
    read = {use.hash: use for use in evidence.uses if use.role == "read" and use.hash}
    return any(
        _names_it(use, evidence.cwd, content.read(one))
        for one, use in read.items()
        if (use.size or 0) <= _SMALL_TEXT and content.has(one)
    )


def _names_it(use: Use, folder: str, data: bytes) -> bool:
    if use.via == "import":
        return sources.may_name(data.decode(errors="replace"), folder, os.environ)
    return os.fsencode(folder) in data


def is_temporary(path: str) -> bool:
    """Tell whether a path looks like one that ``tempfile`` or joblib made up."""
    return _TEMPORARY.search(path) is not None


def _refuse_writes(evidence: Evidence, *, fixed: bool) -> None:
    """Refuse a run that changed anything outside its folder.

    Raises:
        ReproduceRefused: it did.
    """
    found: dict[str, None] = {}
    for use in evidence.uses:
        if use.role == "read":
            continue
        outside = relative_to(use.path, evidence.cwd) is None
        if (outside and not is_temporary(use.path)) or (use.absolute and not outside and fixed):
            found.setdefault(os.path.normpath(use.path))
    if found:
        paths = tuple(found)
        raise ReproduceRefused(
            f"the run changed files outside its working folder or by absolute paths: "
            f"{_listed(paths)}",
            paths=paths,
            hint="Running it again could overwrite them; use relative paths inside "
            f"{evidence.cwd}.",
        )


def _refuse_links(evidence: Evidence) -> None:
    """Refuse a run that changed something behind a link to elsewhere that it may have made itself.

    A link that was there before is a folder of its own in the workspace.

    Raises:
        ReproduceRefused: it did.
    """
    if not any(sources.makes_links(cell.source or "") for cell in evidence.cells):
        return
    folder = os.path.realpath(evidence.cwd)
    led: dict[str, None] = {}
    for use in evidence.uses:
        if use.role != "read" and relative_to(use.path, evidence.cwd) is not None:
            real = os.path.realpath(use.path)
            if relative_to(real, folder) is None:
                led.setdefault(real)
    if led:
        paths = tuple(led)
        raise ReproduceRefused(
            f"the run makes links, and through links it changed files outside its working folder: "
            f"{_listed(paths)}",
            paths=paths,
            hint="Running it again could overwrite them; write inside its folder instead.",
        )


def _refuse_programs(evidence: Evidence) -> None:
    """Refuse a run that starts programs where nothing can keep these inside a folder.

    Raises:
        ReproduceRefused: it does.
    """
    cells = starting_programs(evidence)
    if cells and not fence.is_available():
        numbers = ", ".join(map(str, cells))
        raise ReproduceRefused(
            f"cell {numbers} starts other programs, and what these change can't be limited here",
            paths=(),
            hint="It takes Linux 6.2 or newer with Landlock.",
        )


def starting_programs(evidence: Evidence) -> list[int]:
    """Return the numbers of the cells that started other programs or may start some."""
    return [
        cell.number
        for cell in evidence.cells
        if cell.programs or sources.starts_programs(cell.source or "")
    ]


def _listed(paths: tuple[str, ...]) -> str:
    more = len(paths) - _PATHS_SHOWN
    return ", ".join(paths[:_PATHS_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _steps(evidence: Evidence) -> Iterator[Step]:
    live = _live_sources(evidence.notebook) if any(map(_hidden, evidence.cells)) else {}
    for cell in evidence.cells:
        source = live.get(cell.source_sha256 or "") if _hidden(cell) else cell.source
        if cell.status in ("died", "interrupted", "running"):
            yield Step(cell=cell, source=None, skipped=_UNFINISHED[cell.status])
        elif source is None:
            why = "masked: its source holds a secret" if cell.masked else "its source is too large"
            yield Step(cell=cell, source=None, skipped=why)
        else:
            yield Step(cell=cell, source=source)


_UNFINISHED = {
    "died": "its kernel died in it, so how far it got is not known",
    "interrupted": "it was interrupted, so how far it got is not known",
    "running": "it had not ended when it was recorded last",
}


def _hidden(cell: Cell) -> bool:
    return cell.source is None or cell.masked > 0


def _live_sources(notebook: str | None) -> dict[str, str]:
    """Return the sources of the notebook as it is now, by their SHA-256."""
    if not notebook:
        return {}
    try:
        document = json.loads(Path(notebook).read_bytes())
        cells = [cell["source"] for cell in document["cells"] if cell["cell_type"] == "code"]
        texts = [text if isinstance(text, str) else "".join(text) for text in cells]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {_sha256(text): text for text in texts}


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _folders(evidence: Evidence) -> Iterator[str]:
    """Yield folders that have to be there: the run wrote into them or worked in them.

    A folder that the run made itself must not be there, or its ``mkdir`` would fail.
    """
    worked = (relative_to(cell.cwd or evidence.cwd, evidence.cwd) for cell in evidence.cells)
    written = (
        (relative_to(use.path, evidence.cwd) or "").rpartition(os.sep)[0]
        for use in evidence.uses
        if use.role == "write"
    )
    found: dict[str, None] = {}
    if evidence.new_folders is None:
        found.update(dict.fromkeys(filter(None, worked)))
        if not _makes_folders(evidence.cells):
            found.update(dict.fromkeys(filter(None, written)))
    else:
        made = {relative_to(folder, evidence.cwd) for folder in evidence.new_folders}
        texts = [cell.source or "" for cell in evidence.cells if cell.programs]
        for folder in (*filter(None, worked), *filter(None, written)):
            before = _there_before(folder, made, texts)
            if before:
                found.setdefault(before)
    yield from found


def _there_before(folder: str, made: set[str | None], texts: list[str]) -> str:
    """Return the part of a folder's relative path that the run found there.

    What a program made is not recorded: a name in a cell that starts one to make folders is taken
    for such a folder.
    """
    steps = Path(folder).parts
    for count, step in enumerate(steps, start=1):
        by_program = any("mkdir" in text and step in text for text in texts)
        if by_program or str(Path(*steps[:count])) in made:
            return str(Path(*steps[: count - 1])) if count > 1 else ""
    return folder


def _makes_folders(cells: tuple[Cell, ...]) -> bool:
    """Tell whether code makes folders that may not exist yet, where that is not recorded."""
    return any(
        "mkdir" in line or "makedirs" in line
        for cell in cells
        if not _MADE_HARMLESSLY.search(cell.source or "")
        for line in (cell.source or "").splitlines()
    )


def _problems(evidence: Evidence, inputs: Inputs, steps: tuple[Step, ...]) -> Iterator[str]:
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    for missing in inputs.missing:
        yield f"not in the record: {missing.path} ({missing.reason})"
    for left in inputs.left_out:
        yield f"left out, to be made again: {left.path} ({left.reason})"
    for one in inputs.doubtful:
        yield f"not sure to be an input: {one.path} ({one.reason})"
    if inputs.ageless:
        listed = _listed(inputs.ageless)
        yield f"it can't be told whether these were there before the run began: {listed}"
    for cell in evidence.cells:
        if cell.programs:
            yield f"cell {cell.number} started other programs; what they read is not in the record"
        yield from sources.looks(cell.number, cell.source or "")
    for path, _ in inputs.in_place:
        yield f"read from its original place: {path}"
        if relative_to(path, cache) is not None:
            yield f"a reproduction has a cache folder of its own, without {path}"
    for path in changed_meanwhile(evidence):
        yield f"changed by somebody else while the run was reading it: {path}"
    for step in steps:
        if step.skipped:
            yield f"cell {step.cell.number} is not run again: {step.skipped}"
    if evidence.status == "running":
        yield "the run has not ended: only what is recorded so far is run again"
    if evidence.capture_level != "full":
        yield "recorded in Python only: files that libraries opened natively may be missing"
    if not evidence.process.get("hashseed"):
        yield "no hash seed was set: the order of sets of texts may differ"
    yield from _unseen(evidence.process)
    for gap in evidence.gaps:
        detail = f" ({gap['detail']})" if gap.get("detail") else ""
        yield f"gap in the record: {gap['reason']}{detail}"


def _unseen(process: Mapping[str, object]) -> Iterator[str]:
    unseen = process.get("unseen")
    if isinstance(unseen, int) and unseen > 0:
        word = "execution" if unseen == 1 else "executions"
        yield f"{unseen} {word} before recording began are not in the record"
