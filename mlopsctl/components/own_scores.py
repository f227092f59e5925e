"""Metrics of the project's own, for every model and set of rows that is asked for: one child process a metric."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlopsctl.components.baselines import Contest, Contestant, replicates
from mlopsctl.components.scoring import Given
from mlopsctl.components.slicing import Slices
from mlopsctl.evidence import Comparison, Measurement
from mlopsctl.frameworks.packed import PREDICTION, class_name
from mlopsctl.gates.needs import Baseline, Need
from mlopsctl.gates.rule import slice_key
from mlopsctl.metrics.own import Answered, Ask, Draw, OwnMetric, Table, call

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

CHALLENGER = "challenger"

# What was asked for: whose answers ("a>b" for a bootstrap of two) and on which slice.
_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class OwnScores:
    """What one function answered. ``rows`` counts the rows of every slice, and of all under the empty name."""

    metric: str
    answered: Mapping[_Key, Answered]
    rows: Mapping[str, int]
    baselines: Mapping[Baseline, Contestant]

    def measurement(self, slice: str = "", who: str = CHALLENGER) -> Measurement:
        """The value of a model on all rows, or on a slice."""
        found = self.answered[who, slice]
        value = found.values[0] if found.values else None
        return Measurement(self.metric, value, self.rows[slice], slice, found.problem)

    def comparison(self, need: Need, slice: str = "") -> Comparison:
        """The challenger beside a baseline, with bootstrap replicates where they are needed."""
        import numpy as np

        candidate = self.measurement(slice)
        problem = self.baselines[need.against].problem if need.against else ""
        if problem:
            missing = Measurement(self.metric, None, self.rows[slice], slice, problem)
            return Comparison(self.metric, need.against, candidate, missing, slice)
        baseline = self.measurement(slice, need.against)
        compared = Comparison(self.metric, need.against, candidate, baseline, slice)
        if not need.confidence or candidate.value is None or baseline.value is None:
            return compared
        drawn = self.answered[_pair(need.against), slice]
        if drawn.problem:
            told = f"{self.metric} has no bootstrap: {drawn.problem}"
            return Comparison(self.metric, need.against, candidate, baseline, slice, problem=told)
        left, right = np.split(np.array(drawn.values), 2)
        return Comparison(self.metric, need.against, candidate, baseline, slice, *replicates(need, left, right))


def own_scores(
    metric: OwnMetric,
    project: Path,
    contest: Contest,
    baselines: Mapping[Baseline, Contestant],
    slices: Mapping[str, Slices],
    needs: Iterable[Need],
) -> OwnScores:
    """Call the function for every model on all rows, on every slice, and on the resamples that a gate needs."""
    wanted = [need for need in needs if need.metric == metric.name]
    scored: dict[str, Given] = {CHALLENGER: contest.challenger}
    for against, contestant in baselines.items():
        if contestant.given is not None:
            scored[against] = contestant.given
    asked: dict[_Key, Ask | Draw] = {(who, ""): Ask(who) for who in scored}
    counts = {"": len(contest.rows)}
    for one in slices.values():
        for place, name in enumerate(one.names()):
            counts[name] = len(one.rows(place))
            asked[CHALLENGER, name] = Ask(CHALLENGER, one.rows(place))
    for need in wanted:
        if need.against in scored:
            for name, rows in _places(need, slices):
                asked[need.against, name] = Ask(need.against, rows)
                if need.confidence:
                    pair = (CHALLENGER, need.against)
                    asked[_pair(need.against), name] = Draw(pair, rows, contest.resamples, contest.seed)
    broken = {who: told for who, given in scored.items() if (told := unusable(given, contest.truth))}
    table = Table(
        truth=contest.truth.reset_index(drop=True),
        predicted={who: _predicted(given) for who, given in scored.items()},
        rows=contest.rows.reset_index(drop=True),
    )
    # What is quick first: a bootstrap may take the time that is left.
    refused = {key: Answered(problem=told) for key in asked for who, told in broken.items() if who in key[0].split(">")}
    order = sorted(asked.keys() - refused.keys(), key=lambda key: (isinstance(asked[key], Draw), key))
    answered = call(metric, project, table, [asked[key] for key in order])
    return OwnScores(metric.name, {**refused, **dict(zip(order, answered, strict=True))}, counts, baselines)


def unusable(given: Given, truth: pd.Series[Any]) -> str:
    """Why a model's answers are not to be measured; empty when they are. A function may well skip what is no number."""
    import numpy as np

    if not given.classes and not np.isfinite(truth.to_numpy(dtype=np.float64)).all():
        return "the label holds values that are not finite numbers"
    if not given.classes and not np.isfinite(np.asarray(given.prediction, dtype=np.float64)).all():
        return "the predictions hold values that are not finite numbers"
    if given.probability is not None and not np.isfinite(given.probability).all():
        return "the probabilities hold values that are not finite numbers"
    return ""


def _places(need: Need, slices: Mapping[str, Slices]) -> list[tuple[str, NDArray[np.int64] | None]]:
    """The rows that a need is about, by the name of their slice."""
    if not need.slice:
        return [("", None)]
    one = slices.get(slice_key(need.slice))
    return [] if one is None else [(name, one.rows(place)) for place, name in enumerate(one.names())]


def _pair(against: str) -> str:
    return f"{CHALLENGER}>{against}"


def _predicted(given: Given) -> pd.DataFrame:
    """The answers as a packed model gives them: the label, and a probability for each class."""
    import numpy as np
    import pandas as pd

    if not given.classes:
        return pd.DataFrame({PREDICTION: given.prediction})
    labels = np.asarray(given.classes, dtype=object if isinstance(given.classes[0], str) else None)
    columns = {PREDICTION: labels[given.prediction]}
    if given.probability is not None:
        columns |= {
            f"probability_{class_name(label)}": given.probability[:, place] for place, label in enumerate(given.classes)
        }
    return pd.DataFrame(columns)
