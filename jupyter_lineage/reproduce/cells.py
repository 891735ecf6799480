"""One cell against its repetition: what is equal, what differs, what could not be compared.

Here a cell is looked at by itself; which cell made another one differ is found in
:mod:`.verdict`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from .equivalence import equivalent, same_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .evidence import Cell

Word = Literal["identical", "equivalent", "not compared", "different", "failed"]

ORDER: tuple[Word, ...] = ("identical", "equivalent", "not compared", "different", "failed")
"""Verdicts from the best to the worst."""

GOOD: tuple[Word, ...] = ("identical", "equivalent")

Version = tuple["str | None", "str | None"]
"""A file version's hash, or None and the reason why it is not known."""

_INPUT_ERRORS = frozenset(("StdinNotImplementedError",))
_LISTED = 3


@dataclass(slots=True)
class Findings:
    """What a comparison found, worst first when asked for the verdict."""

    found: list[tuple[Word, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What is not compared and yet does not spoil the verdict."""

    def add(self, word: Word, text: str) -> None:
        """Add one thing that is not identical."""
        self.found.append((word, text))

    @property
    def worst(self) -> Word:
        """The verdict that all findings together allow."""
        return worst(word for word, _ in self.found)

    def text(self) -> str:
        """Return the findings that make the verdict, in words."""
        word = self.worst
        texts = [text for one, text in self.found if one == word]
        return "; ".join(dict.fromkeys(texts))


def worst(words: Iterator[Word]) -> Word:
    """Return the worst of some verdicts; ``identical`` when there are none."""
    return max(words, key=ORDER.index, default="identical")


def compare_cell(
    then: Cell,
    now: Cell,
    *,
    written: tuple[Mapping[str, Version], Mapping[str, Version]] = ({}, {}),
    folders: tuple[str, str] = ("", ""),
    readers: Mapping[str, int] | None = None,
) -> Findings:
    """Compare a cell with its repetition.

    A value without a digest is not compared, and so is its cell where a later one reads the value.
    Where none does it has no influence on what is compared, and is only named.

    Args:
        then: the cell as it was recorded.
        now: its repetition.
        written: the files that each wrote, by relative path.
        folders: the working folders of the two runs.
        readers: names that a later cell reads, with the number of the first that does.
    """
    findings = Findings()
    _status(findings, then, now, folders)
    if findings.worst in ("failed", "different"):
        return findings
    _outputs(findings, then, now, folders)
    _values(findings, then, now, readers or {})
    _files(findings, *written)
    return findings


def _status(findings: Findings, then: Cell, now: Cell, folders: tuple[str, str]) -> None:
    ended = ("completed", "failed")
    if now.status not in ended:
        findings.add("failed", _ENDINGS.get(now.status, f"it ended as {now.status}"))
    elif then.status not in ended:
        findings.add("not compared", f"the original's end is not known ({then.status})")
    elif then.status == "completed" and now.status == "failed":
        findings.add("failed", _failure(now.error))
    elif then.status == "failed" and now.status == "completed":
        findings.add("different", f"it raised {_name(then.error)} then and raises nothing now")
    elif then.status == "failed":
        _errors(findings, then.error or {}, now.error or {}, folders)


_ENDINGS = {
    "died": "the kernel died in it",
    "interrupted": "it was interrupted",
    "running": "it did not end",
}


def _failure(error: Mapping[str, str] | None) -> str:
    if _name(error) in _INPUT_ERRORS:
        return "it asked for input, and nobody is there to answer"
    value = str((error or {}).get("value") or "").strip()
    first = value.splitlines()[0][:200] if value else ""
    return f"it raises {_name(error)}" + (f": {first}" if first else "")


def _name(error: Mapping[str, str] | None) -> str:
    return str((error or {}).get("name") or "an error")


def _errors(
    findings: Findings, then: Mapping[str, str], now: Mapping[str, str], folders: tuple[str, str]
) -> None:
    if _name(then) != _name(now):
        findings.add("different", f"it raised {_name(then)} then and raises {_name(now)} now")
        return
    values = str(then.get("value") or ""), str(now.get("value") or "")
    rules = same_text(*values, "evalue", folders)
    if rules is None:
        findings.add("different", f"its {_name(now)} says something else")
    elif rules:
        findings.add("equivalent", f"but for {', '.join(rules)}")


def _outputs(findings: Findings, then: Cell, now: Cell, folders: tuple[str, str]) -> None:
    if then.outputs_masked or now.outputs_masked:
        findings.notes.append("masked parts of the output")
    if then.outputs_hash and then.outputs_hash == now.outputs_hash:
        return
    if then.capped_sha256 and then.capped_sha256 == now.capped_sha256:
        return
    known = [bool(one.outputs_hash or one.capped_sha256) for one in (then, now)]
    if not all(known):
        side = "repeated" if known[0] else "original"
        findings.add("not compared", f"the {side} cell's output was not recorded")
    elif then.outputs is None or now.outputs is None:
        findings.add("different", "the output differs (too large to show how)")
    else:
        _normalised(findings, then, now, folders)


def _normalised(findings: Findings, then: Cell, now: Cell, folders: tuple[str, str]) -> None:
    rules = equivalent(then.outputs or (), now.outputs or (), folders=folders)
    if rules is None:
        findings.add("different", "the output differs")
    else:
        what = ", ".join(rules) or "the pieces it came in"
        findings.add("equivalent", f"the output is the same but for {what}")


def _values(findings: Findings, then: Cell, now: Cell, readers: Mapping[str, int]) -> None:
    different, alone, moved = [], [], _Moved()
    for name in (*then.digests, *(name for name in now.digests if name not in then.digests)):
        if name not in then.digests or name not in now.digests:
            alone.append(name)
            continue
        first, second = then.digests[name], now.digests[name]
        if first.get("digest") and second.get("digest"):
            if first["digest"] != second["digest"] and not moved.take(name, first, second):
                different.append(name)
        elif first.get("type") != second.get("type"):
            different.append(name)
        else:
            _unknown(findings, f"{name} ({_described(first)})", readers.get(name))
    if different:
        findings.add("different", f"the value of {_some(different)} differs")
    if moved.names:
        what = ", ".join(sorted(moved.places))
        findings.add("equivalent", f"the value of {_some(moved.names)} is the same but for {what}")
    if alone:
        findings.add("different", f"only one of the runs set {_some(alone)}")


class _Moved:
    """Values that are the same but for the places of the two runs in them."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.places: set[str] = set()

    def take(self, name: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
        """Note a value whose digests differ, if they are equal with marks for its places."""
        if not then.get("placeless") or then["placeless"] != now.get("placeless"):
            return False
        self.names.append(name)
        self.places.update(*(one.get("marked") or () for one in (then, now)))
        return True


def _described(digest: Mapping[str, Any]) -> str:
    """Return a value's type, and why it has no digest where that is not the type."""
    reason = str(digest.get("reason") or "")
    told = not reason or reason.startswith("no digest")
    return short_type(digest) + ("" if told else f", {reason}")


def _unknown(findings: Findings, value: str, reader: int | None) -> None:
    if reader is None:
        findings.notes.append(value)
    else:
        findings.add("not compared", f"no digest for {value}, which cell {reader} reads")


def short_type(digest: Mapping[str, Any]) -> str:
    """Return the last part of a value's type."""
    return str(digest.get("type") or "?").rpartition(".")[2]


def undigested(cell: Cell) -> list[str]:
    """Return names a cell wrote whose values can't be compared."""
    return [name for name, digest in cell.digests.items() if not digest.get("digest")]


def may_have_changed(then: Cell, now: Cell | None) -> set[str]:
    """Return the names by which a cell may have made later ones differ.

    One that it only named, and whose value is the same in both runs, is none of them.
    """
    if now is None:
        return set(then.names_written)
    untouched = {
        name
        for name, first in then.digests.items()
        if first.get("same") and first.get("digest") and _is_same(first, now.digests.get(name))
    }
    return {*then.names_written, *now.names_written} - untouched


def _is_same(first: Mapping[str, Any], second: Mapping[str, Any] | None) -> bool:
    return bool(second and second.get("same") and second.get("digest") == first["digest"])


def _files(findings: Findings, then: Mapping[str, Version], now: Mapping[str, Version]) -> None:
    for path in (*then, *(path for path in now if path not in then)):
        word, reason = compare_file(then.get(path), now.get(path))
        if word != "identical":
            findings.add(word, f"{path}: {reason}")


def compare_file(then: Version | None, now: Version | None) -> tuple[Word, str | None]:
    """Compare a file that a run wrote with what its repetition wrote there."""
    if now is None:
        return "different", "it is not written again"
    if then is None:
        return "different", "only the repetition writes it"
    if then[0] is None:
        return "not compared", f"the original's content is not known: {then[1]}"
    if now[0] is None:
        return "not compared", f"the repetition's content is not known: {now[1]}"
    if then[0] == now[0]:
        return "identical", None
    return "different", "its bytes differ"


def unseeded(then: Cell, now: Cell) -> list[str]:
    """Return the random states that a cell drew from, each begun from another place than before.

    A state that is equal afterwards was set by the cell: it is seeded. Numpy's own state comes
    into being with its import, from the system's entropy, which is no use of it; a generator
    that the cell made without a seed is.
    """
    found = []
    for name, second in now.random.items():
        first = then.random.get(name)
        if first is None or tuple(first) == tuple(second) or first[1] == second[1]:
            continue
        made = first[0] is None and second[0] is None and name.startswith("generator:")
        drawn = first[0] is not None and first[0] != first[1]
        drawn = drawn or (second[0] is not None and second[0] != second[1])
        if made or drawn:
            found.append(name.removeprefix("generator:"))
    return found


def is_all_compared(then: Cell, now: Cell) -> bool:
    """Tell whether everything a cell can have made is among what was compared.

    A value that it was given may have been changed in place, and the record has no digest of it.
    """
    return all(
        not cell.names_read
        and not undigested(cell)
        and set(cell.names_written) <= set(cell.digests)
        for cell in (then, now)
    )


def _some(names: list[str]) -> str:
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "")
