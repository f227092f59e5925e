"""The views of what is stored: garbage collection, flaws, the doctor's findings, states and their holders."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from rich.text import Text

from mlopsctl.delivery.doctor import Finding, Health
from mlopsctl.delivery.gc import Collected
from mlopsctl.delivery.states import Standing
from mlopsctl.ground.digest import Json
from mlopsctl.ground.flaw import Flaw
from mlopsctl.ground.text import printable

_STYLES = {Health.OK: "green", Health.WARN: "yellow", Health.FAIL: "bold red"}
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def size_text(count: int) -> str:
    """A number of bytes as a person reads it."""
    value, unit = float(count), 0
    while value >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{count:,} bytes" if unit == 0 else f"{value:.1f} {_UNITS[unit]}"


def collected_text(found: Collected) -> str:
    """What was removed."""
    verb = "would be removed" if found.dry else "removed"
    count = len(found.artifacts)
    lines = [f"{count} artifact{'' if count == 1 else 's'} {verb}, {size_text(found.bytes)}; {found.kept} kept."]
    if found.strangers:
        lines.append(
            f"{found.strangers} in the store are not in this project's records and stay; "
            "`gc --strangers` removes those, where no other project uses the store."
        )
    return "\n".join(lines)


def collected_json(found: Collected) -> str:
    """The same for programs."""
    return json.dumps({**asdict(found), "artifacts": sorted(found.artifacts)}, indent=2)


def flaws_text(flaws: Sequence[Flaw]) -> Text:
    """One line a flaw, and what to do."""
    if not flaws:
        return Text("Everything stored is as it should be.")
    text = Text()
    for flaw in flaws:
        text.append("repaired " if flaw.repaired else "found    ", "green" if flaw.repaired else "bold red")
        text.append(f"{printable(flaw.message)} [{flaw.id}]\n")
    for hint in dict.fromkeys(flaw.hint for flaw in flaws if flaw.hint and not flaw.repaired):
        text.append(f"hint: {hint}\n", "dim")
    left = sum(not flaw.repaired for flaw in flaws)
    text.append(f"{left} flaw{'' if left == 1 else 's'}, {len(flaws) - left} repaired")
    return text


def flaws_json(flaws: Sequence[Flaw]) -> str:
    """The same for programs."""
    return json.dumps({"flaws": [asdict(flaw) for flaw in flaws]}, indent=2, ensure_ascii=False)


def finding_text(finding: Finding) -> Text:
    """One line of the doctor's, and what to do."""
    text = Text()
    text.append(f"{finding.health.value:5}", _STYLES[finding.health])
    text.append(f"{finding.subject:11}{printable(finding.message)}")
    if finding.hint and finding.health is not Health.OK:
        text.append(f"\n{'':16}{printable(finding.hint)}", "dim")
    return text


def findings_json(findings: Sequence[Finding]) -> str:
    """The same for programs."""
    return json.dumps({"findings": [asdict(finding) for finding in findings]}, indent=2, ensure_ascii=False)


def states_text(standings: Sequence[Standing]) -> str:
    """One line an environment."""
    if not standings:
        return "No environment was ever written."
    return "\n".join(_state_line(standing) for standing in standings)


def state_text(standing: Standing) -> str:
    """Everything of one environment."""
    state = standing.state
    lines = [_state_line(standing), f"lineage {state.lineage}, serial {state.serial}, lease {standing.tenure.token}"]
    for release in (*state.history, *([state.release] if state.release else [])):
        now = "now  " if release == state.release else "back " if release.withdrawn else "past "
        version = f"{release.registry_name} v{release.registry_version}"
        lines.append(f"  {now} {release.number}: {version}, {release.model}, run {release.run}")
    for intent in standing.pending:
        lines.append(f"  begun and not finished: {intent.kind} ({intent.key})")
    return "\n".join(lines)


def states_json(standings: Sequence[Standing]) -> str:
    """The same for programs."""
    return json.dumps([_state_json(standing) for standing in standings], indent=2, ensure_ascii=False)


def state_json(standing: Standing) -> str:
    """The same for programs."""
    return json.dumps(_state_json(standing), indent=2, ensure_ascii=False)


def holder_text(standing: Standing) -> str:
    """Who has the lease."""
    tenure = standing.tenure
    if tenure.held:
        return f"held by {tenure.holder or 'another process'}"
    return f"free; last held by {tenure.holder}" if tenure.holder else "free"


def _state_line(standing: Standing) -> str:
    state = standing.state
    release = state.release
    released = f"{release.registry_name} v{release.registry_version}" if release else "nothing released"
    held = f", on hold: {printable(state.hold)}" if state.hold else ""
    return f"{state.environment}: {released}{held}; {printable(holder_text(standing))}"


def _state_json(standing: Standing) -> dict[str, Json]:
    tenure = standing.tenure
    return {
        **json.loads(json.dumps(asdict(standing.state))),
        "pending": [{"key": intent.key, "kind": intent.kind} for intent in standing.pending],
        "lease": {
            "token": tenure.token,
            "held": tenure.held,
            "holder": None if tenure.holder is None else json.loads(tenure.holder.to_json()),
        },
    }
