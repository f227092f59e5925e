"""The ``stores`` section: where records, artifacts and models are kept."""

from pydantic import Field

from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import SecretRef, Uri

METADATA = "sqlite:///.mlops/metadata.db"
ARTIFACTS = ".mlops/artifacts"
TRACKING = "sqlite:///.mlops/mlflow.db"


class Stores(Spec):
    """Where records, artifacts and models are kept; beside the project file by default."""

    metadata: Uri | SecretRef = Field(
        METADATA,
        title="Metadata",
        description="The records: a file, `sqlite:///…` or `postgresql+psycopg://user@host/database` without a "
        "password, or `{secret: NAME}` that holds such a URL; SQLite under `.mlops/` by default.",
    )
    artifacts: Uri = Field(
        ARTIFACTS,
        title="Artifacts",
        description="A folder or URL (`gs://`, `s3://`) for artifacts; `.mlops/artifacts` by default.",
    )
    tracking: Uri = Field(
        TRACKING,
        title="Tracking",
        description="MLflow's tracking URI, for runs and registered models; SQLite under `.mlops/` by default.",
    )
