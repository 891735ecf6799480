"""UUIDv7 ids, made where a record is made so that stores merge without a server's help."""

from __future__ import annotations

import os
import time


def uuid7() -> str:
    """Return a new UUID version 7 as its canonical 36-character text.

    Ids of one machine sort by the millisecond they were made in.

    Source: RFC 9562, section 5.7 (48 bits of Unix milliseconds, 74 random bits).
    """
    milliseconds = time.time_ns() // 1_000_000
    random_bits = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & 0xFFFFFFFFFFFF) << 80
    value |= 0x7 << 76
    value |= ((random_bits >> 62) & 0xFFF) << 64
    value |= 0b10 << 62
    value |= random_bits & 0x3FFFFFFFFFFFFFFF
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
