"""``jupyter lineage trace``: where something came from, or what it fed, as a tree to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..lineage import trace
from . import output
from .reading import add_json, open_store
from .tree import tree_lines

if TYPE_CHECKING:
    import argparse


_MOST = 20
"""So many are shown below one file or run unless all are asked for."""

_NOTHING = {
    ("up", "file"): "No recorded run made it: for the record it is an original.",
    ("up", "run"): "It read no recorded file.",
    ("down", "file"): "No recorded run used it.",
    ("down", "run"): "It wrote no recorded file.",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "what",
        metavar="WHAT",
        help="a path or the unique end of one, `blake3:…`, or a run's id or its last characters",
    )
    parser.add_argument(
        "--down", action="store_true", help="what it fed, instead of where it came from"
    )
    parser.add_argument(
        "--all", action="store_true", help=f"show more than {_MOST} below one file or run"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print the answer."""
    with open_store() as store:
        answer = trace(store, args.what, down=args.down)
    if args.json:
        output.print_json(answer)
        return 0
    for line in tree_lines(answer, most=None if args.all else _MOST):
        print(line)
    _say_the_rest(answer)
    return 0


def _say_the_rest(answer: dict[str, Any]) -> None:
    if answer["note"]:
        print(f"\n{output.style('Note', 'odd')}: {output.clean(answer['note'])}.")
    if answer["truncated"]:
        shown = len(answer["nodes"])
        print(f"\n{output.style('Cut off', 'bad')} after {shown} nodes: there is more.")
    if not answer["edges"]:
        print(
            "\n"
            + output.style(
                _NOTHING[answer["direction"], answer["start"].partition(":")[0]], "faint"
            )
        )
    partly = [node for node in answer["nodes"] if node.get("capture_level") == "python-only"]
    if partly:
        print(
            f"\n{output.style('Note', 'odd')}: {len(partly)} of these runs saw Python's own file "
            "accesses only; files that libraries opened by themselves may be missing."
        )
