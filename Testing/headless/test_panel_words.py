"""The parts of the panel that know no Qt: words, selection, and which verb can be done."""

from __future__ import annotations

import pytest

from ToothSegLib.teeth import FDI_NUMBERS


@pytest.mark.parametrize(
    ("notation", "text"), [("FDI", "16"), ("Universal", "3"), ("Palmer", "UR6")]
)
def test_a_tooth_in_each_notation(slicer_app: object, notation: str, text: str) -> None:
    from ToothSegPanel.notation import number, title

    assert number(16, notation) == text
    assert title(16, notation) == f"{text} upper right first molar"


def test_an_unknown_notation_is_refused(slicer_app: object) -> None:
    from ToothSegPanel.notation import number

    with pytest.raises(ValueError, match="Haderup"):
        number(16, "Haderup")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (2.0, "a few seconds left"),
        (38.0, "about 40 s left"),
        (57.0, "about 1 min left"),
        (200.0, "about 3 min left"),
        (7300.0, "about 2 h left"),
    ],
)
def test_time_left_is_coarse(slicer_app: object, seconds: float | None, text: str) -> None:
    from ToothSegPanel.duration import time_left

    assert time_left(seconds) == text


def test_selection_by_click_ctrl_and_shift(slicer_app: object) -> None:
    from ToothSegPanel.selection import Selection

    selection, heard = Selection(), []
    selection.listen(lambda: heard.append(selection.teeth))
    selection.click(13)
    selection.click(21, extend=True)
    assert selection.teeth == (13, 12, 11, 21)
    selection.click(15, extend=True)  # from the same anchor, to the other side
    assert selection.teeth == (13, 14, 15)
    selection.click(14, toggle=True)
    selection.click(36, toggle=True)
    assert selection.teeth == (13, 15, 36)
    selection.click(46)
    assert selection.teeth == (46,)
    assert len(heard) == 6


def test_a_row_by_shift_passes_over_third_molars(slicer_app: object) -> None:
    from ToothSegPanel.selection import Selection

    selection = Selection()
    selection.set((18, 19, 17))
    assert selection.teeth == (18, 17)
    selection.click(27)
    selection.click(46, extend=True)  # 28 and 48 lie between
    assert selection.teeth == (27, 47, 46)
    selection.set((18,))
    selection.click(16, extend=True)
    assert selection.teeth == (18, 17, 16)


@pytest.mark.parametrize(
    ("verb", "selected", "new", "reason"),
    [
        ("renumber", (), 14, "Select one tooth."),
        ("renumber", (14,), 24, "The tooth is not there."),
        ("renumber", (16,), 15, "Number 15 is taken"),
        ("renumber", (16,), 14, ""),
        ("renumber from", (16,), 17, ""),
        ("renumber from", (15,), 25, "25 is not in the quadrant of 15"),
        ("swap", (16,), None, "Select two teeth"),
        ("swap", (16, 14), None, "There is no tooth 14"),
        ("swap", (16, 15), None, ""),
        ("shift mesially", (16,), None, ""),
        ("shift distally", (16, 46), None, "Select a tooth of the quadrant."),
        ("shift distally", (46,), None, "There are no teeth in quadrant 4"),
        ("merge", (16,), None, "Select two or more"),
        ("merge", (16, 15), None, ""),
        ("split", (16,), 15, "Number 15 is taken"),
        ("split", (16,), 17, ""),
        ("delete", (14,), None, "Select one or more"),
        ("delete", (14, 15), None, ""),
        ("mark missing", (24,), None, ""),  # the mark can be taken back
        ("mark missing", (14, 24), None, "Select one tooth."),
        ("mark missing", (18,), None, "18 is none of the 28 teeth"),
        ("mark missing", (14,), None, ""),
        ("smooth", (16,), None, ""),
        ("keep largest", (), None, "Select one or more"),
    ],
)
def test_why_a_verb_cannot_be_done(
    slicer_app: object, verb: str, selected: tuple[int, ...], new: int | None, reason: str
) -> None:
    from ToothSegPanel.verbs import Situation, why_not

    now = Situation(selected, frozenset({15, 16}), new, missing=frozenset({24}))
    said = why_not(verb, now)
    assert said.startswith(reason) if reason else not said


def test_nothing_can_be_done_while_blocked(slicer_app: object) -> None:
    from ToothSegPanel.verbs import Situation, why_not

    assert why_not("delete", Situation((16,), frozenset({16}), blocked="Wait.")) == "Wait."


def test_the_shapes_fill_an_arch(slicer_app: object) -> None:
    from ToothSegPanel.tooth_shapes import crown_of, kind_of, roots_of, width_of

    assert sum(width_of(fdi) for fdi in FDI_NUMBERS if fdi < 30) == 392
    assert [kind_of(fdi) for fdi in (11, 23, 34, 47)] == ["incisor", "canine", "premolar", "molar"]
    assert (len(roots_of(16)), len(roots_of(46)), len(roots_of(11))) == (2, 1, 1)
    for fdi in FDI_NUMBERS:
        for outline in (crown_of(fdi), *roots_of(fdi)):
            numbers = [value for command in outline for value in command[1:]]
            assert max(map(abs, numbers)) <= 1.02
            assert outline[-1] == ("Z",)
            assert outline[0][1:] == outline[-2][-2:]  # it ends where it began


@pytest.mark.parametrize(
    ("platform", "key"), [("linux", "Ctrl"), ("win32", "Ctrl"), ("darwin", "Cmd")]
)
def test_the_key_that_adds_a_tooth_is_named_as_on_the_keyboard(
    slicer_app: object, monkeypatch: pytest.MonkeyPatch, platform: str, key: str
) -> None:
    import sys

    from ToothSegPanel.verbs import Situation, why_not

    monkeypatch.setattr(sys, "platform", platform)
    assert why_not("swap", Situation()) == f"Select two teeth ({key} and a click adds one)."
