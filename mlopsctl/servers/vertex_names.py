"""Names and labels of what stands on Vertex AI: made from what it is, so that a second try finds the first one's."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from mlopsctl.ground.digest import Json, digest_json
from mlopsctl.servers.vertex import VertexServer

PROJECT, ENVIRONMENT = "mlopsctl-project", "mlopsctl-environment"
_FIRST_HALF, _SECOND_HALF = "mlopsctl-digest-1", "mlopsctl-digest-2"
CONTAINER = "mlopsctl-container"
_HALF = 32


@dataclass(frozen=True, slots=True)
class Container:
    """How a model's container is started; a version of a model keeps it for good.

    Attributes:
        fixed: the image is part of what is wanted; the image of the steps is not, for it changes with every push, and
            a champion need not be deployed anew for that.
        command: empty where the image starts by itself.
    """

    image: str
    fixed: bool
    command: tuple[str, ...]
    port: int
    predict_route: str
    health_route: str

    @property
    def mark(self) -> str:
        """A short digest of it, as a label."""
        content: Json = [
            self.image if self.fixed else "",
            list(self.command),
            self.port,
            self.predict_route,
            self.health_route,
        ]
        return digest_json("mlopsctl/serving-container/v1", content).removeprefix("sha256:")[:_HALF]


def owner(project: str, environment: str) -> dict[str, str]:
    """The labels that say whose something is."""
    return {PROJECT: as_label(project), ENVIRONMENT: as_label(environment)}


def digest_labels(digest: str) -> dict[str, str]:
    """A model digest as labels: one value holds 63 characters, a sha256 has 64."""
    hexadecimal = digest.removeprefix("sha256:")
    return {_FIRST_HALF: hexadecimal[:_HALF], _SECOND_HALF: hexadecimal[_HALF:]}


def labelled_digest(labels: Mapping[str, str]) -> str:
    """The model digest that labels carry; empty when they carry none."""
    hexadecimal = labels.get(_FIRST_HALF, "") + labels.get(_SECOND_HALF, "")
    return f"sha256:{hexadecimal}" if re.fullmatch(r"[0-9a-f]{64}", hexadecimal) else ""


def owned(labels: Mapping[str, str], project: str, environment: str) -> bool:
    """Whether labels say that something is this project's in this environment."""
    return all(labels.get(key) == value for key, value in owner(project, environment).items())


def resource_id(project: str, environment: str, name: str = "") -> str:
    """The id of the endpoint and of the parent model: small letters, digits and ``-``, at most 63 characters."""
    plain = re.sub(r"[^a-z0-9]+", "-", f"{project}-{environment}".lower()).strip("-")
    return f"{plain[:50].rstrip('-')}-{_fingerprint(project, environment, name)[:8]}"


def deployed_id(digest: str, container: Container, settings: VertexServer) -> str:
    """The id of a deployed model, ten digits: another model, container, machine or account is another one."""
    machines = [settings.machine_type, settings.accelerator_type, settings.accelerator_count, settings.service_account]
    made = _fingerprint(digest, container.mark, *map(str, machines))
    return str(10**9 + int(made[:15], 16) % (9 * 10**9))


def as_label(text: str) -> str:
    """A text as the value of a label, which may hold small letters, digits, ``_`` and ``-``."""
    if re.fullmatch(r"[a-z0-9_-]{0,63}", text, re.ASCII):
        return text
    plain = re.sub(r"[^a-z0-9_-]+", "-", text.lower(), flags=re.ASCII)
    return f"{plain[:50]}-{_fingerprint(text)[:12]}"


def _fingerprint(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode("utf-8")).hexdigest()
