"""Features: how raw columns become numbers, fitted on the train split and packed into the model. One file a kind."""

from typing import Annotated

from pydantic import Field

from mlopsctl.features.bucketize import Bucketize
from mlopsctl.features.drop import Drop
from mlopsctl.features.hash import Hash
from mlopsctl.features.impute import Impute
from mlopsctl.features.min_max import MinMax
from mlopsctl.features.one_hot import OneHot
from mlopsctl.features.ordinal import Ordinal
from mlopsctl.features.passthrough import Passthrough
from mlopsctl.features.python import PythonFeature
from mlopsctl.features.standardize import Standardize
from mlopsctl.features.tfidf import TfIdf

Feature = Annotated[
    Standardize | OneHot | Impute | Passthrough | Drop | Ordinal | MinMax | Bucketize | Hash | TfIdf | PythonFeature,
    Field(discriminator="kind"),
]

__all__ = [
    "Bucketize",
    "Drop",
    "Feature",
    "Hash",
    "Impute",
    "MinMax",
    "OneHot",
    "Ordinal",
    "Passthrough",
    "PythonFeature",
    "Standardize",
    "TfIdf",
]
