"""``jupyter lineage reproduce``: run a recorded run again and say what came out the same."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InvalidInput
from ..probe.places import database_path
from . import output

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from types import FrameType

    from ..reproduce.reproduction import Prepared

_PHASES = {
    "plan": "planning",
    "inputs": "putting the inputs in place",
    "starting": "starting a kernel",
    "cells": "running the cells",
    "recording": "recording",
    "verdict": "comparing",
}
_GOOD = ("identical", "equivalent")
_LISTED = 10
_TITLE_WIDTH = 44


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "run", metavar="RUN", help="a run's id, 4 or more characters of its end or start, or `last`"
    )
    parser.add_argument(
        "--into",
        metavar="FOLDER",
        type=Path,
        help="work in this new or empty folder (default: one in the data folder)",
    )
    parser.add_argument(
        "--seconds", metavar="N", type=float, help="stop when the cells take longer than this"
    )
    parser.add_argument(
        "--yes", action="store_true", help="don't ask before a start with something missing"
    )
    parser.add_argument(
        "--progress", action="store_true", help="print progress as JSON lines on standard error"
    )
    parser.add_argument(
        "--json", action="store_true", help="print the answer as JSON (docs/reference/schemas)"
    )


def run(args: argparse.Namespace) -> int:
    """Reproduce the run and print the verdict; 0 when all came out the same, else 1."""
    from ..reproduce import prepare
    from ..reproduce import run as reproduce

    # Asked to end, the kernel has to be ended too: as at Ctrl-C, by the blocks on the way out.
    signal.signal(signal.SIGTERM, _interrupt)
    prepared = prepare(database_path(), args.run)
    if not args.json:
        _say_before(prepared)
    if prepared.problems and not (args.yes or args.json or args.progress) and not _agreed():
        return 2
    progress = _lines if args.progress else _bar() if sys.stderr.isatty() else None
    into = args.into.absolute() if args.into else None
    document = reproduce(
        database_path(), prepared, into=into, progress=progress, seconds=args.seconds
    )
    if args.json:
        output.print_json(document)
    else:
        for line in render(document):
            print(line)
    return 0 if document["verdict"] in _GOOD else 1


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _say_before(prepared: Prepared) -> None:
    evidence, inputs = prepared.plan.evidence, prepared.plan.inputs
    cells = sum(step.source is not None for step in prepared.plan.steps)
    of = f" of {output.clean(evidence.notebook)}" if evidence.notebook else ""
    print(
        f"Run {output.short_id(evidence.id)}{of}: {_number(cells, 'cell')} to run again, ", end=""
    )
    size = output.size(sum(one.size for one in inputs.files))
    print(f"{_number(len(inputs.files), 'input')} ({size})")
    for line in _first(prepared.problems):
        print(f"  {output.style('!', 'odd')} {line}")


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _first(texts: Iterable[str]) -> Iterable[str]:
    """Yield the first texts, made safe for a terminal, and how many more there are."""
    every = [output.clean(text) for text in texts]
    yield from every[:_LISTED]
    if len(every) > _LISTED:
        yield f"and {len(every) - _LISTED} more (--json shows all)"


def _agreed() -> bool:
    """Ask whether to go on; where nobody can be asked, go on."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    sys.stdout.flush()
    print("Go on? [Y/n] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("", "y", "yes")


def _lines(phase: str, done: int, total: int) -> None:
    """Print one step of progress as a JSON line."""
    text = json.dumps({"phase": phase, "done": done, "total": total})
    print(text, file=sys.stderr, flush=True)


def _bar() -> Callable[[str, int, int], None]:
    """Return what shows progress on one line of the terminal, gone in the end."""

    def show(phase: str, done: int, total: int) -> None:
        ended = phase == "verdict" and done == total
        counted = f" {done} of {total}" if total > 1 else ""
        text = "" if ended else f"{_PHASES.get(phase, phase)}{counted} …"
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    return show


def render(document: Mapping[str, Any]) -> list[str]:
    """Return a verdict as lines for a person: cells, files, metrics, environment, the whole.

    Args:
        document: what :func:`jupyter_lineage.reproduce.run` gave.
    """
    from ..reproduce.originals import CHANGED

    if document.get("schema") != 1:
        raise InvalidInput("this verdict was made by a newer version")
    lines = _group("Cells", [_cell(one) for one in document["executions"]])
    lines += _files(document["files"])
    lines += _group("Metrics", [_metric(one) for one in document["metrics"]])
    found = document["environment"].get("differences") or ()
    changed = [f"{one['name']}: {one['then'] or '-'} → {one['now'] or '-'}" for one in found]
    lines += [f"Environment  {text}" for text in _first(changed)]
    touched = [text for text in document.get("problems") or () if CHANGED in text]
    lines += [f"Originals  {text}" for text in _first(touched)]
    if document.get("folder"):
        lines.append(f"Folder  {output.short_path(document['folder'])}")
    mark = output.verdict_mark(document["verdict"])
    rest = str(document.get("summary", "")).partition(": ")[2]
    lines.append(f"{mark}  {rest}" if rest else mark)
    return lines


def _group(name: str, parts: list[list[str]]) -> list[str]:
    """Return a heading and its aligned lines; the reason of each, if any, in the last column."""
    if not parts:
        return []
    widths = [max(output.text_width(part[at]) for part in parts) for at in range(3)]
    lines = [name]
    for part in parts:
        padded = (
            text + " " * (width - output.text_width(text))
            for text, width in zip(part[:3], widths, strict=True)
        )
        lines.append(("  " + "  ".join((*padded, part[3]))).rstrip())
    return lines


def _cell(one: Mapping[str, Any]) -> list[str]:
    title = output.fit(output.clean(one.get("title") or ""), _TITLE_WIDTH)
    return [f"{one['number']:>3}", title, output.verdict_mark(one["verdict"]), _reason(one)]


def _part(one: Mapping[str, Any], name: str) -> list[str]:
    return ["", output.clean(name), output.verdict_mark(one["verdict"]), _reason(one)]


def _files(files: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the files' lines, with the folder that holds them all said once."""
    folder = _folder([one["path"] for one in files])
    parts = [_part(one, one["path"].removeprefix(folder)) for one in files]
    shown = output.short_path(folder) if folder else ""
    return _group(f"Files in {shown}" if shown else "Files", parts)


def _folder(paths: Sequence[str]) -> str:
    """Return the deepest folder, with a slash at its end, that holds all absolute paths."""
    return os.path.join(os.path.commonpath(map(os.path.dirname, paths)), "") if paths else ""  # noqa: PTH118 - the slash


def _metric(one: Mapping[str, Any]) -> list[str]:
    values = f"{one['name']} = {one['then']}"
    return _part(one, values if one["then"] == one["now"] else f"{values} → {one['now']}")


def _reason(one: Mapping[str, Any]) -> str:
    return output.clean(one.get("reason") or "")
