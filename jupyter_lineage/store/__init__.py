"""Every SQL statement of the product: schema, reading, writing, and bytes by their hash."""

from __future__ import annotations

from .sqlite import Store, open_reader, open_writer

__all__ = ["Store", "open_reader", "open_writer"]
