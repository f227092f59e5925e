"""Sources: where a dataset's rows come from. One file a kind."""

from typing import Annotated

from pydantic import Field

from mlopsctl.sources.bigquery import BigQuery
from mlopsctl.sources.csv import Csv
from mlopsctl.sources.duckdb import DuckDb
from mlopsctl.sources.json import JsonFile
from mlopsctl.sources.parquet import Parquet
from mlopsctl.sources.python import PythonSource
from mlopsctl.sources.sql import Sql

Source = Annotated[Csv | Parquet | JsonFile | DuckDb | Sql | BigQuery | PythonSource, Field(discriminator="kind")]

__all__ = ["BigQuery", "Csv", "DuckDb", "JsonFile", "Parquet", "PythonSource", "Source", "Sql"]
