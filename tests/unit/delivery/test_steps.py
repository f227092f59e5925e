"""Which steps run and why: the plan's walk over a small pipeline with a history in memory."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.delivery.live import Live
from mlopsctl.delivery.plan import StepPlan
from mlopsctl.delivery.steps import plan_steps
from mlopsctl.metadata.records import ArtifactRecord, ExecutionRecord
from mlopsctl.pipeline.ir import ArtifactType, Decision, Input, Pipeline, Ref, Step
from mlopsctl.step.key import Surroundings, key_material, step_key
from mlopsctl.step.task import StepState

AROUND = Surroundings(sources={"rows.csv": "sha256:rows"}, code={"fit.py": "sha256:code"}, packages={"numpy": "2.4"})


@dataclass
class Memory:
    """A history in memory; ``refusals`` by artifact digest."""

    records: dict[str, ExecutionRecord] = field(default_factory=dict)
    last: dict[str, ExecutionRecord] = field(default_factory=dict)
    refusals: dict[str, str] = field(default_factory=dict)

    def cached(self, keys: Collection[str]) -> Mapping[str, ExecutionRecord]:
        return {key: self.records[key] for key in keys if key in self.records}

    def latest(self) -> Mapping[str, ExecutionRecord]:
        return self.last

    def steps(self) -> tuple[str, ...]:
        return tuple(self.last)

    def refusal(self, artifact: ArtifactRecord) -> str:
        return self.refusals.get(artifact.digest, "")

    def branch(self, decision: Decision, artifact: ArtifactRecord | None) -> str:
        return self.refusals.get(artifact.digest, "") if artifact is not None else "not written"

    def ran(self, pipeline: Pipeline, pinned: Mapping[str, str]) -> None:
        """Record every step as run, each with an output made from its key."""
        made: dict[str, ExecutionRecord] = {}
        for step in pipeline.steps:
            inputs = {n: made[w.ref.step].outputs[w.ref.output] for n, w in step.inputs.items() if w.ref.step in made}
            material = key_material(step, {n: a.digest for n, a in inputs.items()}, AROUND)
            key = step_key(material)
            made[step.id] = ExecutionRecord(
                run="r1",
                step=step.id,
                component=step.component,
                state=StepState.SUCCESS,
                key=key,
                material=material,
                started=0,
                finished=1,
                inputs=inputs,
                outputs={name: ArtifactRecord(f"{key}/{name}", kind, "") for name, kind in step.outputs.items()},
                state_inputs={name: pinned.get(name, "") for name in step.state_inputs},
                notes={"pushed": True} if step.component == "push" else {},
            )
            self.records[key] = made[step.id]
        self.last = made


def small(c: float = 1.0, seed: int = 0) -> Pipeline:
    """ingest → train → evaluate (reads the champion) → gate → push (guarded by the gate)."""

    def step(id: str, reads: dict[str, Input], output: str, kind: ArtifactType, **extra: object) -> Step:
        base = Step(id, id, 1, reads, {output: kind}, {})
        return replace(base, **extra)  # type: ignore[arg-type]

    model = Input(Ref("train", "model"), ArtifactType.MODEL)
    return Pipeline(
        "small",
        (
            step(
                "ingest",
                {},
                "examples",
                ArtifactType.EXAMPLES,
                parameters={"source": {"uri": "rows.csv"}},
                sources={"source.uri": "rows.csv"},
            ),
            step(
                "train",
                {"examples": Input(Ref("ingest", "examples"), ArtifactType.EXAMPLES)},
                "model",
                ArtifactType.MODEL,
                parameters={"params": {"C": c}},
                code=("fit.py",),
                packages=("numpy",),
                seed=seed,
            ),
            step("evaluate", {"model": model}, "evaluation", ArtifactType.EVALUATION, state_inputs=("champion",)),
            step(
                "gate",
                {"evaluation": Input(Ref("evaluate", "evaluation"), ArtifactType.EVALUATION)},
                "blessing",
                ArtifactType.BLESSING,
            ),
            step(
                "push",
                {"model": model, "blessing": Input(Ref("gate", "blessing"), ArtifactType.BLESSING, guard=True)},
                "pushed_model",
                ArtifactType.PUSHED_MODEL,
            ),
        ),
    )


def planned(
    pipeline: Pipeline, memory: Memory, around: Surroundings = AROUND, champion: str = "", live: Live | None = None
) -> dict[str, StepPlan]:
    pinned = {"champion": champion} if champion else {}
    return {p.step.id: p for p in plan_steps(pipeline, around, memory, pinned, live or Live())}


def running(plans: Mapping[str, StepPlan]) -> list[str]:
    return [id for id, plan in plans.items() if plan.runs]


def test_a_first_plan_runs_everything_because_it_is_new() -> None:
    plans = planned(small(), Memory())
    assert running(plans) == ["ingest", "train", "evaluate", "gate", "push"]
    assert plans["ingest"].reasons == ("new",)
    assert plans["train"].reasons == ("new",)


def test_the_plan_after_a_run_is_empty() -> None:
    memory = Memory()
    memory.ran(small(), {})
    assert running(planned(small(), memory)) == []


def test_a_changed_parameter_reruns_it_and_what_reads_it_and_says_why() -> None:
    memory = Memory()
    memory.ran(small(), {})
    plans = planned(small(c=0.5), memory)
    assert running(plans) == ["train", "evaluate", "gate", "push"]
    assert plans["train"].reasons == ("params.C 1.0 → 0.5",)
    assert plans["evaluate"].reasons == ("reads train, which runs",)
    assert plans["evaluate"].waits


def test_a_parameter_changed_back_reuses_the_earlier_result() -> None:
    memory = Memory()
    memory.ran(small(), {})
    memory.ran(small(c=0.5), {})
    assert running(planned(small(), memory)) == []


def test_changed_data_code_packages_and_seed_are_named() -> None:
    memory = Memory()
    memory.ran(small(), {})
    around = Surroundings({"rows.csv": "sha256:new"}, {"fit.py": "sha256:new"}, {"numpy": "2.5"})
    plans = planned(small(seed=7), memory, around)
    assert plans["ingest"].reasons == ("data rows.csv changed",)
    assert plans["train"].reasons == ("seed 0 → 7", "fit.py changed", "numpy 2.4 → 2.5", "reads ingest, which runs")


def test_moving_the_data_changes_nothing() -> None:
    memory = Memory()
    pipeline = small()
    memory.ran(pipeline, {})
    ingest = replace(
        pipeline.steps[0], parameters={"source": {"uri": "new/rows.csv"}}, sources={"source.uri": "new/rows.csv"}
    )
    around = replace(AROUND, sources={"new/rows.csv": "sha256:rows"})
    assert running(planned(replace(pipeline, steps=(ingest, *pipeline.steps[1:])), memory, around)) == []


def test_a_new_champion_alone_reruns_nothing_when_it_is_the_challenger() -> None:
    memory = Memory()
    memory.ran(small(), {})
    challenger = memory.last["train"].outputs["model"].digest
    assert running(planned(small(), memory, champion=challenger)) == []


def test_evidence_against_another_champion_is_measured_again() -> None:
    memory = Memory()
    memory.ran(small(), {})
    plans = planned(small(), memory, champion="sha256:another")
    assert running(plans) == ["evaluate", "gate", "push"]
    assert "champion" in plans["evaluate"].reasons[0]


def test_a_refused_model_leaves_its_followers_skipped_and_the_plan_empty() -> None:
    memory = Memory()
    memory.ran(small(), {})
    memory.refusals[memory.last["gate"].outputs["blessing"].digest] = "floor: accuracy 0.5 < 0.6"
    plans = planned(small(), memory)
    assert running(plans) == []
    assert plans["push"].skipped == "floor: accuracy 0.5 < 0.6"


def test_a_model_that_the_registry_lost_is_pushed_again() -> None:
    memory = Memory()
    memory.ran(small(), {})
    plans = planned(small(), memory, live=Live(refreshed=True))
    assert running(plans) == ["push"]
    assert plans["push"].reasons == ("the registry no longer has its model",)


def test_a_step_whose_outputs_are_gone_runs_again() -> None:
    memory = Memory()
    memory.ran(small(), {})
    del memory.records[memory.last["train"].key]
    plans = planned(small(), memory)
    assert plans["train"].reasons == ("its outputs are no longer stored",)


def test_a_step_that_failed_last_time_says_so() -> None:
    memory = Memory()
    memory.ran(small(), {})
    failed = replace(memory.last["train"], state=StepState.FAILED)
    del memory.records[failed.key]
    memory.last["train"] = failed
    assert planned(small(), memory)["train"].reasons == ("failed last time",)


@given(c=st.floats(0.1, 9, allow_nan=False), seed=st.integers(0, 5), runs=st.lists(st.floats(0.1, 9), max_size=3))
def test_after_any_history_a_run_makes_the_next_plan_empty(c: float, seed: int, runs: list[float]) -> None:
    memory = Memory()
    for earlier in runs:
        memory.ran(small(earlier), {})
    memory.ran(small(c, seed), {})
    assert running(planned(small(c, seed), memory)) == []


@given(a=st.floats(0.1, 9, allow_nan=False), b=st.floats(0.1, 9, allow_nan=False))
def test_train_runs_again_exactly_when_its_parameter_differs(a: float, b: float) -> None:
    memory = Memory()
    memory.ran(small(a), {})
    assert ("train" in running(planned(small(b), memory))) == (a != b)
