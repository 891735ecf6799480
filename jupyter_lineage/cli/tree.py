"""A lineage answer as lines of a tree: what a thing came from, or what it fed, stands below it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from . import output

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORDS = {
    ("up", "wasGeneratedBy"): ("made by", "made by {} of"),
    ("up", "used"): ("read", "{} read"),
    ("up", "wasInformedBy"): ("with values of", ""),
    ("down", "wasGeneratedBy"): ("made", "{} made"),
    ("down", "used"): ("read by", "read by {} of"),
    ("down", "wasInformedBy"): ("gave values to", ""),
}
"""By direction and relation: how a child stands to its parent, without and with its cells."""

_SYMBOLS = {True: ("├─ ", "└─ ", "│  "), False: ("|- ", "`- ", "|  ")}


def tree_lines(answer: dict[str, Any], *, most: int | None = None) -> Iterator[str]:
    """Yield the lines of an answer of ``lineage.trace``.

    Every node is drawn whole once; where it comes up again, the line says so and what is below
    it is not repeated. So a cycle ends, and the number of lines is bounded by that of the edges.

    Args:
        answer: it.
        most: below one node show at most so many, and say how many more there are; None: all.
    """
    nodes = {node["id"]: node for node in answer["nodes"]}
    below = _below(answer)
    branch, last, through = _SYMBOLS[output.rich_symbols()]
    drawn: set[str] = set()
    # Lines still to draw, the next one at the end: the tree may be deeper than Python's stack.
    waiting: list[tuple[str, str, str, str | None]] = [("", "", "", answer["start"])]
    while waiting:
        lead, mark, how, node_id = waiting.pop()
        if node_id is None:
            yield output.style(lead + mark + how, "faint")
            continue
        again = node_id in drawn
        drawn.add(node_id)
        yield _fitted(lead + mark, how, _node(nodes[node_id]), again=again)
        if again:
            continue
        inner = lead + (through if mark == branch else "   " if mark else "")
        children = _shown(below.get(node_id, []), most)
        for position in reversed(range(len(children))):
            text, child = children[position]
            waiting.append((inner, last if position == len(children) - 1 else branch, text, child))


def _shown(
    children: list[tuple[str, str]], most: int | None
) -> list[tuple[str, str]] | list[tuple[str, str | None]]:
    """Return the children to draw, of many the first ones and a line about the rest."""
    if most is None or len(children) <= most + 1:
        return children
    dots = "…" if output.rich_symbols() else "..."
    rest = f"{dots} and {len(children) - most} more (--all or --json shows them)"
    return [*children[:most], (rest, None)]


def _below(answer: dict[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """Return what stands below each node, a run's files in the order of the cells."""
    up = answer["direction"] == "up"
    below: dict[str, list[tuple[float, str, str]]] = {}
    for edge in answer["edges"]:
        parent, child = (edge["source"], edge["target"])[:: 1 if up else -1]
        plain, with_cells = _WORDS[answer["direction"], edge["relation"]]
        cells = edge["executions"]
        how = with_cells.format(_numbers(cells)) if cells else plain
        below.setdefault(parent, []).append((min(cells, default=math.inf), how, child))
    for parent, children in below.items():
        if parent.startswith("run:"):
            children.sort(key=lambda child: child[0])
    return {parent: [(how, child) for _, how, child in found] for parent, found in below.items()}


def _numbers(cells: list[int]) -> str:
    shown = ", ".join(map(str, sorted(cells)[:4])) + (", …" if len(cells) > 4 else "")
    return f"{'cell' if len(cells) == 1 else 'cells'} {shown}"


def _node(node: dict[str, Any]) -> tuple[str, str]:
    """Return a node's name, and what is said after it in a fainter colour."""
    if node["type"] == "run":
        kind = "" if node["kind"] == "session" else f"{output.clean(node['kind'])} "
        when = output.ago(node["started_at"])
        mark = output.status_mark(node["status"])
        rest = f"{kind}run {output.short_id(node['id'])}  {mark}  {when}"
        return output.clean(node["label"]), rest
    name = output.short_path(node["path"])
    if node["hash"] is None:
        return name, output.style(f"version not known: {output.clean(node['reason'])}", "odd")
    also = f"  also at {len(node['paths']) - 1} more" if len(node["paths"]) > 1 else ""
    return name, f"{output.short_hash(node['hash'])}  {output.size(node['size'])}{also}"


def _fitted(lead: str, how: str, node: tuple[str, str], *, again: bool) -> str:
    """Return one line. A name that is too long loses its beginning: the end tells files apart."""
    name, rest = node
    before = lead + (f"{how} " if how else "")
    after = "  " + (output.style("(shown above)", "faint") if again else rest)
    room = output.terminal_width() - output.text_width(before) - output.text_width(after)
    if output.is_terminal() and output.text_width(name) > max(room, 16):
        name = output.fit_end(name, max(room, 16))
    styled = output.style(lead, "faint") + (f"{output.style(how, 'faint')} " if how else "")
    line = styled + output.style(name, "strong") + after
    return output.fit(line, output.terminal_width()) if output.is_terminal() else line
