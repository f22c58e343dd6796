"""``slicer.i18n``: texts are given back as they are, in English."""

from __future__ import annotations

__all__ = ["getContext", "tr", "translate"]


def _text(text: object) -> str:
    if not isinstance(text, str):
        raise TypeError(f"only a text can be translated, not {text!r}")
    return text


def getContext(sourceFile: str) -> str:
    """The context of translations of a source file: its name."""
    import os

    return os.path.splitext(os.path.basename(sourceFile))[0]


def translate(context: str, text: str) -> str:
    """The text in the user's language, by context."""
    _text(context)
    return _text(text)


def tr(text: str) -> str:
    """The text in the user's language."""
    return _text(text)
