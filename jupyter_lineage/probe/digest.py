"""A digest of a value's content that is equal in two fresh processes for equal values.

No code of the user is ever called: types are compared exactly, attributes are read past any
``__getattr__``, and of foreign libraries only objects of exactly known types (as found in
``sys.modules``) are asked. What can't be digested so gets no digest and a reason.

How values are fed is in modules by subject: :mod:`.digest_standard`, :mod:`.digest_code`,
:mod:`.digest_library` (numpy, pandas, scikit-learn) and :mod:`.digest_polars`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from . import digest_code, digest_standard
from .digest_hasher import TOO_LARGE, Handler, Hasher, NoDigest
from .digest_reading import module_name

__all__ = ["BUDGET", "TOO_LARGE", "Digest", "digest"]

BUDGET = 8 * 1024 * 1024
"""Bytes of content that are hashed for one cell."""

_HANDLERS: dict[type, Handler] = {**digest_standard.HANDLERS, **digest_code.HANDLERS}


class Digest(NamedTuple):
    """What is known of a value's content."""

    digest: str | None
    size: int | None
    """Bytes of content that went into the digest."""
    reason: str | None


def digest(value: Any, budget: int = BUDGET) -> tuple[Digest, int]:
    """Return the digest of ``value`` and what is left of ``budget``."""
    hasher = Hasher(budget, _find)
    try:
        hasher.feed(value)
    except NoDigest as reason:
        left = hasher.budget if hasher.budget > 0 else 0
        return Digest(None, None, str(reason)), left
    except RecursionError:
        return Digest(None, None, "nested too deep"), hasher.budget
    return Digest(f"sha256:{hasher.hexdigest()}", hasher.used, None), hasher.budget


def _find(kind: type) -> Handler | None:
    """Return how values of exactly this type are fed, None where there is no way."""
    handler = _HANDLERS.get(kind)
    if handler is not None:
        return handler
    if issubclass(kind, type):
        return digest_code.feed_class
    package = module_name(kind).partition(".")[0]
    if package == "polars":
        from . import digest_polars

        return digest_polars.handler(kind)
    from . import digest_library

    return digest_library.handler(kind) or digest_code.handler(kind, package)
