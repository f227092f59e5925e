"""The text of a lock: read back it is the same lock, whatever stands in it."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.delivery.promotion.lock_text import hold_of, lock_text
from mlopsctl.ground.digest import PREFIX
from mlopsctl.lowering.release_lock import LockedCode, LockedModel, ReleaseLock, parse_release_lock

NAMES = st.from_regex(r"[a-z][a-z0-9_-]{0,62}", fullmatch=True)
DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64).map(lambda text: PREFIX + text)
LOCKS = st.builds(
    lambda project, environment, source, model, data, code, pipeline, evidence, hold: ReleaseLock.model_validate(
        {
            "version": 1,
            "project": project,
            "environment": environment,
            "from": source,
            "model": LockedModel(name=project, version="7", digest=model),
            "data": data,
            "code": LockedCode(commit="", digest=code),
            "image": "",
            "pipeline": pipeline,
            "evidence": evidence,
            "hold": hold,
        }
    ),
    NAMES,
    NAMES,
    NAMES,
    DIGESTS,
    st.dictionaries(NAMES, DIGESTS, max_size=4),
    DIGESTS,
    DIGESTS,
    DIGESTS,
    st.none() | st.builds(hold_of, DIGESTS, st.text(max_size=600)),
)


@given(LOCKS)
def test_a_lock_read_back_is_the_same_lock(lock: ReleaseLock) -> None:
    text = lock_text(lock)
    found = parse_release_lock(text.encode(), Path("x.lock.yaml"), lock.environment)
    assert found.lock == lock
    assert lock_text(found.lock) == text


@given(st.text(max_size=700))
def test_every_reason_stands_on_one_line(reason: str) -> None:
    told = hold_of(PREFIX + "0" * 64, reason).reason
    assert told
    assert len(told.splitlines()) == 1
