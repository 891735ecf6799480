"""When two outputs that are not equal byte by byte still say the same thing, and by which rule.

A rule removes one thing that is different in every process: an address, a temporary name. Each
applies only where its producer puts it, since a general one would hide real differences (a
printed hash, "5 min"). Stored outputs are never changed.

What a rule can't do: a number that a program itself prints as ``<thing at 0x7f0000000000>`` can't
be told from an object's address. Addresses are therefore numbered as they appear, and have to be
as many and the same ones again in the same places.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_TEXTS = frozenset(
    ("text/plain", "text/html", "text/markdown", "text/latex", "stream", "error", "evalue")
)
_HTML = frozenset(("text/html",))
_STREAM = frozenset(("stream",))
_SVG = frozenset(("image/svg+xml",))
_BAR = re.compile(r"[^\r\n]*\r(?=[^\r\n]*\d+%\|)")
# What tqdm puts behind time and rate (a loss, say) stays, and is compared. How long the drawn bar
# is depends on how many digits these have.
_CLOCK = r"(?:(?:\d+:)?\d\d:\d\d|\?)"
_BAR_TIME = re.compile(
    r"(?<=%\|)[^|\r\n]*(\|\s*[\d.]+\w?/[\d.]+\w?\s*)"
    rf"\[{_CLOCK}<{_CLOCK}(?:, *[\d.?]+[a-zA-Z]? ?[^\W\d]*/ ?[^\W\d]+)?(?=\]|, )"
)
# As repr() makes it: inside < and >, in HTML too. NumPy's two generators leave these out.
_ADDRESS = re.compile(r"( at )(0x[0-9a-fA-F]{6,16})(?=[>,; ]|&gt;|$)", re.MULTILINE)
_BEFORE_ADDRESS = re.compile(r"(?:<|&lt;)[^\n]*$|\b(?:Generator|RandomState)\(\w+\)$")

# As Python's tempfile makes them, below the system's folder for them; a date is no such name.
_FOLDER = r"(?:/(?:private/)?(?:var/)?tmp|/(?:private/)?var/folders/\w+/\w+/T)"
_RANDOM = r"(?=[0-9]*[a-z_])[a-z0-9_]{8}"
_OURS = rf"(?:/jupyter-lineage-{_RANDOM})*"
_TEMPORARY_NAME = rf"(?<![\w/.~-]){_FOLDER}{_OURS}/tmp{_RANDOM}(?![a-z0-9_])"  # noqa: S108
_UUID = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
_SPAN = r"(?:\d+h )?(?:\d+min )?[\d.]+ ?[nµum]?s"


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that may differ: where, and what it is replaced by on both sides."""

    name: str
    where: frozenset[str]
    apply: Callable[[str], str]


def _numbered(defined: str) -> Callable[[str], str]:
    """Return what replaces ids, wherever they stand, by their number in order of appearance.

    Args:
        defined: matches where an id is given to an element; its one group is the id. The same text
            that is no element's id stays as it is, so a value in a table is compared.
    """
    compiled = re.compile(defined)

    def apply(text: str) -> str:
        found = dict.fromkeys(compiled.findall(text))
        if not found:
            return text
        numbers = {one: f"ID{number}" for number, one in enumerate(found, start=1)}
        every = re.compile(r"(?<![\w-])(?:" + "|".join(map(re.escape, found)) + r")(?![\w-])")
        return every.sub(lambda match: numbers[match[0]], text)

    return apply


def _sub(pattern: str, by: str) -> Callable[[str], str]:
    compiled = re.compile(pattern)
    return lambda text: compiled.sub(by, text)


def _addresses_numbered(text: str) -> str:
    """Return a text with the addresses of objects as their numbers in order of appearance."""
    numbers: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        begins = text.rfind("\n", 0, match.start()) + 1
        if not _BEFORE_ADDRESS.search(text, begins, match.start()):
            return match[0]
        return f"{match[1]}0xADDRESS{numbers.setdefault(match[2].lower(), len(numbers) + 1)}"

    return _ADDRESS.sub(number, text)


RULES = (
    Rule("memory addresses", _TEXTS, _addresses_numbered),
    Rule(
        "the kernel's temporary file names",
        _TEXTS,
        _sub(r"(?:/[^\s:'\"<>]*)?/ipykernel_\d+/\d+\.py", "/ipykernel/CELL.py"),
    ),
    Rule(
        "temporary names",
        _TEXTS,
        _sub(_TEMPORARY_NAME, "/TEMPORARY"),
    ),
    Rule("ids of pandas styles", _HTML, _sub(r"\bT_[0-9a-f]{5}(?=_|\b)", "T_ID")),
    Rule(
        "ids in HTML",
        _HTML,
        _numbered(rf"(?<=\s)(?:id|data-root-id)=[\"']({_UUID})[\"']"),
    ),
    Rule(
        "durations of %time",
        _STREAM,
        _sub(
            rf"(?m)^(?:CPU times: user {_SPAN}, sys: {_SPAN}(?:, total: {_SPAN})?"
            rf"|Wall time: {_SPAN})$",
            "DURATION",
        ),
    ),
    Rule(
        "durations of %timeit",
        _STREAM,
        _sub(r"(?m)^[\d.]+ (?:[nµum]?s|min) ± .* per loop \(mean ± std\. dev\..*\)$", "DURATION"),
    ),
    Rule(
        "times of progress bars",
        _STREAM,
        lambda text: _BAR_TIME.sub(r"\1[TIME", _BAR.sub("", text)),
    ),
    Rule("the date in an SVG", _SVG, _sub(r"<dc:date>[^<]*</dc:date>", "<dc:date/>")),
    Rule("ids in an SVG", _SVG, _numbered(r"\bid=\"((?:[hmp]|image|C\w+_\w+_)[0-9a-f]{10})\"")),
)


def equivalent(
    then: Sequence[Mapping[str, Any]],
    now: Sequence[Mapping[str, Any]],
    *,
    folders: tuple[str, str] = ("", ""),
) -> tuple[str, ...] | None:
    """Return the names of the rules by which two cells' outputs are the same, None if they differ.

    Args:
        then: nbformat outputs of the first run.
        now: those of the second.
        folders: the working folders of the two.

    Returns:
        An empty tuple for outputs that are equal as they are.
    """
    if len(then) != len(now):
        return None
    used: dict[str, None] = {}
    for first, second in zip(then, now, strict=True):
        rules = _same_output(_parts(first), _parts(second), folders)
        if rules is None:
            return None
        used.update(dict.fromkeys(rules))
    return tuple(used)


def same_text(then: str, now: str, where: str, folders: tuple[str, str]) -> tuple[str, ...] | None:
    """Return the rules by which two texts are the same, None if they differ.

    Args:
        then: the first text.
        now: the second one.
        where: its MIME type, or ``stream``, ``error``.
        folders: the working folders of the two runs.
    """
    if then == now:
        return ()
    used: list[str] = []
    before, after = then, now
    if all(folders):
        then, now = then.replace(folders[0], "FOLDER"), now.replace(folders[1], "FOLDER")
        if (then, now) != (before, after):
            used.append("the run's folder")
    for rule in RULES:
        if then == now:
            break
        if where not in rule.where:
            continue
        changed = rule.apply(then), rule.apply(now)
        if changed != (then, now):
            used.append(rule.name)
            then, now = changed
    return tuple(used) if then == now else None


def _same_output(
    first: Mapping[str, str], second: Mapping[str, str], folders: tuple[str, str]
) -> tuple[str, ...] | None:
    if first.keys() != second.keys():
        return None
    used: list[str] = []
    for name, text in first.items():
        rules = same_text(text, second[name], name, folders)
        if rules is None:
            return None
        used += rules
    return tuple(used)


def _parts(output: Mapping[str, Any]) -> dict[str, str]:
    """Return an output's texts by MIME type (or kind), and the rest of it as one more."""
    kind = str(output.get("output_type"))
    rest = {name: value for name, value in output.items() if name not in _TEXT_FIELDS}
    parts = {"rest": _canonical(rest)}
    if "text" in output:
        parts["stream"] = _joined(output["text"])
    if kind == "error":
        parts["error"] = _joined(output.get("traceback", ()))
        parts["evalue"] = str(output.get("evalue", ""))
    for mime, value in (output.get("data") or {}).items():
        if mime == "application/vnd.jupyter.widget-view+json" and isinstance(value, dict):
            value = {name: one for name, one in value.items() if name != "model_id"}
        parts[mime] = _joined(value) if isinstance(value, (str, list)) else _canonical(value)
    return parts


_TEXT_FIELDS = ("text", "traceback", "data", "evalue", "execution_count")


def _joined(value: Any) -> str:
    if isinstance(value, str):
        return value
    if all(isinstance(line, str) for line in value):
        return "".join(value)
    return _canonical(value)


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
