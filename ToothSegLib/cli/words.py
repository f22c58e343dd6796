"""Words that files bring along, made fit to be printed."""

from __future__ import annotations

from ToothSegLib.errors import one_line

_LONGEST_LINE = 2000


def plain(line: str) -> str:
    """One line of bearable length without what a terminal would obey: files put words into it."""
    return escaped(one_line(line)[:_LONGEST_LINE])


def escaped(text: str) -> str:
    """All of a text on one line, spaces as they are, without what a terminal would obey: for
    commands to copy and for lists, of which nothing may be lost."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )
