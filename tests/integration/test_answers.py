"""The commands that answer questions, asked about real runs of the example: released, refused, broken, run in parts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cli import Done, call
from tests.integration.examples import CHECKOUT, copied

EXAMPLE = CHECKOUT / "examples" / "penguins"

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the example: applied, then made worse and refused."""
    folder = tmp_path_factory.mktemp("answers") / "penguins"
    copied(EXAMPLE, folder)
    try:
        released = call(folder, "apply", "--yes", timeout=400)
        assert released.code == 0, released
        edit(folder, "    logistic:", "    # logistic:")
        edit(folder, "{n_estimators: 100}", "{n_estimators: 2, max_depth: 1}")
        refused = call(folder, "apply", "--yes", timeout=400)
        assert refused.code == 3, refused
        yield folder
    finally:
        call(folder, "destroy", "--yes")


def edit(folder: Path, old: str, new: str) -> None:
    file = folder / "mlops.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def asked(folder: Path, *arguments: str) -> Any:
    done = call(folder, *arguments)
    assert done.code == 0, done
    return done.json


@pytest.fixture(scope="module")
def runs(project: Path) -> list[str]:
    """The ids of the two runs, the refused one first."""
    return [run["id"] for run in asked(project, "runs", "list", "-o", "json")["runs"]][-2:]


def test_the_runs_are_listed_and_shown(project: Path, runs: list[str]) -> None:
    listed = asked(project, "runs", "list", "-o", "json")["runs"][-2:]
    assert [run["ended"] for run in listed] == ["refused", "released v1"]
    shown = asked(project, "runs", "show", runs[0], "-o", "json")
    assert shown["fate"]["kind"] == "refused"
    states = {step["step"]: step["state"] for step in shown["steps"]}
    assert states["ingest-penguins"] == "cached"
    assert states["preflight"] == "skipped"
    text = call(project, "runs", "show", runs[1][:-2])
    assert "released as penguins v1 (release 1)" in text.out, text


def test_two_runs_are_compared(project: Path, runs: list[str]) -> None:
    found = asked(project, "runs", "compare", *runs, "--sort", "accuracy", "-o", "json")
    assert [run["id"] for run in found["runs"]] == runs[::-1]  # the better one first
    changed = {step["step"]: step["changes"] for step in found["steps"]}
    assert {"what": "parameter", "name": "params.n_estimators", "before": 100, "after": 2} in changed["train-forest"]
    assert "transform" in found["same_steps"]
    bad = call(project, "runs", "compare", *runs, "--sort", "acuracy")
    assert bad.code == 64, bad
    assert "did you mean accuracy?" in bad.err


def test_why_goes_back_to_the_root(project: Path, runs: list[str]) -> None:
    told = asked(project, "why", "evaluate", "--run", runs[0], "-o", "json")
    assert [story["step"] for story in told["stories"]] == ["evaluate", "select", "train-forest"]
    assert told["stories"][-1]["root"]
    now = asked(project, "why", "transform", "-o", "json")
    assert now["now"]["outcome"] == "reuse"


def test_why_not_promoted_is_one_screen_with_the_numbers(project: Path) -> None:
    done = call(project, "why", "not-promoted")
    assert done.code == 0, done
    assert len(done.out.splitlines()) <= 24
    assert "gate not-worse said no: change of accuracy against champion -0." in done.out
    assert "penguins v1" in done.out
    assert "What to do" in done.out


def test_lineage_goes_both_ways(project: Path, runs: list[str]) -> None:
    found = asked(project, "lineage", "champion", "--format", "json")
    labels = {node["label"]: node for node in found["nodes"]}
    assert {"penguins_data.py", "ingest-penguins", "train-logistic", "push", "penguins v1", "default release 1"} <= {
        *labels
    }
    assert {node["run"] for node in found["nodes"] if node["kind"] == "step"} == {runs[1]}
    assert any(node["kind"] == "server" for node in found["nodes"])
    down = asked(project, "lineage", "ingest-penguins.examples", "--down", "--format", "json")
    trained = {node["run"] for node in down["nodes"] if node["label"] == "train-forest"}
    assert trained == {*runs}
    model = next(node["id"] for node in found["nodes"] if node["label"].startswith("Model"))
    assert call(project, "lineage", model[:20], "--format", "mermaid").out.startswith("flowchart LR\n")
    assert call(project, "lineage", "v1", "--up").code == 0
    assert call(project, "lineage", "v9").code == 64


def test_wrong_names_get_near_ones(project: Path, runs: list[str]) -> None:
    for arguments, hint in (
        (("runs", "show", f"{runs[0][:-1]}z"), f"did you mean {runs[0]}?"),
        (("logs", "last", "evaluat"), "did you mean evaluate?"),
        (("why", "transfrom"), "did you mean transform?"),
        (("run", "--step", "trian-forest"), "did you mean train-forest?"),
        (("lineage", "evaluate.evaluaton"), "did you mean evaluate.evaluation?"),
    ):
        done = call(project, *arguments)
        assert (done.code, hint in done.err) == (64, True), done


def test_the_log_of_a_reused_step_is_that_of_the_run_that_made_it(project: Path, runs: list[str]) -> None:
    done = call(project, "logs", runs[0], "transform")
    assert done.code == 0, done
    assert f"this is the log of run {runs[1]}" in done.err


def test_a_run_is_reproduced_and_leaves_nothing(project: Path, runs: list[str]) -> None:
    before = sorted(path.name for path in (project / ".mlops").iterdir())
    done = call(project, "reproduce", runs[0], timeout=400)
    assert done.code == 0, done
    assert "Reproduced: 10 of 10 artifacts have the same digest." in done.out
    assert sorted(path.name for path in (project / ".mlops").iterdir()) == before
    assert [run["id"] for run in asked(project, "runs", "list", "-o", "json")["runs"]][-2:] == runs
    other = call(project, "reproduce", runs[1])
    assert other.code == 1, other
    assert "train-forest: params.max_depth" in other.out
    assert "Not run" in other.out


def test_a_result_that_draws_lots_is_not_reproduced(project: Path, tmp_path: Path) -> None:
    folder = tmp_path / "penguins"
    copied(EXAMPLE, folder)
    edit_code = folder / "penguins_data.py"
    edit_code.write_text(
        f"{edit_code.read_text()}\n_load = load\n\n\ndef load():\n    return _load().sample(frac=0.9)\n"
    )
    assert call(folder, "run", "--until", "statistics-penguins").code == 0
    done = call(folder, "reproduce", "last")
    assert done.code == 1, done
    assert "ingest-penguins is the first step that differs" in done.out


def test_a_part_of_the_pipeline_is_run(project: Path, tmp_path: Path) -> None:
    folder = tmp_path / "penguins"
    copied(EXAMPLE, folder)
    early = call(folder, "run", "--step", "transform")
    assert early.code == 1, early
    assert "`mlopsctl run --until ingest-penguins`" in early.err
    assert steps_of(call(folder, "run", "--until", "validate-penguins", "-o", "json")) == {
        "ingest-penguins": "success",
        "statistics-penguins": "success",
        "schema-penguins": "success",
        "validate-penguins": "success",
    }
    assert steps_of(call(folder, "run", "--step", "transform", "-o", "json")) == {"transform": "success"}
    assert steps_of(call(folder, "run", "--step", "transform", "--no-cache", "-o", "json")) == {"transform": "success"}
    rest = call(folder, "run", "--from", "train-forest", "-o", "json")
    assert rest.code == 1, rest  # select reads train-logistic as well, which was never run
    assert "select reads train-logistic" in rest.err
    whole = call(folder, "run", "-o", "json")
    assert whole.code == 0, whole
    assert steps_of(whole)["transform"] == "cached"
    assert call(folder, "apply", "--step", "gate").code == 64
    assert call(folder, "run", "--step", "gate", "--from", "gate").code == 64
    assert call(folder, "run", "--step", "push").code == 64
    last = asked(folder, "runs", "list", "-o", "json")["runs"]
    assert [run["ended"] for run in last] == ["passed", "done", "done", "done"]
    told = call(folder, "why", "not-promoted")
    assert "`run` releases nothing" in told.out, told


def test_after_a_failure_what_does_not_need_it_goes_on_unless_told_otherwise(tmp_path: Path) -> None:
    folder = tmp_path / "penguins"
    copied(EXAMPLE, folder)
    edit(folder, "    logistic: {kind: sklearn,", "    logistic: {kind: sklearn, params: {C: -1},")
    on = call(folder, "run", "--jobs", "1", "-o", "json")
    assert on.code == 1, on
    assert (steps_of(on)["train-logistic"], steps_of(on)["train-forest"]) == ("failed", "success")
    fast = call(folder, "run", "--jobs", "1", "--no-cache", "--fail-fast", "-o", "json")
    assert (steps_of(fast)["train-logistic"], steps_of(fast)["train-forest"]) == ("failed", "canceled")
    log = call(folder, "logs", "last", "train-logistic")
    assert "Traceback" in log.out, log
    why = call(folder, "why", "not-promoted")
    assert "step train-logistic failed" in why.out, why


def steps_of(done: Done) -> dict[str, str]:
    return {name: step["state"] for name, step in json.loads(done.out)["steps"].items()}
