"""How values of numpy, pandas and scikit-learn are digested; see :mod:`.digest`.

Nothing is imported here: a type is recognised by its module and name, then compared with what the
module in ``sys.modules`` really holds, so that a class of the user that only looks like one of
theirs is none.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

from .digest_hasher import TOO_LARGE, Handler, Hasher, NoDigest
from .digest_names import standing_at
from .digest_reading import dict_of, instance_dict, short_name, type_name

MOST_COLUMNS = 1024
_COPIED = 64 * 1024  # bytes of an array that are copied faster than asked for in place
_known: dict[type, Handler | None] = {}


def handler(kind: type) -> Handler | None:
    """Return how values of exactly this type are fed, or None where it is not one of theirs."""
    if kind not in _known:
        _known[kind] = _find(kind)
    return _known[kind]


def _find(kind: type) -> Handler | None:
    name = type_name(kind)
    package = name.partition(".")[0]
    if short_name(kind) in _CALLABLES:
        return _callable_of_library if _tells_its_name(kind) else None
    if package == "sklearn":
        return _sklearn(kind, name)
    if package not in ("numpy", "pandas"):
        return None
    numpy = sys.modules.get("numpy")
    if numpy is not None and package == "numpy":
        if kind is getattr(numpy, "ndarray", None):
            return _array
        if kind in set(getattr(numpy, "sctypeDict", {}).values()):
            return _scalar
        if kind is getattr(numpy, "ufunc", None):
            return _ufunc
        if issubclass(kind, numpy.dtype):
            return lambda hasher, value: hasher.text("dtype", _dtype(value))
        return _RANDOM.get(name)
    pandas = sys.modules.get("pandas")
    for public, feed in _PANDAS.items():
        if kind is getattr(pandas, public, None):
            return feed
    for missing in ("NA", "NaT"):
        if kind is type(getattr(pandas, missing, None)):
            return partial(_missing, missing)
    return _extension if _is_extension(kind) else None


_CALLABLES = ("cython_function_or_method", "_ArrayFunctionDispatcher")


def _tells_its_name(kind: type) -> bool:
    """Tell whether its instances' names are read without running code of a program."""
    held = dict_of(kind)
    told = held.get("__qualname__"), held.get("__getattribute__"), held.get("__getattr__")
    return type(told[0]) is not property and not any(map(_is_python, told))


def _is_python(value: Any) -> bool:
    return type(value).__name__ == "function"


def _callable_of_library(hasher: Hasher, value: Any) -> None:
    module = object.__getattribute__(value, "__module__")
    name = object.__getattribute__(value, "__qualname__")
    if standing_at(module, name) is not value:
        raise NoDigest(f"no digest for {type_name(type(value))}")
    hasher.text("library function", f"{module}.{name}")


def _ufunc(hasher: Hasher, value: Any) -> None:
    """Feed a function of numpy's or scipy's by its name: any other one can be behind a ufunc."""
    for module in ("numpy", "scipy.special"):
        if standing_at(module, value.__name__) is value:
            hasher.text("ufunc", f"{module}.{value.__name__}")
            return
    raise NoDigest("no digest for a made ufunc")


def _dtype(value: Any) -> str:
    return value.str if value.names is None else repr(value.descr)


def _array(hasher: Hasher, value: Any) -> None:
    dtype = value.dtype
    hasher.text("array", _dtype(dtype))
    hasher.items("shape", list(value.shape))
    if dtype.names is not None:
        # Field by field: the padding between fields holds whatever was in memory before.
        for name in dtype.names:
            hasher.feed(value[name])
    elif dtype.hasobject or dtype.kind not in "biufcSUmMV":
        feed_objects(hasher, value.ravel().tolist())
    else:
        if value.nbytes > hasher.budget:
            raise NoDigest(TOO_LARGE)
        hasher.raw("data", value.tobytes() if value.nbytes < _COPIED else _bytes_of(value))


def _bytes_of(value: Any) -> bytes | memoryview:
    """Return an array's bytes in the order of its indices, without a copy where they lie so."""
    if not value.flags.c_contiguous:
        return bytes(value.tobytes())
    return memoryview(value.reshape(-1).view("u1"))


def _scalar(hasher: Hasher, value: Any) -> None:
    if value.dtype.names is not None or value.dtype.hasobject:
        raise NoDigest(f"no digest for {type_name(type(value))}")
    hasher.text("scalar", value.dtype.str)
    hasher.raw("data", value.tobytes())


def feed_objects(hasher: Hasher, values: list[Any]) -> None:
    """Feed a list that is mostly text: what is missing apart, the texts in bulk."""
    kinds = set(map(type, values))
    if str not in kinds or len(kinds) == 1:
        hasher.items("objects", values)
        return
    hasher.spend(16 * len(values))
    others = [place for place, value in enumerate(values) if type(value) is not str]
    hasher.items("places", others)
    hasher.items("others", [values[place] for place in others])
    hasher.items("texts", [value for value in values if type(value) is str])


def _column(hasher: Hasher, values: Any) -> None:
    """Feed one column's array, as pandas holds it."""
    numpy = sys.modules["numpy"]
    inner = getattr(values, "_ndarray", values) if _is_numpy_backed(values) else values
    if type(inner) is numpy.ndarray:
        hasher.text("dtype", str(values.dtype))
        _array(hasher, inner)
    else:
        _extension(hasher, values)


def _is_numpy_backed(values: Any) -> bool:
    return type_name(type(values)) in (
        "pandas.core.arrays.datetimes.DatetimeArray",
        "pandas.core.arrays.timedeltas.TimedeltaArray",
        "pandas.core.arrays.numpy_.NumpyExtensionArray",
        "pandas.core.arrays.numpy_.PandasArray",
    ) or type_name(type(values)).endswith((".DatetimeArray", ".TimedeltaArray"))


def _is_extension(kind: type) -> bool:
    extensions = getattr(getattr(sys.modules.get("pandas"), "api", None), "extensions", None)
    base = getattr(extensions, "ExtensionArray", None)
    return base is not None and issubclass(kind, base)


def _extension(hasher: Hasher, values: Any) -> None:
    if not type_name(type(values)).startswith("pandas."):
        raise NoDigest(f"no digest for {type_name(type(values))}")
    hasher.text("dtype", str(values.dtype))
    if hasattr(values, "codes") and hasattr(values, "categories"):
        hasher.feed(values.codes)
        hasher.feed(values.categories)
        hasher.feed(bool(values.ordered))
        return
    if 16 * len(values) > hasher.budget:
        raise NoDigest(TOO_LARGE)
    feed_objects(hasher, values.tolist())


def _series(hasher: Hasher, value: Any) -> None:
    hasher.text("series", "")
    hasher.feed(value.name)
    hasher.feed(value.index)
    hasher.feed(value._attrs)
    _column(hasher, value._values)


def _frame(hasher: Hasher, value: Any) -> None:
    count = value.shape[1]
    blocks = getattr(value._mgr, "blocks", ())
    if count > MOST_COLUMNS or _size(blocks) > hasher.budget:
        raise NoDigest(TOO_LARGE)
    hasher.items("frame", list(value.shape))
    hasher.feed(value.columns)
    hasher.feed(value.index)
    hasher.feed(value._attrs)
    column = getattr(value._mgr, "iget_values", None)
    for number in range(count):
        _column(hasher, column(number) if column else value.iloc[:, number]._values)


def _size(blocks: Any) -> int:
    """Return how many bytes the arrays of a frame take; of texts only where they lie."""
    return sum(int(getattr(block.values, "nbytes", 0)) for block in blocks)


def _index(hasher: Hasher, value: Any) -> None:
    hasher.items("index", list(value.names))
    _column(hasher, value._values)


def _range_index(hasher: Hasher, value: Any) -> None:
    hasher.items("range index", [value.start, value.stop, value.step])
    hasher.items("names", list(value.names))


def _multi_index(hasher: Hasher, value: Any) -> None:
    hasher.items("multi index", list(value.names))
    for level, codes in zip(value.levels, value.codes, strict=True):
        hasher.feed(level)
        hasher.feed(codes)


def _missing(name: str, hasher: Hasher, _: Any) -> None:
    hasher.text("missing", name)


def _timestamp(hasher: Hasher, value: Any) -> None:
    hasher.text("timestamp", f"{value.value} {value.tz}")


_PANDAS: dict[str, Handler] = {
    "DataFrame": _frame,
    "Series": _series,
    "Index": _index,
    "DatetimeIndex": _index,
    "TimedeltaIndex": _index,
    "PeriodIndex": _index,
    "CategoricalIndex": _index,
    "IntervalIndex": _index,
    "RangeIndex": _range_index,
    "MultiIndex": _multi_index,
    "Timestamp": _timestamp,
    "Timedelta": lambda hasher, value: hasher.text("timedelta", str(value.value)),
    "Period": lambda hasher, value: hasher.items("period", [value.ordinal, value.freqstr]),
    "Interval": lambda hasher, value: hasher.items(
        "interval", [value.left, value.right, value.closed]
    ),
}


def _generator(hasher: Hasher, value: Any) -> None:
    _state(hasher, value.bit_generator.state)


def _random_state(hasher: Hasher, value: Any) -> None:
    _state(hasher, value.get_state(legacy=False))


def _state(hasher: Hasher, state: dict[str, Any]) -> None:
    hasher.text("random state", "")
    hasher.feed(state)


_RANDOM: dict[str, Handler] = {
    "numpy.random._generator.Generator": _generator,
    "numpy.random.mtrand.RandomState": _random_state,
}


def _sklearn(kind: type, name: str) -> Handler | None:
    module = sys.modules.get(name.rpartition(".")[0])
    if getattr(module, short_name(kind), None) is not kind:
        return None
    if name == "sklearn.tree._tree.Tree":
        return _tree
    return _estimator


def _tree(hasher: Hasher, value: Any) -> None:
    hasher.items("tree", [value.n_features, value.n_outputs, value.max_depth])
    hasher.feed(value.__getstate__())


def _estimator(hasher: Hasher, value: Any) -> None:
    attributes = instance_dict(value)
    if attributes is None:
        raise NoDigest(f"no digest for {type_name(type(value))}")
    version = getattr(sys.modules.get("sklearn"), "__version__", "")
    hasher.text("estimator", f"{type_name(type(value))} {version}")
    names = sorted(attributes)
    hasher.items("names", names)
    hasher.items("values", [attributes[name] for name in names])
