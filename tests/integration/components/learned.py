"""A component that uses the libraries which start threads of their own, each preloaded before the fork."""

from __future__ import annotations

import time

from mlopsctl.components.spec import ComponentSpec, Notes, Parameters, Work
from mlopsctl.pipeline.ir import ArtifactType

SPEC = ComponentSpec(
    name="learned",
    version=1,
    inputs={},
    outputs={"model": ArtifactType.MODEL},
    parameters=Parameters,
    preload=("pandas", "pyarrow.parquet", "pyarrow.dataset", "duckdb", "sklearn.ensemble", "xgboost"),
)


def run(work: Work, parameters: Parameters) -> Notes:
    begun = time.perf_counter()
    import duckdb
    import numpy
    import pandas
    import pyarrow.parquet
    import xgboost
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression

    seconds = time.perf_counter() - begun
    folder = work.outputs["model"]
    random = numpy.random.default_rng(0)
    frame = pandas.DataFrame(random.normal(size=(20_000, 4)), columns=list("abcd"))
    frame["y"] = (frame.a + frame.b > 0).astype(int)
    frame.to_parquet(folder / "rows.parquet")
    # More threads than one, on purpose: pools are made after the fork.
    read = pyarrow.parquet.read_table(folder / "rows.parquet", use_threads=True).to_pandas()
    with duckdb.connect(config={"threads": 4}) as connection:
        connection.execute(f"select avg(a), count(*) from '{folder / 'rows.parquet'}'").fetchone()
    x, y = read[list("abcd")], read.y
    RandomForestClassifier(n_estimators=10, n_jobs=2, random_state=0).fit(x, y).predict(x)
    score = LogisticRegression().fit(x, y).score(x, y)
    xgboost.XGBClassifier(n_estimators=5, n_jobs=2).fit(x, y)
    numpy.linalg.svd(x.to_numpy()[:500] @ x.to_numpy()[:500].T)
    return Notes({"import seconds": seconds, "score": float(score)})
