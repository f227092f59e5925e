"""What users write: frozen, strict models without unknown keys, NaN or infinity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Spec(BaseModel):
    """The base of everything that stands in ``mlops.yaml``.

    ``not_yet`` names what is missing where the language knows a kind that this version cannot execute:
    ``validate`` accepts it, ``plan`` refuses it at its line; where ``blocking`` is false, ``plan`` only notes it.
    Validators are built when the whole project's are, not class by class: importing is light.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, defer_build=True)

    not_yet: ClassVar[str] = ""
    blocking: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class NotYet:
    """Stands in a field's ``Annotated``: the key is known and cannot be executed; the same as ``Spec.not_yet``."""

    reason: str
    blocking: bool = True
