"""Lints: what is valid and probably not meant. One file each, one paragraph in docs/lints.md each."""

from __future__ import annotations

from mlopsctl.lints import (
    ci_without_tests,
    clock_in_query,
    comparison_without_reference,
    doubled_path,
    fixed_random_state,
    foreign_substitution,
    image_by_tag,
    missing_slash,
    no_champion_gate,
    no_contract,
    no_retry,
    no_seed,
    no_test_rows,
    no_trivial_gate,
    number_as_text,
    pinned_run,
    random_rows,
    self_stopping_trigger,
    unchecked_contract,
    unguarded_training,
    unheard_check,
    unused_rows,
    unused_variable,
    version_in_name,
)
from mlopsctl.lints.lint import Finding, Lint, Scene

LINTS: tuple[Lint, ...] = (
    ci_without_tests.LINT,
    clock_in_query.LINT,
    comparison_without_reference.LINT,
    doubled_path.LINT,
    fixed_random_state.LINT,
    foreign_substitution.LINT,
    image_by_tag.LINT,
    missing_slash.LINT,
    no_champion_gate.LINT,
    no_contract.LINT,
    no_retry.LINT,
    no_seed.LINT,
    no_test_rows.LINT,
    no_trivial_gate.LINT,
    number_as_text.LINT,
    pinned_run.LINT,
    random_rows.LINT,
    self_stopping_trigger.LINT,
    unchecked_contract.LINT,
    unguarded_training.LINT,
    unheard_check.LINT,
    unused_rows.LINT,
    unused_variable.LINT,
    version_in_name.LINT,
)

__all__ = ["LINTS", "Finding", "Lint", "Scene"]
