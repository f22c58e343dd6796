"""The outlines of the teeth as seen from the cheek, for the odontogram; no Qt.

Unit coordinates: x from -1 to 1 across the crown, y from 0 at the biting edge to 1 at the tip of
the longest root. A command is ("M", x, y), ("C", six numbers of a cubic curve) or ("Z",).
"""

from __future__ import annotations

from ToothSegLib.teeth import by_fdi

Command = tuple[str | float, ...]
Outline = tuple[Command, ...]

_NECK = 0.42


def _mirrored(half: Outline) -> Outline:
    """A closed outline from its left half, which runs from the bottom middle to the top middle."""
    points = [half[0][1:3]]
    for command in half[1:]:
        points += [command[1:3], command[3:5], command[5:7]]
    back = [(-float(x), y) for x, y in reversed(points[:-1])]
    curves = tuple(("C", *back[at], *back[at + 1], *back[at + 2]) for at in range(0, len(back), 3))
    return (*half, *curves, ("Z",))


_CROWNS = {
    "incisor": _mirrored((
        ("M", 0.0, 0.0),
        ("C", -0.35, 0.0, -0.7, 0.0, -0.8, 0.03),
        ("C", -0.92, 0.12, -0.76, 0.28, -0.6, _NECK),
        ("C", -0.35, 0.48, -0.2, 0.49, 0.0, 0.49),
    )),
    "canine": _mirrored((
        ("M", 0.0, -0.03),
        ("C", -0.2, -0.03, -0.55, 0.1, -0.8, 0.15),
        ("C", -0.95, 0.2, -0.78, 0.3, -0.6, _NECK),
        ("C", -0.35, 0.48, -0.2, 0.49, 0.0, 0.49),
    )),
    "premolar": _mirrored((
        ("M", 0.0, 0.03),
        ("C", -0.3, 0.03, -0.5, 0.1, -0.84, 0.12),
        ("C", -1.0, 0.2, -0.8, 0.32, -0.62, _NECK),
        ("C", -0.35, 0.46, -0.2, 0.46, 0.0, 0.46),
    )),
    "molar": _mirrored((
        ("M", 0.0, 0.11),
        ("C", -0.12, 0.1, -0.3, 0.02, -0.48, 0.03),
        ("C", -0.62, 0.03, -0.78, 0.08, -0.88, 0.12),
        ("C", -1.02, 0.22, -0.86, 0.34, -0.74, _NECK),
        ("C", -0.4, 0.44, -0.2, 0.44, 0.0, 0.47),
    )),
}  # fmt: skip


def _single_root(length: float) -> Outline:
    return _mirrored((
        ("M", 0.0, 0.44),
        ("C", -0.2, 0.44, -0.4, 0.43, -0.6, _NECK),
        ("C", -0.56, 0.65, -0.36, length, 0.0, length),
    ))  # fmt: skip


_TWO_ROOTS = _mirrored((
    ("M", 0.0, 0.44),
    ("C", -0.2, 0.44, -0.4, 0.43, -0.74, _NECK),
    ("C", -0.84, 0.6, -0.78, 0.88, -0.56, 0.88),
    ("C", -0.34, 0.88, -0.22, 0.6, 0.0, 0.58),
))  # fmt: skip
_MIDDLE_ROOT = _mirrored((
    ("M", 0.0, 0.44),
    ("C", -0.1, 0.44, -0.2, 0.44, -0.3, 0.45),
    ("C", -0.26, 0.7, -0.16, 0.86, 0.0, 0.86),
))  # fmt: skip


def kind_of(fdi: int) -> str:
    """ "incisor", "canine", "premolar" or "molar"."""
    return by_fdi(fdi).category_name.split()[1].rstrip("s")


def roots_of(fdi: int) -> tuple[Outline, ...]:
    """The outlines of the roots, those that lie behind first."""
    code = by_fdi(fdi)
    kind = kind_of(fdi)
    if kind == "molar":
        # Seen from the cheek the palatal root of an upper molar shows between the other two.
        return (_MIDDLE_ROOT, _TWO_ROOTS) if code.quadrant <= 2 else (_TWO_ROOTS,)
    return (_single_root({"incisor": 0.92, "canine": 1.0, "premolar": 0.93}[kind]),)


def crown_of(fdi: int) -> Outline:
    """The outline of the crown."""
    return _CROWNS[kind_of(fdi)]


def width_of(fdi: int) -> int:
    """Width of the tooth's place on the panel in pixels; the 14 of an arch make 392."""
    position = by_fdi(fdi).position
    return {1: 26, 2: 24, 3: 26, 4: 27, 5: 27, 6: 34, 7: 32}[position]
