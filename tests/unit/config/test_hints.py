"""Did you mean: typing mistakes in the keys of the language find their way back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

import pytest

from mlopsctl.config.hints import did_you_mean
from mlopsctl.ground.resources import schema

FAMILIES = (
    "version name owner description level parameters vars data components features training evaluation deployment "
    "triggers notify ci orchestrator stores requirements environments",
    "source columns filter label positive split schema checks",
    "run inputs outputs parameters resources retry timeout when requirements",
    "task parallel targets select",
    "kind estimator params tune output requirements resources retry timeout",
    "split metrics slices gates",
    "name kind metric min max slice min_rows against relative confidence",
    "server preflight rollout",
    "samples latency_p95_ms",
    "metadata artifacts tracking",
    "row_count schema null_fraction range unique freshness drift skew",
    "hash farm_fingerprint time group column",
    "threshold change",
    "schedule data drift metric",
    "csv parquet json sql bigquery python",
    "sklearn xgboost pytorch tensorflow python container",
    "local kfp vertex airflow",
    "accuracy balanced_accuracy roc_auc precision recall f1 macro_f1 log_loss rmse mae r2",
)


def mistakes(word: str) -> Iterator[str]:
    """The word with one character left out, replaced or swapped with its neighbour."""
    for index in range(len(word)):
        yield word[:index] + word[index + 1 :]
        yield word[:index] + ("z" if word[index] != "z" else "q") + word[index + 1 :]
        yield word[:index] + word[index + 1 : index + 2] + word[index] + word[index + 2 :]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.split()[0])
def test_mistakes_in_known_words_are_answered_right(family: str) -> None:
    words = family.split()
    typed = [(word, wrong) for word in words for wrong in mistakes(word) if wrong and wrong not in words]
    right = sum(did_you_mean(wrong, words) == word for word, wrong in typed)
    assert right >= 0.95 * len(typed), [(word, wrong) for word, wrong in typed if did_you_mean(wrong, words) != word]


def test_mistakes_in_all_keys_of_the_schema_are_answered_right() -> None:
    keys = sorted(set(re.findall(r'"([a-z][a-z0-9_]{2,})": \{', schema().read_text(encoding="utf-8"))))
    assert len(keys) > 50
    typed = [(word, wrong) for word in keys for wrong in islice(mistakes(word), 3, 6) if wrong not in keys]
    right = sum(did_you_mean(wrong, keys) == word for word, wrong in typed)
    assert right >= 0.95 * len(typed)


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("retires", "retries"), ("MAX-Rows", "max_rows"), ("treshold", "threshold"), ("gate", "gates"), ("xyz", ""),
        ("no", "on"), ("", ""), ("q" * 500, ""),
    ],
)  # fmt: skip
def test_the_nearest_word_is_found_or_none(word: str, answer: str) -> None:
    assert did_you_mean(word, ["retries", "max_rows", "threshold", "gates", "on"]) == answer


def test_nothing_is_near_to_nothing() -> None:
    assert did_you_mean("a", []) == ""
    assert did_you_mean("a", ["b", ""]) == ""
