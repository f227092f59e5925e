"""``promote FROM TO``: the lock that lets TO follow the model that FROM released, and the evidence for it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlopsctl import evidence
from mlopsctl.config.load import Loaded
from mlopsctl.delivery.environment import findings_of_executions
from mlopsctl.delivery.promotion.clean_runs import require_clean_runs
from mlopsctl.delivery.promotion.envelope import sealed
from mlopsctl.delivery.promotion.lock_text import lock_text
from mlopsctl.delivery.promotion.proof import prove
from mlopsctl.delivery.promotion.rows import Row, rows
from mlopsctl.delivery.promotion.statement import GateProof, Predicate, Statement, state
from mlopsctl.delivery.stores import Stores, open_stores
from mlopsctl.evidence import Blessing, Evaluation, Verdict
from mlopsctl.ground.digest import PREFIX, digest_json
from mlopsctl.ground.errors import Problem, Refused, Undecided, UsageProblem
from mlopsctl.ground.numbers import shown
from mlopsctl.lowering.image import image_reference
from mlopsctl.lowering.release_lock import (
    Followed,
    LockedCode,
    LockedModel,
    ReleaseLock,
    evidence_file,
    lock_file,
    read_release_lock,
)
from mlopsctl.metadata.records import ExecutionRecord, Release, RunRecord


@dataclass(frozen=True, slots=True)
class Promoted:
    """A promotion that was put together.

    Attributes:
        files: contents by path; none for ``strategy: code``, where the destination trains itself, and none where the
            lock and the evidence that stand there say just this.
        before: the lock that stands now.
        measures: metric by metric what was measured on the model where it comes from.
        digests: what the evidence is about and what it rests on, each by its whole digest.
        notes: what a reader should know beside it.
    """

    project: str
    source: str
    target: str
    release: Release
    files: Mapping[Path, bytes]
    lock: ReleaseLock | None
    before: ReleaseLock | None
    gates: tuple[GateProof, ...]
    measures: tuple[tuple[str, str], ...]
    signed: bool
    notes: tuple[str, ...] = ()
    digests: tuple[tuple[str, str], ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        """The table."""
        return tuple(rows(self.before, self.lock))


def promote(source: Loaded, target: Loaded) -> Promoted:
    """Put a promotion together; nothing is written.

    Raises:
        UsageProblem: when the destination is not promoted from there.
        Refused: when nothing is released there, it is held, too few runs were clean, or the destination withdrew it.
        Undecided: when the evidence is gone, or about something else.
    """
    promotion = target.project.promotion
    if promotion is None or promotion.source != source.environment:
        known = promotion.source if promotion is not None else None
        raise UsageProblem.because(
            "not-promoted-from",
            f"{target.environment} is not promoted from {source.environment}",
            hint=f"it is promoted from {known}"
            if known
            else f"write `promotion: {{from: {source.environment}}}` there",
        )
    with open_stores(source) as stores:
        release, run = _released(source, stores)
        require_clean_runs(source, stores, run, release.model, promotion.after_successful_runs)
        found = _Judged(source, stores, release, run)
        if release.overrides and not promotion.allow_override:
            broken = ", ".join(release.overrides)
            raise Refused.because(
                "released-by-hand",
                f"the model was released in {source.environment} over the gates {broken}",
                hint=f"`promotion: {{allow_override: true}}` of {target.environment} would let it in",
            )
        return _put_together(source, target, found)


def _released(source: Loaded, stores: Stores) -> tuple[Release, RunRecord]:
    state_ = stores.state.read(source.project.name, source.environment)
    if state_.release is None:
        raise Refused.because(
            "nothing-released",
            f"nothing is released in {source.environment}, so there is nothing to promote",
            hint=f"`mlopsctl apply -e {source.environment}` first",
        )
    if state_.hold:
        raise Refused.because("on-hold", f"{source.environment} is held: {state_.hold}", hint="lift the hold first")
    run = stores.metadata.run(state_.release.run)
    if run is None:
        raise Undecided.because("run-gone", f"the records no longer have the run {state_.release.run}")
    return state_.release, run


class _Judged:
    """A release with the evidence that let it go, read back by digest."""

    def __init__(self, source: Loaded, stores: Stores, release: Release, run: RunRecord) -> None:
        self.release, self.run = release, run
        self.executions = tuple(stores.metadata.executions(run.id))
        try:
            blessing = stores.artifacts.read(release.blessing, evidence.BLESSING_FILE)
            evaluation = stores.artifacts.read(release.evaluation, evidence.EVALUATION_FILE)
        except Problem as problem:
            raise Undecided.because(
                "evidence-gone",
                f"the evidence of release {release.number} of {source.environment} cannot be read: {problem}",
                hint=f"judge the model again: mlopsctl apply -e {source.environment} --no-cache",
            ) from problem
        self.blessing = evidence.parse(Blessing, blessing)
        self.evaluation = evidence.parse(Evaluation, evaluation)
        infra = findings_of_executions(self.executions, stores).infra
        self.preflight = infra.verdict if infra is not None and infra.model == release.model else Verdict.ERROR
        if (self.blessing.model, self.evaluation.model) != (release.model, release.model):
            raise Undecided.because("wrong-evidence", "the evidence of the release is about another model")


def _put_together(source: Loaded, target: Loaded, found: _Judged) -> Promoted:
    release, promotion = found.release, target.project.promotion
    before = read_release_lock(target.folder, target.environment)
    standing = before.lock if before is not None else None
    if standing is not None and standing.hold is not None and standing.hold.model == release.model:
        raise Refused.because(
            "withdrawn",
            f"this model was withdrawn from {target.environment}: {standing.hold.reason}",
            hint=f"promote another one; or `mlopsctl apply -e {target.environment} --release-hold`",
        )
    if promotion is not None and promotion.strategy == "code":
        note = f"{target.environment} trains itself: mlopsctl apply -e {target.environment}"
        return _promoted(source, target, found, {}, None, None, (note,))
    draft = _lock(source, target, found, PREFIX + "0" * 64)
    predicate = Predicate.model_validate(
        {
            "release": dict(draft.release),
            "run": found.run.id,
            "plan": found.run.plan_digest,
            "commit": draft.code.commit,
            "policy": _policy(release),
            "verdict": found.blessing.verdict.value,
            "preflight": found.preflight.value,
            "evaluation": release.evaluation,
            "blessing": release.blessing,
            "gates": tuple(_gates(found.blessing)),
        }
    )
    statement = state(release.model, release.registry_name, predicate)
    if before is not None and _says_that(target, before, statement):
        return _promoted(source, target, found, {}, before.lock, standing, ())
    envelope = sealed(target, statement.content)
    lock = draft.model_copy(update={"evidence": PREFIX + hashlib.sha256(envelope).hexdigest()})
    # The evidence stands before the lock that names it.
    files = {
        evidence_file(target.folder, target.environment): envelope,
        lock_file(target.folder, target.environment): lock_text(lock).encode(),
    }
    unnamed = found.run.git.dirty and not lock.code.commit
    dirty = ("the run had uncommitted changes, so the lock names no commit",) if unnamed else ()
    return _promoted(source, target, found, files, lock, standing, dirty)


def _says_that(target: Loaded, standing: Followed, statement: Statement) -> bool:
    """Whether the lock that stands there is proved by evidence that states the same; a hold wants a new lock."""
    try:
        return standing.lock.hold is None and prove(target, standing).statement == statement
    except Undecided:
        return False


def _promoted(
    source: Loaded,
    target: Loaded,
    found: _Judged,
    files: Mapping[Path, bytes],
    lock: ReleaseLock | None,
    before: ReleaseLock | None,
    notes: tuple[str, ...],
) -> Promoted:
    promotion = target.project.promotion
    whole = [one for one in found.evaluation.measurements if not one.slice and one.value is not None]
    return Promoted(
        project=source.project.name,
        source=source.environment,
        target=target.environment,
        release=found.release,
        files=files,
        lock=lock,
        before=before,
        gates=tuple(_gates(found.blessing)),
        measures=tuple((one.metric, shown(one.value)) for one in whole if one.value is not None),
        signed=promotion is not None and promotion.signature is not None and lock is not None,
        notes=notes,
        digests=tuple(_digests(found, lock)),
    )


def _digests(found: _Judged, lock: ReleaseLock | None) -> Iterator[tuple[str, str]]:
    release, run = found.release, found.run
    yield "model", release.model
    yield "plan", run.plan_digest
    if lock is not None and lock.code.commit:
        yield "commit", lock.code.commit
    yield "gates", _policy(release)
    yield "evaluation", release.evaluation
    yield "blessing", release.blessing


def _policy(release: Release) -> str:
    return digest_json("mlopsctl/policy/v1", release.gates)


def _lock(source: Loaded, target: Loaded, found: _Judged, evidence_digest: str) -> ReleaseLock:
    """The lock; what made the model stays what it was where the model had come into FROM by a lock itself."""
    release, run = found.release, found.run
    made = _origin(source, release)
    return ReleaseLock.model_validate(
        {
            "version": 1,
            "project": source.project.name,
            "environment": target.environment,
            "from": source.environment,
            "model": LockedModel(name=release.registry_name, version=release.registry_version, digest=release.model),
            "data": made.data if made else _data(found.executions),
            "code": made.code
            if made
            else LockedCode(commit="" if run.git.dirty else run.git.commit, digest=_code(found.executions)),
            "image": made.image if made else image_reference(source),
            "pipeline": made.pipeline if made else run.pipeline_digest,
            "evidence": evidence_digest,
        }
    )


def _origin(source: Loaded, release: Release) -> ReleaseLock | None:
    if not source.project.follows_lock:
        return None
    found = read_release_lock(source.folder, source.environment)
    return found.lock if found is not None and found.lock.model.digest == release.model else None


def _data(executions: tuple[ExecutionRecord, ...]) -> dict[str, str]:
    """The examples that the run read, by dataset."""
    return {
        execution.step.removeprefix("ingest-"): execution.outputs["examples"].digest
        for execution in executions
        if execution.component == "ingest" and "examples" in execution.outputs
    }


def _code(executions: tuple[ExecutionRecord, ...]) -> str:
    """The digest of the user's files that the run executed."""
    files: dict[str, str] = {}
    for execution in executions:
        code = execution.material.get("code") if isinstance(execution.material, Mapping) else None
        if isinstance(code, Mapping):
            files |= {str(name): str(digest) for name, digest in code.items()}
    return digest_json("mlopsctl/promoted-code/v1", files)


def _gates(blessing: Blessing) -> Iterator[GateProof]:
    for gate in blessing.gates:
        yield GateProof(
            name=gate.name,
            verdict=gate.verdict.value,
            decides=gate.decides,
            reason=gate.reason,
            overridden=gate.overridden,
        )
