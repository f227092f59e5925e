"""The schedules that stand on Vertex AI's side: found, told, and made as wanted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlopsctl.ground.errors import StepProblem
from mlopsctl.orchestrators.contract import Schedule, Wanted
from mlopsctl.orchestrators.specs.vertex import Vertex
from mlopsctl.orchestrators.vertex import schedules
from mlopsctl.orchestrators.vertex.clients import Clients
from mlopsctl.orchestrators.vertex.deployed import Left, Marker
from mlopsctl.orchestrators.vertex.schedules import Found
from mlopsctl.vertexai.calls import SECONDS, Calls

if TYPE_CHECKING:
    from google.cloud.aiplatform_v1 import Schedule as Message

_GONE_TRIES = 10
_GONE_PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class There:
    """The schedules with our pipeline's prefix.

    Attributes:
        ours: oldest first; two of one name only after a call that went wrong.
        taken: the display names that others took.
    """

    ours: tuple[Found, ...]
    taken: frozenset[str]

    def named(self, name: str) -> tuple[Found, ...]:
        """Ours of that name."""
        return tuple(found for found in self.ours if found.name == name)


@dataclass(frozen=True, slots=True)
class Standing:
    """The schedules of one pipeline.

    Attributes:
        marker: how they were left.
    """

    settings: Vertex
    calls: Calls
    clients: Clients
    wanted: Wanted
    marker: Marker

    def there(self) -> There:
        """What is there now; also what was left here and has another display name by now."""
        from google.cloud.aiplatform_v1 import ListSchedulesRequest

        request = ListSchedulesRequest(
            parent=self._parent,
            filter=f'create_pipeline_job_request:* AND display_name:"{schedules.prefix(self.wanted)}*"',
            order_by="create_time",
        )

        def listed() -> list[Message]:
            return list(self.clients.schedules.list_schedules(request, retry=None, timeout=SECONDS))

        messages = self.calls.read("list the schedules", listed)
        names = {left.id: name for name, left in self.marker.schedules.items()}
        renamed = (self._get(id) for id in sorted(set(names) - {message.name for message in messages}))
        messages += [message for message in renamed if message is not None]
        ours = [schedules.ours(message, self.wanted, names) for message in messages]
        taken = (message.display_name for message, found in zip(messages, ours, strict=True) if found is None)
        return There(tuple(found for found in ours if found is not None), frozenset(taken))

    def told(self) -> tuple[tuple[Schedule, ...], tuple[str, ...]]:
        """Our schedules in the contract's words, and what a reader should know of them."""
        there, told, notes = self.there(), [], []
        for found in _each_once(there.ours):
            wish = next((one for one in self.wanted.schedules if one.name == found.name), None)
            version, note = self._version(found, wish)
            cron, zone = found.times(wish.cron if wish is not None else "")
            told.append(Schedule(found.name, cron, zone, found.paused, found.max_concurrent, version))
            notes += [f"schedule {found.name}: {note}"] if note else []
        for schedule in self.wanted.schedules:
            if not there.named(schedule.name) and schedules.display_name(self.wanted, schedule.name) in there.taken:
                notes.append(self._taken(schedule.name))
        return tuple(told), tuple(notes)

    def settle(self) -> tuple[dict[str, Left], tuple[str, ...]]:
        """Make them as wanted: how each is left, by name, and what was done."""
        there, left, done = self.there(), {}, []
        for schedule in self.wanted.schedules:
            left[schedule.name], what = self._settle(schedule, there)
            done += [f"schedule {schedule.name} {what}"] if what else []
        for found in there.ours:
            if found.name not in left:
                self.delete(found.id)
                done.append(f"schedule {found.name} deleted")
        return left, tuple(done)

    def delete(self, id: str) -> None:
        """Delete a schedule, and wait until it is gone."""
        from google.api_core.exceptions import NotFound

        def delete() -> None:
            with suppress(NotFound):
                self.clients.schedules.delete_schedule(name=id, retry=None, timeout=SECONDS)

        self.calls.read(f"delete the schedule {id}", delete)
        for _ in range(_GONE_TRIES):
            if self._get(id) is None:
                return
            self.calls.pause(_GONE_PAUSE)
        raise StepProblem.because(
            "not-deleted",
            f"the schedule {id} is still there after {_GONE_TRIES} looks, though Vertex AI agreed to delete it",
            hint="run the same command again later",
        )

    @property
    def _parent(self) -> str:
        return f"projects/{self.settings.project}/locations/{self.settings.location}"

    def _get(self, id: str) -> Message | None:
        from google.api_core.exceptions import NotFound

        def get() -> Message | None:
            try:
                return self.clients.schedules.get_schedule(name=id, retry=None, timeout=SECONDS)
            except NotFound:
                return None

        return self.calls.read(f"look at the schedule {id}", get)

    def _settle(self, schedule: Schedule, there: There) -> tuple[Left, str]:
        """Make one as wanted: how it is left, and what was done."""
        found = there.named(schedule.name)
        for extra in found[1:]:
            self.delete(extra.id)
        if found:
            return self._adapt(schedule, found[0])
        if schedules.display_name(self.wanted, schedule.name) in there.taken:
            raise StepProblem.because("not-ours", self._taken(schedule.name), hint="rename or delete that one")
        return self._create(schedule), "created"

    def _adapt(self, schedule: Schedule, found: Found) -> tuple[Left, str]:
        """Change what differs, in place where that can be done."""
        from google.api_core.exceptions import BadRequest

        differs = self._version(found, schedule)[0] != self.wanted.bundle.digest
        fields = schedules.changes(found, self.wanted, schedule, job_differs=differs)
        anew = found.completed or (bool(fields) and schedules.must_be_made_anew(found, self.settings, self.wanted))
        content = found.content
        if fields and not anew:
            try:
                content = self._update(found, schedule, fields)
            except BadRequest:
                anew = True
        if anew:
            self.delete(found.id)
            return self._create(schedule), "made anew"
        turned = found.paused != schedule.paused
        if turned:
            self._turn(found.id, paused=schedule.paused)
        return self._left(found.id, schedule, content), "updated" if fields or turned else ""

    def _create(self, schedule: Schedule) -> Left:
        asked = schedules.message(self.settings, self.wanted, schedule)

        def create() -> Message:
            return self.clients.schedules.create_schedule(
                parent=self._parent, schedule=asked, retry=None, timeout=SECONDS
            )

        def done() -> Message | None:
            found = self.there().named(schedule.name)
            return found[0].message if found else None

        made = self.calls.write(f"create the schedule {asked.display_name}", create, done)
        if schedule.paused:
            self._turn(made.name, paused=True)
        return self._left(made.name, schedule, schedules.content(made))

    def _left(self, id: str, schedule: Schedule, content: str) -> Left:
        return Left(id, self.wanted.bundle.digest, schedules.wish(self.settings, self.wanted, schedule), content)

    def _update(self, found: Found, schedule: Schedule, fields: tuple[str, ...]) -> str:
        """Change these fields; the digest of what the schedule then holds.

        Raises:
            google.api_core.exceptions.BadRequest: when Vertex AI does not change such a field in place.
        """
        from google.api_core.exceptions import BadRequest
        from google.protobuf.field_mask_pb2 import FieldMask

        asked = schedules.message(self.settings, self.wanted, schedule)
        asked.name = found.id

        def update() -> Message | BadRequest:
            try:
                return self.clients.schedules.update_schedule(
                    schedule=asked, update_mask=FieldMask(paths=fields), retry=None, timeout=SECONDS
                )
            except BadRequest as error:
                return error

        changed = self.calls.read(f"update the schedule {found.id}", update)
        if isinstance(changed, BadRequest):
            raise changed
        return schedules.content(changed)

    def _turn(self, id: str, *, paused: bool) -> None:
        """Pause a schedule, or let it go on; what it missed meanwhile is not made up for."""

        def turn() -> bool:
            if paused:
                self.clients.schedules.pause_schedule(name=id, retry=None, timeout=SECONDS)
            else:
                self.clients.schedules.resume_schedule(name=id, retry=None, timeout=SECONDS)
            return True

        def is_so() -> bool | None:
            found = self._get(id)
            return True if found is not None and (found.state.name == "PAUSED") == paused else None

        self.calls.write(f"{'pause' if paused else 'resume'} the schedule {id}", turn, is_so)

    def _version(self, found: Found, schedule: Schedule | None) -> tuple[str, str]:
        """The digest of the bundle that a schedule starts, empty where it is none of ours, and then why."""
        left, version = self.marker.schedules.get(found.name), self.wanted.bundle.digest
        if left is not None and (left.id, left.content) == (found.id, found.content):
            if schedule is None or left.version != version:
                return left.version, ""
            if left.asked == schedules.wish(self.settings, self.wanted, schedule):
                return version, ""
            return "", "the parameters or the settings of its jobs are not those of the project"
        if schedule is not None and found.content == schedules.content(
            schedules.message(self.settings, self.wanted, schedule)
        ):
            return version, ""
        return "", "it was changed outside mlopsctl"

    def _taken(self, schedule: str) -> str:
        return f"there is a schedule {schedules.display_name(self.wanted, schedule)!r} that is not ours"


def _each_once(found: tuple[Found, ...]) -> Iterator[Found]:
    names: set[str] = set()
    for one in found:
        if one.name not in names:
            names.add(one.name)
            yield one
