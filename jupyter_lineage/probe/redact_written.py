"""Masking of what a program writes or is told: ``NAME=value`` and ``name: value`` in texts.

In code ``password: SecretStr`` and ``f(token=token_1)`` are no secrets, so these are looked for in
its literals and comments, in magics and in cells that are no code. Everything else that is masked,
and what masks, is in :mod:`.redact`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

TELLING = r"(?:pass(?:word|wd|phrase)|secret|secret_?key|api_?key|access_?key|private_?key|token)"
"""Ends of names that are likely to hold a secret, to be matched in any case."""

_WRITTEN = re.compile(
    r"(?P<head>(?:(?<![\w.\\-])|(?<=\\[ntr]))(?P<name>[\w.-]{0,64}?" + TELLING + r")(?:\\[\"'])?"
    r"(?P<sign>[ \t]{0,4}[:=][ \t]{0,4})(?:\\[\"'])?)"
    r"(?P<value>[^\s\"'\\{}\[($<%:?@*/~.,;][^\s\"'\\{}]{5,4095})",
    re.IGNORECASE,
)
_OPENING = re.compile(r"\"{3}|'{3}|\"|'|#|^[ \t]{0,32}[%!]", re.MULTILINE)
_CLOSING = {
    quote: re.compile(r"\\.|" + end)
    for quote, end in (('"""', '"{3}'), ("'''", "'{3}"), ('"', r'["\n]'), ("'", r"['\n]"))
}
_LINE_END = re.compile(r"\n")
_MAGIC = re.compile(r"\s{0,64}%%(?P<name>\w+)")
_OF_PYTHON = frozenset(("capture", "memit", "prun", "python", "python3", "time", "timeit", "track"))
"""Cell magics whose cell is code: that of any other is a text."""


def written(text: str, is_secret: Callable[[str, str], bool]) -> tuple[str, int]:
    """Mask what is assigned inside literals, comments, magics and cells that are no code.

    Args:
        text: a source, or anything else.
        is_secret: tells by a name and its value whether it may be one at all.

    Returns:
        The masked text and how many secrets were replaced.
    """
    count = 0

    def replace(match: re.Match[str]) -> str:
        nonlocal count
        name, value = match["name"], match["value"]
        if not is_secret(name, value) or not _looks_secret(name, match["sign"], value):
            return match.group()
        count += 1
        return f"{match['head']}[redacted:assigned]"

    pieces: list[str] = []
    at = 0
    for start, end in _texts_in(text):
        pieces += (text[at:start], _WRITTEN.sub(replace, text[start:end]))
        at = end
    return "".join(pieces) + text[at:], count


def _texts_in(source: str) -> Iterator[tuple[int, int]]:
    """Yield where the texts of a source begin and end, their quotes with them."""
    magic = _MAGIC.match(source)
    if magic is not None and magic["name"] not in _OF_PYTHON:
        yield 0, len(source)
        return
    at = 0
    while opening := _OPENING.search(source, at):
        closing = _CLOSING.get(opening.group(), _LINE_END)
        ends = (
            found.end() for found in closing.finditer(source, opening.end()) if found[0][0] != "\\"
        )
        at = next(ends, len(source))
        yield opening.start(), at


def _looks_secret(name: str, sign: str, value: str) -> bool:
    if "://" in value:
        return False
    if sign == "=" and (name.isupper() or name.lower().startswith("pass")):
        return True
    digit = any(map(str.isdigit, value))
    if name.lower().endswith(("password", "passwd", "passphrase")):
        return digit or not value.isalpha()
    return digit and any(map(str.isalpha, value))
