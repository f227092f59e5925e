"""How much memory a process tree takes, as far as the system says it."""

from __future__ import annotations

from pathlib import Path

from mlopsctl.ground.process import descendants

# What is a process's own: pages shared with the worker that it was forked from, and files that are mapped, are not.
_OWN = ("Pss_Anon", "Pss_Shmem", "SwapPss")


def memory_below(pid: int) -> int:
    """Bytes of memory of all processes below one, shared pages counted in parts; 0 where the system cannot say."""
    return sum(_of(child) for child in descendants(pid))


def _of(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        # It ended, or this is no Linux.
        return 0
    fields = (line.split() for line in text.splitlines()[1:])
    return sum(int(words[1]) << 10 for words in fields if words[0].rstrip(":") in _OWN)
