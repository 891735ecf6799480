"""A digest of a value's content that is equal in two fresh processes for equal values.

No code of the user is ever called: types are compared exactly, attributes are read past any
``__getattr__``, and of foreign libraries only objects of exactly known types (as found in
``sys.modules``) are asked. What can't be digested so gets no digest and a reason.

How values are fed is in modules by subject: :mod:`.digest_standard`, :mod:`.digest_code`
(functions), :mod:`.digest_classes`, :mod:`.digest_typing`, :mod:`.digest_library` (numpy, pandas,
scikit-learn) and :mod:`.digest_polars`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from . import digest_classes, digest_code, digest_standard
from .digest_hasher import TOO_LARGE, Handler, Hasher, NoDigest
from .digest_places import Places
from .digest_reading import module_name, type_name

__all__ = ["BUDGET", "TOO_LARGE", "Digest", "digest"]

BUDGET = 8 * 1024 * 1024
"""Bytes of content that are hashed for one cell."""

_HANDLERS: dict[type, Handler] = {
    **digest_standard.HANDLERS,
    **digest_code.HANDLERS,
    **digest_classes.HANDLERS,
}


class Digest(NamedTuple):
    """What is known of a value's content."""

    digest: str | None
    size: int | None
    """Bytes of content that went into the digest."""
    reason: str | None
    placeless: str | None = None
    """The digest with marks for the run's places, where any stand in the value."""
    marked: tuple[str, ...] = ()
    """What the marks are for, in words."""


def digest(value: Any, budget: int = BUDGET, folder: str | None = None) -> tuple[Digest, int]:
    """Return the digest of ``value`` and what is left of ``budget``.

    Args:
        value: anything.
        budget: bytes that may be hashed.
        folder: the working folder that the run began in.
    """
    places = Places(folder)
    hasher = Hasher(budget, _find, places)
    reason = _feed(hasher, value)
    if reason is not None:
        return Digest(None, None, reason), max(hasher.budget, 0)
    found = Digest(f"sha256:{hasher.hexdigest()}", hasher.used, None)
    if places.suspected:
        found = _with_marks(found, value, budget, folder)
    return found, hasher.budget


def _with_marks(found: Digest, value: Any, budget: int, folder: str | None) -> Digest:
    # Not taken off the budget: how often a place stands in a value is alike in a repetition, yet
    # how long its path is may decide what else of the cell has a digest.
    places = Places(folder, marking=True)
    hasher = Hasher(budget, _find, places)
    if _feed(hasher, value) is not None or not places.marked:
        return found
    return found._replace(
        placeless=f"sha256:{hasher.hexdigest()}", marked=tuple(sorted(places.marked))
    )


def _feed(hasher: Hasher, value: Any) -> str | None:
    """Feed a value; return why it can't be digested, None where it was."""
    try:
        hasher.feed(value)
    except NoDigest as reason:
        return str(reason)
    except RecursionError:
        return "nested too deep"
    except Exception as error:  # noqa: BLE001 - a library's object may be in no state to be read
        return f"no digest for {type_name(type(value))}: {type(error).__name__}"
    return None


def _find(kind: type) -> Handler | None:
    """Return how values of exactly this type are fed, None where there is no way."""
    handler = _HANDLERS.get(kind)
    if handler is not None:
        return handler
    if issubclass(kind, type):
        return digest_classes.feed_class
    package = module_name(kind).partition(".")[0]
    if package == "polars":
        from . import digest_polars

        return digest_polars.handler(kind)
    if package == "typing":
        from . import digest_typing

        return digest_typing.handler(kind)
    from . import digest_library

    return digest_library.handler(kind) or digest_classes.handler(kind, package)
