"""What a person reads: plan, outcome, status and graph, whole, against golden files.

``MLOPSCTL_REGENERATE=1`` writes the golden files again.
"""

import io
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import RenderableType

from mlopsctl.delivery.cost import Cost
from mlopsctl.delivery.environment import Status
from mlopsctl.delivery.live import Live
from mlopsctl.delivery.outcome import Findings, Outcome
from mlopsctl.delivery.plan import Action, Line, Plan, Seal, StepPlan
from mlopsctl.evidence import (
    Anomalies,
    Anomaly,
    Blessing,
    CheckResult,
    GateResult,
    InfraBlessing,
    PushedModel,
    Verdict,
)
from mlopsctl.metadata.records import EnvironmentState, GitInfo, Release, RunRecord
from mlopsctl.pipeline.ir import ArtifactType, Input, Pipeline, Ref, Step
from mlopsctl.render.console import console
from mlopsctl.render.graph import graph_dot, graph_json, graph_mermaid, graph_text
from mlopsctl.render.outcome import outcome_json, outcome_text
from mlopsctl.render.plan import plan_json, plan_markdown, plan_text
from mlopsctl.render.status import status_json, status_text
from mlopsctl.step.task import StepResult, StepState

GOLDEN = Path(__file__).parents[2] / "golden" / "views"
HOSTILE = "\x1b[2J`|<img src=x>\u202e\n"

INGEST = Step("ingest-a", "ingest", 1, {}, {"examples": ArtifactType.EXAMPLES}, {})
TRAIN = Step(
    "train-b",
    "train",
    1,
    {"examples": Input(Ref("ingest-a", "examples"), ArtifactType.EXAMPLES, guard=True)},
    {"model": ArtifactType.MODEL},
    {},
)
PIPELINE = Pipeline("small", (INGEST, TRAIN))
SEAL = Seal("0.1.0", "small", "dev", "sha256:1", "sha256:2", "sha256:3", "lineage#4", "sha256:5")
CHANGED = Plan(
    project="small",
    environment="dev",
    steps=(
        StepPlan(INGEST, (), skipped="data a: enough-rows: 12 rows < 50"),
        StepPlan(TRAIN, ("params.C 1.0 → 0.5", "fit.py changed")),
    ),
    removed=("train-old",),
    others=(
        Line("gate", "floor", Action.UPDATE, ("weakened: min 0.9 → 0.6",)),
        Line("release", "champion", Action.UPDATE, ("v1 now; the gates decide on the challenger",), waits=True),
        Line("server", "mlflow", Action.UPDATE, ("follows the release",), waits=True),
    ),
    pinned={"champion": "sha256:one"},
    seal=SEAL,
    notes=("held: complaints",),
)
PRICED = replace(
    CHANGED,
    steps=(StepPlan(INGEST, ("new",)), CHANGED.steps[1]),
    expected={"train-b": 90_000, "ingest-a": 2_000},
    cost=Cost("EUR", {"train-b": 0.0123456}, ("ingest-a",)),
)
EMPTY = replace(CHANGED, steps=(), removed=(), notes=(), others=(
    Line("release", "champion", Action.KEEP, ("v1 is the challenger",)),))  # fmt: skip

ONE = Release(1, "sha256:" + "1" * 64, "r1", "sha256:e", "sha256:b", "small", "1", 1_700_000_000_000)
FLOOR = GateResult("floor", "threshold", "accuracy", Verdict.PASS, "accuracy 0.9706 >= 0.6", observed=0.9706)
FIRST = GateResult("not-worse", "change", "accuracy", Verdict.ERROR, "first release", decides=False)
FAILED = replace(FLOOR, verdict=Verdict.FAIL, reason="accuracy 0.6771 < 0.69")
INFRA = InfraBlessing("m", Verdict.PASS, "10 answers agree with the model, p95 9.0 ms")
GOOD = Findings(
    blessing=Blessing("m", "", (FLOOR, FIRST)), infra=INFRA, pushed=PushedModel("m", True, "", "small", "1")
)
BAD_DATA = Anomalies(
    "a",
    (
        CheckResult("enough-rows", "row_count", Verdict.FAIL, "12 rows < 50"),
        CheckResult(
            "shape", "schema", Verdict.FAIL, "1 anomaly", "warn", (Anomaly("Slope", "above 90", 5, 12, ("110",)),)
        ),
    ),
)
RELEASED = Outcome(
    "r1",
    "dev",
    {"train-b": StepResult(StepState.SUCCESS, {"model": "m"}, line="LogisticRegression on 278 rows")},
    GOOD,
    released=ONE,
    standing=ONE,
    served="http://127.0.0.1:8080",
    seconds=1.5,
)
REFUSED = replace(RELEASED, findings=Findings(blessing=Blessing("m", "c", (FAILED,))), released=None, served="")
STOPPED = replace(
    REFUSED,
    findings=Findings(anomalies=(BAD_DATA,)),
    results={
        "ingest-a": StepResult(StepState.SUCCESS),
        "train-b": StepResult(StepState.SKIPPED, problem="data a: enough-rows: 12 rows < 50"),
        "evaluate": StepResult(StepState.SKIPPED, problem="data a: enough-rows: 12 rows < 50"),
    },
)
BROKEN = replace(
    REFUSED,
    findings=Findings(),
    results={
        "train-b": StepResult(StepState.FAILED, problem="ValueError: no", hint="the log has the traceback"),
        "select": StepResult(StepState.UPSTREAM_FAILED, problem="not run, because train-b failed"),
        "evaluate": StepResult(StepState.UPSTREAM_FAILED, problem="not run, because train-b failed"),
    },
)
STATUS = Status(
    project="small",
    environment="dev",
    state=EnvironmentState(
        "small", "dev", "lineage", 4, ONE, (replace(ONE, number=2, registry_version="2"),), None, "complaints"
    ),
    live=Live(True, "2", "sha256:two", (), True, True, "sha256:" + "1" * 64, "http://127.0.0.1:8080", "curl it"),
    run=RunRecord(
        "r9", "small", "dev", "", "", 0, GitInfo("c" * 40, "main", True), finished=1, state="success", exit_code=3
    ),
    executions=(),
    findings=GOOD,
)


def printed(made: RenderableType) -> str:
    stream = io.StringIO()
    console(stream).print(made)
    return stream.getvalue()


VIEWS: dict[str, Callable[[], str]] = {
    "plan-cost.txt": lambda: printed(plan_text(PRICED)),
    "plan-cost.md": lambda: plan_markdown(PRICED),
    "plan-cost.json": lambda: plan_json(PRICED),
    "plan.txt": lambda: printed(plan_text(CHANGED)),
    "plan.json": lambda: plan_json(CHANGED),
    "plan.md": lambda: plan_markdown(CHANGED),
    "plan-empty.txt": lambda: printed(plan_text(EMPTY)),
    "outcome-released.txt": lambda: printed(outcome_text(RELEASED)),
    "outcome-released.json": lambda: outcome_json(RELEASED),
    "outcome-refused.txt": lambda: printed(outcome_text(REFUSED)),
    "outcome-stopped.txt": lambda: printed(outcome_text(STOPPED)),
    "outcome-broken.txt": lambda: printed(outcome_text(BROKEN)),
    "status.txt": lambda: printed(status_text(STATUS)),
    "status.json": lambda: status_json(STATUS),
    "graph.txt": lambda: graph_text(PIPELINE),
    "graph.mmd": lambda: graph_mermaid(PIPELINE),
    "graph.dot": lambda: graph_dot(PIPELINE),
    "graph.json": lambda: graph_json(PIPELINE),
}


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_its_golden_file(name: str) -> None:
    made = VIEWS[name]().rstrip("\n") + "\n"
    if os.environ.get("MLOPSCTL_REGENERATE"):
        GOLDEN.mkdir(parents=True, exist_ok=True)
        (GOLDEN / name).write_text(made, encoding="utf-8")
    assert made == (GOLDEN / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name for name in VIEWS if name.endswith(".json")])
def test_json_views_are_json(name: str) -> None:
    assert json.loads(VIEWS[name]())


def test_hostile_text_moves_no_cursor_and_leaves_no_code_span() -> None:
    plan = replace(CHANGED, others=(Line("gate", "floor", Action.UPDATE, (HOSTILE,)),), notes=(HOSTILE,))
    text, markdown = printed(plan_text(plan)), plan_markdown(plan)
    assert "\x1b" not in text + markdown
    assert "\u202e" not in text + markdown
    row = next(line for line in markdown.splitlines() if "floor" in line)
    assert "``" in row
    assert "\\|<img" in row


def test_the_verdict_of_an_outcome_decides_its_exit_code() -> None:
    assert [int(x.exit_code) for x in (RELEASED, REFUSED, STOPPED, BROKEN)] == [0, 3, 3, 1]
