"""``ordinal``: text as the number of its place in an order."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from mlopsctl.features.transform import Transform


class Ordinal(Transform):
    """Text as its place in an order: the order given, or that of the text itself."""

    not_yet: ClassVar[str] = "the ordinal transform"

    kind: Literal["ordinal"] = Field(default="ordinal", title="Kind", description="Text as its place in an order.")
    order: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        default=(), title="Order", description="The values from the lowest; sorted as text when nothing is said."
    )
    unseen: Literal["error", "ignore"] = Field(
        default="error", title="Unseen values", description="error stops on another value; ignore makes it missing."
    )
