"""The webhook notifier: one HTTP POST an event."""

from __future__ import annotations

import hashlib
import hmac
import re
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.scalars import SecretRef, refusal
from mlopsctl.ground.secrets import secret_value
from mlopsctl.ground.text import printable
from mlopsctl.notifiers.events import Happening, Notifying
from mlopsctl.notifiers.post import post

SIGNATURE = "X-Mlopsctl-Signature"
"""The header with ``sha256=`` and the HMAC of the body in hexadecimal."""


_URL = r"^(https://[^\s/@]+(/\S*)?|http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?(/\S*)?)$"


def _url(value: str) -> str:
    if re.fullmatch(_URL, value):
        return value
    hint = "write an https URL, or {secret: NAME} where the URL itself is a secret; plain http is for localhost only"
    raise refusal("bad-url", f"{printable(value)!r} is not where a webhook may post", hint)


Url = Annotated[
    str,
    AfterValidator(_url),
    WithJsonSchema({"type": "string", "pattern": _URL, "description": "An https URL."}),
]


Host = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", max_length=253)]


class WebhookNotifier(Notifying):
    """Posts one JSON document an event to a URL."""

    kind: Literal["webhook"] = Field(title="Kind", description="Post one JSON document an event to a URL.")
    url: Url | SecretRef = Field(
        title="URL",
        description="Where to post: an https URL, or `{secret: NAME}`; plain http for `localhost` only.",
    )
    headers: dict[str, str | SecretRef] = Field(
        {}, title="Headers", description="HTTP headers by name; `{secret: NAME}` for those that hold a token."
    )
    hosts: tuple[Host, ...] = Field(
        (),
        title="Hosts",
        description="The only hosts that may be posted to, which matters where the URL is a secret; any by default.",
    )
    sign: SecretRef | None = Field(
        None,
        title="Signature",
        description="`{secret: NAME}`: a key; the header `X-Mlopsctl-Signature` then proves who sent the body.",
    )

    def send(self, happening: Happening, project: Path) -> None:
        """Post the payload; secrets are looked up now and masked from now on."""
        headers = {name: _text(value) for name, value in self.headers.items()}
        body = happening.body()
        if self.sign is not None:
            key = secret_value(self.sign.secret).encode()
            headers[SIGNATURE] = f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}"
        for name, value in headers.items():
            if any(bad in name + value for bad in "\r\n\0"):
                raise StepProblem.because("not-notified", f"the header {name!r} holds a line end", hint="correct it")
        url = _text(self.url)
        self._check_host(url)
        post(url, body, headers)

    def _check_host(self, url: str) -> None:
        """Refuse a host that is not on the list, whatever the secret says by now."""
        try:
            host = (urlsplit(url).hostname or "").lower()
        except ValueError:
            host = ""
        if self.hosts and host not in self.hosts:
            raise StepProblem.because(
                "not-notified",
                f"the webhook's URL leads to {printable(host) or 'no host'}, which is not among `hosts`",
                hint="correct the URL or the secret that holds it, or add the host to `hosts`",
            )

    @model_validator(mode="after")
    def _listed(self) -> Self:
        """A URL that is written down is one of those hosts."""
        if self.hosts and isinstance(self.url, str) and (urlsplit(self.url).hostname or "").lower() not in self.hosts:
            raise refusal("bad-url", "the URL's host is not among `hosts`", "add it, or correct the URL", "url")
        return self


def _text(value: str | SecretRef) -> str:
    return value if isinstance(value, str) else secret_value(value.secret)
