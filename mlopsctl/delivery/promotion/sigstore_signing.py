"""Sign evidence by an identity of Sigstore: a certificate for some minutes, and an entry in a transparency log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mlopsctl.config.load import Loaded
from mlopsctl.config.sections.signature import SigstoreSignature
from mlopsctl.delivery.promotion.sigstore_proof import proved, require_library, require_plain, root_file
from mlopsctl.delivery.promotion.unproved import NotProved
from mlopsctl.ground.errors import InvalidProject, Span, StepProblem
from mlopsctl.ground.redact import register_secret
from mlopsctl.ground.secrets import secret_value
from mlopsctl.ground.text import printable

if TYPE_CHECKING:
    from sigstore.models import ClientTrustConfig
    from sigstore.oidc import IdentityToken

_BOTH = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"
_MOST = 300


def sign(loaded: Loaded, signature: SigstoreSignature, payload: bytes) -> bytes:
    """The bundle (JSON) of the payload, an in-toto statement; proved as ``apply`` will prove it.

    Raises:
        StepProblem: when nobody vouches for who signs, Sigstore gives no signature, or it is not the one asked for.
        InvalidProject: when the trust root or the signing config cannot be used.
    """
    require_library(loaded)
    from sigstore.dsse import Statement
    from sigstore.sign import SigningContext

    token = _token(loaded, signature)
    with _calling(loaded):
        context = SigningContext.from_trust_config(_trust(loaded, signature))
        with context.signer(token) as signer:
            bundle = signer.sign_dsse(Statement(payload))
    content = (json.dumps(json.loads(bundle.to_json()), indent=1, sort_keys=True) + "\n").encode()
    try:
        proved(loaded, signature, content)
    except NotProved as error:
        raise StepProblem.because(
            "wrong-identity",
            f"the evidence was signed, and not as {loaded.environment} asks: {error}",
            hint=error.hint,
            span=_place(loaded),
        ) from None
    return content


def _token(loaded: Loaded, signature: SigstoreSignature) -> IdentityToken:
    """Who signs, as somebody vouches for it: the token that was named, or that of the CI this runs in."""
    from sigstore.oidc import IdentityError, IdentityToken, detect_credential

    hint = (
        "in GitHub Actions give the job `permissions: {id-token: write}`; elsewhere name one: `token: {secret: NAME}`"
    )
    try:
        raw = secret_value(signature.token.secret) if signature.token is not None else detect_credential()
        if raw is None:
            raise StepProblem.because(
                "no-identity",
                f"evidence for {loaded.environment} is signed by an identity, and nobody vouches for one here",
                hint=hint,
                span=_place(loaded),
            )
        register_secret(raw)
        token = IdentityToken(raw)
    except IdentityError as error:
        raise StepProblem.because(
            "no-identity", f"there is no token to sign with: {_told(error)}", hint=hint, span=_place(loaded)
        ) from None
    if signature.issuer not in (token.issuer, token.federated_issuer):
        # What is signed stands in a public log for ever; so nothing is begun that cannot be proved.
        raise StepProblem.because(
            "wrong-identity",
            f"the token is from {printable(token.federated_issuer)[:_MOST]}, and {loaded.environment} asks for an "
            f"identity for whom {signature.issuer} vouches",
            hint="promote where that identity is at work, or change promotion.signature.issuer",
            span=_place(loaded),
        )
    return token


def _trust(loaded: Loaded, signature: SigstoreSignature) -> ClientTrustConfig:
    """Where to sign and whom to believe: the project's own files, or what the public Sigstore says now."""
    from sigstore.errors import Error
    from sigstore.models import ClientTrustConfig

    root = root_file(loaded, signature)
    if root is None:
        return ClientTrustConfig.production()
    if signature.signing_config is None:
        raise StepProblem.because(
            "no-signing-config",
            f"{signature.trust_root} says which certificates count, and nothing says where to get one",
            hint="add `signing_config: FILE` with the addresses of that Sigstore",
            span=loaded.span(("promotion", "signature", "trust_root")),
        )
    try:
        files = (root, loaded.folder / signature.signing_config)
        for file in files:
            require_plain(file)
        parts = [json.loads(file.read_bytes()) for file in files]
        text = json.dumps({"mediaType": _BOTH, "trustedRoot": parts[0], "signingConfig": parts[1]})
        config = ClientTrustConfig.from_json(text)
        # Both are read now, so that what is wrong in them is told of them.
        _ = config.trusted_root, config.signing_config
    except OSError as error:
        why = error.strerror or str(error)
    except (Error, ValueError, RecursionError) as error:
        why = _told(error)
    else:
        return config
    raise InvalidProject.because(
        "unreadable-signing-config",
        f"{signature.trust_root} and {signature.signing_config} cannot be used to sign: {why}",
        hint="write them as a Sigstore hands them out: `trusted_root.json` and `signing_config.v0.2.json`",
        span=loaded.span(("promotion", "signature", "signing_config")),
    )


@contextmanager
def _calling(loaded: Loaded) -> Iterator[None]:
    """Turn what goes wrong between here and Sigstore into a problem."""
    import requests
    from sigstore._internal.fulcio import ExpiredCertificate
    from sigstore._internal.fulcio.client import FulcioClientError
    from sigstore._internal.rekor import RekorClientError
    from sigstore.errors import Error
    from sigstore.oidc import ExpiredIdentity

    hint = "promote again; what was signed by halves is in no file"
    try:
        yield
    except ExpiredIdentity:
        why = "the token is no longer valid"
    except ExpiredCertificate:
        why = "the certificate is no longer valid: look at this machine's clock"
    except (Error, FulcioClientError, RekorClientError, requests.RequestException) as error:
        why = _told(error)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        why = f"its answer cannot be read ({type(error).__name__}: {_told(error)})"
    else:
        return
    raise StepProblem.because("not-signed", f"Sigstore did not sign: {why}", hint=hint, span=_place(loaded))


def _told(error: Exception) -> str:
    """What an error says on one line; the library's own are empty at times, and what caused them is not."""
    text = str(error) or str(error.__cause__ or "") or type(error).__name__
    return printable(" ".join(text.split()))[:_MOST]


def _place(loaded: Loaded) -> Span | None:
    return loaded.span(("promotion", "signature"))
