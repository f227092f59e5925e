"""Recurring runs on the stand-in for Kubeflow Pipelines, which the test can change by hand and let start runs."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from tests.doubles.google_faults import GoogleError
from tests.doubles.kfp_listing import Thing, page
from tests.doubles.kfp_pipelines import found, narrow
from tests.doubles.kfp_runs import check_parameters

if TYPE_CHECKING:
    from tests.doubles.kfp import Call, KfpDouble

_KEYS = frozenset({"recurring_run_id", "id", "display_name", "name", "created_at", "updated_at", "description"})
_WORDS = frozenset({"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"})
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS = (
    ("second", 0, 59, ()), ("minute", 0, 59, ()), ("hour", 0, 23, ()), ("day", 1, 31, ()), ("month", 1, 12, _MONTHS),
    ("weekday", 0, 6, _DAYS),
)  # fmt: skip


class RecurringRuns:
    """``recurring`` by id."""

    def __init__(self, double: KfpDouble) -> None:
        self._double = double
        self.recurring: dict[str, Thing] = {}
        prefix = "recurring_run_service_"
        double.handlers |= {
            f"{prefix}create_recurring_run": self._create,
            f"{prefix}list_recurring_runs": self._list,
            f"{prefix}get_recurring_run": self._get,
            f"{prefix}delete_recurring_run": self._delete,
            f"{prefix}enable_recurring_run": lambda call: self._turn(call, "ENABLE"),
            f"{prefix}disable_recurring_run": lambda call: self._turn(call, "DISABLE"),
        }

    def named(self, name: str) -> list[Thing]:
        """Those of a name; names are not unique."""
        return [one for one in self.recurring.values() if one["display_name"] == name]

    def change(self, id: str, **values: Any) -> None:
        """Change one by hand, as ``kubectl edit scheduledworkflow`` does."""
        if "cron" in values:
            values["trigger"] = {"cron_schedule": {"cron": values.pop("cron")}}
        self.recurring[id] |= {**values, "updated_at": self._double.now()}

    def fire(self, id: str) -> Thing:
        """Its time has come: the run that it starts."""
        thing = self.recurring[id]
        assert thing["status"] == "ENABLED", "it is disabled"
        config = thing.get("runtime_config") or {"parameters": {}}
        return self._double.runs.create(
            {
                "display_name": f"run-of-{thing['display_name']}-{uuid.uuid4().hex[:5]}",
                "experiment_id": thing["experiment_id"],
                "recurring_run_id": id,
                "runtime_config": config,
                "pipeline_version_reference": thing["pipeline_version_reference"],
                "service_account": thing["service_account"],
            }
        )

    def _create(self, call: Call) -> Thing:
        asked = call.body
        narrow("DisplayName", asked["display_name"])
        narrow("Description", asked.get("description", ""))
        if not 1 <= int(asked["max_concurrency"]) <= 10:
            raise GoogleError(400, "Max concurrency of a recurring run must be at least 1 and at most 10")
        _check_trigger(asked.get("trigger", {}))
        pipelines = self._double.pipelines
        experiment = pipelines.experiment(asked.get("experiment_id", ""))
        reference = asked.get("pipeline_version_reference") or {}
        check_parameters(pipelines.spec(reference.get("pipeline_version_id", "")), asked.get("runtime_config"))
        now = self._double.now()
        mode = "ENABLE" if asked.get("mode") == "ENABLE" else "DISABLE"
        thing = {
            **asked, "recurring_run_id": str(uuid.uuid4()), "created_at": now, "updated_at": now, "mode": mode,
            "status": f"{mode}D", "max_concurrency": str(asked["max_concurrency"]),
            "namespace": experiment["namespace"] or "kubeflow",
            "service_account": asked.get("service_account") or "pipeline-runner",
        }  # fmt: skip
        config = {name: value for name, value in (asked.get("runtime_config") or {}).items() if value}
        thing.pop("runtime_config", None)
        if config:
            thing["runtime_config"] = config
        self.recurring[thing["recurring_run_id"]] = thing
        return thing

    def _list(self, call: Call) -> Thing:
        there = list(self.recurring.values())
        if experiment := call.query.get("experiment_id"):
            there = [one for one in there if one["experiment_id"] == experiment]
        elif namespace := self._double.namespace(call.query.get("namespace", "")):
            there = [one for one in there if one["namespace"] == namespace]
        return page(there, "recurring_run", _KEYS, call.query, "recurringRuns")

    def _get(self, call: Call) -> Thing:
        return found(self.recurring, "recurring run", call.path["recurring_run_id"])

    def _delete(self, call: Call) -> Thing:
        self._get(call)
        del self.recurring[call.path["recurring_run_id"]]
        return {}

    def _turn(self, call: Call, mode: str) -> Thing:
        self._get(call).update(mode=mode, status=f"{mode}D", updated_at=self._double.now())
        return {}


def _check_trigger(trigger: Thing) -> None:
    if set(trigger) == {"periodic_schedule"}:
        return
    if set(trigger) != {"cron_schedule"}:
        raise GoogleError(400, "a recurring run has one trigger")
    if problem := cron_problem(trigger["cron_schedule"].get("cron", "")):
        raise GoogleError(400, f"Schedule cron is not a supported format. Error: {problem}")


def cron_problem(text: str) -> str:
    """Why the server's cron library (robfig/cron 1.2, seconds first, no time zone) does not take a text."""
    if not text:
        return "Empty spec string"
    if text.startswith("@"):
        return "" if text in _WORDS or text.startswith("@every ") else f"Unrecognized descriptor: {text}"
    fields = text.split()
    if not 5 <= len(fields) <= 6:
        return f"Expected 5 to 6 fields, found {len(fields)}: {text}"
    for (title, low, high, names), field in zip(_FIELDS, fields, strict=False):
        for item in field.split(","):
            span, _, step = item.partition("/")
            for end in [] if span in ("*", "?") else span.split("-"):
                number = names.index(end.lower()) + low if end.lower() in names else int(end) if end.isdigit() else -1
                if not low <= number <= high:
                    return f"{title}: {end} is out of range ({low} to {high}): {item}"
            if step and not step.isdigit():
                return f"{title}: Failed to parse int from {step}"
    return ""
