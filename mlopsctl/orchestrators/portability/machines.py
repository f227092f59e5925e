"""Machines of Google Cloud: their accelerators, and the cores and memory of a machine type."""

from __future__ import annotations

import re
from collections.abc import Mapping

ACCELERATORS = frozenset(
    {
        "NVIDIA_TESLA_K80", "NVIDIA_TESLA_P100", "NVIDIA_TESLA_V100", "NVIDIA_TESLA_P4", "NVIDIA_TESLA_T4",
        "NVIDIA_TESLA_A100", "NVIDIA_A100_80GB", "NVIDIA_L4", "NVIDIA_H100_80GB", "NVIDIA_H100_MEGA_80GB",
        "NVIDIA_H200_141GB", "NVIDIA_B200", "NVIDIA_GB200", "NVIDIA_RTX_PRO_6000",
    }
)  # fmt: skip
"""What Vertex AI calls the accelerators that a container can be given."""

_SHAPE = re.compile(r"([a-z][0-9][a-z]?)-(standard|highmem|highcpu)-([1-9][0-9]{0,2})", re.ASCII)
# Gibibytes a core.
_PER_CORE: Mapping[str, Mapping[str, float]] = {
    "n1": {"standard": 3.75, "highmem": 6.5, "highcpu": 0.9},
    "n2": {"standard": 4, "highmem": 8, "highcpu": 1},
    "n2d": {"standard": 4, "highmem": 8, "highcpu": 1},
    "e2": {"standard": 4, "highmem": 8, "highcpu": 1},
    "c2": {"standard": 4},
    "c3": {"standard": 4, "highmem": 8, "highcpu": 2},
    "g2": {"standard": 4},
}


def accelerator_name(kind: str) -> str:
    """What Vertex AI calls an accelerator: ``NVIDIA_TESLA_T4`` for ``nvidia-tesla-t4``."""
    return kind.upper().replace("-", "_")


def shape(machine: str) -> tuple[int, int] | None:
    """The cores and the bytes of memory of a machine type; nothing for one that is not known."""
    found = _SHAPE.fullmatch(machine)
    per_core = _PER_CORE.get(found[1], {}).get(found[2]) if found is not None else None
    if found is None or per_core is None:
        return None
    return int(found[3]), int(int(found[3]) * per_core * (1 << 30))
