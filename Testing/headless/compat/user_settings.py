"""``slicer.app.userSettings()``: texts, as a file of settings gives them to the next Slicer.

Stricter than Qt, which hands out a bool or a number again as long as Slicer runs and a text after
that: only texts may be kept, and there is no ``type`` to ask for, which PythonQt does not know.
"""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore


class UserSettings:
    """QSettings with what modules use of it; another attribute is an AttributeError."""

    def __init__(self) -> None:
        self.__dict__["_settings"] = QtCore.QSettings()

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"QSettings has no property {name!r}")

    def value(self, key: str, default: Any = None) -> Any:
        """What the file has under a key."""
        return self._file().value(_checked(key), default)

    def setValue(self, key: str, value: str) -> None:
        """Keep a text; TypeError for what would come back as something else."""
        if not isinstance(value, str):
            raise TypeError(f"{key}: {value!r} would be another thing in the next Slicer")
        self._file().setValue(_checked(key), value)

    def contains(self, key: str) -> bool:
        """Whether the file has a key."""
        return bool(self._file().contains(_checked(key)))

    def remove(self, key: str) -> None:
        """Take a key away, with all below it."""
        self._file().remove(_checked(key))

    def sync(self) -> None:
        """Write the file."""
        self._file().sync()

    def _file(self) -> QtCore.QSettings:
        settings: QtCore.QSettings = self.__dict__["_settings"]
        return settings


def _checked(key: str) -> str:
    """A key of a module's own group, or everybody's settings would be mixed up."""
    if "/" not in key.strip("/"):
        raise ValueError(f"{key!r} is no key of a group: write <module>/<name>")
    return key
