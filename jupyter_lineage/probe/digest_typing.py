"""How forms of annotations (``Optional[int]``, a type variable) are digested; see :mod:`.digest`.

Only a notebook that has loaded :mod:`typing` holds any, so it is not imported here.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

from .digest_hasher import Handler, Hasher, NoDigest
from .digest_reading import short_name, type_name

# What of each makes it what it is; read past the ``__getattr__`` that asks the class behind it.
_OF_ALIAS = ("__origin__", "__args__")
_OF_VARIABLE = ("__name__", "__bound__", "__covariant__", "__contravariant__")
_FORMS: dict[str, tuple[str, ...]] = {
    "_GenericAlias": _OF_ALIAS,
    "_UnionGenericAlias": _OF_ALIAS,
    "_CallableGenericAlias": _OF_ALIAS,
    "_LiteralGenericAlias": _OF_ALIAS,
    "_ConcatenateGenericAlias": _OF_ALIAS,
    "_UnpackGenericAlias": _OF_ALIAS,
    "_AnnotatedAlias": (*_OF_ALIAS, "__metadata__"),
    "ForwardRef": ("__forward_arg__", "__forward_is_class__"),
    "TypeVar": (*_OF_VARIABLE, "__constraints__"),
    "ParamSpec": _OF_VARIABLE,
    "TypeVarTuple": ("__name__",),
    "ParamSpecArgs": ("__origin__",),
    "ParamSpecKwargs": ("__origin__",),
    "NewType": ("__name__", "__supertype__"),
    "_SpecialForm": ("_name",),
    "_SpecialGenericAlias": ("_name",),
    "_CallableType": ("_name",),
    "_TupleType": ("_name",),
}


def handler(kind: type) -> Handler | None:
    """Return how values of exactly this type are fed, None where it is not one of these forms."""
    name = short_name(kind)
    known = getattr(sys.modules.get("typing"), name, None) is kind
    attributes = _FORMS.get(name) if known else None
    return None if attributes is None else partial(_form, attributes)


def _form(attributes: tuple[str, ...], hasher: Hasher, value: Any) -> None:
    hasher.text("form", type_name(type(value)))
    if attributes[0] == "__name__" and getattr(value, "__infer_variance__", False):
        # ``def f[T: bound]``: asking for the bound would run the code that says it.
        attributes = ("__name__",)
    for name in attributes:
        try:
            held = object.__getattribute__(value, name)
        except AttributeError as error:
            raise NoDigest(f"no digest for {type_name(type(value))}") from error
        hasher.feed(held)
