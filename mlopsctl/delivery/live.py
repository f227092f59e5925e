"""The live systems, read once: what the registry holds and what the server answers with."""

from __future__ import annotations

from dataclasses import dataclass

from mlopsctl.ground.digest import digest_json


@dataclass(frozen=True, slots=True)
class Live:
    """What is registered and served now.

    Attributes:
        refreshed: false when the live systems were not asked (``--no-refresh``); nothing below is known then.
        alias_version, alias_digest: the version the environment's alias points to, and its model's digest; empty
            where there is none.
        registered: digests of the models that the registry holds, by version.
        kind: of the server that the project asks for; ``left`` are servers that it no longer asks for.
        serving: whether a server of ours runs; ``healthy`` whether it answers, as far as it can be ``observed``.
        otherwise: how it serves otherwise than the project asks, as a phrase; ``note`` what to know beside it.
        to_beat: of a preview: the digest of the champion of the environment that it is made like; empty for none.
        served_digest, served_url: what it serves, and where; ``example`` is a shell line that asks it.
    """

    refreshed: bool = False
    alias_version: str = ""
    alias_digest: str = ""
    registered: tuple[tuple[str, str], ...] = ()
    serving: bool = False
    healthy: bool = False
    served_digest: str = ""
    served_url: str = ""
    example: str = ""
    kind: str = "mlflow"
    left: tuple[str, ...] = ()
    observed: bool = True
    otherwise: str = ""
    note: str = ""
    to_beat: str = ""

    def version_of(self, model: str) -> str:
        """The newest registered version of a model digest; empty when there is none."""
        return next((version for version, digest in self.registered if digest == model), "")

    @property
    def digest(self) -> str:
        """What a sealed plan holds of it: versions and digests, not addresses or health."""
        return digest_json(
            "mlopsctl/live/v1",
            {
                "alias": [self.alias_version, self.alias_digest],
                "registered": self.registered,
                "served": self.served_digest if self.serving else "",
                **({"otherwise": self.otherwise} if self.otherwise else {}),
                **({"left": self.left} if self.left else {}),
                **({"to_beat": self.to_beat} if self.to_beat else {}),
            },
        )
