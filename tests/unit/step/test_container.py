"""A step in a container, with an engine's words written by hand: what it runs, what it leaves, what it says."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from mlopsctl.pipeline.ir import ArtifactType, Input, Ref, Resources
from mlopsctl.step import container, ledger
from mlopsctl.step.task import StepState
from tests.unit.step.containers import RUN, Engine, own, reads

CODE = """
import os, time
from pathlib import Path


def make(out, n=0):
    print("making", n, flush=True)
    (out / "n.txt").write_text(str(n))


def double(out, of=None):
    n = int((of / "n.txt").read_text()) if of else -1
    (out / "n.txt").write_text(str(2 * n))


def guarded(out, anomalies):
    raise AssertionError("never called")


def fail(out):
    raise ValueError("no luck today")


def slow(out, mark):
    print("slowly", flush=True)
    Path(mark).write_text(str(os.getpid()))
    time.sleep(60)


def once(out, mark):
    if not Path(mark).exists():
        Path(mark).write_text("")
        os.kill(os.getpid(), 9)
    make(out, 1)


def tell(out, word):
    print("the word is", word, flush=True)
    make(out, 1)
"""


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    project = tmp_path / "project"
    project.mkdir()
    (project / "mine.py").write_text(CODE)
    return Engine(project)


MAKE = own("make", "mine:make", parameters={"n": 3})
DOUBLE = own("double", "mine:double", {"of": reads("make")})


def content(engine: Engine, digest: str) -> str:
    return engine.store.read(digest, "n.txt").decode()


def test_a_step_runs_and_hands_on_a_pointer_to_its_artifact(engine: Engine) -> None:
    made = engine.do(MAKE)
    assert made.code == 0, made
    assert made.outputs["out"]["type"] == "File"
    assert made.outputs["out"]["store"] == f"file://{engine.artifacts}"
    doubled = engine.do(DOUBLE)
    assert content(engine, doubled.outputs["out"]["digest"]) == "6"
    record = next(one for one in doubled.records if one.step == "double")
    assert record.state is StepState.SUCCESS
    assert record.inputs["of"].digest == made.outputs["out"]["digest"]


def test_the_output_goes_to_stdout_and_into_the_ledger(engine: Engine) -> None:
    done = engine.do(MAKE)
    assert "making 3" in done.out
    assert ledger.log_of(engine.store, RUN, "make", 1) == b"making 3\n"
    assert done.record.log == f"runs/{RUN}/make.1.log"


def test_a_small_file_tells_a_person_where_the_artifact_is(engine: Engine) -> None:
    done = engine.do(MAKE)
    text = Path(engine.pointers["make.out"]["uri"]).read_text()
    assert f"digest: {done.outputs['out']['digest']}" in text


def test_a_failure_says_why_and_is_recorded(engine: Engine) -> None:
    done = engine.do(own("bad", "mine:fail"))
    assert done.code == 1
    assert "no luck today" in done.err
    assert "hint: " in done.err
    assert done.record.state is StepState.FAILED
    assert not done.record.outputs
    assert b"Traceback" in (ledger.log_of(engine.store, RUN, "bad", 1) or b"")


def test_an_engines_retry_is_a_further_attempt(engine: Engine, tmp_path: Path) -> None:
    step = own("flaky", "mine:once", parameters={"mark": str(tmp_path / "mark")})
    first, second = engine.do(step), engine.do(step)
    assert (first.code, second.code) == (1, 0)
    assert [(one.attempt, one.state.value) for one in second.records] == [(1, "failed"), (2, "success")]


def test_a_known_result_is_taken_again_in_another_run(engine: Engine) -> None:
    first = engine.do(MAKE)
    other = replace(engine, run="another-run")
    again = other.do(MAKE)
    assert again.code == 0
    assert again.record.state is StepState.CACHED
    assert again.outputs == first.outputs
    assert "making" not in again.out


def test_other_inputs_have_another_key(engine: Engine) -> None:
    engine.do(MAKE)
    other = replace(engine, run="another-run")
    done = other.do(replace(MAKE, parameters={**MAKE.parameters, "parameters": {"n": 4}}))
    assert done.record.state is StepState.SUCCESS


def test_a_result_whose_artifact_is_gone_is_made_again(engine: Engine) -> None:
    first = engine.do(MAKE)
    engine.store.discard(first.outputs["out"]["digest"])
    again = replace(engine, run="another-run").do(MAKE)
    assert again.record.state is StepState.SUCCESS
    assert again.outputs["out"]["digest"] == first.outputs["out"]["digest"]


def test_a_run_time_parameter_takes_the_place_of_its_default(engine: Engine) -> None:
    engine.parameters["size"] = 7.0
    done = engine.do(replace(MAKE, bindings={"parameters.n": "size"}))
    assert content(engine, done.outputs["out"]["digest"]) == "7"


def test_the_seed_of_the_run_reaches_a_step_that_draws(engine: Engine) -> None:
    engine.parameters["seed"] = 11
    done = engine.do(own("draw", "mine:make", seed=1))
    assert done.record.material["seed"] == 11


def test_a_parameter_of_another_type_fails_the_step(engine: Engine) -> None:
    engine.parameters["size"] = "many"
    done = engine.do(replace(MAKE, bindings={"parameters.n": "size"}))
    assert done.code == 1
    assert done.record.state is StepState.FAILED


def test_a_step_that_is_not_to_run_is_skipped_and_so_is_what_reads_it(engine: Engine) -> None:
    skipped = engine.do(MAKE, "--skip", "its `when` is false")
    assert skipped.code == 0
    assert skipped.outputs["out"]["digest"] == ""
    reader = engine.do(DOUBLE)
    record = next(one for one in reader.records if one.step == "double")
    assert (reader.code, record.state) == (0, StepState.SKIPPED)
    assert record.problem == "not run, because make was skipped"
    assert reader.outputs["out"]["digest"] == ""


def test_an_optional_input_of_a_skipped_step_is_absent(engine: Engine) -> None:
    engine.do(MAKE, "--skip", "its `when` is false")
    step = own("double", "mine:double", {"of": reads("make", optional=True)})
    done = engine.do(replace(step, parameters={**step.parameters, "inputs": {}}))
    assert content(engine, done.outputs["out"]["digest"]) == "-2"


def test_an_image_with_other_code_is_refused_by_the_files_name(engine: Engine) -> None:
    done = engine.do(MAKE, code={"mine.py": "sha256:" + "0" * 64, "gone.py": "sha256:" + "1" * 64})
    assert done.code == 1
    assert "mine.py is another" in done.err
    assert "gone.py is not in it" in done.err
    assert "build and push the image again" in done.err


def test_a_pointer_to_another_type_is_refused(engine: Engine) -> None:
    engine.do(MAKE)
    engine.pointers["make.out"]["metadata"]["type"] = "Model"
    done = engine.do(DOUBLE)
    assert done.code == 1
    assert "points to no File" in done.err


def test_a_pointer_without_a_real_digest_is_refused(engine: Engine) -> None:
    engine.do(MAKE)
    engine.pointers["make.out"]["metadata"]["digest"] = "../../etc/passwd"
    assert engine.do(DOUBLE).code == 1


def test_a_step_over_its_time_is_ended_and_fails(engine: Engine, tmp_path: Path) -> None:
    step = own("slow", "mine:slow", parameters={"mark": str(tmp_path / "mark")}, timeout=1.0)
    done = engine.do(step)
    assert done.code == 1
    assert "longer than its timeout of 1 s" in done.record.problem


def test_a_secret_comes_from_the_containers_environment_and_is_masked(engine: Engine) -> None:
    step = own("tell", "mine:tell", parameters={"word": {"secret": "WORD"}})
    done = engine.do(step, secrets={"WORD": "open-sesame-1234"})
    assert done.code == 0, done
    assert "open-sesame-1234" not in done.out + done.err
    assert "the word is" in done.out


def test_a_secret_that_is_not_set_is_named(engine: Engine) -> None:
    done = engine.do(own("tell", "mine:tell", parameters={"word": {"secret": "WORD"}}))
    assert done.code == 1
    assert "the secret WORD is not set" in done.err


def test_an_empty_run_is_named_by_the_job(engine: Engine) -> None:
    engine.run = ""
    process = engine.start(MAKE, "--job", "projects/1/locations/x/pipelineJobs/nightly-7")
    process.communicate(timeout=60)
    assert [one.run for one in ledger.records(engine.store, "nightly-7")] == ["nightly-7"]


@pytest.mark.parametrize("run", ["../up", "a/b", "", "-x"])
def test_a_run_that_names_no_folder_is_refused(engine: Engine, run: str) -> None:
    engine.run = run
    process = engine.start(MAKE)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "no usable id" in err


def wait_for(file: Path) -> int:
    for _ in range(400):
        if file.is_file() and file.read_text():
            return int(file.read_text())
        time.sleep(0.05)
    raise AssertionError(f"{file} never came")


def gone(pid: int) -> bool:
    for _ in range(200):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def test_a_container_that_is_told_to_end_ends_its_step_and_records_it_as_canceled(
    engine: Engine, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    process = engine.start(own("slow", "mine:slow", parameters={"mark": str(mark)}))
    inside = wait_for(mark)
    os.kill(process.pid, signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 143
    assert gone(inside)
    assert [one.state for one in ledger.records(engine.store, RUN)] == [StepState.CANCELED]


def test_a_killed_container_leaves_no_record_no_process_and_the_next_attempt_counts_on(
    engine: Engine, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    step = own("slow", "mine:slow", parameters={"mark": str(mark)})
    process = engine.start(step)
    inside = wait_for(mark)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    assert gone(inside)
    assert list(ledger.records(engine.store, RUN)) == []
    assert [(one.step, one.attempt) for one in ledger.silent(engine.store, RUN)] == [("slow", 1)]
    assert ledger.begin_attempt(engine.store, RUN, "slow", "own", 0) == 2


def test_a_container_killed_at_any_moment_leaves_nothing_that_counts_as_a_result(engine: Engine) -> None:
    states = set()
    for number in range(8):
        here = replace(engine, run=f"run-{number}")
        step = own("make", "mine:make", parameters={"n": number})
        process = here.start(step)
        time.sleep(0.25 * number)
        process.kill()
        process.communicate(timeout=30)
        for record in ledger.records(here.store, here.run):
            states.add(record.state)
            assert record.state is StepState.SUCCESS
            assert content(here, record.outputs["out"].digest) == str(number)
        done = replace(here, run=f"again-{number}").do(step)
        assert done.code == 0, done
        assert content(here, done.outputs["out"]["digest"]) == str(number)


def test_memory_that_was_asked_for_is_the_limit(engine: Engine) -> None:
    (engine.project / "big.py").write_text(
        "import time\ndef big(out):\n    found = bytearray(300 << 20)\n    time.sleep(5)\n"
    )
    done = engine.do(own("big", "big:big", resources=Resources(memory=100 << 20)))
    assert done.code == 1
    assert "of memory" in done.record.problem


def test_a_guard_that_is_not_pass_skips_the_step(engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "verdict"
    folder.mkdir()
    check = {"name": "rows", "kind": "row_count", "verdict": "fail", "reason": "3 rows"}
    (folder / "anomalies.json").write_text(json.dumps({"dataset": "d", "checks": [check]}))
    digest = engine.store.put(folder)
    engine.pointers["validate-d.anomalies"] = {
        "name": "anomalies",
        "uri": "",
        "metadata": {"digest": digest, "type": "Anomalies"},
    }
    wired = Input(Ref("validate-d", "anomalies"), ArtifactType.ANOMALIES, guard=True)
    done = engine.do(own("make", "mine:guarded", {"anomalies": wired}))
    assert (done.code, done.record.state) == (0, StepState.SKIPPED)
    assert "check rows failed: 3 rows" in done.record.problem
    assert done.outputs["out"]["digest"] == ""


def pinned(engine: Engine, tmp_path: Path, content: str) -> Engine:
    """The engine, with a champion of that content."""
    folder = tmp_path / f"champion-{content}"
    folder.mkdir()
    (folder / "model").write_text(content)
    engine.parameters["mlopsctl_pinned"] = json.dumps({"champion": engine.store.put(folder)})
    return engine


def test_a_result_is_taken_again_only_against_the_same_champion(engine: Engine, tmp_path: Path) -> None:
    step = replace(MAKE, state_inputs=("champion",))
    first = pinned(engine, tmp_path, "a").do(step)
    assert replace(engine, run="same").do(step).record.state is StepState.CACHED
    again = pinned(replace(engine, run="other"), tmp_path, "b").do(step)
    assert again.record.state is StepState.SUCCESS
    assert again.record.state_inputs != first.record.state_inputs


def test_what_was_pinned_and_cannot_be_read_fails_the_step(engine: Engine) -> None:
    engine.parameters["mlopsctl_pinned"] = "{"
    done = engine.do(MAKE)
    assert done.code == 1
    assert "is not what a plan pins" in done.err


def test_a_broken_executor_input_says_so_and_leaves_nothing(engine: Engine) -> None:
    words = engine.words(MAKE)
    words[words.index("--executor-input") + 1] = "{}"
    assert container.main(words[4:]) == 1
    assert not engine.artifacts.exists()


def test_a_step_of_another_version_is_refused(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    words = engine.words(MAKE)
    words[words.index("--step") + 1] = '{"project": "demo"}'
    assert container.main(words[4:]) == 1
    assert "compile the pipeline with the version of mlopsctl that the image holds" in capsys.readouterr().err
