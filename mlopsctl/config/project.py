"""The project: ``mlops.yaml`` after overlay and interpolation, as one frozen value."""

from typing import Literal, TypeAlias

from pydantic import Field, JsonValue, field_validator

from mlopsctl.ci import Ci
from mlopsctl.config.sections.components import OwnComponent
from mlopsctl.config.sections.data import Dataset
from mlopsctl.config.sections.deployment import Deployment
from mlopsctl.config.sections.evaluation import Evaluation
from mlopsctl.config.sections.previews import Previews
from mlopsctl.config.sections.prices import Prices
from mlopsctl.config.sections.promotion import Promotion
from mlopsctl.config.sections.stores import Stores
from mlopsctl.config.sections.text import Requirements, Scalar
from mlopsctl.config.sections.training import Training
from mlopsctl.config.words import shown
from mlopsctl.features import Feature
from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import Name, refusal
from mlopsctl.metrics.catalogue import METRICS, default_metrics
from mlopsctl.notifiers import Notifier
from mlopsctl.orchestrators.specs import Local, Orchestrator
from mlopsctl.triggers import Trigger

Level: TypeAlias = Literal[0, 1, 2]


class Project(Spec):
    """A machine learning project: data, training, evaluation, gates and release, in one environment."""

    version: Literal[1] = Field(title="Version", description="The version of this language: 1.")
    name: Name = Field(title="Name", description="The project's name: lower-case letters, digits, `-` and `_`.")
    owner: str = Field("", title="Owner", description="Who answers for the project.")
    description: str = Field("", title="Description", description="What the project is, for people.")
    level: Level = Field(
        0,
        title="Maturity level",
        description="The MLOps maturity (0, 1 or 2) that the project must prove; an apply never fails on it.",
    )
    parameters: dict[Name, Scalar] = Field(
        {},
        title="Parameters",
        description="Run-time knobs by name, typed by their default: `-p name=value`. `seed` feeds every step that "
        "has one.",
    )
    vars: dict[Name, JsonValue] = Field(
        {}, title="Variables", description="Constants by name, for `${vars.name}`; environments give them other values."
    )
    data: dict[Name, Dataset] = Field({}, title="Data", description="The datasets, by name.")
    components: dict[Name, OwnComponent] = Field(
        {}, title="Components", description="Steps of your own, by name; the name is the step's id."
    )
    features: tuple[Feature, ...] = Field(
        (),
        title="Features",
        description="Transforms fitted on the train split and packed into the model. By default every column but the "
        "label is a feature: numbers standardised, text one-hot.",
    )
    training: Training | None = Field(
        None, title="Training", description="What is learned; without it the project ends with its data."
    )
    evaluation: Evaluation = Field(
        default_factory=Evaluation.model_construct,
        title="Evaluation",
        description="What is measured and what a model must prove.",
    )
    deployment: Deployment | None = Field(
        None, title="Deployment", description="Where a released model is served; without it, it is only registered."
    )
    triggers: tuple[Trigger, ...] = Field((), title="Triggers", description="What starts a run besides a person.")
    notify: tuple[Notifier, ...] = Field((), title="Notify", description="Who hears what happened.")
    ci: tuple[Ci, ...] = Field((), title="CI", description="For whose CI workflow files are generated.")
    orchestrator: Orchestrator = Field(
        default_factory=lambda: Local.model_construct(kind="local"),
        title="Orchestrator",
        description="What executes the pipeline; this machine by default.",
    )
    stores: Stores = Field(
        default_factory=Stores.model_construct,
        title="Stores",
        description="Where records, artifacts and models are kept.",
    )
    requirements: Requirements | None = Field(
        None,
        title="Requirements",
        description="Python packages of the steps: a requirements file, or a list. By default those beside mlopsctl.",
    )
    prices: Prices | None = Field(
        None, title="Prices", description="What an hour of a step costs, for the cost that `plan` expects."
    )
    previews: Previews | None = Field(
        None, title="Previews", description="Short-lived environments `pr-<number>`, in which pull requests are tried."
    )
    promotion: Promotion | None = Field(
        None, title="Promotion", description="How models come into this environment. Stands only under `environments`."
    )

    @field_validator("version", mode="before")
    @classmethod
    def _known(cls, version: object) -> object:
        """``true`` and ``1.0`` equal 1 in Python, and are not the version."""
        if type(version) is not int or version != 1:
            message = f"this mlopsctl knows version 1 of the language, not {shown(version)}"
            raise refusal("unknown-version", message, "write `version: 1`")
        return version

    @property
    def follows_lock(self) -> bool:
        """Whether this environment follows a lock file instead of training; see :class:`Promotion`."""
        return self.promotion is not None and self.promotion.follows_lock

    @property
    def starting(self) -> tuple[Trigger, ...]:
        """The triggers that start runs in this environment: none where it follows a lock, for nothing is trained."""
        return () if self.follows_lock else self.triggers

    @property
    def seed(self) -> int:
        """The ``seed`` parameter; 0 by default."""
        seed = self.parameters.get("seed", 0)
        return seed if isinstance(seed, int) else 0

    @property
    def training_data(self) -> str:
        """The name of the dataset that is trained on: the declared one, or the first.

        Raises:
            LookupError: when the project has no training or no data.
        """
        if self.training is None or not self.data:
            raise LookupError("the project trains nothing")
        return self.training.data or next(iter(self.data))

    @property
    def classes(self) -> int | None:
        """How many classes the label has, where the project says so: 2 with ``positive``."""
        dataset = None if self.training is None or not self.data else self.data.get(self.training_data)
        return 2 if dataset is not None and dataset.positive is not None else None

    @property
    def metrics(self) -> tuple[str, ...]:
        """What is measured: declared or usual, then what gates and selection need beside it; each once."""
        if self.training is None:
            return ()
        wanted = list(self.evaluation.names or default_metrics(self.training.task, self.classes))
        wanted += [gate.metric for gate in self.evaluation.gates]
        if self.training.select is not None:
            wanted.append(self.training.select.metric)
        return tuple(dict.fromkeys(wanted))

    @property
    def select_metric(self) -> str:
        """What the challenger is picked by: the first metric of the catalogue; empty without training."""
        if self.training is None:
            return ""
        if self.training.select is not None:
            return self.training.select.metric
        usual = default_metrics(self.training.task, self.classes)
        return next((name for name in self.metrics if name in METRICS and METRICS[name].drawn), usual[0])
