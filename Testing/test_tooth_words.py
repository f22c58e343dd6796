"""Words about teeth, in FDI and in another notation."""

from __future__ import annotations

import pickle

from ToothSegLib.editing import renumbering
from ToothSegLib.errors import InputError
from ToothSegLib.tooth_words import ToothWords


def test_they_are_a_text_in_fdi_and_can_be_another() -> None:
    words = ToothWords("number {} is taken by {}", 11, (12, 13))
    assert words == "number 11 is taken by 12, 13"
    assert words.by(lambda fdi: f"#{fdi}") == "number #11 is taken by #12, #13"
    assert pickle.loads(pickle.dumps(words)).by(str) == words


def test_an_error_of_the_numbers_keeps_them() -> None:
    try:
        renumbering.renumber({25, 26}, 26, 25)
    except InputError as error:
        (words,) = error.args
    assert str(words) == "number 25 is taken: swap 26 and 25, or merge them"
    assert words.by(lambda fdi: f"#{fdi}") == "number #25 is taken: swap #26 and #25, or merge them"
