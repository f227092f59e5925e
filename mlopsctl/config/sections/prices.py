"""The ``prices`` section: what an hour of a step costs where the environment runs; none are built in."""

from typing import Annotated, TypeAlias

from pydantic import Field

from mlopsctl.config.sections.text import Text
from mlopsctl.ground.model import Spec

_MOST = 1_000_000

Price: TypeAlias = Annotated[float, Field(ge=0, le=_MOST)]


class PerHour(Spec):
    """What an hour costs of each thing that a step can ask for."""

    step: Price | None = Field(
        None,
        title="Step",
        description="A step that asks for nothing of its own: its share of this machine, a worker or a cluster.",
    )
    cpu: Price | None = Field(None, title="CPU", description="One core that a step asks for.")
    memory: Price | None = Field(None, title="Memory", description="One gibibyte (`1Gi`) that a step asks for.")
    accelerators: dict[Text, Price] = Field(
        {}, title="Accelerators", description="One of each accelerator, by its name: `{nvidia-tesla-t4: 0.35}`."
    )
    machines: dict[Text, Price] = Field(
        {},
        title="Machines",
        description="A whole machine of Google Cloud, by its type, without its accelerators: `{n1-standard-4: 0.19}`.",
    )
    spot_machines: dict[Text, Price] = Field(
        {}, title="Spot machines", description="The same machines as spot machines: `{n1-standard-4: 0.05}`."
    )


class Prices(Spec):
    """What the steps of an environment cost."""

    currency: str = Field(pattern="^[A-Z]{3}$", title="Currency", description="In what is paid, such as `EUR`.")
    per_hour: PerHour = Field(title="Per hour", description="What an hour costs of what steps ask for.")
