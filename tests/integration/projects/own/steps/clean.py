"""A cleaning step as a user would write it: no import of mlopsctl."""

from pathlib import Path

import pandas as pd


def run(examples: Path, cleaned: Path, *, min_rows: int) -> None:
    """Keep the even numbers of each split."""
    for split in ("train", "validation", "test"):
        rows = pd.read_parquet(examples / f"{split}.parquet")
        kept = rows[rows["a"] % 2 == 0]
        print(split, len(kept))
        if len(kept) < min_rows:
            raise ValueError(f"{split} has {len(kept)} rows, fewer than {min_rows}")
        kept.to_parquet(cleaned / f"{split}.parquet")
