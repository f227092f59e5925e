"""The people who let a workflow's job begin in an environment: on GitHub they approve what that job applies."""

from __future__ import annotations

import os

from mlopsctl.forges.opening import require_forge
from mlopsctl.ground.errors import ApprovalMissing, UsageProblem
from mlopsctl.ground.text import printable


def who_reviewed(environment: str, already: str) -> str:
    """The reviewers of this workflow run for the environment of that name, or who approved the same ``already``.

    A job that nobody had to review approves nothing: it would be its own judge.

    Raises:
        UsageProblem: outside of a workflow's run, or without a token.
        ApprovalMissing: when nobody reviewed it.
        ForgeProblem: when GitHub does not say.
    """
    run = os.environ.get("GITHUB_RUN_ID", "")
    if not (run.isascii() and run.isdigit()):
        raise UsageProblem.because(
            "no-workflow-run",
            "--reviewed is for a job of a workflow on GitHub",
            hint="leave it out to approve yourself",
        )
    forge = require_forge()
    try:
        found = forge.reviewers(int(run), environment)
    finally:
        forge.close()
    if found:
        return printable(", ".join(found))[:100]
    if already:
        return already
    server = os.environ.get("GITHUB_SERVER_URL", "") or "https://github.com"
    raise ApprovalMissing.because(
        "not-reviewed",
        f"nobody had to review this run before it began in {environment}, so nobody approved what it would apply",
        hint=f"let the environment {environment} have required reviewers "
        f"({server}/{forge.repository}/settings/environments) and start the job again; or run "
        f"`mlopsctl approve -e {environment}` yourself, where its records can be reached",
    )
