"""What the triggers came to, as text and as JSON."""

from __future__ import annotations

import json

from mlopsctl.delivery.triggers.value import Checked, shown
from mlopsctl.ground.text import printable


def triggers_text(checked: Checked) -> str:
    """A paragraph a trigger, and a line that says what they come to together."""
    lines: list[str] = []
    for one in checked.triggers:
        decision = one.decision
        lines.append(f"{decision.state.value:<10} {one.kind} {printable(one.subject)}: {printable(decision.reason)}")
        if decision.next is not None:
            lines.append(f"{'':<10} next: {shown(decision.next)}")
        if decision.hint:
            lines.append(f"{'':<10} help: {printable(decision.hint)}")
    return "\n".join([*lines, _together(checked)])


def triggers_json(checked: Checked) -> str:
    """The same for programs."""
    return json.dumps(checked.as_json(), indent=2)


def _together(checked: Checked) -> str:
    where = f"{checked.project} in {checked.environment} at {shown(checked.now)}"
    if not checked.triggers:
        return f"{where}: there are no triggers"
    if checked.due:
        return f"{where}: a run is due"
    states = {one.decision.state.value for one in checked.triggers}
    if "unreadable" in states:
        return f"{where}: nobody can say; something could not be read"
    return f"{where}: nobody can say; evidence is missing" if "undecided" in states else f"{where}: nothing is due"
