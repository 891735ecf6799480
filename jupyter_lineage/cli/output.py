"""How answers look on a terminal: colour, symbols, widths, and names that can't break it."""

from __future__ import annotations

import json
import os
import shutil
import sys
import unicodedata
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_COLOURS = {"good": "32", "bad": "31", "busy": "36", "odd": "33", "faint": "2", "strong": "1"}

_STATUS = {
    "completed": ("good", "✓", "+"),
    "running": ("busy", "▶", ">"),
    "failed": ("bad", "✗", "x"),
    "interrupted": ("odd", "■", "!"),
    "died": ("bad", "†", "#"),
}

_VERDICTS = {
    "identical": ("good", "✓", "+"),
    "equivalent": ("good", "≈", "~"),
    "different": ("bad", "≠", "!"),
    "failed": ("bad", "✗", "x"),
    "not compared": ("odd", "?", "?"),
}


def print_json(document: object) -> None:
    """Print a document of the JSON contract; pure ASCII, so that no terminal can spoil it."""
    print(json.dumps(document, indent=2))


def clean(text: object) -> str:
    """Return ``text`` with everything escaped that could move a cursor, hide or reorder text."""
    return "".join(map(_visible, str(text)))


def _visible(letter: str) -> str:
    if letter == "\n":
        return "\\n"
    if letter == "\t":
        return "\\t"
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a name that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    return letter


def short_path(path: str) -> str:
    """Return an absolute path as a person in this folder would write it, made safe to print."""
    for base, start in ((os.getcwd(), ""), (os.path.expanduser("~"), "~/")):  # noqa: PTH109, PTH111
        if base != os.sep and path.startswith(base + os.sep):
            return clean(start + path[len(base) + 1 :])
    return clean(path)


def style(text: str, name: str) -> str:
    """Return ``text`` in a colour (``good bad busy odd faint strong``), plain where unwanted."""
    return f"\x1b[{_COLOURS[name]}m{text}\x1b[0m" if text and _colourful() else text


def _colourful() -> bool:
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return is_terminal()


def is_terminal() -> bool:
    """Tell whether a person reads the output on a terminal; else nothing is cut off."""
    return sys.stdout.isatty()


def rich_symbols() -> bool:
    """Tell whether the output's encoding has more than ASCII."""
    try:
        "✓│└≠†".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def status_mark(status: str) -> str:
    """Return a run's or cell's status as symbol and word; colour is never the only sign."""
    return _mark(_STATUS, status)


def verdict_mark(verdict: str) -> str:
    """Return a reproduction's verdict as symbol and word."""
    return _mark(_VERDICTS, verdict)


def _mark(table: dict[str, tuple[str, str, str]], word: str) -> str:
    colour, symbol, plain = table.get(word, ("odd", "?", "?"))
    return style(f"{symbol if rich_symbols() else plain} {clean(word)}", colour)


def terminal_width() -> int:
    """Return the columns to use: the terminal's, or 100 where the output is no terminal."""
    return max(40, shutil.get_terminal_size((100, 24)).columns)


def text_width(text: str) -> int:
    """Return the columns that ``text`` takes; colours take none, wide letters take two."""
    return sum(_widths(text))


def _widths(text: str) -> Iterator[int]:
    """Yield the columns of each letter."""
    hidden = False
    for letter in text:
        if hidden or letter == "\x1b":
            hidden = letter != "m"
            yield 0
        elif letter < "\x7f":
            yield 1
        elif unicodedata.combining(letter):
            yield 0
        else:
            yield 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def fit(text: str, width: int) -> str:
    """Return ``text`` cut to ``width`` columns, with an ellipsis where it was cut."""
    if text_width(text) <= width:
        return text
    kept, used = [], 0
    for letter, columns in zip(text, _widths(text), strict=True):
        used += columns
        if used > width - 1:
            break
        kept.append(letter)
    ellipsis = "…" if rich_symbols() else "."
    return "".join(kept) + ellipsis + ("\x1b[0m" if "\x1b" in kept else "")


def fit_end(text: str, width: int) -> str:
    """Return plain ``text`` cut to ``width`` columns at its beginning, as paths need it."""
    return fit(text[::-1], width)[::-1]


def table(rows: Sequence[Sequence[str]], *, stretch: int, indent: int = 0) -> str:
    """Return rows as aligned columns that fit the terminal.

    Args:
        rows: cells of text, the first row the headings.
        stretch: number of the column (from 0) that is cut when a terminal is too narrow.
        indent: spaces before each line.
    """
    widths = [max(text_width(row[column]) for row in rows) for column in range(len(rows[0]))]
    if is_terminal():
        others = sum(widths) - widths[stretch] + 2 * (len(widths) - 1)
        widths[stretch] = min(widths[stretch], max(12, terminal_width() - others - indent))
    lines = []
    for row in rows:
        cells = [*row]
        cells[stretch] = fit(cells[stretch], widths[stretch])
        padded = (
            cell + " " * (width - text_width(cell))
            for cell, width in zip(cells, widths, strict=True)
        )
        lines.append(" " * indent + "  ".join(padded).rstrip())
    return "\n".join(lines)


def short_id(run_id: str) -> str:
    """Return the last 8 characters of a run's id: the random ones; the first are the time."""
    return run_id[-8:]


def short_hash(content: str | None) -> str:
    """Return the beginning of a hash with its algorithm, to tell versions apart by eye."""
    if not content:
        return "-"
    algorithm, _, digits = content.partition(":")
    return f"{algorithm}:{digits[:12]}"


def moment(text: str | None) -> datetime | None:
    """Return a stored time (ISO 8601, UTC), or None when there is none that can be read."""
    try:
        found = datetime.fromisoformat((text or "").replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


def ago(text: str | None) -> str:
    """Return how long ago a stored time was, in words."""
    then = moment(text)
    if then is None:
        return "-"
    seconds = (datetime.now(timezone.utc) - then).total_seconds()
    if seconds < -60:
        return "in the future"  # the clock was set back since
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return "just now"


def local_time(text: str | None) -> str:
    """Return a stored time in this machine's time zone."""
    then = moment(text)
    return then.astimezone().strftime("%Y-%m-%d %H:%M:%S") if then else "-"


def took(started: str | None, ended: str | None) -> str:
    """Return how long something took; ``-`` while it runs."""
    begin, end = moment(started), moment(ended)
    return duration((end - begin).total_seconds()) if begin and end else "-"


def duration(seconds: float | None) -> str:
    """Return seconds for reading: ``0.25 s``, ``12 s``, ``3 min 05 s``, ``2 h 10 min``."""
    if seconds is None:
        return "-"
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def size(count: int | None) -> str:
    """Return a number of bytes for reading, in powers of 1000."""
    if count is None:
        return "-"
    number = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def values_line(values: dict[str, Any]) -> str:
    """Return named values as ``a = 1, b = 2``."""
    return ", ".join(f"{clean(name)} = {clean(value)}" for name, value in values.items())
