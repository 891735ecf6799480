"""Whether something is what its module and name say, so that the name may stand for it.

Any function can say that it is another module's (``functools.wraps`` makes it say so). Only what
really stands under that name in the loaded module is known by it.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any

from .digest_reading import dict_of

_HEAP_TYPE = 1 << 9
_flags_of: Callable[[type], int] = type.__dict__["__flags__"].__get__
_qualname_of: Callable[[type], str] = type.__dict__["__qualname__"].__get__
_module_dict: Any = dict_of(types.ModuleType)["__dict__"].__get__
_WRAPPERS = (staticmethod, classmethod)
MISSING = object()


def module_attributes(module: Any) -> dict[str, Any]:
    """Return what a module holds, past any way of its own to make attributes up."""
    if not issubclass(type(module), types.ModuleType):
        return {}
    found = _module_dict(module)
    return found if type(found) is dict else {}


def standing_at(module: Any, qualname: Any) -> Any:
    """Return what a loaded module holds under a qualified name, :data:`MISSING` where nothing."""
    if type(module) is not str or type(qualname) is not str:
        return MISSING
    first, *rest = qualname.split(".")
    found = module_attributes(sys.modules.get(module)).get(first, MISSING)
    for name in rest:
        if not issubclass(type(found), type):
            return MISSING
        found = dict_of(found).get(name, MISSING)
    return found.__func__ if type(found) in _WRAPPERS else found


def is_known_class(kind: type, module: str) -> bool:
    """Tell whether a class of a library is known by its name: it stands there, or is written in C.

    Classes written in C are there from the start and can't be made by a program.
    """
    if not _flags_of(kind) & _HEAP_TYPE:
        return True
    return module != "__main__" and standing_at(module, _qualname_of(kind)) is kind


def is_known_function(function: types.FunctionType) -> bool:
    """Tell whether a function is a library's own, known by its name.

    One that the notebook made is not, even where it was put into the library's place.
    """
    module = function.__module__
    if module == "__main__" or standing_at(module, function.__qualname__) is not function:
        return False
    return function.__globals__ is not module_attributes(sys.modules.get("__main__"))


def is_known_module(module: types.ModuleType) -> bool:
    """Tell whether a module was imported under its name and not made by hand."""
    held = module_attributes(module)
    name = held.get("__name__")
    if type(name) is not str or sys.modules.get(name) is not module:
        return False
    return name == "__main__" or held.get("__spec__") is not None


def has_globals_of_a_module(function: types.FunctionType) -> bool:
    """Tell whether a function's globals are those of a loaded module, the notebook included."""
    name = function.__globals__.get("__name__")
    if type(name) is not str:
        return False
    return module_attributes(sys.modules.get(name)) is function.__globals__
