r"""Masking of secrets, before the first byte of a text reaches a disk.

Every pattern is anchored to the left and its repeats either can't fail after they began or are
bounded, so that the time grows with the length of the text and no faster, whatever the text.
Texts above :data:`LIMIT` characters are not masked; callers drop them.

>>> mask('token = "ghp_0123456789abcdefghijABCDEFGHIJ012345"')
('token = "[redacted:github-token]"', 1)
>>> mask("pad_token='<pad>'")
("pad_token='<pad>'", 0)
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from .redact_written import TELLING, written

LIMIT = 256 * 1024
"""Characters of one text that are checked."""

_SHORTEST_VALUE = 6
_MARKER = re.compile(r"\[redacted:[a-z-]{1,24}\]")

# A token begins a word, or follows an escape like the \n in a printed representation, or the end
# of a terminal's colour such as \x1b[33m.
_START = r"(?:(?<![A-Za-z0-9_])|(?<=\\[ntr])|(?<=[0-9;\[]m))"
# A terminal's colours, as they are and as a source or a printed representation spells them.
_COLOUR = re.compile(r"(?:\x1b|\\x1b|\\033|\\u001b|\\e)\[[0-9;:]{0,64}[mK]", re.IGNORECASE)
_SPELLED = ("\\x1b[", "\\x1B[", "\\033[", "\\u001b[", "\\u001B[", "\\e[")

_PRIVATE_KEY = (
    r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----(?:[^-]|-(?!----)){0,20000}"
    r"(?:-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----)?"
)
# (kind, what has to be in the text for the pattern to be tried at all, pattern)
_TOKENS = tuple(
    (f"[redacted:{kind}]", hints, re.compile(pattern))
    for kind, hints, pattern in (
        ("private-key", ("-----BEGIN ",), _PRIVATE_KEY),
        ("aws-key", ("AKIA", "ASIA"), _START + r"(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
        (
            "github-token",
            ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
            _START + r"(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})",
        ),
        ("gitlab-token", ("glpat-", "gldt-", "glrt-"), _START + r"gl(?:pat|rt|dt)-[\w-]{20,}"),
        (
            "slack-token",
            ("xox", "xapp-"),
            _START + r"(?:xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{20,})",
        ),
        (
            "api-key",
            ("sk-", "sk_live_", "AIza"),
            _START + r"(?:sk-(?=[A-Za-z_-]{0,200}[0-9])[A-Za-z0-9_-]{20,}|sk_live_[A-Za-z0-9]{16,}"
            r"|AIza[A-Za-z0-9_-]{35})",
        ),
        ("hugging-face-token", ("hf_",), _START + r"hf_[A-Za-z0-9]{30,}"),
        ("jwt", ("eyJ",), _START + r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),
    )
)

_TELLING_WORDS = ("pass", "secret", "token", "apikey", "api_key", "access_key", "private_key")
# A name that only says how text is cut into tokens (pad_token, eos_token) is not telling.
_NOT_TELLING = re.compile(
    r"(?:pad|eos|bos|sep|cls|mask|unk|special|start|end|stop|next|prev|first|last|sub|image|audio"
    r"|video|prompt|max|min|num|new|additional|class|word)_?token$",
    re.IGNORECASE,
)
_ASSIGNED = re.compile(
    r"(?P<head>(?P<name>" + TELLING + r")"
    r"(?:[\"']\]?)?\s{0,8}(?::\s{0,4}str\s{0,4})?(?:==?|:|,)\s{0,8}[rbu]{0,2})"
    r"(?P<quote>\"{3}|'{3}|\"|')(?P<value>[^\"'\n]{1,4096})(?P=quote)",
    re.IGNORECASE,
)
_LINE_ASSIGNED = re.compile(
    r"^(?P<head>(?:export )?[A-Z0-9_]{0,64}(?:PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|ACCESS_?KEY)=)"
    r"(?P<value>[^\s\"'$\[({]{6,4096})",
    re.MULTILINE,
)
# Magics and shell lines take values without quotes.
_MAGIC_ASSIGNED = re.compile(
    r"^(?P<head>[ \t]{0,32}[%!][^\n]{0,400}?" + TELLING + r"(?:=|[ \t]{1,4}=[ \t]{1,4}))"
    r"(?P<value>[^\s\"'$\[({]{6,4096})",
    re.MULTILINE | re.IGNORECASE,
)
_SET_VARIABLE = re.compile(
    r"^(?P<head>[ \t]{0,32}%(?:env|set_env)[ \t]{1,4}[A-Z0-9_]{0,64}" + TELLING + r"[ \t]{1,4})"
    r"(?P<value>[^\s\"'$\[({=]{6,4096})",
    re.MULTILINE | re.IGNORECASE,
)
_HEADER = re.compile(
    r"(?P<head>(?:\b|(?<=[0-9;\[]m))(?:authorization[\"']?\s{0,4}[:=,]\s{0,4}[\"']?(?:bearer|basic|token)|bearer)"
    r"\s{1,4})(?P<value>(?=[^\s\"']{0,400}[0-9])[A-Za-z0-9._~+/=-]{16,})",
    re.IGNORECASE,
)
_QUERY = re.compile(
    r"(?P<head>[?&](?P<name>[\w.-]{0,64}?" + TELLING + r")=)"
    r"(?P<value>[^\s&#\"'<>{}$\[\](),;\\]{6,4096})",
    re.IGNORECASE,
)
_URL = re.compile(
    r"(?P<head>://[^\s/:@\"'<>]{0,128}:)(?P<value>[^\s/@\"'<>{}]{1,256})(?=@[A-Za-z0-9\[_{.-])"
)

_TELLING_VARIABLE = re.compile(
    r"(?:^|_)(?:PASSWORD|PASSWD|PASS|PASSPHRASE|SECRET|SECRETS|TOKEN|CREDENTIALS?|APIKEY|KEY)(?:_|$)"
    r"|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|SECRET_?KEY",
    re.IGNORECASE,
)
_TELLING_NAME = re.compile(
    r"(?:" + TELLING + r"s?|pwd|credentials?|account_?key)_?[0-9]{0,4}$",
    re.IGNORECASE,
)
_TELLING_KEY = re.compile(TELLING + r"$", re.IGNORECASE)
_OPTION = re.compile(r"(?P<head>-{0,2}(?P<name>[\w.-]{0,128}))=(?P<value>.{1,65536})", re.DOTALL)
_TELLING_OPTION = re.compile(
    r"(?:" + TELLING + r"|(?:^|[_.])(?:pass|pwd|secrets|credentials?|key))$", re.IGNORECASE
)
_PLAIN_VALUES = frozenset(
    ("default", "disabled", "enabled", "public", "private", "python", "false")
)
_telling: dict[Any, bool] = {}
_known: tuple[dict[Any, Any], list[str]] = ({}, [])


def environment_secrets() -> list[str]:
    """Return the values (6 characters or more) of environment variables with telling names.

    Longest first. Paths and everyday words are left out: masking those would damage every text.
    """
    global _known
    # The raw mapping spares decoding some hundred variables; mostly it is as it was.
    raw = getattr(os.environ, "_data", os.environ)
    seen, secrets = _known
    if raw == seen:
        return secrets
    now = dict(raw)
    _known = now, _secrets_of(now)
    return _known[1]


def _secrets_of(variables: Mapping[Any, Any]) -> list[str]:
    found = []
    for name, value in variables.items():
        telling = _telling.get(name)
        if telling is None:
            text = os.fsdecode(name) if isinstance(name, (bytes, str)) else ""
            telling = _telling[name] = _TELLING_VARIABLE.search(text) is not None
        if telling and len(value) >= _SHORTEST_VALUE:
            found.append(os.fsdecode(value))
    return sorted(
        {
            value
            for value in found
            if len(value) >= _SHORTEST_VALUE
            and not value.startswith(("/", "~", "[redacted"))
            and value.lower() not in _PLAIN_VALUES
        },
        key=len,
        reverse=True,
    )


def is_telling_variable(name: str) -> bool:
    """Tell whether an environment variable of this name is likely to hold a secret."""
    return _TELLING_VARIABLE.search(name) is not None


def is_telling_name(name: str) -> bool:
    """Tell whether a name in a notebook is likely to hold a secret.

    Narrower than for environment variables: ``key`` and ``token_counts`` are everyday names.
    """
    if _NOT_TELLING.search(name):
        return False
    if _TELLING_NAME.search(name):
        return True
    return name.isupper() and is_telling_variable(name)


def mask(text: str, *, secrets: list[str] | None = None) -> tuple[str, int]:
    """Replace every secret in ``text`` by ``[redacted:kind]``.

    Masking a masked text changes nothing.

    Args:
        text: at most :data:`LIMIT` characters.
        secrets: exact values to mask too; default those of :func:`environment_secrets`.

    Returns:
        The masked text and how many secrets were replaced.
    """
    exact = environment_secrets() if secrets is None else secrets
    values = re.compile("|".join(map(re.escape, exact))) if exact else None
    total = 0
    while True:
        # Again until nothing is found: what was replaced may have hidden a word's beginning.
        text, count = _mask_once(text, values)
        if not count and _may_be_coloured(text):
            text, count = _mask_without_colours(text, values)
        total += count
        if not count:
            return text, total


def mask_line(magic: str, text: str) -> str:
    """Mask what stands behind a magic as it is masked in the source of its cell.

    >>> mask_line("%track note", "password=hunter22")
    'password=[redacted:variable]'
    """
    masked = mask(f"{magic} {text[: LIMIT - len(magic)]}")[0]
    return masked.removeprefix(f"{magic} ")


def mask_start(text: str, length: int) -> str:
    """Return the first ``length`` characters of the masked text: cut first, half a secret stays."""
    return mask(text[:LIMIT])[0][:length]


def mask_lines(texts: list[str], *, secrets: list[str] | None = None) -> tuple[list[str], int]:
    """Mask texts that stand below each other as one; as many come back.

    What takes several lines (a private key) may leave fewer lines; the last texts are then empty.
    """
    masked, count = mask("\n".join(texts), secrets=secrets)
    if not count:
        return texts, 0
    lines, found, at = masked.split("\n"), [], 0
    for text in texts:
        end = at + text.count("\n") + 1
        found.append("\n".join(lines[at:end]))
        at = end
    return found, count


def mask_arguments(arguments: list[str]) -> list[str]:
    """Mask a command line: ``--password=…``, ``--password …``, and what masking finds besides."""
    masked, telling = [], False
    for argument in arguments:
        option = _OPTION.fullmatch(argument)
        if telling and not argument.startswith("-"):
            masked.append("[redacted:argument]")
        elif option is not None and _is_telling_option(option["name"]):
            masked.append(f"{option['head']}=[redacted:argument]")
        else:
            masked.append(mask(argument[:LIMIT])[0])
        telling = argument.startswith("-") and _is_telling_option(argument.lstrip("-"))
    return masked


def _is_telling_option(name: str) -> bool:
    plain = name[-128:].replace("-", "_")
    return _TELLING_OPTION.search(plain) is not None and _NOT_TELLING.search(plain) is None


def mask_value(value: Any, *, secrets: list[str] | None = None) -> tuple[Any, int]:
    """Mask every text inside a JSON value, keys too, and what stands under a telling key."""
    return _mask_under("", value, environment_secrets() if secrets is None else secrets)


def _mask_under(name: str, value: Any, secrets: list[str]) -> tuple[Any, int]:
    """Mask a value that stands under the telling key ``name``, empty where the key is not."""
    if isinstance(value, str):
        if name and not _MARKER.fullmatch(value) and _is_secret(name, value):
            return "[redacted:assigned]", 1
        return mask(value, secrets=secrets)
    if isinstance(value, list):
        pairs = [_mask_under(name, item, secrets) for item in value]
        return [item for item, _ in pairs], sum(count for _, count in pairs)
    if isinstance(value, dict):
        return _mask_items(value, secrets)
    if name.lower().startswith("pass") and isinstance(value, int) and value > 9999:
        return "[redacted:assigned]", 1
    return value, 0


def _mask_items(value: dict[Any, Any], secrets: list[str]) -> tuple[dict[Any, Any], int]:
    masked, total = {}, 0
    for key, item in value.items():
        telling = _TELLING_KEY.search(key[-128:]) if isinstance(key, str) else None
        under = "" if telling is None or _NOT_TELLING.search(key[-128:]) else telling.group()
        shown, in_key = mask(key, secrets=secrets) if isinstance(key, str) else (key, 0)
        masked[shown], count = _mask_under(under, item, secrets)
        total += in_key + count
    return masked, total


def _may_be_coloured(text: str) -> bool:
    return "\x1b[" in text or ("\\" in text and any(map(text.__contains__, _SPELLED)))


def _mask_without_colours(text: str, values: re.Pattern[str] | None) -> tuple[str, int]:
    """Mask what only shows once a terminal's colours are gone; they stay where nothing shows."""
    bare, colours = _COLOUR.subn("", text)
    if not colours:
        return text, 0
    masked, count = _mask_once(bare, values)
    return (masked, count) if count else (text, 0)


def _mask_once(text: str, values: re.Pattern[str] | None) -> tuple[str, int]:
    total = 0
    for substitute in _steps(text, values):
        text, count = _between_markers(text, substitute)
        total += count
    if any(map(text.lower().__contains__, _TELLING_WORDS)):
        # Not between markers: a literal that holds one would be cut into two halves.
        text, count = written(text, _is_secret)
        total += count
    return text, total


_Substitute = Callable[[str], tuple[str, int]]


def _steps(text: str, values: re.Pattern[str] | None) -> Iterator[_Substitute]:
    """Yield the substitutions that can find something in ``text``; in most texts none can."""
    for marker, hints, pattern in _TOKENS:
        if any(hint in text for hint in hints):
            yield partial(pattern.subn, marker)
    if "://" in text:
        yield partial(_URL.subn, r"\g<head>[redacted:url-password]")
    lower = text.lower()
    if "bearer" in lower or "authorization" in lower:
        yield partial(_HEADER.subn, r"\g<head>[redacted:bearer-token]")
    if any(word in lower for word in _TELLING_WORDS):
        yield _assigned
        if "?" in text or "&" in text:
            yield _queried
        for pattern in (_LINE_ASSIGNED, _MAGIC_ASSIGNED, _SET_VARIABLE):
            yield partial(pattern.subn, r"\g<head>[redacted:variable]")
    if values is not None:
        yield partial(values.subn, "[redacted:environment-value]")


def _between_markers(text: str, substitute: _Substitute) -> tuple[str, int]:
    if "[redacted:" not in text:
        return substitute(text)
    pieces: list[str] = []
    total = start = 0
    for marker in _MARKER.finditer(text):
        piece, count = substitute(text[start : marker.start()])
        pieces += (piece, marker.group())
        total, start = total + count, marker.end()
    piece, count = substitute(text[start:])
    return "".join(pieces) + piece, total + count


def _assigned(piece: str) -> tuple[str, int]:
    count = 0

    def replace(match: re.Match[str]) -> str:
        nonlocal count
        value, quote = match.group("value"), match.group("quote")
        name = piece[max(0, match.start() - 16) : match.end("name")]
        if not _is_secret(name, value):
            return match.group()
        count += 1
        return f"{match.group('head')}{quote}[redacted:assigned]{quote}"

    return _ASSIGNED.sub(replace, piece), count


def _queried(piece: str) -> tuple[str, int]:
    count = 0

    def replace(match: re.Match[str]) -> str:
        nonlocal count
        if not _is_secret(match["name"], match["value"]):
            return match.group()
        count += 1
        return f"{match['head']}[redacted:query]"

    return _QUERY.sub(replace, piece), count


def _is_secret(name: str, value: str) -> bool:
    """Tell a literal that looks like a secret from a placeholder, a prompt or a plain word."""
    if "\x1b" in value or "\\" in value:
        value = _COLOUR.sub("", value)
    if _NOT_TELLING.search(name) or not value or value.startswith(("{", "$", "<", "[", "%")):
        return False
    if name.lower().endswith(("password", "passwd", "passphrase")):
        return not value.isspace() and value.rstrip() == value and not value.endswith(":")
    if len(value) < _SHORTEST_VALUE or any(c.isspace() for c in value):
        return False
    plain_word = value.replace("_", "").isalpha() and value.islower() and len(value) < 16
    return not plain_word
