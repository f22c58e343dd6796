"""What belongs to the person at the computer and not to a scene; Slicer's settings keep it."""

from __future__ import annotations

import slicer

_GROUP = "ToothSeg"


def recall(name: str) -> str:
    """What was remembered under a name; "" for nothing."""
    return str(slicer.app.userSettings().value(f"{_GROUP}/{name}", "") or "")


def remember(name: str, text: str) -> None:
    """Keep a text for all scenes to come, also after Slicer was closed."""
    slicer.app.userSettings().setValue(f"{_GROUP}/{name}", text)
