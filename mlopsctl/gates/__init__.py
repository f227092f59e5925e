"""Gates: rules on a model. A verdict is pass, fail or error, and only a proved pass lets a release go.

One file a kind; what the user writes under ``kind`` is the object that judges.
"""

from typing import Annotated

from pydantic import Field

from mlopsctl.gates.change import Change
from mlopsctl.gates.threshold import Threshold

Gate = Annotated[Threshold | Change, Field(discriminator="kind")]

__all__ = ["Change", "Gate", "Threshold"]
