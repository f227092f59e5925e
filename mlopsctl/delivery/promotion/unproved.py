"""Why an evidence file proves nothing."""

from __future__ import annotations


class NotProved(Exception):
    """Evidence that proves nothing, with the reason as a phrase; ``hint`` says what to do besides promoting again."""

    def __init__(self, why: str, hint: str = "") -> None:
        self.hint = hint
        super().__init__(why)
