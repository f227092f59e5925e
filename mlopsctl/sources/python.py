"""``python``: a function of the project that returns the rows."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from pydantic import Field, JsonValue

from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import Entrypoint

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

    from mlopsctl.tables.scan import Scan


class PythonSource(Spec):
    """A function ``def rows(**params)`` that returns a pandas DataFrame, or the path of a CSV or Parquet file.

    It runs in the step's process. Its code and parameters stand in the step's key, what it reads does not.
    """

    kind: Literal["python"] = Field(default="python", title="Kind", description="A function that returns the rows.")
    entrypoint: Entrypoint = Field(
        title="Entrypoint",
        description="module:function beside the project file; it returns a pandas DataFrame or the path of a file.",
    )
    params: dict[str, JsonValue] = Field(
        default_factory=dict, title="Parameters", description="What the function is called with, by name."
    )

    def resolved(self, project: Path) -> tuple[str, ...]:
        """Nothing: what the function reads is its own affair."""
        return ()

    def outside(self) -> dict[str, str]:
        """Nothing: the function's code and parameters stand in the step's key."""
        return {}

    def fingerprints(self, project: Path, memo: Path | None = None) -> dict[str, str]:
        """Nothing; see :meth:`outside`."""
        return {}

    def call(self, project: Path) -> object:
        """What the function returns: a DataFrame, or the path of a file. Executes code of the project.

        Raises:
            StepProblem: when there is no such function, or it fails.
        """
        function = self._function(project)
        try:
            return function(**self.params)
        except Exception as why:
            # The step's log has the traceback; the person who reads the message wants the reason.
            traceback.print_exc()
            message = f"the function {self.entrypoint} failed: {type(why).__name__}: {why}"
            raise StepProblem.because("function-failed", message, hint="the step's log has the traceback") from why

    def scan(self, connection: Connection, project: Path, rows: object) -> Scan:
        """The rows that :meth:`call` returned as a DataFrame.

        Raises:
            StepProblem: when it is no DataFrame, or a column mixes types.
        """
        import pandas as pd
        import pyarrow as pa

        from mlopsctl.tables.columns import check_names
        from mlopsctl.tables.scan import normalized

        if not isinstance(rows, pd.DataFrame):
            message = f"the function {self.entrypoint} returned {type(rows).__name__}"
            raise StepProblem.because("wrong-return", message, hint="return a pandas DataFrame or the path of a file")
        frame = rows.rename(columns=str)
        check_names(list(frame.columns), f"what {self.entrypoint} returned")
        try:
            table = pa.Table.from_pandas(frame, preserve_index=False)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as why:
            message = f"what {self.entrypoint} returned is no table: {'; '.join(map(str, why.args))}"
            raise StepProblem.because("bad-data", message, hint="give each column values of one type") from why
        connection.register("rows", table)
        described = [(str(row[0]), str(row[1])) for row in connection.execute("DESCRIBE FROM rows").fetchall()]
        return normalized("rows", described)

    def _function(self, project: Path) -> Callable[..., object]:
        module_name, _, name = self.entrypoint.partition(":")
        folder = str(project)
        if folder not in sys.path:
            sys.path.insert(0, folder)
        try:
            found = getattr(import_module(module_name), name, None)
        except Exception as why:
            traceback.print_exc()
            message = f"the module {module_name} cannot be imported: {type(why).__name__}: {why}"
            raise StepProblem.because(
                "function-failed", message, hint="the module must stand beside the project file"
            ) from why
        if not callable(found):
            message = f"the module {module_name} has no function {name}"
            raise StepProblem.because("unknown-function", message, hint=f"define `def {name}(...)` in it")
        return cast("Callable[..., object]", found)
