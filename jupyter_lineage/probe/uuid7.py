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
    drawn = os.urandom(10).hex()
    variant = "89ab"[int(drawn[3], 16) & 3]
    return (
        f"{milliseconds >> 16 & 0xFFFFFFFF:08x}-{milliseconds & 0xFFFF:04x}"
        f"-7{drawn[:3]}-{variant}{drawn[4:7]}-{drawn[7:19]}"
    )
