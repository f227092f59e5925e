"""Package a packed model as an MLflow model: a folder that MLflow's server loads where ``mlopsctl`` is not installed.

It holds the packed model's bytes as they are (their digest can be checked again after a download), the loader's
source, a signature, an example and pinned requirements.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlopsctl.registry.quiet import quiet
from mlopsctl.registry.requirements import requirements

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from mlflow.models import ModelSignature
    from mlflow.types import DataType

LOADER = "packed"
"""The module, shipped inside the model, whose ``_load_pyfunc`` MLflow calls."""
DIGEST_KEY = "mlopsctl.digest"
"""The key, in a model's metadata and in tags, of the model artifact's digest."""

_SPLITS = ("test", "validation", "train")


@dataclass(frozen=True, slots=True)
class Sample:
    """Raw rows as a client sends them (features only), the type each column has in the data, the rows' split."""

    rows: pd.DataFrame
    types: pa.Schema
    split: str


def sample(examples: Path, features: list[str], count: int) -> Sample:
    """The first rows of the test split, or of the first split after it that has any.

    Returns:
        a sample of at most ``count`` rows; of none when no split has rows.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    empty = None
    for split in _SPLITS:
        file = pq.ParquetFile(examples / f"{split}.parquet")
        with file:
            types = pa.schema([file.schema_arrow.field(name) for name in features])
            for batch in file.iter_batches(batch_size=count, columns=features):
                if batch.num_rows:
                    return Sample(batch.to_pandas()[features], types, split)
        empty = empty or Sample(types.empty_table().to_pandas(), types, split)
    assert empty is not None
    return empty


def package(
    model: Path,
    destination: Path,
    digest: str,
    given: Sample,
    answers: pd.DataFrame,
    *,
    run: str = "",
    logged: str = "",
) -> Path:
    """Write the MLflow model folder ``destination``, which must not exist yet, and return it.

    Args:
        model: the packed model, an artifact of that ``digest``.
        answers: what the model predicts for the sample's rows.
        run, logged: ids of the MLflow run and logged model that it will belong to.
    """
    from mlopsctl.frameworks import packed

    with quiet():
        import mlflow.pyfunc
        from mlflow.models import Model

        mlflow.pyfunc.save_model(
            path=destination,
            loader_module=LOADER,
            data_path=str(model),
            code_paths=[packed.__file__],
            mlflow_model=Model(artifact_path=LOADER, run_id=run or None, model_id=logged or None),
            signature=signature(given.types, answers),
            input_example=_natural(given.rows.head(1)),
            pip_requirements=list(requirements(model)),
            metadata={DIGEST_KEY: digest},
        )
    return destination


def packed_folder(model_dir: Path) -> Path | None:
    """The packed model inside an MLflow model folder; ``None`` in one that is not ours."""
    return next((found.parent for found in sorted((model_dir / "data").glob("*/model.json"))), None)


def signature(types: pa.Schema, answers: pd.DataFrame) -> ModelSignature:
    """Which columns go in and come out.

    Every number and boolean goes in as a double: then whole numbers, fractions and ``null`` are taken as they come,
    and anything that is no number is refused. Every column is required.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    return ModelSignature(
        inputs=Schema([ColSpec(_incoming(field.type), field.name) for field in types]),
        outputs=Schema([ColSpec(_outgoing(answers[name]), name) for name in answers.columns]),
    )


def _incoming(kind: pa.DataType) -> DataType:
    import pyarrow.types as kinds
    from mlflow.types import DataType

    if any(is_kind(kind) for is_kind in (kinds.is_integer, kinds.is_floating, kinds.is_decimal, kinds.is_boolean)):
        return DataType.double
    if kinds.is_timestamp(kind) or kinds.is_date(kind):
        return DataType.datetime
    return DataType.string


def _outgoing(column: pd.Series) -> DataType:
    import pandas.api.types as kinds
    from mlflow.types import DataType

    if kinds.is_bool_dtype(column):
        return DataType.boolean
    if kinds.is_integer_dtype(column):
        return DataType.long
    return DataType.double if kinds.is_numeric_dtype(column) else DataType.string


def _natural(rows: pd.DataFrame) -> pd.DataFrame:
    """Numbers and booleans as doubles, as the signature has them, so that the example agrees with it."""
    import pandas.api.types as kinds

    doubles = {name: "float64" for name in rows.columns if kinds.is_numeric_dtype(rows[name])}
    return rows.astype(doubles).reset_index(drop=True)
