"""The magics ``%track`` and ``%%track``: what is recorded, child runs, parameters, on and off."""

from __future__ import annotations

import ast
import asyncio
import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import redact
from .switch import counted
from .uuid7 import uuid7

if TYPE_CHECKING:
    from .hooks import Hooks
    from .switch import Switch

USAGE = (
    "start NAME, stop, param NAME=VALUE, metric NAME=NUMBER, tag NAME, note TEXT, off [REASON], on"
)

_CELL = re.compile(r"(?:[ \t]*\n)*%%track[ \t]+(?P<name>\S[^\n]*)")
_FIELD = re.compile(r"\{\{|\}\}|\{(?P<braced>[^{}]*)\}|\$(?P<name>\w+)")
_PLAIN = (str, int, float, bool)
_OPENED = "Child run {!r} is open; %track stop closes it."
_CLOSED = "Child run {!r} is closed."
_LONGEST_NAME, _LONGEST_TAG, _LONGEST_REASON = 500, 200, 1000


class Problem(ValueError):
    """What the user typed can't be done; the text is the line that is shown."""


class Track:
    """Carries the magics out.

    Args:
        hooks: the cells' hooks, whose spool the records go to.
        switch: turns recording off and on.
        about: returns the lines that ``%track`` alone prints.
    """

    def __init__(self, hooks: Hooks, switch: Switch, about: Callable[[], list[str]]) -> None:
        self._hooks = hooks
        self._switch = switch
        self._about = about
        self._names: list[str] = []
        self._of_cell: str | None = None
        """The child run that was opened for a ``%%track`` cell as a whole."""
        self._just_opened = False
        self._verbs: dict[str, Callable[[str], str]] = {
            "start": self._start,
            "stop": self._stop,
            "param": self._param,
            "metric": self._metric,
            "tag": self._tag,
            "note": self._note,
            "off": self._off,
            "on": self._on,
        }

    def line(self, line: str) -> None:
        """``%track …``: prints one line, or a few for ``%track`` alone; never raises."""
        text = line.strip()
        if not text:
            print("\n".join(self._about()))  # noqa: T201 - a magic answers in the cell
            return
        verb, _, rest = text.partition(" ")
        action = self._verbs.get(verb)
        try:
            if action is None:
                shown = redact.mask_line("%track", verb)
                raise Problem(f"%track does not know {shown!r}. It knows: {USAGE}.")
            print(action(rest.strip()))  # noqa: T201 - a magic answers in the cell
        except Problem as problem:
            print(problem)  # noqa: T201 - a magic answers in the cell

    def cell(self, line: str, body: str) -> None:
        """``%%track NAME``: runs the cell as a child run of that name.

        Raises:
            Exception: what the cell raised, shown as the cell alone would have shown it.
        """
        opened, self._just_opened = self._just_opened, False
        depth = len(self._hooks.children) - opened
        if opened:
            print(_OPENED.format(self._names[-1]))  # noqa: T201 - a magic answers in the cell
        else:  # a cell inside of another one, or nothing is recorded
            self.line(f"start {line}")
        run = self._hooks.children[-1] if len(self._hooks.children) > depth else None
        status = "interrupted"
        try:
            error, lines = _run(self._hooks.shell, body)
            status = _status(error)
        finally:
            name = self._close(run, status)
        if name is not None:
            print(_CLOSED.format(name))  # noqa: T201 - a magic answers in the cell
        if error is not None:
            raise _shown(error, lines) from None

    def open_for(self, source: str) -> str | None:
        """Open the child run that a whole cell belongs to when it is one of ``%%track NAME``.

        Args:
            source: the cell, as the user has it.

        Returns:
            The run's id; None for any other cell, and where ``%%track`` is somebody else's.
        """
        self._of_cell, self._just_opened = None, False
        named = _CELL.match(source)
        ours = self._hooks.shell.magics_manager.magics["cell"].get("track") == self.cell
        if named is None or not ours or not self._switch.is_on:
            return None
        self._start(_expanded(named["name"].strip(), self._hooks.shell.user_ns))
        self._of_cell, self._just_opened = self._hooks.children[-1], True
        return self._of_cell

    def close_for(self, run: str, status: str) -> None:
        """Close the run that was opened for a cell where its magic has not come to it."""
        if run == self._of_cell:
            self._of_cell = None
            self._close(run, status)

    def _close(self, run: str | None, status: str) -> str | None:
        """Close a child run and those inside it; return its name, None where it is not open."""
        if run not in self._hooks.children:
            return None
        at = self._hooks.children.index(run)
        name = self._names[at]
        del self._hooks.children[at:], self._names[at:]
        if self._switch.is_on:
            self._write("stop", run, status=status)
        return name

    def _write(self, verb: str, run: str, **fields: Any) -> None:
        if not self._switch.is_on:
            raise Problem("Recording is off. %track on turns it on again.")
        execution = _current()
        self._hooks.spool.write("track", {"verb": verb, "run": run, **fields}, execution=execution)

    def _start(self, rest: str) -> str:
        if not rest:
            raise Problem("%track start needs a name, such as: %track start baseline")
        parent, run = self._hooks.run(), uuid7()
        name = redact.mask_line("%track start", rest)[:_LONGEST_NAME]
        self._write("start", run, parent=parent, name=name)
        self._hooks.children.append(run)
        self._names.append(name)
        return _OPENED.format(name)

    def _stop(self, rest: str) -> str:
        if not self._names:
            raise Problem("No child run is open. %track start NAME opens one.")
        said = redact.mask_line("%track start", rest)[:_LONGEST_NAME]
        if rest and said != self._names[-1]:
            raise Problem(f"The child run that is open is {self._names[-1]!r}, not {said!r}.")
        self._write("stop", self._hooks.children[-1])
        self._hooks.children.pop()
        return _CLOSED.format(self._names.pop())

    def _param(self, rest: str) -> str:
        pairs = _pairs(rest, "param", "lr=0.1")
        said = []
        for name, value in pairs:
            kept, kind = _plain(name, value)
            name = redact.mask_start(name, _LONGEST_NAME)
            self._write("param", self._hooks.run(), name=name, value=kept, kind=kind)
            said.append(f"{name}={_shorten(str(kept))}")
        return f"Noted: {', '.join(said)}"

    def _metric(self, rest: str) -> str:
        pairs = _pairs(rest, "metric", "auc=0.91")
        numbers = [
            (redact.mask_start(name, _LONGEST_NAME), _number(name, value)) for name, value in pairs
        ]
        for name, number in numbers:
            kind = type(number).__name__
            self._write("metric", self._hooks.run(), name=name, value=number, kind=kind)
        return f"Noted: {', '.join(f'{name}={number}' for name, number in numbers)}"

    def _tag(self, rest: str) -> str:
        if not rest:
            raise Problem("%track tag needs a name, such as: %track tag baseline")
        shown = redact.mask_line("%track tag", rest)
        for name in shown.split():
            self._write("tag", self._hooks.run(), name=name[:_LONGEST_TAG])
        return f"Tagged: {shown}"

    def _note(self, rest: str) -> str:
        if not rest:
            raise Problem("%track note needs a text.")
        if len(rest) > redact.LIMIT:
            raise Problem("That note is too long.")
        self._write("note", self._hooks.run(), value=redact.mask_line("%track note", rest))
        return "Noted."

    def _off(self, rest: str) -> str:
        if not self._switch.is_on:
            return "Recording was off already."
        reason = redact.mask_line("%track off", rest)[:_LONGEST_REASON]
        self._switch.off(reason or "%track off")
        return "Recording is off from here on. %track on turns it on again."

    def _on(self, rest: str) -> str:
        if self._switch.is_on:
            return "Recording is on."
        reason = redact.mask_line("%track on", rest)[:_LONGEST_REASON]
        unseen = self._switch.on(reason or "%track on")
        text = "Recording is on, from the next cell"
        return f"{text}; {counted(unseen)} up to here not recorded." if unseen else f"{text}."


def _expanded(name: str, namespace: dict[str, Any]) -> str:
    """Put plain values in as IPython does in a magic's line: ``lr={lr}``, ``$lr``.

    What would run code of the user stays as it is written: it runs once, with the cell.
    """

    def value(match: re.Match[str]) -> str:
        field = match["braced"] if match["braced"] is not None else match["name"]
        found = namespace.get(field) if field is not None else None
        return str(found) if type(found) in _PLAIN else match[0]

    return _FIELD.sub(value, name)


def _status(error: BaseException | None) -> str:
    if error is None:
        return "completed"
    broken_off = isinstance(error, (KeyboardInterrupt, asyncio.CancelledError))
    return "interrupted" if broken_off else "failed"


def _current() -> str | None:
    from .context import current

    execution = current.get()
    return None if execution is None else execution.uid


def _pairs(text: str, verb: str, example: str) -> list[tuple[str, str]]:
    """Split ``a=1 b='x y' c=[1, 2]`` at the names; values keep their spaces inside brackets."""
    found: list[tuple[str, str]] = []
    for part in _words(text):
        name, equals, value = part.partition("=")
        if not equals or not name or not value:
            raise Problem(f"%track {verb} needs NAME=VALUE, such as: %track {verb} {example}")
        found.append((name, value))
    if not found:
        raise Problem(f"%track {verb} needs NAME=VALUE, such as: %track {verb} {example}")
    return found


def _words(text: str) -> list[str]:
    words, word, depth, quote = [], "", 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
        elif letter.isspace() and depth <= 0:
            words.append(word)
            word = ""
            continue
        word += letter
    return [word for word in [*words, word] if word]


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text


def _plain(name: str, text: str) -> tuple[Any, str]:
    """Return a parameter's value as JSON holds it and the kind it had, with secrets masked."""
    value = _literal(text)
    kind = type(value).__name__
    if redact.is_telling_variable(name) and isinstance(value, (str, int)):
        return "[redacted:parameter]", kind
    pair = f"{name}={text}"
    masked = redact.mask_line("%track param", pair)
    if masked != pair:
        known = masked.startswith(f"{name}=")
        return masked[len(name) + 1 :] if known else "[redacted:parameter]", kind
    if value is None or isinstance(value, (bool, int, float)):
        return value, kind
    if isinstance(value, str):
        return redact.mask(value[: redact.LIMIT])[0], kind
    if isinstance(value, list) and all(isinstance(v, (str, int, float)) for v in value):
        return redact.mask_value(value)[0], kind
    return redact.mask(text[: redact.LIMIT])[0], kind


def _number(name: str, text: str) -> float | int:
    value = _literal(text)
    if isinstance(value, str):
        try:
            value = float(text)
        except ValueError:
            value = None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        name, text = redact.mask_line("%track metric", f"{name}={text}").split("=", 1)
        raise Problem(f"The metric {name!r} has to be a number, not {_shorten(text)}.")
    if isinstance(value, int) and abs(value) >= 2**63:
        return math.inf if value > 0 else -math.inf
    return value


def _shorten(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def _run(shell: Any, body: str) -> tuple[BaseException | None, list[str]]:
    """Run a magic's cell and show nothing of an error: the magic raises it, which shows it once.

    Returns:
        What the cell raised, None where it did not, and the traceback's lines.
    """
    lines: list[str] = []

    def keep(*shown: Any) -> None:
        lines[:] = shown[-1]

    own = {"_showtraceback": keep, "show_usage_error": lambda _: None}
    before = {name: vars(shell)[name] for name in own if name in vars(shell)}
    vars(shell).update(own)
    try:
        result = shell.run_cell(body, store_history=False)
    finally:
        for name in own:
            del vars(shell)[name]
        vars(shell).update(before)
    error: BaseException | None = result.error_before_exec or result.error_in_exec
    return error, lines


def _shown(error: BaseException, lines: list[str]) -> BaseException:
    """Return an error of the same name that IPython shows with these lines and no others."""
    if not lines:
        return error

    def render(_: BaseException) -> list[str]:
        return lines

    base = KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else Exception
    own = {"_render_traceback_": render, "__str__": lambda _: str(error)}
    shown: BaseException = type(type(error).__name__, (base,), own)(*error.args)
    return shown


def register_silent(shell: Any, reason: str) -> None:
    """Give a kernel that is not recorded a ``%track`` that says so: no notebook breaks over it.

    Args:
        shell: IPython's shell.
        reason: why nothing is recorded.
    """

    def line(_: str) -> None:
        print(f"Nothing is recorded here: {reason}")  # noqa: T201 - a magic answers in its cell

    def cell(text: str, body: str) -> None:
        line(text)
        error, lines = _run(shell, body)
        if error is not None:
            raise _shown(error, lines) from None

    try:
        shell.register_magic_function(line, "line", "track")
        shell.register_magic_function(cell, "cell", "track")
    except Exception:  # noqa: BLE001, S110 - the notebook comes first
        pass
