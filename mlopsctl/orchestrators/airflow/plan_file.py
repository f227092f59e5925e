"""The plan file of a DAG: which version it is, told by a tag that Airflow shows, and what a deployed one says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from mlopsctl.ground.digest import Json, digest_json
from mlopsctl.orchestrators.contract import Bundle

VERSION_TAG = "mlopsctl-version-"
_DIGITS = 32


@dataclass(frozen=True, slots=True)
class PlanThere:
    """What the files of a DAG say that are there.

    Attributes:
        digest: of both files as a bundle; empty where one is missing.
        version: what the plan's tag tells; empty where it is not one of ours.
        cron, timezone: when it runs; empty for no schedule.
        max_active_runs: how many of its runs may overlap.
    """

    digest: str = ""
    version: str = ""
    cron: str = ""
    timezone: str = ""
    max_active_runs: int = 1


def tagged(plan: Mapping[str, Json]) -> dict[str, Json]:
    """The plan with the tag that tells its version among its tags."""
    digits = digest_json("mlopsctl/airflow-plan/v1", plan).rpartition(":")[2][:_DIGITS]
    tags = plan["tags"]
    listed = [str(tag) for tag in tags] if isinstance(tags, list | tuple) else []
    return {**plan, "tags": sorted([*listed, f"{VERSION_TAG}{digits}"])}


def version_of(bundle: Bundle) -> str:
    """The version that the plan's tag tells."""
    return plan_there(bundle.files, bundle).version


def version_among(tags: Json) -> str:
    """The version that one of these tags tells; empty for none."""
    listed = [str(tag) for tag in tags] if isinstance(tags, list | tuple) else []
    return next((tag.removeprefix(VERSION_TAG) for tag in listed if tag.startswith(VERSION_TAG)), "")


def plan_there(files: Mapping[str, bytes], wanted: Bundle) -> PlanThere:
    """What those files say, of which some may be missing or somebody else's."""
    complete = set(files) >= set(wanted.files)
    digest = Bundle({name: files[name] for name in wanted.files}, wanted.main).digest if complete else ""
    try:
        plan: Json = json.loads(files.get(wanted.main, b"{}"))
    except (ValueError, RecursionError):
        plan = {}
    if not isinstance(plan, dict):
        return PlanThere(digest)
    cron, most = plan.get("cron"), plan.get("max_active_runs")
    timed = cron if isinstance(cron, dict) else {}
    return PlanThere(
        digest=digest,
        version=version_among(plan.get("tags")),
        cron=str(timed.get("expression", "")),
        timezone=str(timed.get("timezone", "")),
        max_active_runs=most if isinstance(most, int) else 1,
    )
