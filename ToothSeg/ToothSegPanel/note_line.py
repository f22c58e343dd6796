"""The line for a note on the result that is shown."""

from __future__ import annotations

from typing import Any

Result = tuple[str, str]


def result_in(node: Any) -> Result:
    """What tells the results apart that a node has held one after another."""
    from ToothSegScene.segments import REPORT

    return node.GetID(), node.GetAttribute(REPORT) or ""


class NoteLine:
    """A note that is not written yet waits with the result that it was typed for.

    Args:
        edit: the line.
    """

    def __init__(self, edit: Any) -> None:
        self._edit = edit
        self._notes: dict[Result, str] = {}
        self._shown: Result | None = None

    def show(self, node: Any) -> None:
        """Put this result's note into the line; None for no result."""
        shown = None if node is None else result_in(node)
        if shown == self._shown:
            return
        typed = str(self._edit.text)
        if self._shown is not None:
            self._notes[self._shown], typed = typed, ""
        known = "" if shown is None else self._notes.get(shown, "")
        self._shown, self._edit.text = shown, typed or known

    def text(self) -> str:
        """What the line holds."""
        return str(self._edit.text).strip()

    def written(self) -> None:
        """The note is in the data set."""
        self._edit.text = ""

    def forget(self) -> None:
        """The scene goes, and all notes with it."""
        self._notes.clear()
        self._shown, self._edit.text = None, ""
