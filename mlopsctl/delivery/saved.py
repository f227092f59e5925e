"""A plan saved in a file: only its seal is read back; what it would do is computed afresh and must carry that seal."""

from __future__ import annotations

import json
from pathlib import Path

from mlopsctl.delivery.plan import Seal
from mlopsctl.ground.errors import UsageProblem


def read_seal(file: Path) -> Seal:
    """The seal of a plan saved with ``plan --out``.

    Raises:
        UsageProblem: when the file cannot be read or is not such a plan.
    """
    try:
        document = json.loads(file.read_bytes())
        seal = document["plan"]["seal"]
        return Seal(**{name: str(seal[name]) for name in Seal.NAMES})
    except OSError as error:
        raise UsageProblem.because("no-plan", f"cannot read the plan {file}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageProblem.because(
            "not-a-plan", f"{file} is not a saved plan", hint="make one with `mlopsctl plan --out FILE`"
        ) from error
