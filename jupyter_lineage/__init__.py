"""Every notebook run, recorded. Any result, traced. Any run, repeated, and checked.

Importing this package imports nothing else of ours: a kernel gets the probe from
:func:`load_ipython_extension`, a server the REST routes and the panel from the two functions that
Jupyter asks for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

__version__ = "0.1.0"

__all__ = ["__version__", "load_ipython_extension", "unload_ipython_extension"]


def load_ipython_extension(ipython: Any) -> None:
    """Start recording in the kernel that ``ipython`` belongs to (``%load_ext jupyter_lineage``)."""
    from .probe import descriptors

    descriptors.make_room()  # first, for it takes its time beside the rest

    from .probe import extension

    extension.load(ipython)


def unload_ipython_extension(ipython: Any) -> None:
    """Stop recording and take every hook out again (``%unload_ext jupyter_lineage``)."""
    from .probe import extension

    extension.unload(ipython)


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from .server.app import LineageExtension

    return [{"module": "jupyter_lineage.server.app", "app": LineageExtension}]


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "jupyter-lineage"}]
