"""What our own tasks of a compiled pipeline need: the secrets of the first and of the last one."""

from __future__ import annotations

from mlopsctl.config.load import Loaded
from mlopsctl.ground.secrets import secrets_named
from mlopsctl.orchestrators.specs import Kubeflow


def secrets_of_begin(loaded: Loaded) -> tuple[str, ...]:
    """The secret that holds the address of the records, where Kubernetes has it."""
    address, engine = loaded.project.stores.metadata, loaded.project.orchestrator
    known = engine.secrets if isinstance(engine, Kubeflow) else {}
    return () if isinstance(address, str) or address.secret not in known else (address.secret,)


def secrets_of_end(loaded: Loaded) -> tuple[str, ...]:
    """The secrets that the notifiers name."""
    return secrets_named([notifier.model_dump(mode="json") for notifier in loaded.project.notify])
