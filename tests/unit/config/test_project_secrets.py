"""What looks like a secret, and what does not."""

from __future__ import annotations

import pytest

from mlopsctl.config.secrets import is_secret_key, looks_secret, secret_under
from mlopsctl.config.words import article, join, shown

# Put together here, so that no scanner takes this file for a leak.
ISSUED = [
    "AKIA" + "ABCDEFGH12345678",
    "ghp_" + "a1B2c3D4e5" * 4,
    "github_pat_" + "11ABCDEFG0123456789abc",
    "xoxb-" + "123456789012-abcdef",
    "AIza" + "Sy" + "A1b2C3d4E5" * 3 + "xyz",
    "-----BEGIN RSA " + "PRIVATE KEY-----",
    "postgresql://mlops:" + "pw@db.example.com/mlops",
    "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0In0." + "abcdefghijklmnop",
]
HARMLESS = [
    "species", "data/penguins.csv", "gs://bucket/data", "sklearn.linear_model.LogisticRegression", "",
    "postgresql+psycopg://mlops@db.example.com/mlops", "http://localhost:5000", "0 3 * * 1",
    "example.com/image@sha256:" + "0f" * 32, "projects/p/topics/t", "${vars.token}", "desk-mounted-lamp",
]  # fmt: skip


@pytest.mark.parametrize("text", ISSUED)
def test_an_issued_token_is_seen_anywhere_and_never_shown(text: str) -> None:
    assert looks_secret(text)
    assert shown(text) == "'***'"
    assert text not in article(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_text_is_no_secret(text: str) -> None:
    assert not looks_secret(text)


@pytest.mark.parametrize("key", ["password", "db_password", "API_TOKEN", "apiToken", "aws-secret", "private_key"])
def test_some_keys_name_a_secret(key: str) -> None:
    assert is_secret_key(key)


@pytest.mark.parametrize("key", ["token_pattern", "max_tokens", "tokenizer", "key", "sort_key", "passthrough", ""])
def test_keys_that_only_sound_alike_do_not(key: str) -> None:
    assert not is_secret_key(key)


def test_a_word_under_a_token_key_is_no_secret_but_any_password_is() -> None:
    assert not secret_under("token", "csrf")
    assert secret_under("token", "8f14e45fceea167a5a36dedd4bea2543")
    assert secret_under("password", "hunter2")
    assert not secret_under("password", "${vars.password}")
    assert not secret_under("password", "")


def test_words_of_messages() -> None:
    assert shown(True) == "true"
    assert shown(None) == "null"
    assert shown("a\x1b[31m") == r"'a\\x1b[31m'"
    assert len(shown("x" * 500)) < 70
    assert article(3) == "the number 3"
    assert article({}) == "a mapping"
    assert join(["a", "b", "c"], "or") == "a, b or c"
