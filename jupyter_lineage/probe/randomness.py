"""Short digests of the random states that a program draws from, before and after a cell.

Reading never makes a state: only modules that are imported already are asked, and CUDA is not
asked at all (that could start it).
"""

from __future__ import annotations

import hashlib
import random
import sys
from collections.abc import Mapping
from typing import Any


def _short(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def _of_python() -> str:
    # A tuple's hash over its numbers depends on nothing but them, and costs a fifth of a digest.
    _, numbers, spare = random.getstate()
    return f"{hash(numbers) & 0xFFFFFFFFFFFFFFFF:016x}{'' if spare is None else repr(spare)}"


def _plain(value: Any) -> bytes:
    """Return the bytes of a bit generator's state: nested dicts of numbers and arrays."""
    if isinstance(value, Mapping):
        return b"{" + b"".join(str(k).encode() + b":" + _plain(value[k]) for k in value) + b"}"
    to_bytes = getattr(value, "tobytes", None)
    return bytes(to_bytes()) if to_bytes is not None else repr(value).encode()


def _of_numpy(generator: Any) -> str:
    """Return the digest of a legacy ``RandomState``: its bits and the spare normal deviate."""
    if type(generator._bit_generator).__name__ != "MT19937":
        return _short(_plain(generator.get_state(legacy=False)))
    name, key, *rest = generator.get_state()
    return _short(key.tobytes() + repr((name, rest)).encode())


def _of_generator(generator: Any) -> str:
    state = generator.bit_generator.state
    if state["bit_generator"] in ("PCG64", "PCG64DXSM"):  # numbers only
        return _short(repr(state).encode())
    return _short(_plain(state))


def generator_types() -> tuple[type | None, type | None]:
    """Return numpy's ``Generator`` and ``RandomState``; None where numpy is not imported."""
    new = sys.modules.get("numpy.random._generator")
    old = sys.modules.get("numpy.random.mtrand")
    return getattr(new, "Generator", None), getattr(old, "RandomState", None)


def states(namespace: Mapping[str, Any], known: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return a digest for every random state there is, by the names of the spool's contract.

    Args:
        namespace: the user's, whose numpy generators are looked at by exact type.
        known: the states after the cell before. The two large ones are taken from there and not
            read again, so that what a thread draws between two cells counts for the second one.
    """
    known = known or {}
    found = {"random": known.get("random") or _of_python()}
    legacy = getattr(sys.modules.get("numpy.random.mtrand"), "_rand", None)
    if legacy is not None:
        found["numpy"] = known.get("numpy") or _of_numpy(legacy)
        new, old = generator_types()
        items = dict(namespace)
        kinds = set(map(type, items.values()))
        if new in kinds or old in kinds:
            for name, value in items.items():
                kind = type(value)
                if kind is new and name[:1] != "_":
                    found[f"generator:{name}"] = _of_generator(value)
                elif kind is old and name[:1] != "_":
                    found[f"generator:{name}"] = _of_numpy(value)
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "get_rng_state"):
        found["torch"] = _short(torch.get_rng_state().numpy().tobytes())
    return found


def pairs(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, list[str | None]]:
    """Return ``{state: [before, after]}``; None on the side where a state did not exist."""
    return {name: [before.get(name), after.get(name)] for name in {**before, **after}}
