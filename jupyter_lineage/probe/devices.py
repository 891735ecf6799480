"""The devices that any program may write to, because none of them keeps anything."""

from __future__ import annotations

import glob

_DEVICES = (
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/tty",
    "/dev/ptmx",
    "/dev/pts",
    "/dev/nvidia*",
    "/dev/dri/*",
    "/dev/kfd",
)


def devices() -> list[str]:
    """Return those of this machine: terminals, random numbers, graphics processors and the like."""
    return [path for pattern in _DEVICES for path in glob.glob(pattern)]
