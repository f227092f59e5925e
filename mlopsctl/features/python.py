"""``python``: a transformer of the project."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, JsonValue

from mlopsctl.features.transform import Made, Transform
from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.imports import reachable_files
from mlopsctl.ground.scalars import Entrypoint
from mlopsctl.tables.columns import ColumnType

if TYPE_CHECKING:
    import pandas as pd


class PythonFeature(Transform):
    """A function that returns a scikit-learn transformer for the columns: ``def make(**params)``.

    What it returns is fitted on the columns of the train split, all together and as they are in the data: numbers as
    float64, others as objects, missing values among them. Its ``transform`` answers with one row of numbers for each
    row (frame, array or sparse matrix); missing ones are allowed, infinite ones are not. Its code is packed into the
    model.
    """

    takes: ClassVar[frozenset[ColumnType]] = frozenset(ColumnType)
    raw: ClassVar[bool] = True
    ships: ClassVar[bool] = True

    kind: Literal["python"] = Field(default="python", title="Kind", description="A transformer of the project.")
    entrypoint: Entrypoint = Field(
        title="Entrypoint",
        description="module:function of the project; it returns a scikit-learn transformer.",
    )
    params: dict[str, JsonValue] = Field(
        default_factory=dict, title="Parameters", description="What the function is called with, by name."
    )

    def code(self, project: Path) -> tuple[str, ...]:
        """See :meth:`Transform.code`: the module and what it imports inside the project."""
        return reachable_files(project, self.entrypoint.partition(":")[0])

    def made(self, train: pd.DataFrame) -> Made:
        """See :meth:`Transform.made`; the project's folder must be importable."""
        from sklearn.preprocessing import FunctionTransformer

        from mlopsctl.features.shipped import OwnColumns, as_numbers

        transformer = self._called()
        transformer.fit(train)
        answer = transformer.transform(train)
        try:
            width = as_numbers(answer, len(train), self.entrypoint).shape[1]
        except ValueError as error:
            raise StepProblem.because("bad-transformer", str(error), hint="answer with numbers, row by row") from None
        if not width:
            raise StepProblem.because("bad-transformer", f"{self.entrypoint} gives no column")
        names = self._names(transformer, answer, width)
        own = OwnColumns(transformer, names, self.entrypoint)
        return Made([FunctionTransformer(own)], [(", ".join(self.columns), name) for name in names])

    def _called(self) -> Any:
        """What the function returns.

        Raises:
            StepProblem: when it is missing, cannot be called so, or returns something else.
        """
        module, _, name = self.entrypoint.partition(":")
        function: Callable[..., Any] | None = getattr(import_module(module), name, None)
        if not callable(function):
            hint = f"define {name} there, or correct the entrypoint"
            raise StepProblem.because("missing-function", f"{module} has no function {name}", hint=hint)
        try:
            signature(function).bind(**self.params)
        except TypeError as error:
            message = f"{self.entrypoint} cannot be called: {error}"
            raise StepProblem.because("bad-transformer", message, hint="it gets what `params` names") from None
        transformer = function(**self.params)
        if not (hasattr(transformer, "fit") and hasattr(transformer, "transform")):
            message = f"{self.entrypoint} returned {type(transformer).__name__}, which has no fit and transform"
            raise StepProblem.because("bad-transformer", message, hint="return a scikit-learn transformer")
        return transformer

    def _names(self, transformer: Any, answer: Any, width: int) -> list[str]:
        """The names of the columns it gives: its own, or the module's function with a number."""
        given = getattr(answer, "columns", None)
        if given is None and hasattr(transformer, "get_feature_names_out"):
            try:
                given = transformer.get_feature_names_out(list(self.columns))
            except (AttributeError, ValueError):
                given = None
        if given is not None and len(given) == width:
            return [str(name) for name in given]
        function = self.entrypoint.partition(":")[2]
        return [function] if width == 1 else [f"{function}.{number}" for number in range(width)]
