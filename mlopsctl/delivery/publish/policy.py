"""The item ``policy``: whether this commit's gates let more through than those it is compared with."""

from __future__ import annotations

from collections.abc import Sequence

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.publish.value import Item, Place
from mlopsctl.delivery.report.value import Prose, Said
from mlopsctl.forges.contract import Conclusion
from mlopsctl.gates import Gate
from mlopsctl.gates.policy import PolicyChange, compare_policies
from mlopsctl.ground.errors import Span

NAME = "policy"


def policy_item(loaded: Loaded, old: Sequence[Gate], of: str) -> Item:
    """The gates compared; ``of`` says whose the old ones are, in words.

    A gate that may let more through needs somebody's approval; it never makes this check green.
    """
    changes = compare_policies(old, loaded.project.evaluation.gates)
    weaker = [change for change in changes if change.may_weaken]
    told: tuple[Prose, ...] = tuple((f"{change.change}: ", Said(change.name), ", ", Said(change.reason))
                                    for change in changes)  # fmt: skip
    if weaker:
        names = ", ".join(change.name for change in weaker)
        word = "gate is" if len(weaker) == 1 else "gates are"
        title: Prose = (f"{len(weaker)} {word} weaker than {of}: ", Said(names))
        places = tuple(Place(_span(loaded, change), f"{change.name} is {change.change}: {change.reason}; this needs an "
                             "approval") for change in weaker)  # fmt: skip
        return Item(NAME, NAME, Conclusion.ACTION_REQUIRED, title, told, places)
    if not loaded.project.evaluation.gates and loaded.project.training is not None:
        none = "The project trains a model and has no gate, so nothing is proved."
        place = Place(loaded.span(("evaluation",), prefer_key=True), none)
        return Item(NAME, NAME, Conclusion.ACTION_REQUIRED, (none,), told, (place,))
    words = f"No gate is weaker than {of}" + (f"; {len(changes)} changed" if changes else "")
    return Item(NAME, NAME, Conclusion.SUCCESS, (words,), told)


def not_compared(loaded: Loaded, why: str) -> Item:
    """The item where the other gates cannot be read."""
    place = Place(loaded.span(("evaluation",), prefer_key=True), why)
    return Item(NAME, NAME, Conclusion.ACTION_REQUIRED, ("The gates could not be compared: ", Said(why)), (), (place,))


def _span(loaded: Loaded, change: PolicyChange) -> Span:
    names = [gate.name for gate in loaded.project.evaluation.gates]
    if change.name not in names:
        return loaded.span(("evaluation", "gates"), prefer_key=True)
    return loaded.span(("evaluation", "gates", names.index(change.name), "name"))
