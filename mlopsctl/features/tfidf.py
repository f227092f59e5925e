"""``tfidf``: words of a text, weighted by how rare they are."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from mlopsctl.features.transform import Transform


class TfIdf(Transform):
    """The words of a text as weights: frequent in the row, rare in the train split."""

    not_yet: ClassVar[str] = "the tfidf transform"

    kind: Literal["tfidf"] = Field(default="tfidf", title="Kind", description="Words weighted by how rare they are.")
    max_features: int = Field(
        default=1000, ge=1, title="Most words", description="How many of the most frequent words are kept."
    )
