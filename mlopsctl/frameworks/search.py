"""The combinations of parameters that a search tries, in an order that the seed alone decides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice, product
from typing import TYPE_CHECKING, Protocol

from pydantic import JsonValue

from mlopsctl.frameworks.tune import Dimension, Range, Tune, conditions, holds, values_of
from mlopsctl.ground.digest import canonical_json
from mlopsctl.metrics.catalogue import Direction

if TYPE_CHECKING:
    import optuna

Params = dict[str, JsonValue]


class Search(Protocol):
    """Where combinations come from, and what becomes of them goes back."""

    def ask(self, count: int) -> list[Params]:
        """The next combinations, at most ``count``; none when there is no other."""
        ...

    def tell(self, scores: list[float | None]) -> None:
        """The scores of what was asked last, in that order; ``None`` for a trial without one."""
        ...


def search(tune: Tune, params: Mapping[str, JsonValue], direction: Direction, seed: int) -> Search:
    """The search that is declared; ``params`` are what the target is fitted with beside it."""
    if tune.method == "grid":
        return Grid(combinations(tune, params))
    return Drawn(tune, params, direction, seed)


@dataclass(slots=True)
class Grid:
    """Every combination, in declared order: the last parameter changes first."""

    left: Iterator[Params]

    def ask(self, count: int) -> list[Params]:
        """See :class:`Search`."""
        return list(islice(self.left, count))

    def tell(self, scores: list[float | None]) -> None:
        """A grid learns nothing."""


def combinations(tune: Tune, params: Mapping[str, JsonValue]) -> Iterator[Params]:
    """The different combinations of a grid, without the parameters whose condition does not hold."""
    names = list(tune.space)
    seen: set[bytes] = set()
    for values in product(*(values_of(tune.space[name]) for name in names)):
        given = dict(zip(names, values, strict=True))
        kept: Params = {}
        for name in tune.order:
            if active(tune.space[name], {**params, **kept}, tune.space, kept):
                kept[name] = given[name]
        found = {name: kept[name] for name in names if name in kept}
        key = canonical_json(found)
        if key not in seen:
            seen.add(key)
            yield found


def active(
    dimension: Dimension,
    known: Mapping[str, JsonValue],
    space: Mapping[str, Dimension],
    chosen: Mapping[str, JsonValue],
) -> bool:
    """Whether a parameter is searched, given the others; a condition on one that is not searched now does not hold."""
    return all(
        other in known and holds(wanted, known[other]) and (other not in space or other in chosen)
        for other, wanted in conditions(dimension).items()
    )


@dataclass(slots=True)
class Drawn:
    """Combinations drawn by Optuna: at random, or by a tree-structured Parzen estimator."""

    tune: Tune
    params: Mapping[str, JsonValue]
    direction: Direction
    seed: int
    _study: optuna.Study = field(init=False)
    _asked: list[optuna.trial.Trial] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        samplers = optuna.samplers
        self._study = optuna.create_study(
            direction="maximize" if self.direction == "higher" else "minimize",
            sampler=samplers.TPESampler(seed=self.seed)
            if self.tune.method == "tpe"
            else samplers.RandomSampler(seed=self.seed),
        )

    def ask(self, count: int) -> list[Params]:
        """See :class:`Search`; a finite space may be drawn from without an end."""
        self._asked = [self._study.ask() for _ in range(count)]
        return [self._suggested(trial) for trial in self._asked]

    def tell(self, scores: list[float | None]) -> None:
        """See :class:`Search`."""
        from optuna.trial import TrialState

        for trial, score in zip(self._asked, scores, strict=True):
            self._study.tell(trial, score, TrialState.COMPLETE if score is not None else TrialState.FAIL)

    def _suggested(self, trial: optuna.trial.Trial) -> Params:
        chosen: Params = {}
        for name in self.tune.order:
            dimension = self.tune.space[name]
            if active(dimension, {**self.params, **chosen}, self.tune.space, chosen):
                chosen[name] = _drawn(trial, name, dimension)
        return {name: chosen[name] for name in self.tune.space if name in chosen}


def _drawn(trial: optuna.trial.Trial, name: str, dimension: Dimension) -> JsonValue:
    if not isinstance(dimension, Range):
        # By its place: a value may be a list or a mapping, which Optuna does not take.
        values = values_of(dimension)
        return values[trial.suggest_categorical(name, range(len(values)))]
    if dimension.step is not None:
        # By the number of steps, so that the last one need not meet the end; without the dust of adding floats.
        steps = trial.suggest_int(name, 0, int((dimension.high - dimension.low) / dimension.step + 1e-9))
        value = float(f"{dimension.low + steps * dimension.step:.12g}")
        return int(value) if dimension.int else value
    if dimension.int:
        return trial.suggest_int(name, int(dimension.low), int(dimension.high), log=dimension.log)
    return trial.suggest_float(name, dimension.low, dimension.high, log=dimension.log)
