"""Walking from execution to execution, up to what made a thing and down to what came of it.

Equal content has one digest, so two unrelated steps can leave the same artifact (a verdict without a finding, say). A
wire is therefore followed inside the run in which it was drawn: who read an artifact in a run read it from who left it
in that run. A reused result counts as the execution that made it: both have the same step and key.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from mlopsctl.delivery.answers.subject import Subject
from mlopsctl.metadata.store import MetadataStore
from mlopsctl.metadata.trace import Touch, inputs_of, makers, outputs_of, readers


class Touched:
    """Who made and who read which artifact, asked once for each, level by level."""

    def __init__(self, metadata: MetadataStore) -> None:
        self._metadata = metadata
        self._makers: dict[str, Sequence[Touch]] = {}
        self._readers: dict[str, Sequence[Touch]] = {}
        self._first: dict[tuple[str, str], Touch] = {}

    def start(self, subject: Subject) -> tuple[Touch, ...]:
        """The executions that a subject stands for: those of its run, or all that made it where no run is meant."""
        made = self.makers({artifact.digest for artifact in subject.artifacts})
        found: dict[int, Touch] = {}
        for artifact in subject.artifacts:
            touches = made.get(artifact.digest, ())
            mine = [touch for touch in touches if touch.run == subject.run]
            for touch in mine or touches:
                origin = self.origin(touch)
                found[origin.id] = origin
        return tuple(found.values())

    def makers(self, digests: Collection[str]) -> Mapping[str, Sequence[Touch]]:
        """Who left each artifact."""
        self._ask(digests, self._makers, makers(self._metadata, set(digests) - self._makers.keys()))
        return {digest: self._makers[digest] for digest in digests}

    def readers(self, digests: Collection[str]) -> Mapping[str, Sequence[Touch]]:
        """Who read each artifact."""
        self._ask(digests, self._readers, readers(self._metadata, set(digests) - self._readers.keys()))
        return {digest: self._readers[digest] for digest in digests}

    def origin(self, touch: Touch) -> Touch:
        """The execution that did the work; itself where no other is known."""
        return self._first.get((touch.step, touch.key), touch) if touch.reused and touch.key else touch

    def inputs(self, ids: Collection[int]) -> Mapping[int, Sequence[str]]:
        """The digests that executions read."""
        return inputs_of(self._metadata, ids)

    def outputs(self, ids: Collection[int]) -> Mapping[int, Sequence[str]]:
        """The digests that executions left."""
        return outputs_of(self._metadata, ids)

    def _ask(
        self, digests: Collection[str], known: dict[str, Sequence[Touch]], new: Mapping[str, Sequence[Touch]]
    ) -> None:
        for digest in digests:
            if digest not in known:
                known[digest] = new.get(digest, ())
        for touches in new.values():
            for touch in touches:
                if not touch.reused and touch.key:
                    self._first.setdefault((touch.step, touch.key), touch)


def walk_up(touched: Touched, start: Sequence[Touch]) -> set[int]:
    """The ids of the executions that made the start, and of those that made what they read, back to the data."""
    found = {touch.id: touch for touch in start}
    level = list(start)
    while level:
        read = touched.inputs([touch.id for touch in level])
        made = touched.makers({digest for digests in read.values() for digest in digests})
        new: dict[int, Touch] = {}
        for touch in level:
            for digest in read.get(touch.id, ()):
                for provider in _providers(touch, made[digest]):
                    origin = touched.origin(provider)
                    if origin.id not in found:
                        new[origin.id] = origin
        found |= new
        level = list(new.values())
    return set(found)


def walk_down(touched: Touched, subject: Subject, start: Sequence[Touch]) -> set[int]:
    """The ids of the executions that read the subject from the start, and of those that read what they left."""
    found: dict[int, Touch] = {}
    level = {touch.id: touch for touch in start}
    wanted = {touch.id: tuple(a.digest for a in subject.artifacts) for touch in start}
    left = touched.outputs(list(level))
    left = {id: [digest for digest in digests if digest in wanted[id]] for id, digests in left.items()}
    while level:
        digests = {digest for id in level for digest in left.get(id, ())}
        read, made = touched.readers(digests), touched.makers(digests)
        new: dict[int, Touch] = {}
        for touch in level.values():
            for digest in left.get(touch.id, ()):
                runs = _runs_with(touch, made[digest])
                drawn = {maker.run for maker in made[digest]}
                for reader in read[digest]:
                    origin = touched.origin(reader)
                    from_here = reader.run in runs or reader.run not in drawn
                    if from_here and origin.id not in found and origin.id != touch.id:
                        new[origin.id] = origin
        found |= new
        level = new
        left = touched.outputs(list(level))
    return set(found)


def _providers(reader: Touch, touches: Sequence[Touch]) -> Iterable[Touch]:
    """Who left an artifact in the reader's run; where nobody did (a single step was run), the last before it."""
    others = [touch for touch in touches if touch.step != reader.step]
    mine = [touch for touch in others if touch.run == reader.run]
    if mine:
        return mine
    last: dict[str, Touch] = {touch.step: touch for touch in others if touch.id < reader.id}
    return last.values()


def _runs_with(maker: Touch, touches: Sequence[Touch]) -> set[str]:
    """The runs in which an artifact was left by that execution or by a reuse of it."""
    same = (touch for touch in touches if touch.step == maker.step and maker.key and touch.key == maker.key)
    return {maker.run, *(touch.run for touch in same)}
