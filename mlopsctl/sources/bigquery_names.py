"""The grammar of BigQuery's names, so that a name can never become a part of a statement or of an address."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from mlopsctl.ground.scalars import refusal
from mlopsctl.ground.text import printable

_PROJECT = r"(?:[a-z0-9][a-z0-9.-]{0,62}:)?[a-z][a-z0-9-]{0,62}"
_DATASET = r"[A-Za-z0-9_]{1,1024}"
_PROJECT_ONLY = re.compile(_PROJECT)
_TABLE = re.compile(rf"(?:(?P<project>{_PROJECT})\.)?(?P<dataset>{_DATASET})\.(?P<table>[^.]{{1,1024}})", re.DOTALL)
_LOCATION = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,62}")
_FOLDER = re.compile(r"gs://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9](?:/[A-Za-z0-9_=-][A-Za-z0-9._=-]{0,200}){0,20}/?")
# What BigQuery takes in a table's name: letters, marks, digits, connectors, dashes and spaces.
_IN_TABLE = ("L", "M", "Nd", "Nl", "No", "Pc", "Pd", "Zs")


@dataclass(frozen=True, slots=True)
class TableId:
    """A table by its three names; ``project`` is empty where it was not said."""

    project: str
    dataset: str
    table: str

    def within(self, project: str) -> TableId:
        """The same table, in the given project where none was said."""
        return self if self.project else TableId(project, self.dataset, self.table)

    def __str__(self) -> str:
        return ".".join(part for part in (self.project, self.dataset, self.table) if part)


def table_id(written: str) -> TableId | None:
    """The table that ``dataset.table`` or ``project.dataset.table`` names; ``None`` for anything else."""
    found = _TABLE.fullmatch(written)
    if found is None or not all(unicodedata.category(char).startswith(_IN_TABLE) for char in found["table"]):
        return None
    return TableId(found["project"] or "", found["dataset"], found["table"])


def _table(value: str) -> str:
    if table_id(value) is None:
        hint = "write dataset.table or project.dataset.table; what else BigQuery has, a partition say, needs a `query`"
        raise refusal("bad-table", f"{_shown(value)} is no table of BigQuery", hint)
    return value


def _project(value: str) -> str:
    return _matched(value, _PROJECT_ONLY, "bad-project", "a Google Cloud project", "write its id, like shop-prod-1")


def _location(value: str) -> str:
    return _matched(value, _LOCATION, "bad-location", "a location", "write one like EU, US or europe-west1")


def _folder(value: str) -> str:
    hint = "write a folder in a bucket, like gs://shop-exports/mlopsctl"
    return _matched(value, _FOLDER, "bad-export", "a folder of Cloud Storage", hint).rstrip("/")


def _matched(value: str, pattern: re.Pattern[str], id: str, what: str, hint: str) -> str:
    if not pattern.fullmatch(value):
        raise refusal(id, f"{_shown(value)} is not {what}", hint)
    return value


def _shown(value: str) -> str:
    return repr(printable(value if len(value) <= 80 else value[:77] + "..."))


def _schema(description: str, *examples: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "minLength": 1, "description": description, "examples": list(examples)})


TableName = Annotated[
    str,
    AfterValidator(_table),
    _schema("A table of BigQuery: dataset.table or project.dataset.table.", "shop.sales", "shop-prod.shop.sales"),
]
ProjectId = Annotated[str, AfterValidator(_project), _schema("The id of a Google Cloud project.", "shop-prod-1")]
Location = Annotated[str, AfterValidator(_location), _schema("A location of BigQuery.", "EU", "europe-west1")]
BucketFolder = Annotated[
    str, AfterValidator(_folder), _schema("A folder in a bucket of Cloud Storage.", "gs://shop-exports/mlopsctl")
]
