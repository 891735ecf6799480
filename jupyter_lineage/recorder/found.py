"""What a cell's file events are about, once their files were looked at.

A file may be read without being opened: what was renamed, linked or cut short by its name was there
before. Nothing has its signature of then, so what it held is taken from what is there after.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .hashing import CHANGED, Hashed
from .naming import uri_of
from .outcome import signature

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..store.bookkeeping import Bookkeeping, Pending
    from .keep import Keeper
    from .outcome import Outcome


class Found(NamedTuple):
    """A file that an event is about, by its name now, and what it holds or held."""

    role: str
    path: bytes
    event: Pending
    hashed: Hashed
    was: bytes | None = None
    """The name that it had then, where its content was looked at under another one."""


def remembered(found: Found) -> int | None:
    """Return the version that was found for a read while its cell still ran."""
    return found.event.version_id if found.role == "read" else None


def moved(out: Outcome, writes: Iterable[Found]) -> Iterator[Found]:
    """Yield what was renamed or linked: it held under its old name what it holds under its new one.

    Args:
        out: what the cell's events come to.
        writes: what was found of all that it wrote.
    """
    by_event = {one.event.id: one for one in writes if one.hashed.content is not None}
    for path, event in out.moved.items():
        one = by_event.get(event.id)
        if one is not None and event.id not in out.touched:
            yield one._replace(role="read", event=event, was=path)


def cut(out: Outcome, writes: Iterable[Found]) -> Iterator[tuple[bytes, Pending, Hashed]]:
    """Yield files whose length was set by name and not to nothing, with what they hold after.

    Args:
        out: what the cell's events come to.
        writes: what was found of all that it wrote.
    """
    by_event = {one.event.id: one for one in writes}
    for path, event in out.cut.items():
        one, after = by_event.get(event.id), signature(event)
        if one is not None and one.hashed.size != 0 and (after is None or after[2]):
            yield path, event, one.hashed


def before_cut(path: bytes, after: Hashed, *, books: Bookkeeping, keeper: Keeper) -> Hashed:
    """Return what a file held before it was cut: what was last met there, if that begins so.

    Args:
        path: the file.
        after: what it holds since.
        books: tells what was last met.
        keeper: has its bytes.
    """
    met = books.newest_version(uri_of(path))
    if met is None or after.content is None or after.size is None or met[1] < after.size:
        return Hashed(None, None, CHANGED)
    same = keeper.hash_of_start(met[0], after.size) == after.content
    return Hashed(*met, None) if same else Hashed(None, None, CHANGED)
