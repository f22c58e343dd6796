"""Words about teeth that speak FDI and can be put into another notation.

A message is made far from where it is read, and only there is it known which numbers the reader
goes by. So it keeps the teeth that it tells of beside the text.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

Teeth = int | Collection[int]


class ToothWords(str):
    """A text with FDI numbers, which is a plain text to whoever asks for no more.

    Args:
        template: the text, with {} for each tooth or for several, which commas then part.
        teeth: FDI numbers in this order.
    """

    _template: str
    _teeth: tuple[Teeth, ...]

    def __new__(cls, template: str, *teeth: Teeth) -> ToothWords:
        words = super().__new__(cls, _filled(template, teeth, str))
        words._template, words._teeth = template, teeth
        return words

    def by(self, number: Callable[[int], str]) -> str:
        """The text with other numbers for the teeth."""
        return _filled(self._template, self._teeth, number)


def _filled(template: str, teeth: Collection[Teeth], number: Callable[[int], str]) -> str:
    return template.format(
        *(
            ", ".join(map(number, some)) if isinstance(some, Collection) else number(some)
            for some in teeth
        )
    )
