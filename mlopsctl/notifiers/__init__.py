"""Notifiers: who hears what happened. One file a kind."""

from typing import Annotated, TypeAlias

from pydantic import Field

from mlopsctl.notifiers.events import Event
from mlopsctl.notifiers.file import FileNotifier
from mlopsctl.notifiers.pubsub import PubSubNotifier
from mlopsctl.notifiers.webhook import WebhookNotifier

Notifier: TypeAlias = Annotated[FileNotifier | WebhookNotifier | PubSubNotifier, Field(discriminator="kind")]

__all__ = ["Event", "FileNotifier", "Notifier", "PubSubNotifier", "WebhookNotifier"]
