"""``jupyter lineage doctor``: does recording work here, and what is to mend?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..probe.places import database_path
from . import output
from .checks import Finding, all_findings, list_settings
from .reading import add_json

if TYPE_CHECKING:
    import argparse

_MARKS = {"ok": ("good", "✓", "+"), "note": ("odd", "•", "-"), "mend": ("bad", "✗", "x")}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "--check", action="store_true", help="look at every page of the database, however large"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print what was found; 1 when there is something to mend."""
    database = database_path()
    settings, wrong = list_settings()
    findings = [*all_findings(database, thorough=args.check), *wrong]
    mend = any(finding.state == "mend" for finding in findings)
    if args.json:
        output.print_json(
            {
                "schema": 1,
                "ok": not mend,
                "database": str(database),
                "checks": [finding.document() for finding in findings],
                "settings": settings,
            }
        )
        return int(mend)
    for finding in findings:
        _print(finding)
    if settings:
        print(f"\n{output.style('Settings', 'strong')}")
        print(output.table([_row(setting) for setting in settings], stretch=1, indent=2))
    return int(mend)


def _print(finding: Finding) -> None:
    colour, symbol, plain = _MARKS[finding.state]
    mark = output.style(symbol if output.rich_symbols() else plain, colour)
    print(f"{mark} {finding.name:<13} {output.clean(finding.text)}")
    if finding.mend:
        print(f"  {'':<13} {output.style('to mend:', 'strong')} {output.clean(finding.mend)}")


def _row(setting: dict[str, Any]) -> list[str]:
    source = setting["source"]
    said = f"({source}; {setting['variable']})" if source == "default" else f"(from {source})"
    return [setting["name"], output.clean(setting["value"]), output.clean(said)]
