"""Evidence signed by an identity of Sigstore, verified offline: certificate, transparency log, identity, payload."""

from __future__ import annotations

import errno
import importlib.util
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from mlopsctl.config.load import Loaded
from mlopsctl.config.sections.signature import SigstoreSignature
from mlopsctl.delivery.promotion.statement import PAYLOAD_TYPE
from mlopsctl.delivery.promotion.unproved import NotProved
from mlopsctl.ground.errors import InvalidProject, StepProblem
from mlopsctl.ground.text import printable

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from sigstore.verify import Verifier

_PUBLIC = "https://tuf-repo-cdn.sigstore.dev"
_ISSUER = "1.3.6.1.4.1.57264.1.1"
_NAME = "1.3.6.1.4.1.57264.1.7"
_MOST = 300
_MOST_BYTES = 1 << 20
_ROOT = "where Sigstore has new keys, install a newer `sigstore` or name them with promotion.signature.trust_root"


def require_library(loaded: Loaded) -> None:
    """Be sure that the library is there.

    Raises:
        StepProblem: naming the extra, at the setting that needs it.
    """
    if importlib.util.find_spec("sigstore") is None:
        raise StepProblem.because(
            "missing-library",
            f"evidence for {loaded.environment} is signed by an identity, and the library `sigstore` is not installed "
            "here",
            hint="pip install 'mlopsctl[sigstore]'",
            span=loaded.span(("promotion", "signature")),
        )


def proved(loaded: Loaded, signature: SigstoreSignature, content: bytes) -> bytes:
    """The payload of a bundle (JSON) that the identity signed. Nothing is asked elsewhere.

    Raises:
        NotProved: when it is no bundle, or does not prove that this identity signed this payload.
        InvalidProject: when the trust root cannot be used.
        StepProblem: when the library is not installed.
    """
    require_library(loaded)
    from sigstore.models import Bundle

    verifier = _verifier(loaded, signature)
    with _told():
        bundle = Bundle.from_json(content)
        found, payload = verifier.verify_dsse(bundle, _Asked(signature))
    if found != PAYLOAD_TYPE:
        raise NotProved("its payload is not an in-toto statement")
    return payload


def root_file(loaded: Loaded, signature: SigstoreSignature) -> Path | None:
    """The trust root of the project's own; ``None`` for the public Sigstore's."""
    return None if signature.trust_root is None else loaded.folder / signature.trust_root


def require_plain(file: Path) -> None:
    """Be sure that a file ends: a stranger's project may name a device.

    Raises:
        OSError: when it is not there, is no regular file, or is larger than 1 MiB.
    """
    if not stat.S_ISREG((found := file.stat()).st_mode):
        raise OSError(errno.EINVAL, "it is no regular file")
    if found.st_size > _MOST_BYTES:
        raise OSError(errno.EFBIG, "it is larger than 1 MiB")


def _verifier(loaded: Loaded, signature: SigstoreSignature) -> Verifier:
    """What verifies against the project's trust root, or against the one that the library carries.

    The library's own way offline would read a copy in the home folder that nobody has verified.
    """
    from sigstore.errors import Error
    from sigstore.models import TrustedRoot
    from sigstore.verify import Verifier

    file = root_file(loaded, signature)
    if file is None:
        carried = resources.files("sigstore._store") / quote(_PUBLIC, safe="") / "trusted_root.json"
        with resources.as_file(carried) as path:
            return Verifier(trusted_root=TrustedRoot.from_file(str(path)))
    try:
        require_plain(file)
        return Verifier(trusted_root=TrustedRoot.from_file(str(file)))
    except OSError as error:
        why = error.strerror or str(error)
    except (Error, ValueError, RecursionError) as error:
        why = f"it is not a trusted root of Sigstore ({_short(error)})"
    raise InvalidProject.because(
        "unreadable-trust-root",
        f"the trust root {signature.trust_root} cannot be used: {why}",
        hint="write it as a Sigstore hands it out: `trusted_root.json` of its TUF repository",
        span=loaded.span(("promotion", "signature", "trust_root")),
    )


class _Asked:
    """The identity that the environment asks for: a policy, as the library asks one about a certificate."""

    def __init__(self, signature: SigstoreSignature) -> None:
        self._signature = signature

    def verify(self, cert: Certificate) -> None:
        """Be sure that the certificate was given to the identity, by the issuer."""
        from sigstore.errors import VerificationError
        from sigstore.verify.policy import AnyOf, Identity

        wanted = self._signature
        try:
            AnyOf([Identity(identity=one, issuer=wanted.issuer) for one in wanted.identities]).verify(cert)
        except VerificationError:
            names, issuer = _holder(cert)
            asked = " or ".join(wanted.identities)
            raise NotProved(
                f"it is signed by {names}, for whom {issuer} vouches; asked for is {asked}, for whom "
                f"{wanted.issuer} vouches",
                "let that identity promote, or, where the other one may, name it in promotion.signature",
            ) from None


def _holder(cert: Certificate) -> tuple[str, str]:
    """Whom a certificate names, and who vouches for them; as text to show."""
    from cryptography import x509

    names: list[str] = []
    issuer = ""
    for extension in cert.extensions:
        value = extension.value
        if isinstance(value, x509.SubjectAlternativeName):
            names += value.get_values_for_type(x509.RFC822Name)
            names += value.get_values_for_type(x509.UniformResourceIdentifier)
            others = value.get_values_for_type(x509.OtherName)
            names += [other.value.decode(errors="replace") for other in others if other.type_id.dotted_string == _NAME]
        elif extension.oid.dotted_string == _ISSUER and isinstance(value, x509.UnrecognizedExtension):
            issuer = value.value.decode(errors="replace")
    return printable(", ".join(names))[:_MOST] or "nobody", printable(issuer)[:_MOST] or "nobody"


@contextmanager
def _told() -> Iterator[None]:
    """Turn each way in which a bundle fails into a reason."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.x509 import DuplicateExtension, ExtensionNotFound, InvalidVersion
    from sigstore.errors import CertValidationError, Error, VerificationError
    from sigstore.models import InvalidBundle

    try:
        yield
    except CertValidationError as error:
        why = "its certificate is not of this trust root, or did not count when it signed"
        raise NotProved(f"{why} ({_short(error)})", _ROOT) from None
    except InvalidBundle as error:
        raise NotProved(f"it is not a whole Sigstore bundle ({_short(error)})") from None
    except VerificationError as error:
        raise NotProved(f"Sigstore does not prove it: {_short(error)}", _ROOT) from None
    except (Error, ExtensionNotFound, DuplicateExtension, InvalidVersion, InvalidSignature, UnsupportedAlgorithm) as e:
        raise NotProved(f"Sigstore does not prove it: {_short(e)}") from None
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, OSError, RecursionError) as error:
        raise NotProved(f"it is not a whole Sigstore bundle ({_short(error)})") from None


def _short(error: Exception) -> str:
    """What an error says, on one line."""
    from pydantic import ValidationError

    found = error if isinstance(error, ValidationError) else error.__context__
    if isinstance(found, ValidationError):
        first = found.errors(include_url=False, include_input=False)[0]
        at = ".".join(str(part) for part in first["loc"])
        return printable(f"{at or 'the text'}: {first['msg']}")[:_MOST]
    return printable(" ".join(str(error).split()))[:_MOST] or type(error).__name__
