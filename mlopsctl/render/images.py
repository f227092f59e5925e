"""The views of images: what is pinned, what was built or pushed."""

from __future__ import annotations

import json

from mlopsctl.delivery.images.make import BuiltImage, PushedImage
from mlopsctl.ground.text import printable
from mlopsctl.lowering.image import ImagePin
from mlopsctl.lowering.image_lock import LOCK


def pin_text(pin: ImagePin, environment: str) -> str:
    """Which image the steps run in."""
    if not pin.name:
        return f"The steps of {environment} run in no image{f': {pin.why}' if pin.why else ''}."
    lines = [printable(pin.reference or pin.name)]
    if pin.built:
        lines.append(f"built by mlopsctl from {pin.context}")
    if pin.stale:
        lines.append(f"stale: it was built from {pin.locked}, and the files are others now; `mlopsctl image push`")
    elif pin.why:
        lines.append(f"not pinned: {printable(pin.why)}")
    elif not pin.reference.partition("@")[2]:
        lines.append("by a tag, which `allow_tags` accepts: it may hold other bytes tomorrow")
    else:
        lines.append(f"pinned in {LOCK}" if pin.built else "pinned by its digest")
    return "\n  ".join(lines)


def pin_json(pin: ImagePin, environment: str) -> str:
    """The same for programs."""
    return json.dumps(
        {
            "environment": environment,
            "name": pin.name,
            "reference": pin.reference,
            "built": pin.built,
            "pinned": "@" in pin.reference,
            "stale": pin.stale,
            "why": pin.why,
            "context": pin.context,
            "locked_context": pin.locked,
        },
        indent=2,
        ensure_ascii=False,
    )


def built_text(built: BuiltImage) -> str:
    """What stands on this machine now."""
    return f"Built {built.tag} with {built.engine}. `mlopsctl image push` pushes and pins it."


def pushed_text(pushed: PushedImage) -> str:
    """What stands in the registry now."""
    if not pushed.fresh:
        return f"{pushed.reference} was built from the same files; nothing to do (--again builds it anew)."
    written = f"Wrote {LOCK}: review and commit it." if pushed.written else f"{LOCK} says so already."
    return f"Pushed {pushed.reference}\n{written}"


def pushed_json(pushed: PushedImage) -> str:
    """The same for programs."""
    return json.dumps(
        {
            "name": pushed.name,
            "digest": pushed.digest,
            "reference": pushed.reference,
            "context": pushed.context,
            "fresh": pushed.fresh,
            "written": pushed.written,
        },
        indent=2,
    )
