"""The plan file of a DAG: which version it is, told by a tag that Airflow shows."""

from __future__ import annotations

import json
from collections.abc import Mapping

from mlopsctl.ground.digest import Json, digest_json
from mlopsctl.orchestrators.contract import Bundle

VERSION_TAG = "mlopsctl-version-"
_DIGITS = 32


def tagged(plan: Mapping[str, Json]) -> dict[str, Json]:
    """The plan with the tag that tells its version among its tags."""
    digits = digest_json("mlopsctl/airflow-plan/v1", plan).rpartition(":")[2][:_DIGITS]
    tags = plan["tags"]
    listed = [str(tag) for tag in tags] if isinstance(tags, list | tuple) else []
    return {**plan, "tags": sorted([*listed, f"{VERSION_TAG}{digits}"])}


def version_of(bundle: Bundle) -> str:
    """The version that the plan's tag tells."""
    tags: list[str] = json.loads(bundle.files[bundle.main])["tags"]
    return next(tag.removeprefix(VERSION_TAG) for tag in tags if tag.startswith(VERSION_TAG))
