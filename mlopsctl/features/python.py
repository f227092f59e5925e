"""``python``: a transformer of the project."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, JsonValue

from mlopsctl.features.transform import Transform
from mlopsctl.ground.scalars import Entrypoint


class PythonFeature(Transform):
    """A function that returns a scikit-learn transformer for the columns."""

    not_yet: ClassVar[str] = "transforms of your own"

    kind: Literal["python"] = Field(default="python", title="Kind", description="A transformer of the project.")
    entrypoint: Entrypoint = Field(
        title="Entrypoint",
        description="module:function of the project; it returns a scikit-learn transformer.",
    )
    params: dict[str, JsonValue] = Field(
        default_factory=dict, title="Parameters", description="What the function is called with, by name."
    )
