"""The command line. ``main`` is the console script ``jupyter-lineage``, so ``jupyter lineage``.

A command is a module with ``add_arguments(parser)`` and ``run(args) -> int``; it is imported only
when it is asked for, so that a cold ``log`` or ``trace`` stays fast.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn

from .. import __version__
from ..errors import InvalidInput, LineageError

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = {
    "log": (".log", "list the runs, newest first"),
    "show": (".show", "show one run: its cells, files, environment, gaps"),
    "trace": (".trace", "show where a file or run came from, or what it fed"),
    "reproduce": (".reproduce", "run a recorded run again and compare"),
    "doctor": (".doctor", "look whether recording works, and say what to mend"),
    "demo": (".demo", "see it work on a small notebook with real data"),
}
"""By name: the module, and one line for ``--help``. Those of a normal day come first."""

DEBUG = "JUPYTER_LINEAGE_DEBUG"


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with the arguments in one line, as every other fault is said."""

    def error(self, message: str) -> NoReturn:
        """Raise the fault instead of printing it with the whole usage."""
        raise InvalidInput(message, hint=f"`{self.prog} --help` says what it takes.")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 the answer is no, 2 could not do it.

    Args:
        argv: the arguments; by default those of the process.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        return _run(arguments)
    except LineageError as error:
        return _say(error.line(), error.exit_status)
    except KeyboardInterrupt:
        return _say("interrupted", 130)
    except BrokenPipeError:
        # The reader went away (`| head`). Python would complain once more when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if os.environ.get(DEBUG):
            raise
        what = f"{type(error).__name__}: {error}"
        return _say(f"unexpected error, a fault of ours: {what}. {DEBUG}=1 shows where.", 2)


def _run(arguments: list[str]) -> int:
    parser, module = _parser(arguments)
    args = parser.parse_args(arguments)
    if args.version:
        print(f"jupyter_lineage {__version__}")
        return 0
    if module is None:
        parser.print_help()
        return 0
    status: int = import_module(module, __name__).run(args)
    sys.stdout.flush()  # here, so that a reader who went away is met inside main
    return status


def _parser(arguments: list[str]) -> tuple[_Parser, str | None]:
    """Return the parser, with the arguments of the command asked for, and its module."""
    chosen = next((word for word in arguments if not word.startswith("-")), None)
    parser = _Parser(
        prog="jupyter lineage",
        description="Every notebook run, recorded. Any result, traced. "
        "Any run, repeated, and checked.",
        epilog="Exit status: 0 done, 1 the answer is no, 2 could not do it.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="store_true", help="print the version and end")
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")
    module = None
    for name, (where, text) in COMMANDS.items():
        command = commands.add_parser(
            name, help=text, description=text[0].upper() + text[1:] + ".", allow_abbrev=False
        )
        if name == chosen:
            module = where
            import_module(where, __name__).add_arguments(command)
    return parser, module


def _say(line: str, status: int) -> int:
    from .output import clean

    sys.stdout.flush()
    print(f"jupyter lineage: {clean(line)}", file=sys.stderr)
    return status
