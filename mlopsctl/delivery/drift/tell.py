"""An issue on the forge for what drifted: one for an environment, brought up to date."""

from __future__ import annotations

from mlopsctl.delivery.drift.finding import Drift


def open_issue(found: Drift, body: str) -> str:
    """Open or update the issue; its address.

    Raises:
        UsageProblem: when the environment variables name no forge.
        ForgeProblem: when it refuses.
    """
    from mlopsctl.forges.opening import require_forge

    forge = require_forge()
    try:
        title = f"{found.project} has drifted in {found.environment}"
        return forge.open_issue(title, body, f"drift-{found.project}-{found.environment}").url
    finally:
        forge.close()
