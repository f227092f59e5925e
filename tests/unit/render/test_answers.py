"""How runs, comparisons, lineage and reproductions are told: golden texts, and JSON that says the same."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console, RenderableType

from mlopsctl.delivery.answers.changes import Change, What
from mlopsctl.delivery.answers.compare import compared
from mlopsctl.delivery.answers.fate import Fate, Kind
from mlopsctl.delivery.answers.lineage import Lineage, Made, Origin, Served
from mlopsctl.delivery.answers.reproduce import Metric, Output, Reproduction, StepDifference
from mlopsctl.delivery.answers.runs import RunDetail, RunLine, RunList
from mlopsctl.delivery.answers.subject import Subject
from mlopsctl.delivery.outcome import Findings
from mlopsctl.evidence import Blessing, Evaluation, GateResult, Measurement, Verdict
from mlopsctl.metadata.records import Release
from mlopsctl.metadata.trace import Tally
from mlopsctl.render.compare import compared_json, compared_text
from mlopsctl.render.grid import grid
from mlopsctl.render.lineage import lineage_json, lineage_mermaid, lineage_text
from mlopsctl.render.reproduce import reproduced_json, reproduced_text
from mlopsctl.render.runs import run_json, run_text, runs_json, runs_text
from mlopsctl.render.times import took
from mlopsctl.step.task import StepState
from tests.unit.delivery.answers.histories import chain, digest, execution, run_record

R1, R2 = "20260101T000001-aaa", "20260101T000002-bbb"
RELEASE = Release(2, digest("m"), R2, "", "", "p", "4", 0)


def text(shown: RenderableType) -> str:
    console = Console(width=200, soft_wrap=True)
    with console.capture() as captured:
        console.print(shown)
    return captured.get()


def detail(run: str, c: float, accuracy: float | None, verdict: Verdict, **parameters: Any) -> RunDetail:
    evaluation = Evaluation("classification", "test", 10, "m", "", (Measurement("accuracy", accuracy, 10),))
    blessing = Blessing("m", "", (GateResult("floor", "threshold", "accuracy", verdict, f"accuracy {accuracy}"),))
    record = run_record(
        run, finished=run_record(run).started + 61_000, state="success", exit_code=0, parameters=parameters
    )
    return RunDetail(
        record, tuple(chain(run, c=c)), Findings((), evaluation, blessing), Fate(Kind.REFUSED, "floor: too low")
    )


def test_runs_are_listed_in_columns() -> None:
    lines = (
        RunLine(
            run_record(R2, state="success", exit_code=0, finished=run_record(R2).started + 1500),
            Tally(3, 2, 1),
            RELEASE,
        ),
        RunLine(run_record(R1, state="success", exit_code=3), Tally(3, 3, judged=True, said="accuracy 0.9")),
    )
    assert text(runs_text(RunList("p", "", lines, more=True))) == (
        "RUN                  ENVIRONMENT  STARTED (UTC)        TOOK   ENDED        STEPS        COMMIT      "
        "EVALUATION\n"
        f"{R2}  dev          2023-11-14 22:13:22  1.5 s  released v4  3, 1 reused  c0ffeec0ff\n"
        f"{R1}  dev          2023-11-14 22:13:21         refused      3            c0ffeec0ff  accuracy 0.9\n"
        "there are more; --limit shows them\n"
    )
    told = json.loads(runs_json(RunList("p", "dev", lines)))
    assert [run["ended"] for run in told["runs"]] == ["released v4", "refused"]
    assert told["runs"][0]["release"]["number"] == 2


@pytest.mark.parametrize(
    ("state", "code", "judged", "word"),
    [
        ("running", None, False, "running"),
        ("canceled", None, False, "canceled"),
        ("success", 0, True, "passed"),
        ("success", 0, False, "done"),
        ("success", 3, True, "refused"),
        ("success", 4, True, "undecided"),
        ("failed", 1, False, "failed"),
        ("failed", None, False, "failed"),
    ],
)
def test_how_a_run_ended_is_one_word(state: str, code: int | None, judged: bool, word: str) -> None:
    assert RunLine(run_record(R1, state=state, exit_code=code), Tally(judged=judged)).ended == word


def test_a_run_is_told_with_its_steps_artifacts_and_verdicts() -> None:
    one = detail(R1, 1.0, 0.5, Verdict.FAIL, seed=7)
    failed = replace(
        execution(R1, "train", state=StepState.FAILED, problem="boom", hint="mend it"), step="late", attempt=2
    )
    one = replace(one, executions=(*one.executions, failed), notes=("no longer in the artifact store: train.out",))
    told = text(run_text(one))
    assert told.splitlines()[:8] == [
        f"Run {R1} · p · dev",
        "  state       success, exit code 0",
        "  release     none: floor: too low",
        "  started     2023-11-14 22:13:21 UTC, took 1 min 01 s",
        f"  commit      {'c0ffee' * 7} on main",
        "  parameters  seed=7",
        f"  plan        {digest('plan')[7:19]} by mlopsctl ",
        "",
    ]
    model = one.executions[1].outputs["out"].digest[7:19]
    assert "late    failed   0.5 s  2" in told
    assert f"gate    out {one.executions[2].outputs['out'].digest[7:19]}  model {model}" in told
    assert "  late failed: boom; mend it" in told
    assert "  ✗ gate floor  accuracy 0.5" in told
    assert "note: no longer in the artifact store" in told
    data = json.loads(run_json(one))
    assert data["steps"][-1]["attempt"] == 2
    assert data["fate"] == {"kind": "refused", "reason": "floor: too low"}
    assert data["metrics"][0]["value"] == 0.5


def test_runs_are_compared_with_the_first() -> None:
    found = compared([detail(R1, 1.0, 0.5, Verdict.FAIL, seed=7), detail(R2, 2.0, 0.75, Verdict.PASS, seed=8)])
    told = text(compared_text(found))
    assert "seed       7                    8\n" in told
    assert "accuracy  0.5                  0.75 (+0.25)\n" in told
    assert "gate floor  fail                 pass\n" in told
    assert told.endswith(
        f"{R2} differs from {R1} in\n"
        "  train  params.C 1.0 → 2.0\n"
        "  gate   reads another model\n"
        "the same everywhere: ingest\n"
    )
    data = json.loads(compared_json(found))
    assert data["metrics"][0]["differences"] == [0.0, 0.25]
    assert data["steps"][0]["changes"][0] == {"what": "parameter", "name": "params.C", "before": 1.0, "after": 2.0}


def test_a_metric_that_is_undefined_in_one_run_has_no_difference() -> None:
    found = compared([detail(R1, 1.0, None, Verdict.ERROR), detail(R2, 1.0, 0.75, Verdict.PASS)])
    assert found.metrics[0].differences == (None, None)
    assert "undefined" in text(compared_text(found))
    assert f"{R2} has the same steps with the same results as {R1}." in text(compared_text(found))


def lineage(name: str = "data/rows.csv") -> Lineage:
    ingest, train, gate = chain(R1)
    made = [Made(at, one, "dev", "c0ffee", dirty=True) for at, one in enumerate((ingest, train, gate))]
    model = train.outputs["out"]
    return Lineage(
        Subject("Model x", (model,), R1),
        (Origin("data", name, digest("rows"), "ingest"),),
        tuple(made[:2]),
        tuple(made[2:]),
        (Served("version", "p v4", R1, model.digest), Served("release", "dev release 2", "p v4", model.digest)),
    )


def test_lineage_goes_from_data_down_to_what_serves() -> None:
    told = text(lineage_text(lineage()))
    rows = [line.split()[0] for line in told.splitlines() if line.startswith("  ")]
    assert rows == ["commit", "data", "STEP", "ingest", "train", "STEP", "gate", "version", "release"]
    assert "commit  c0ffee with uncommitted changes" in told
    assert "Leads to" not in text(lineage_text(lineage(), down=False))
    data = json.loads(lineage_json(lineage()))
    known = {node["id"] for node in data["nodes"]}
    assert all(edge["from"] in known and edge["to"] in known for edge in data["edges"])
    assert {node["kind"] for node in data["nodes"]} == {"data", "step", "artifact", "version", "release"}


def test_nothing_in_a_name_is_syntax_of_the_picture() -> None:
    evil = 'x"]; click n0 "javascript:alert(1)" <b> #quot; `${{ secrets.A }}` \n end'
    drawn = lineage_mermaid(lineage(evil))
    line = next(line for line in drawn.splitlines() if "alert" in line)
    label = line.partition('[("')[2].removesuffix('")]')
    assert not set(label) & set("\"'<>`{}[]()$\n;#") - set("#;")
    assert all(part.partition(";")[0].isdecimal() for part in label.split("#")[1:])


REPRODUCED = Reproduction(
    run=run_record(R1),
    commit="beef" * 10,
    dirty=False,
    differences=(),
    ran=True,
    failed={},
    outputs=(Output("ingest", "out", "sha256:a", "sha256:a"), Output("train", "out", "sha256:b", "sha256:b")),
    metrics=(Metric("accuracy", "", 0.5, 0.5),),
)


def test_an_identical_reproduction_says_so() -> None:
    assert text(reproduced_text(REPRODUCED)) == "Reproduced: 2 of 2 artifacts have the same digest.\n"
    assert json.loads(reproduced_json(REPRODUCED))["reproduced"] is True


def test_equal_metrics_reproduce_a_run_and_the_digests_that_differ_are_said() -> None:
    other = replace(
        REPRODUCED,
        outputs=(REPRODUCED.outputs[0], Output("train", "out", "sha256:b", "sha256:c")),
        metrics=(Metric("accuracy", "", 0.5, 0.5 + 1e-12),),
    )
    assert other.same
    assert not other.identical
    assert text(reproduced_text(other)).splitlines()[-1] == (
        "Reproduced in numbers: 1 of 2 artifacts have the same digest, and all 1 metrics are equal within 1e-9; "
        "train is the first step that differs."
    )


@pytest.mark.parametrize("now", [0.5 + 1e-6, None, float("nan")])
def test_another_metric_is_no_reproduction(now: float | None) -> None:
    other = replace(
        REPRODUCED,
        outputs=(REPRODUCED.outputs[0], Output("train", "out", "sha256:b", "sha256:c")),
        metrics=(Metric("accuracy", "", 0.5, now),),
    )
    assert not other.same
    assert other.first_difference == "train"
    told = text(reproduced_text(other))
    assert "train  out     b     c\n" in told
    assert told.endswith(
        "Not reproduced: 1 of 2 artifacts have the same digest; train is the first step that differs.\n"
    )


def test_without_metrics_digests_decide() -> None:
    other = replace(REPRODUCED, outputs=(Output("train", "out", "sha256:b", "sha256:c"),), metrics=())
    assert not other.same


def test_a_step_that_failed_is_no_reproduction() -> None:
    other = replace(REPRODUCED, failed={"train": "boom"})
    assert not other.same
    assert other.first_difference == "train"


def test_what_is_not_as_it_was_is_named_before_anything_runs() -> None:
    change = Change(What.PACKAGE, "numpy", "2.3", "2.4")
    other = replace(REPRODUCED, ran=False, outputs=(), metrics=(), differences=(StepDifference("train", (change,)),))
    assert text(reproduced_text(other)) == (
        "Not as it was in that run\n"
        "  train: numpy 2.3 → 2.4\n"
        f"Not run: what it would run is not what ran in {R1}.\n"
        f"`git checkout {'c0ffee' * 7}` has the code of that run; --anyway runs what is here and compares.\n"
    )


def test_a_table_is_aligned_harmless_and_without_empty_columns() -> None:
    shown = text(grid(("A", "B", "C"), [("日本", "", "x"), ("\x1b[2J", "", ("y\u202e", "red"))]))
    assert shown == "A        C\n日本     x\n\\x1b[2J  y\\u202e\n"
    assert text(grid(("A", "B"), [])) == "A  B\n"


@pytest.mark.parametrize(
    ("milliseconds", "shown"),
    [
        (0, "0.0 s"),
        (59_900, "59.9 s"),
        (61_000, "1 min 01 s"),
        (3_599_400, "59 min 59 s"),
        (7_500_000, "2 h 05 min"),
        (-5, "0.0 s"),
    ],
)
def test_times_are_told_in_words(milliseconds: int, shown: str) -> None:
    assert took(1_000, 1_000 + milliseconds) == shown
    assert took(0, None) == ""
