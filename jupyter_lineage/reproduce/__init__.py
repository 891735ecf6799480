"""Running a recorded run again, in a fresh kernel and a fresh folder, and judging what came out."""

from __future__ import annotations

from .plan import Plan
from .reproduction import prepare, run

__all__ = ["Plan", "prepare", "run"]
