"""What looks like a secret written into the project instead of a reference to one."""

from __future__ import annotations

import math
import re
from collections import Counter

# The marks that issuers put on their tokens, and keys in PEM.
_ISSUED = re.compile(
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{36,}"
    r"|\bgithub_pat_[A-Za-z0-9_]{22,}"
    r"|\bglpat-[A-Za-z0-9_-]{20,}"
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,}"
    r"|\bAIza[0-9A-Za-z_-]{35}"
    r"|\bya29\.[0-9A-Za-z_-]{20,}"
    r"|\bsk-[A-Za-z0-9_-]{20,}"
    r"|\bhf_[A-Za-z0-9]{30,}"
    r"|\bdapi[0-9a-f]{32}\b"
    r"|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY"
)
_URL_PASSWORD = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/@:\s]*:[^/@\s]+@")
_SECRET_KEYS = {"password", "passwd", "token", "secret", "apikey", "credential", "credentials"}
_SECRET_ENDS = (("api", "key"), ("access", "key"), ("private", "key"), ("secret", "key"))
_SHORTEST_TOKEN = 12
_BITS_A_CHARACTER = 3.0


def looks_secret(text: str) -> bool:
    """Whether a text carries an issuer's mark, a private key or a password in a URL."""
    return bool(_ISSUED.search(text) or _URL_PASSWORD.match(text))


def is_secret_key(key: str) -> bool:
    """Whether a key names a secret (``db_password``, ``apiToken``); ``token_pattern`` does not."""
    words = [word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+", key)]
    return bool(words) and (words[-1] in _SECRET_KEYS or tuple(words[-2:]) in _SECRET_ENDS)


def secret_under(key: str, text: str) -> bool:
    """Whether a text under this key is a secret itself: any under a password, a long random one under the others."""
    if not text or not is_secret_key(key) or text.startswith("${"):
        return False
    if "passw" in key.lower():
        return True
    return len(text) >= _SHORTEST_TOKEN and " " not in text and _entropy(text) >= _BITS_A_CHARACTER


def _entropy(text: str) -> float:
    """Shannon's entropy of the characters, in bits a character."""
    total = len(text)
    return -sum(count / total * math.log2(count / total) for count in Counter(text).values())
