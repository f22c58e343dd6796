"""Writes results of the scene into a data set, and asks what has to be asked before."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import slicer.util

from ToothSegLib.dataset.lock import Lock
from ToothSegLib.dataset.refusals import Locked
from ToothSegPanel.privacy_question import PrivacyQuestion, looks_suspicious
from ToothSegPanel.reporting import clock


@dataclass(frozen=True)
class Saved:
    """What became of a save.

    Attributes:
        new: whether there is a revision more than before.
        standing: how the result stands in the data set, as HTML.
        said: what has been done, as HTML.
    """

    new: bool
    standing: str
    said: str


class CaseSaver:
    """Saves results; keeps for each what it and its case have to agree on."""

    def __init__(self) -> None:
        self._keepers: dict[tuple[str, str], tuple[Any, Any]] = {}
        self._kept_locks: set[str] = set()
        self._privacy = PrivacyQuestion()

    def forget(self) -> None:
        """The scene goes; what the user has answered stays."""
        self._keepers.clear()

    def drop(self, node: Any) -> None:
        """A node leaves the scene."""
        left = node.GetID()
        self._keepers = {key: kept for key, kept in self._keepers.items() if key[0] != left}

    def save(self, node: Any, folder: str, who: str, note: str, what: str) -> Saved:
        """Save a result.

        Args:
            node: the segmentation node.
            folder: of the data set.
            who: initials of the annotator.
            note: on the result; may be empty.
            what: was done since the last save, in a word; may be empty.

        Raises:
            Declined: the user would rather not.
            ToothSegError: it could not be done.
        """
        from ToothSegScene.autosave import Author
        from ToothSegScene.training_case import (
            PATIENT,
            cautions_in_words,
            names_in_scene,
            volume_of,
        )

        patient = volume_of(node).GetAttribute(PATIENT) or ""
        written = {"your name": who, "the note": note, "the pseudonym": patient}
        self._privacy.check(written, names_in_scene(node))
        author = Author(who, note, accept_text=looks_suspicious(written))
        keeper = self._keeper(node, folder)
        for _, other in self._keepers.values():
            if other is not keeper:
                other.let_go()  # a label map of the whole scan each
        try:
            number = _saved(keeper, author, what)
        except Locked:
            if not self._may_break(keeper.lock_in_the_way()):
                raise
            keeper.break_lock()
            number = _saved(keeper, author, what)
        revision = f"revision {keeper.case.revision} of {keeper.case.id}"
        cautions = escape(cautions_in_words(node))
        renamed = ""
        if keeper.replaced:
            renamed = f"Its pseudonym was {escape(keeper.replaced)} before."
        standing = " ".join(filter(None, [f"Saved: {revision}.", renamed, cautions]))
        if number:
            return Saved(True, standing, standing)
        return Saved(False, standing, f"Nothing has changed since {revision}. {cautions}".strip())

    def _keeper(self, node: Any, folder: str) -> Any:
        """What keeps a node and its case in step, as long as the node is there."""
        from ToothSegScene.autosave import Autosave

        key = (node.GetID(), folder)
        known = self._keepers.get(key)
        if known is None or known[0] is not node:
            known = self._keepers[key] = (node, Autosave(node, folder))
        return known[1]

    def _may_break(self, lock: Lock | None) -> bool:
        """Whether the user says that nobody is at work behind a lock; asked once a lock."""
        if lock is None or lock.process == "running" or lock.token in self._kept_locks:
            return False
        if slicer.util.confirmOkCancelDisplay(
            f"The data set is locked by {lock}. A program that was ended in the middle leaves its "
            "lock behind. Take it away, if nobody is saving at this moment?",
            windowTitle="Locked",
        ):
            return True
        self._kept_locks.add(lock.token)
        return False


def _saved(keeper: Any, author: Any, what: str) -> int | None:
    """Save, with the clock: the first time it takes seconds with a large scan."""
    with clock():
        return keeper.save(author, what)
