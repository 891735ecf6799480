"""The machine: processor, memory, graphics cards."""

from __future__ import annotations

import contextlib
import os
import platform
from pathlib import Path
from typing import Any


def hardware() -> dict[str, Any]:
    """Return processor, memory and graphics cards as a JSON document; never raises."""
    return {
        "machine": platform.machine(),
        "cpu_model": _cpu_model(),
        "cpu_count": os.cpu_count(),
        "memory_bytes": _memory_bytes(),
        "gpus": gpus(),
    }


def _cpu_model() -> str | None:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() in ("model name", "Hardware", "cpu model"):
                return value.strip()
    return platform.processor() or None


def _memory_bytes() -> int | None:
    with contextlib.suppress(OSError, ValueError, AttributeError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return None


def gpus() -> list[dict[str, Any]]:
    """Return name, UUID, memory, driver and CUDA version of each NVIDIA card; none without NVML."""
    try:
        import pynvml
    except ImportError:
        return []
    try:
        pynvml.nvmlInit()
    except Exception:  # noqa: BLE001 - a missing or broken driver has errors of many kinds
        return []
    try:
        return _cards(pynvml)
    except Exception:  # noqa: BLE001 - what a driver does not tell is left out
        return []
    finally:
        with contextlib.suppress(Exception):
            pynvml.nvmlShutdown()


def _cards(nvml: Any) -> list[dict[str, Any]]:
    cuda = int(nvml.nvmlSystemGetCudaDriverVersion())
    shared = {
        "driver": _text(nvml.nvmlSystemGetDriverVersion()),
        "cuda": f"{cuda // 1000}.{cuda % 1000 // 10}",
    }
    cards = []
    for index in range(nvml.nvmlDeviceGetCount()):
        card = nvml.nvmlDeviceGetHandleByIndex(index)
        cards.append(
            {
                "name": _text(nvml.nvmlDeviceGetName(card)),
                "uuid": _text(nvml.nvmlDeviceGetUUID(card)),
                "memory_bytes": int(nvml.nvmlDeviceGetMemoryInfo(card).total),
                **shared,
            }
        )
    return cards


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
