"""Feeds values into one hash; which handler feeds which type is in :mod:`.digest`."""

from __future__ import annotations

import array
import hashlib
import marshal
import types
from collections.abc import Callable, Iterable
from typing import Any

from .digest_places import Places
from .digest_reading import type_name

_DEEPEST = 40
_FEW = 256
_SIMPLE = frozenset((type(None), bool, int, float, str, bytes))
_CONTAINERS = frozenset((list, tuple, dict))
_PLAIN = _SIMPLE | _CONTAINERS
_MAY_KNOW_ITSELF = (
    type,
    types.FunctionType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.MemberDescriptorType,
    types.GetSetDescriptorType,
)
_NONE = 1 << 30
_SCALARS = frozenset((type(None), bool, int, float, complex, str, bytes))
_SMALL = 4096  # bytes that are gathered before they are hashed
_COST_OF_OBJECT = 160  # bytes that could be hashed in the time that visiting one object takes


TOO_LARGE = "too large"
"""The reason where a value has more content than may be hashed."""


class NoDigest(Exception):
    """The value can't be digested; the text is the reason."""


class Hasher:
    """Feeds values into one SHA-256, each with its type and length so that no two read the same.

    Args:
        budget: bytes that may still be hashed.
        find: gives the handler of a type, None where there is none.
        places: what looks for the run's places in texts.
    """

    def __init__(
        self, budget: int, find: Callable[[type], Handler | None], places: Places | None = None
    ) -> None:
        self.budget = budget
        self._find = find
        self._places = places or Places(None)
        self.used = 0
        self._hash = hashlib.sha256()
        self._waiting = bytearray()
        self._open: list[int] = []
        self._outermost = _NONE
        """The place in ``_open`` of the outermost value that was met again inside itself."""
        self._wholes: dict[int, str] = {}

    def hexdigest(self) -> str:
        """Return the digest of all that was fed."""
        self._hash.update(self._waiting)
        self._waiting.clear()
        return self._hash.hexdigest()

    def spend(self, size: int) -> None:
        """Take ``size`` bytes off the budget.

        Raises:
            NoDigest: there is not so much left.
        """
        self.budget -= size
        if self.budget < 0:
            raise NoDigest(TOO_LARGE)

    def raw(self, tag: str, data: bytes | memoryview) -> None:
        """Feed bytes under a tag."""
        size = data.nbytes if isinstance(data, memoryview) else len(data)
        self.spend(size)
        self.used += size
        self._waiting += f"{tag}:{size}:".encode()
        if size < _SMALL:
            self._waiting += data
        else:
            self._hash.update(self._waiting)
            self._waiting.clear()
            self._hash.update(data)

    def text(self, tag: str, value: str) -> None:
        """Feed a text under a tag; it may hold lone surrogates."""
        self.spend(len(value))
        self.raw(tag, self._places.of_text(value).encode("utf-8", "surrogatepass"))

    def feed(self, value: Any) -> None:
        """Feed any value.

        Raises:
            NoDigest: the value, or a part of it, can't be digested.
        """
        self.spend(_COST_OF_OBJECT)
        kind = type(value)
        handler = self._find(kind)
        if handler is None:
            raise NoDigest(f"no digest for {type_name(kind)}")
        if kind in _SCALARS:
            handler(self, value)
            return
        if kind in _CONTAINERS and self._is_plain(value):
            # The oldest format: its bytes depend on nothing but the values.
            data = marshal.dumps(value, 0)
            self._places.look(data)
            self.raw("plain", data)
            return
        if len(self._open) > _DEEPEST:
            raise NoDigest("nested too deep")
        if id(value) in self._open:
            self._again(value)
            return
        self._open.append(id(value))
        handler(self, value)
        self._open.pop()

    def _is_plain(self, value: Any) -> bool:
        if self._places.marking or _only_floats(value):
            return False
        return _plain_parts(value, _FEW) >= 0

    def _again(self, value: Any) -> None:
        """Feed a value that is being fed: a class knows itself by each method that uses super()."""
        if not issubclass(type(value), _MAY_KNOW_ITSELF):
            raise NoDigest("contains itself")
        place = len(self._open) - 1 - self._open[::-1].index(id(value))
        self._outermost = min(self._outermost, place)
        self.raw("again", str(len(self._open) - place).encode())

    def whole(self, value: Any, handler: Handler) -> None:
        """Feed a value that is being fed, and may come again, by a digest of its own.

        That is worked out once, unless it hangs on what is around the value.
        """
        known = self._wholes.get(id(value))
        if known is None:
            place = len(self._open) - 1
            known, outermost = self._part(handler, value)
            if outermost >= place:
                self._wholes[id(value)] = known
        self.raw("whole", known.encode())

    def _part(self, handler: Handler, value: Any) -> tuple[str, int]:
        part = Hasher(self.budget, self._find, self._places)
        part._open, part._wholes = self._open, self._wholes
        try:
            handler(part, value)
        finally:
            self.budget = part.budget
            self.used += part.used
        self._outermost = min(self._outermost, part._outermost)
        return part.hexdigest(), part._outermost

    def items(self, tag: str, values: list[Any] | tuple[Any, ...]) -> None:
        """Feed a sequence: texts and numbers in bulk, all else one by one."""
        self.raw(tag, str(len(values)).encode())
        self.spend(8 * len(values))
        kinds = set(map(type, values))
        if kinds == {str}:
            self._texts(values)
        elif kinds == {float}:
            self.raw("floats", array.array("d", values).tobytes())
        elif kinds == {int}:
            self.raw("ints", " ".join(map(int_text, values)).encode())
        else:
            for value in values:
                self.feed(value)

    def unordered(self, tag: str, values: Iterable[Any]) -> None:
        """Feed values whose order means nothing: sorted by their own digests."""
        parts = [self._part(Hasher.feed, value)[0] for value in values]
        self.raw(tag, ",".join(sorted(parts)).encode())

    def _texts(self, values: list[str] | tuple[str, ...]) -> None:
        values = self._places.of_texts(values)
        joined = "".join(values)
        self._places.look(joined)
        self.spend(len(joined))
        self.raw("lengths", array.array("Q", map(len, values)).tobytes())
        self.raw("texts", joined.encode("utf-8", "surrogatepass"))


def _only_floats(value: Any) -> bool:
    # They go in as an array: spelling them out, as the oldest format does, takes much longer.
    return type(value) is not dict and set(map(type, value)) == {float}


def _plain_parts(value: Any, left: int) -> int:
    """Count down over the parts of nested lists, tuples and dicts of short texts and numbers.

    Args:
        value: the outermost container.
        left: how many parts there may be.

    Returns:
        How many more there might have been; negative when there are too many, or others.
    """
    parts = [*value, *value.values()] if type(value) is dict else value
    left -= len(parts) + 1
    kinds = set(map(type, parts))
    if left < 0 or not kinds <= _PLAIN or not _are_short(parts):
        return -1
    if not kinds <= _SIMPLE:
        for part in parts:
            if type(part) in _CONTAINERS:
                left = _plain_parts(part, left)
                if left < 0:
                    break
    return left


def _are_short(values: list[Any] | tuple[Any, ...]) -> bool:
    return all(len(value) < _SMALL for value in values if type(value) in (str, bytes))


def int_text(value: int) -> str:
    """Return a number as text: in hexadecimal, for Python refuses very long decimals."""
    return format(value, "x")


Handler = Callable[[Hasher, Any], None]
