"""Combo boxes over parameters: the box shows words, the parameter keeps the value."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Choice = tuple[object, str]
"""A value of the parameter and the words for it."""


class ParameterCombo:
    """Ties a combo box to one parameter of a parameter node.

    Args:
        combo: an empty QComboBox.
        name: the parameter's name.
        choices: what it offers; a value that is none of them is added when it turns up, so that
            a scene from elsewhere keeps what it says.
        changed: called with the new value after the user has changed it.
    """

    def __init__(
        self,
        combo: Any,
        name: str,
        choices: Iterable[Choice],
        changed: Callable[[Any], None] | None = None,
    ) -> None:
        self._combo = combo
        self._name = name
        self._changed = changed
        self._parameters: Any = None
        self._values: list[object] = []
        self._added: list[Choice] = []
        self.offer(choices)
        combo.connect("currentIndexChanged(int)", self._on_index)

    def offer(self, choices: Iterable[Choice]) -> None:
        """Offer these choices from now on; the parameter keeps its value, see `show`."""
        parameters, self._parameters = self._parameters, None
        self._combo.clear()
        self._values.clear()
        offered = list(choices)
        known = [value for value, _ in offered]
        for value, text in (*offered, *(entry for entry in self._added if entry[0] not in known)):
            self._values.append(value)
            self._combo.addItem(text)
        if parameters is not None:
            self.show(parameters)

    def show(self, parameters: Any) -> None:
        """Take the value from a parameter node (or from none, which shows the first choice)."""
        self._parameters = None
        value = self._values[0] if parameters is None else getattr(parameters, self._name)
        self.choose(value)
        self._parameters = parameters

    def choose(self, value: object, text: str | None = None) -> None:
        """Select a value; it becomes an entry if it is none yet."""
        if value not in self._values:
            self._added.append((value, text or str(value)))
            self._values.append(value)
            self._combo.addItem(text or str(value))
        self._combo.currentIndex = self._values.index(value)

    def _on_index(self, index: int) -> None:
        if self._parameters is None or index < 0:
            return
        value = self._values[index]
        if getattr(self._parameters, self._name) != value:
            setattr(self._parameters, self._name, value)
        if self._changed is not None:
            self._changed(value)
