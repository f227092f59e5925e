"""Workflows and build files are judged by what they run, and upon what; never by a word that stands in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlopsctl.levels import Workflow
from mlopsctl.levels.cloud_build import read_build, read_triggers
from mlopsctl.levels.condition import holds, known_of
from mlopsctl.levels.github import FOLDER, read_workflow
from mlopsctl.levels.workflow import DELIVERY, PULL_REQUEST
from tests.unit.levels.found import github, workflow

GOLDEN = Path(__file__).parents[2] / "golden" / "ci"


def verbs(found: Workflow, event: str) -> list[str]:
    """What counts upon that."""
    return [one.verb or one.program for one in found.runs(event) if not one.why]


def test_what_ci_init_makes_counts() -> None:
    texts = {f"{FOLDER}/{file.name}": file.read_text(encoding="utf-8") for file in (GOLDEN / "chain").glob("*.yml")}
    found = {path.rpartition("-chain-")[2]: read_workflow(path, texts, "models/chain") for path in texts}
    assert {"validate", "lint", "pytest", "test", "run"} <= set(verbs(found["pull-request.yml"], PULL_REQUEST))
    assert "level" not in verbs(found["pull-request.yml"], PULL_REQUEST)
    assert {"apply", "promote"} <= set(verbs(found["deliver.yml"], DELIVERY))
    assert "apply" in verbs(found["release.yml"], DELIVERY)
    assert found["schedule.yml"].idle
    builds = {f"models/chain/cloudbuild/{file.name}": file for file in (GOLDEN / "chain").glob("*.yaml")}
    starts = read_triggers({"triggers.json": (GOLDEN / "chain" / "triggers.json").read_text(encoding="utf-8")})
    built = {
        file.name: read_build(path, file.read_text("utf-8"), starts, "models/chain") for path, file in builds.items()
    }
    assert {"validate", "lint", "pytest", "test"} <= set(verbs(built["pull-request.yaml"], PULL_REQUEST))
    assert "apply" in verbs(built["deliver.yaml"], DELIVERY)
    elsewhere = read_workflow(next(iter(texts)), texts, "models/other")
    assert [verbs(elsewhere, event) for event in (PULL_REQUEST, DELIVERY)] == [[], []]


@pytest.mark.parametrize(
    ("start", "event"),
    [
        ("pull_request", PULL_REQUEST),
        ("[push, pull_request]", PULL_REQUEST),
        ("[push, pull_request]", DELIVERY),
        ("{pull_request: {branches: [main]}}", PULL_REQUEST),
        ("{pull_request: {types: [opened, labeled]}}", PULL_REQUEST),
        ("{pull_request: {paths: ['**']}}", PULL_REQUEST),
        ("{pull_request: {paths: ['*.yaml', '!docs/**']}}", PULL_REQUEST),
        ("{pull_request: }", PULL_REQUEST),
        ("push", DELIVERY),
        ("{push: {tags: ['v*']}}", DELIVERY),
        ("{release: {types: [published]}}", DELIVERY),
    ],
)
def test_a_workflow_is_started_by_a_proposed_change_or_a_merged_one(start: str, event: str) -> None:
    assert verbs(github(start, "mlopsctl validate"), event) == ["validate"]


@pytest.mark.parametrize(
    "start",
    [
        "workflow_dispatch",
        "true",
        "{workflow_dispatch: {inputs: {pull_request: {type: string}}}}",
        "{schedule: [{cron: '0 3 * * *'}]}",
        "pull_request_target",
        "workflow_call",
        "{pull_request: {types: [closed]}}",
        "{pull_request: {paths: ['docs/**']}}",
        "{pull_request: {paths: ['**', '!mlops.yaml']}}",
        "{pull_request: {paths-ignore: ['*.yaml']}}",
        "{pull_request: {branches-ignore: ['**']}}",
        "[]",
        "{}",
    ],
)
def test_what_only_a_person_or_a_clock_starts_verifies_nothing(start: str) -> None:
    found = github(start, "mlopsctl validate")
    assert (found.commands, bool(found.idle)) == ({}, True)


@pytest.mark.parametrize(
    ("job", "step", "why"),
    [
        ("if: false", "", "the job one is passed over: if: false"),
        ("if: ${{ false }}", "", "the job one is passed over: if: ${{ false }}"),
        ("if: github.event_name == 'push'", "", "the job one is passed over: if: github.event_name == 'push'"),
        ("if: always() && !true", "", "the job one is passed over: if: always() && !true"),
        ("continue-on-error: true", "", "the job one may fail: continue-on-error"),
        ("continue-on-error: ${{ matrix.risky }}", "", "the job one may fail: continue-on-error"),
        ("", "if: false", "the step is passed over: if: false"),
        ("", "if: failure()", "the step is passed over: if: failure()"),
        ("", "if: github.ref == 'refs/heads/main'", "the step is passed over: if: github.ref == 'refs/heads/main'"),
        ("", "continue-on-error: true", "the step may fail: continue-on-error"),
        ("", "working-directory: elsewhere", "it is about elsewhere, not ."),
        ("defaults: {run: {working-directory: elsewhere}}", "", "it is about elsewhere, not ."),
        ("", "shell: bash {0}", "its failure does not end the script: there is no `set -e`"),
    ],
)
def test_what_is_passed_over_or_may_fail_says_why(job: str, step: str, why: str) -> None:
    found = github("pull_request", "mlopsctl validate\nls", job=job, step=step)
    assert [one.why for one in found.runs(PULL_REQUEST)] == [why]


@pytest.mark.parametrize(
    ("job", "step"),
    [
        ("if: github.event_name == 'pull_request'", ""),
        ("if: ${{ !cancelled() }}", ""),
        ("if: github.repository == 'me/models'", ""),
        ("continue-on-error: false", ""),
        ("", "if: always()"),
        ("", "working-directory: ./"),
        ("", "shell: bash"),
        ("", "shell: bash -l -eo pipefail {0}"),
        ("if: matrix.os == 'linux' || contains(github.event.head_commit.message, 'x')", ""),
    ],
)
def test_what_may_run_counts(job: str, step: str) -> None:
    assert verbs(github("pull_request", "mlopsctl validate\nls", job=job, step=step), PULL_REQUEST) == ["validate"]


@pytest.mark.parametrize("shell", ["python", "pwsh", "cmd", "perl {0}"])
def test_another_shell_runs_no_command_that_is_read_here(shell: str) -> None:
    assert github("pull_request", "mlopsctl validate", step=f"shell: {shell}").runs(PULL_REQUEST) == ()


def test_a_word_in_a_name_or_a_comment_or_an_action_is_no_command() -> None:
    text = """
# run: mlopsctl validate
on: pull_request
env: {COMMAND: mlopsctl validate}
jobs:
  "mlopsctl validate":
    name: mlopsctl validate
    steps:
      - name: mlopsctl validate && pytest
        uses: somebody/mlopsctl@v1
        with: {run: mlopsctl validate, args: pytest}
      # - run: mlopsctl validate
      - run: echo "mlopsctl validate"
"""
    assert workflow(text).runs(PULL_REQUEST) == ()


def test_a_job_whose_needed_job_never_runs_is_passed_over() -> None:
    text = """
on: pull_request
jobs:
  never: {if: false, steps: [{run: ls}]}
  after: {needs: never, steps: [{run: ls}]}
  last: {needs: [after], steps: [{run: mlopsctl validate}]}
  anyhow: {needs: never, if: always(), steps: [{run: mlopsctl plan}]}
"""
    assert verbs(workflow(text), PULL_REQUEST) == ["plan"]


def test_anchors_and_their_aliases_are_followed() -> None:
    text = """
on: &start {pull_request: {branches: [main]}}
jobs:
  one: &job
    if: &never false
    steps: &steps
      - run: mlopsctl validate
  two:
    steps: *steps
"""
    assert verbs(workflow(text), PULL_REQUEST) == ["validate"]


def test_a_key_that_stands_twice_makes_it_no_workflow() -> None:
    text = "on: pull_request\njobs:\n  a:\n    if: false\n    if: true\n    steps: [{run: mlopsctl validate}]\n"
    assert workflow(text).idle == "it is no YAML that GitHub reads"
    assert workflow("on: [pull_request").idle == "it is no YAML that GitHub reads"
    assert workflow("just words").idle == "it is no YAML that GitHub reads"


def test_a_workflow_of_the_repository_that_is_called_is_followed() -> None:
    called = "on: workflow_call\njobs:\n  a: {steps: [{run: mlopsctl validate}]}\n"
    calls = f"on: pull_request\njobs:\n  b: {{uses: ./{FOLDER}/called.yml}}\n"
    found = workflow(calls, called=called)
    assert verbs(found, PULL_REQUEST) == ["validate"]
    assert found.runs(PULL_REQUEST)[0].place == f"{FOLDER}/called.yml:3"
    passed_over = calls.replace("{uses", "{if: false, uses")
    assert verbs(workflow(passed_over, called=called), PULL_REQUEST) == []
    itself = f"on: pull_request\njobs:\n  b: {{uses: ./{FOLDER}/ci.yml}}\n"
    assert workflow(itself).runs(PULL_REQUEST) == ()


def test_many_jobs_that_need_each_other_are_looked_at_once() -> None:
    jobs = "".join(f"  j{number}: {{needs: [{', '.join(f'j{one}' for one in range(90))}]}}\n" for number in range(90))
    assert workflow(f"on: pull_request\njobs:\n{jobs}").commands == {PULL_REQUEST: ()}


BUILD = """
steps:
  - name: python
    {extra}
    entrypoint: bash
    args:
      - -ceu
      - |
        pip install .
        mlopsctl validate
"""


def build(text: str, event: str | None = "pullRequest", **trigger: object) -> Workflow:
    import json

    given = {"filename": "cloudbuild.yaml", **({"github": {event: {"branch": ".*"}}} if event else {}), **trigger}
    return read_build("cloudbuild.yaml", text, read_triggers({"t.json": json.dumps([given])}), ".")


def test_a_build_file_is_started_by_what_the_file_of_triggers_says() -> None:
    text = BUILD.replace("{extra}", "id: one")
    assert verbs(build(text), PULL_REQUEST) == ["validate"]
    assert build(text).runs(PULL_REQUEST)[0].place == "cloudbuild.yaml:10"
    assert verbs(build(text, "push"), DELIVERY) == ["validate"]
    assert verbs(build(text, "push"), PULL_REQUEST) == []
    for nothing in (build(text, None), build(text, disabled=True), build(text, filename="other.yaml")):
        assert nothing.idle.startswith("no file of triggers in the repository says what starts it")


@pytest.mark.parametrize(
    ("step", "counts"),
    [
        ("{name: p, entrypoint: mlopsctl, args: [validate]}", True),
        ("{name: p, entrypoint: mlopsctl, args: [validate, --help]}", False),
        ("{name: p, entrypoint: python, args: [-m, mlopsctl, validate]}", True),
        ("{name: p, entrypoint: echo, args: [mlopsctl, validate]}", None),
        ("{name: mlopsctl, args: [validate]}", None),
        ("{name: p, entrypoint: bash, args: [-c, 'mlopsctl validate || true']}", False),
        ("{name: p, entrypoint: bash, args: [-c, 'cd $$HOME; mlopsctl validate']}", True),
        ("{name: p, script: 'mlopsctl validate'}", True),
        ('{name: p, script: "mlopsctl validate\\ntrue"}', False),
        ('{name: p, script: "#!/usr/bin/env bash\\nset -e\\nmlopsctl validate\\ntrue"}', True),
        ("{name: p, dir: elsewhere, entrypoint: mlopsctl, args: [validate]}", False),
        ("{name: p, allowFailure: true, entrypoint: mlopsctl, args: [validate]}", False),
        ("{name: p, allowExitCodes: [1], entrypoint: mlopsctl, args: [validate]}", False),
    ],
)
def test_a_step_of_a_build_counts_when_it_can_fail_the_build(step: str, counts: bool | None) -> None:
    found = build(f"steps: [{step}]").runs(PULL_REQUEST)
    assert [not one.why for one in found if one.verb == "validate"] == ([] if counts is None else [counts])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True), ("false", False), ("FALSE", False), ("''", False), ("0", False), ("'false'", True),
        ("!false", True), ("!(true && false)", True), ("true && github.actor", None), ("false && github.actor", False),
        ("true || github.actor", True), ("github.actor || false", None), ("github.actor == 'me'", None),
        ("github.event_name == 'PULL_REQUEST'", True), ("github.event_name != 'pull_request'", False),
        ("startsWith(github.ref, 'refs/tags/')", False), ("contains(github.ref, 'pull')", True),
        ("endsWith(github.ref, 'merge')", True), ("fromJSON('true')", None), ("1 < 2", None),
        ("'it''s' == 'it''s'", True), ("success() && !failure()", True),
        ("steps.a.outputs['x y'] == ''", None), ("(", None), ("a b", None),
        ("${{ false }}", False), ("${{ github.actor }} && false", None), ("'", None), ("true == 'true'", None),
        ("(" * 500 + ")" * 500, None),
    ],
)  # fmt: skip
def test_a_condition_is_decided_as_far_as_it_can_be(text: str, value: bool | None) -> None:
    assert holds(text, known_of("pull_request")) is value


def test_upon_a_push_the_branch_is_only_known_in_the_run() -> None:
    assert holds("github.ref == 'refs/heads/main'", known_of("push")) is None
    assert holds("github.event_name == 'push' && github.head_ref == ''", known_of("push")) is True
