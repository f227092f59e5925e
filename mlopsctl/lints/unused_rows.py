"""A split that leaves rows unused, without anybody having said so in words."""

from __future__ import annotations

from collections.abc import Iterator

from mlopsctl.ground.errors import Severity
from mlopsctl.lints.lint import Finding, Lint, Scene
from mlopsctl.splits import FarmFingerprint, GroupSplit, HashSplit
from mlopsctl.splits.farm_fingerprint import bucket_range

_SHOWN = 0.005


def look(scene: Scene) -> Iterator[Finding]:
    """Splits by share or by bucket that do not use everything."""
    for name, dataset in scene.project.data.items():
        split = dataset.split
        path = ("data", name, "split")
        if isinstance(split, FarmFingerprint):
            ranges = {part: bucket_range(getattr(split, part)) for part in ("train", "validation", "test")}
            left = 1 - sum(len(one) for one in ranges.values()) / split.buckets
            least = min(ranges["validation"][0], ranges["test"][0])
            grown = f"0-{least - 1}" if least > 1 and ranges["train"][-1] < least else ""
        elif isinstance(split, HashSplit | GroupSplit):
            left = 1 - (split.train + split.validation + split.test)
            grown = f"{split.train + left:.6g}"
        else:
            continue
        if left > _SHOWN and scene.written(path):
            at = (*path, "train")
            yield Finding(
                path,
                f"{left:.0%} of the rows of {name} go into no split",
                f"train: {grown} uses them" if grown else "give their buckets to a split",
                (scene.edit.replaced(at, grown),) if grown and scene.written(at) else (),
            )


LINT = Lint("unused-rows", Severity.WARNING, "Rows that go into no split", ("D8",), look)
