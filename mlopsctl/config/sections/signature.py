"""The ``promotion.signature`` section: who must have signed the evidence of a promotion."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from mlopsctl.config.sections.text import Text
from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import SecretRef, refusal
from mlopsctl.ground.text import printable

_ISSUER = r"https?://[A-Za-z0-9._:\[\]-]+(/\S*)?"
# A URI, an e-mail address, or a name in a domain, as certificates of Sigstore hold them.
_IDENTITY = r"[a-z][a-z0-9+.-]*://[^\s/]+(/\S*)?|[^\s@!/]+[@!][^\s@!/]+"


class KeySignature(Spec):
    """The key pair (Ed25519) that the evidence of a promotion is signed and verified with."""

    kind: Literal["key"] = Field(title="Kind", description="`key`: a key pair of your own.")
    public_key: Text = Field(
        title="Public key", description="A PEM file with the public key, relative to the project file."
    )
    private: SecretRef | None = Field(
        None,
        title="Private key",
        description="The private key as PEM text, `{secret: NAME}`; only `promote` needs it.",
    )


def _identity(value: str) -> str:
    if not re.fullmatch(_IDENTITY, value):
        hint = "write an e-mail address, or a URL such as https://github.com/OWNER/REPO/.github/workflows/FILE@REF"
        raise refusal("bad-identity", f"{printable(value[:100])!r} is not an identity of Sigstore", hint)
    return value


def _issuer(value: str) -> str:
    if not re.fullmatch(_ISSUER, value):
        hint = "write the address of who vouches, such as https://token.actions.githubusercontent.com"
        raise refusal("bad-issuer", f"{printable(value[:100])!r} is not the URL of an issuer", hint)
    return value


_Identity: TypeAlias = Annotated[str, AfterValidator(_identity)]


class SigstoreSignature(Spec):
    """The identity that the evidence of a promotion is signed with by Sigstore: no key is kept anywhere."""

    kind: Literal["sigstore"] = Field(title="Kind", description="`sigstore`: a workflow or a person, by Sigstore.")
    identity: _Identity | Annotated[tuple[_Identity, ...], Field(min_length=1)] = Field(
        title="Identity",
        description="Who must have signed: a workflow by its URL with the ref that it ran on, or an e-mail address; or "
        "a list, of which one must have. Compared character by character.",
    )
    issuer: Annotated[str, AfterValidator(_issuer)] = Field(
        title="Issuer",
        description="The URL of who vouches for the identity, such as `https://token.actions.githubusercontent.com`.",
    )
    token: SecretRef | None = Field(
        None,
        title="Token",
        description="An OpenID Connect token for the audience `sigstore`, `{secret: NAME}`; only `promote` needs it. "
        "Without it, the identity of the CI that it runs in.",
    )
    trust_root: Text | None = Field(
        None,
        title="Trust root",
        description="A Sigstore trusted root (JSON), relative to the project file: whose certificates and logs count. "
        "By default the public Sigstore's, as the installed `sigstore` carries it.",
    )
    signing_config: Text | None = Field(
        None,
        title="Signing config",
        description="A Sigstore signing config (JSON) with the addresses of a Sigstore of your own, relative to the "
        "project file; only `promote` reads it.",
    )

    @property
    def identities(self) -> tuple[str, ...]:
        """Those of whom one must have signed."""
        return (self.identity,) if isinstance(self.identity, str) else self.identity

    @model_validator(mode="after")
    def _fits(self) -> Self:
        """What a Sigstore of one's own signs, the public one's keys do not prove."""
        if self.signing_config is not None and self.trust_root is None:
            message = "`signing_config` names a Sigstore of your own, and nothing says which certificates of it count"
            raise refusal("missing-key", message, "add `trust_root: FILE`", "signing_config")
        return self


Signature: TypeAlias = Annotated[KeySignature | SigstoreSignature, Field(discriminator="kind")]
