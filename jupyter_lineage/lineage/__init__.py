"""Questions over the store: where a thing came from and what it fed.

Statements are in :mod:`jupyter_lineage.store.edges`; the walk over them is here.
"""

from __future__ import annotations

from .trace import trace

__all__ = ["trace"]
