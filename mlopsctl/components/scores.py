"""Every number of an evaluation: each metric, by whatever measures it, on all rows, on slices and beside baselines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from mlopsctl.components.baselines import Contest, Contestant
from mlopsctl.components.model_facts import facts
from mlopsctl.components.own_scores import OwnScores, own_scores
from mlopsctl.components.scoring import measured
from mlopsctl.components.slicing import Slices
from mlopsctl.components.spec import Work
from mlopsctl.evidence import Comparison, Measurement
from mlopsctl.frameworks.packed import PackedModel
from mlopsctl.gates.needs import Baseline, Need
from mlopsctl.gates.rule import slice_key
from mlopsctl.metrics.answers import Answers
from mlopsctl.metrics.bootstrap import interval
from mlopsctl.metrics.catalogue import METRICS
from mlopsctl.metrics.compute import MetricUndefinedError
from mlopsctl.metrics.grouped import measure_groups
from mlopsctl.metrics.own import OwnMetric


class Scores:
    """What is measured of a challenger: answers are judged here, models are timed, own functions are called."""

    def __init__(
        self,
        challenger: Answers,
        model: PackedModel,
        work: Work,
        contest: Contest,
        baselines: Mapping[Baseline, Contestant],
        slices: Mapping[str, Slices],
        metrics: tuple[str, ...],
        needs: tuple[Need, ...],
        own: tuple[OwnMetric, ...],
    ) -> None:
        """Call the functions and time the models at once; the rest is measured when it is read."""
        self._challenger = challenger
        self._contest = contest
        self._baselines = baselines
        self._slices = slices
        self._metrics = metrics
        self._needs = needs
        self._own: dict[str, OwnScores] = {
            metric.name: own_scores(metric, work.project, contest, baselines, slices, needs)
            for metric in own
            if metric.name in metrics
        }
        self._facts = facts(metrics, model, work.inputs["model"], contest.rows)
        self._champion = self._champion_facts(work)

    def _champion_facts(self, work: Work) -> dict[str, Measurement]:
        """The same facts of the champion, timed as often."""
        champion = self._baselines.get("champion")
        if not self._facts or champion is None or champion.model is None:
            return {}
        calls = max((fact.rows for fact in self._facts.values()), default=1)
        return facts(self._facts, champion.model, work.state["champion"], self._contest.rows, calls)

    def measurements(self) -> Iterator[Measurement]:
        """Every metric on all rows, and on every value of the slices that the project or a gate asks for."""
        for metric in self._metrics:
            yield self._whole(metric)
        for one in self._slices.values():
            columns = [self._on_slices(metric, one) for metric in self._metrics if self._sliceable(metric)]
            for row in zip(*columns, strict=True):
                yield from row

    def comparisons(self) -> Iterator[Comparison]:
        """What gates need, and every metric on all rows against every baseline."""
        needed = [need for need in self._needs if need.against in self._baselines]
        asked = {(need.metric, need.against) for need in needed if not need.slice}
        needed += [
            Need(metric=metric, against=against)
            for metric in self._metrics
            for against in self._baselines
            if (metric, against) not in asked
        ]
        for need in needed:
            yield from self._compared(need)

    def _sliceable(self, metric: str) -> bool:
        return metric in self._own or METRICS[metric].drawn

    def _whole(self, metric: str) -> Measurement:
        """On all rows; with an interval, where it is quick to draw one."""
        if metric in self._own:
            return self._own[metric].measurement()
        if metric in self._facts:
            return self._facts[metric]
        found = measured(metric, self._challenger)
        bounds = interval(metric, self._challenger, seed=self._contest.seed) if found.value is not None else None
        return found if bounds is None else replace(found, low=bounds[0], high=bounds[1])

    def _on_slices(self, metric: str, one: Slices) -> list[Measurement]:
        """On every value of a slice."""
        names = one.names()
        if metric in self._own:
            return [self._own[metric].measurement(name) for name in names]
        values = measure_groups(metric, self._challenger, one.codes, len(names), one.rows)
        counts = one.counts().values()
        return [
            Measurement(metric, None, rows, name, str(value))
            if isinstance(value, MetricUndefinedError)
            else Measurement(metric, value, rows, name)
            for name, rows, value in zip(names, counts, values, strict=True)
        ]

    def _compared(self, need: Need) -> Iterator[Comparison]:
        """On all rows, or on every value of its slice."""
        if need.against == "":
            return
        baseline = self._baselines[need.against]
        if need.metric in self._facts:
            yield self._of_models(need, baseline)
            return
        own = self._own.get(need.metric)
        if not need.slice:
            yield baseline.compared(need) if own is None else own.comparison(need)
        elif (one := self._slices.get(slice_key(need.slice))) is not None:
            for place, name in enumerate(one.names()):
                yield baseline.compared(need, name, one.rows(place)) if own is None else own.comparison(need, name)

    def _of_models(self, need: Need, baseline: Contestant) -> Comparison:
        ours = self._facts[need.metric]
        problem = baseline.problem or f"the {need.against} has no {need.metric}: it is no model that runs"
        theirs = self._champion.get(need.metric) if need.against == "champion" else None
        missing = Measurement(need.metric, None, ours.rows, problem=problem)
        return Comparison(need.metric, need.against, ours, theirs or missing)
