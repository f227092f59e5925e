"""Who vouches for identities: OpenID Connect tokens as GitHub Actions and as an e-mail provider give them."""

from __future__ import annotations

import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

GITHUB = "https://token.actions.githubusercontent.com"
MAIL = "https://accounts.example.com"
AUDIENCE = "sigstore"


class Refused(Exception):
    """A token that nobody may be certified by, with the reason."""


class Issuer:
    """One key for all issuers of a test; what a token says of its issuer is believed when the key is this one."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    def workflow(self, identity: str, **claims: Any) -> str:
        """The token of a job of GitHub Actions; ``identity`` is ``https://github.com/OWNER/REPO/…@REF``."""
        reference = identity.removeprefix("https://github.com/")
        repository = "/".join(reference.split("/")[:2])
        named = {"job_workflow_ref": reference, "repository": repository, "ref": reference.rpartition("@")[2]}
        return self.token(GITHUB, f"repo:{repository}:ref:{named['ref']}", **named, **claims)

    def person(self, email: str, issuer: str = MAIL, **claims: Any) -> str:
        """The token of a person by their e-mail address."""
        return self.token(issuer, "user-1", **{"email": email, "email_verified": True, **claims})

    def token(self, issuer: str, subject: str, **claims: Any) -> str:
        """Any token, valid for five minutes."""
        now = int(time.time())
        said = {"iss": issuer, "sub": subject, "aud": AUDIENCE, "iat": now, "nbf": now - 60, "exp": now + 300}
        return jwt.encode({**said, **claims}, self._key, algorithm="ES256")

    def identity(self, token: str) -> tuple[str, str, bool]:
        """Whom a token names, who vouches, and whether it is an e-mail address.

        Raises:
            Refused: when it is not of this key, not for Sigstore, or no longer valid.
        """
        try:
            claims = jwt.decode(token, self._key.public_key(), algorithms=["ES256"], audience=AUDIENCE)
        except jwt.PyJWTError as error:
            raise Refused(f"There was an error processing the identity token: {error}") from error
        if "job_workflow_ref" in claims:
            return f"https://github.com/{claims['job_workflow_ref']}", claims["iss"], False
        if not claims.get("email_verified"):
            raise Refused("There was an error processing the identity token: email_verified claim was false")
        return claims["email"], claims["iss"], True
