"""Baselines: the champion and the trivial model, scored on the very rows the challenger is scored on."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlopsctl.artifacts.manifest import folder_digest
from mlopsctl.components.scoring import Given, answers, ask, classes_in, load_model, measured, united
from mlopsctl.evidence import Comparison, Measurement
from mlopsctl.frameworks.labels import Label, Labels, numbers
from mlopsctl.frameworks.packed import PackedModel
from mlopsctl.gates.needs import Need
from mlopsctl.ground.errors import StepProblem
from mlopsctl.metrics.answers import Answers
from mlopsctl.metrics.bootstrap import paired_bootstrap
from mlopsctl.tables.examples import split_file

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Contest:
    """What every baseline meets: the challenger's answers, the truth, the rows, and how resamples are drawn."""

    challenger: Given
    truth: pd.Series[Any]
    rows: pd.DataFrame
    split: str
    resamples: int
    seed: int


@dataclass(frozen=True, slots=True)
class Contestant:
    """A baseline beside the challenger; without answers where ``problem`` says why it cannot be scored.

    ``given`` is what the baseline answered in its own classes, ``model`` the model that did, where there is one.
    """

    contest: Contest
    challenger: Answers
    baseline: Answers | None
    problem: str = ""
    given: Given | None = None
    model: PackedModel | None = None

    def compared(self, need: Need, slice: str = "", positions: NDArray[np.int64] | None = None) -> Comparison:
        """The two on all rows, or on those of a slice, with bootstrap replicates where they are needed."""
        ours = self.challenger if positions is None else self.challenger.take(positions)
        candidate = measured(need.metric, ours, slice)
        if self.baseline is None:
            missing = Measurement(need.metric, None, ours.rows, slice, self.problem)
            return Comparison(need.metric, need.against, candidate, missing, slice)
        theirs = self.baseline if positions is None else self.baseline.take(positions)
        baseline = measured(need.metric, theirs, slice)
        if not need.confidence or candidate.value is None or baseline.value is None:
            return Comparison(need.metric, need.against, candidate, baseline, slice)
        count, seed = self.contest.resamples, self.contest.seed
        left, right = paired_bootstrap(need.metric, ours, theirs, resamples=count, seed=seed)
        return Comparison(need.metric, need.against, candidate, baseline, slice, *replicates(need, left, right))


def replicates(
    need: Need, left: NDArray[np.float64], right: NDArray[np.float64]
) -> tuple[tuple[float, ...], tuple[float, ...], str]:
    """The sorted differences and relative differences of the resamples; none, and why, where one is undefined."""
    import numpy as np

    count, change = len(left), left - right
    undefined = int((~np.isfinite(change)).sum())
    if undefined:
        return (), (), f"{need.metric} is undefined in {undefined} of {count} resamples: too few rows of a kind"
    plain = tuple(np.sort(change).tolist())
    if not need.relative:
        return plain, (), ""
    zero = int((right == 0).sum())
    if zero:
        reason = f"{need.metric} of the {need.against} is 0 in {zero} of {count} resamples"
        return plain, (), f"{reason}: a relative change is undefined"
    return plain, tuple(np.sort(change / np.abs(right)).tolist()), ""


def trivial(contest: Contest, examples: Path, label: str) -> Contestant:
    """The majority class with the train split's shares as probabilities, or its mean."""
    import numpy as np
    import pandas as pd

    column = pd.read_parquet(split_file(examples, "train"), columns=[label])[label]
    count = len(contest.rows)
    classes = contest.challenger.classes
    if not classes:
        given = Given(np.full(count, numbers(column, "train").mean()), None, ())
        return _met(contest, given)
    codes = Labels(classes).encode(column)
    shares = np.bincount(codes[codes >= 0], minlength=len(classes)) / max(1, int((codes >= 0).sum()))
    given = Given(np.full(count, int(shares.argmax()), dtype=np.int64), np.tile(shares, (count, 1)), classes)
    return _met(contest, given)


def champion(contest: Contest, folder: Path, label: str, task: str) -> Contestant:
    """What the environment serves. Where it cannot score these rows, every gate against it says so and stops."""
    try:
        model = load_model(folder)
        if model.task != task or model.label != label:
            raise StepProblem.because("other-champion", f"it predicts {model.label} ({model.task})")
        absent = [name for name in model.features if name not in contest.rows.columns]
        if absent:
            names = f"column{'s' * (len(absent) > 1)} {', '.join(absent)}"
            raise StepProblem.because(
                "other-champion",
                f"it reads the {names}, which the rows do not have",
                hint=f"keep the {names} in the dataset",
            )
        given = ask(model, contest.rows)
        if given.classes and len(contest.rows) and not _meet(given.classes, classes_in(contest.truth)):
            raise StepProblem.because("other-champion", "it knows none of the labels of these rows")
    except StepProblem as problem:
        told = _told(folder, problem)
        print(told, file=sys.stderr)
        return Contestant(contest, _own(contest, ()), None, told)
    return replace(_met(contest, given), model=model)


def _told(folder: Path, problem: StepProblem) -> str:
    """Which champion it is, why it cannot be compared with, and the ways on."""
    digest = folder_digest(folder)
    hint = next((one.hint for one in problem.diagnostics if one.hint), "")
    ways = [hint] if hint else []
    ways.append("break the gate once with `apply --override`, or take the champion out of service with `retire`")
    return f"the champion {digest[: len('sha256:') + 12]} cannot score these rows: {problem}; {', or '.join(ways)}"


def _met(contest: Contest, given: Given) -> Contestant:
    """Both sides over the classes of both."""
    classes = given.classes
    ours = _own(contest, classes)
    everything = united(contest.challenger.classes, classes_in(contest.truth), classes) if classes else ()
    theirs = answers(given, contest.truth, everything, contest.split)
    return Contestant(contest, ours, theirs, given=given)


def _own(contest: Contest, classes: tuple[Label, ...]) -> Answers:
    known = contest.challenger.classes
    everything = united(known, classes_in(contest.truth), classes) if known else ()
    return answers(contest.challenger, contest.truth, everything, contest.split)


def _meet(left: tuple[Label, ...], right: tuple[Label, ...]) -> bool:
    return len(united(left, right)) < len(left) + len(right)
