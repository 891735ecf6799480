"""``jupyter lineage show``: one run whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..store.queries import find_run, reproductions_of, show_run, verdict_of
from . import output
from .log import title
from .reading import add_json, open_store

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

_LONGEST_LINE = 400

_LEVELS = {
    "full": "file accesses of the kernel and its forks were seen, native ones too",
    "python-only": "files that libraries open by themselves were not seen",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "run", metavar="RUN", help="a run's id, 4 or more characters of its end or start, or `last`"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print the run."""
    with open_store() as store:
        run_id = find_run(store, args.run)
        document = show_run(store, run_id)
        verdict = verdict_of(store, run_id)
        reproductions = reproductions_of(store, run_id)
    if args.json:
        output.print_json(document)
        return 0
    _header(document)
    if verdict:
        _pair("verdict", f"{output.verdict_mark(verdict['verdict'])} as a reproduction")
    _environment(document)
    _pair("recorded", f"{document['capture_level']}: {_LEVELS[document['capture_level']]}")
    for word in ("params", "metrics"):
        if document[word]:
            _pair(word, output.values_line(document[word]))
    for word in ("tags", "notes"):
        if document.get(word):
            _pair(word, ", ".join(map(output.clean, document[word])))
    _section("Cells", map(_cell, document["executions"]), empty="no cell was executed")
    _section("Files", map(_file, document["files"]), empty="no file was read or written")
    _section("Child runs", map(_child, document["trials"]))
    _section("Reproduced", map(_reproduction, reproductions))
    _section("Missing from the record", map(_gap, document["gaps"]))
    return 0


def _header(document: dict[str, Any]) -> None:
    print(f"{output.style(title(document), 'strong')}  {output.status_mark(document['status'])}")
    _pair("run", document["id"])
    if document["parent_id"]:
        of = "reproduces" if document["kind"] == "reproduction" else "inside"
        _pair(of, f"run {output.short_id(document['parent_id'])}")
    if document["notebook"]:
        _pair("notebook", output.clean(document["notebook"]))
    when = f"{output.local_time(document['started_at'])}, {output.ago(document['started_at'])}"
    length = output.took(document["started_at"], document["ended_at"])
    _pair("started", when if length == "-" else f"{when}, took {length}")
    who = output.clean(document["user"] or "unknown")
    _pair("by", f"{who} on {output.clean(document['host'] or 'unknown')}")


def _environment(document: dict[str, Any]) -> None:
    git = document["git"]
    if git:
        branch = f" on {output.clean(git['branch'])}" if git.get("branch") else ""
        changed = ", with uncommitted changes" if git.get("dirty") or git.get("diff") else ""
        _pair("code", f"git {output.clean(git.get('commit') or '-')[:12]}{branch}{changed}")
    if document["environment"] is None:
        _pair("ran in", "not known yet")
        return
    _pair("ran in", ", ".join(map(output.clean, _environment_words(document["environment"]))))


def _environment_words(environment: dict[str, Any]) -> list[str]:
    """Return what a person asks first: Python, packages, system, processor, cards."""
    python = environment.get("python") or {}
    system = environment.get("system") or {}
    hardware = environment.get("hardware") or {}
    words = [
        f"Python {str(python.get('version') or '?').split()[0]}",
        f"{len(environment.get('distributions') or ())} packages",
        system.get("distribution") or system.get("system"),
        hardware.get("cpu_model"),
        *(card.get("name") for card in hardware.get("gpus") or ()),
    ]
    return [str(word) for word in words if word]


def _pair(name: str, text: str) -> None:
    print(f"  {output.style(f'{name:<10}', 'faint')} {text}")


def _section(heading: str, lines: Iterable[list[str]], *, empty: str = "") -> None:
    rows = list(lines)
    if not rows and not empty:
        return
    print(f"\n{output.style(heading, 'strong')}")
    if not rows:
        print(f"  {empty}")
        return
    print(output.table(rows, stretch=len(rows[0]) - 1, indent=2))


def _cell(cell: dict[str, Any]) -> list[str]:
    lines = (cell["source"] or "").strip()[:_LONGEST_LINE].splitlines()
    if cell["source"] is None:
        text = output.style("(source too large to keep)", "odd")
    else:
        text = output.clean(lines[0]) + (" …" if len(lines) > 1 else "") if lines else ""
    if error := cell.get("error"):
        said = f"{error.get('name') or ''}: {error.get('value') or ''}"
        text = f"{output.clean(said)}   {text}"
    mark = output.status_mark(cell["status"])
    return [f"{cell['number']:>3}", mark, output.duration(cell["seconds"]), text]


def _file(file: dict[str, Any]) -> list[str]:
    cells = file["executions"]
    where = f"cell {', '.join(map(str, cells[:4]))}" if cells else "between cells"
    version = output.short_hash(file["hash"])
    if file["hash"] is None:
        version = output.style("not known", "odd")
    path = output.short_path(file["path"])
    reason = f"  ({output.clean(file['reason'])})" if file["hash"] is None else ""
    roles = " + ".join(file["roles"])
    return [roles, version, output.size(file["size"]), where, path + reason]


def _child(child: dict[str, Any]) -> list[str]:
    values = output.values_line({**child["params"], **child["metrics"]})
    name = output.clean(child["name"] or "-")
    return [output.short_id(child["id"]), output.status_mark(child["status"]), f"{name}  {values}"]


def _reproduction(found: dict[str, Any]) -> list[str]:
    when = output.ago(found["started_at"])
    return [output.short_id(found["id"]), when, output.verdict_mark(found["verdict"])]


def _gap(gap: dict[str, Any]) -> list[str]:
    where = f"cell {gap['execution']}" if gap["execution"] else "between cells"
    times = f" ({gap['count']} times)" if gap["count"] > 1 else ""
    detail = f": {output.clean(gap['detail'])}" if gap["detail"] else ""
    return [where, output.local_time(gap["at"]), f"{output.clean(gap['reason'])}{times}{detail}"]
