"""One DICOM series that lies in several folders, as on discs that take so many files in each."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.errors import InputError
from ToothSegLib.formats.dicom_claims import Claims, check_claims
from ToothSegLib.formats.dicom_series import (
    Series,
    is_volume,
    is_worth_a_look,
    series_files,
    without_scouts,
)

# Slices of one series lie on a line, up to so many times their distance.
_BESIDE = 10
_UNEVEN = 0.3
_FURTHEST_MM = 1e6
_MOST_FOLDERS = 3
_NUMBER = re.compile(r"\d+")
# Other people's folders are not looked into without end for a part that is not there.
_MOST_IN_VAIN = 24
# Folders beside that are looked into whatever they are called.
_NEXT = 2
# As on discs by the standard: DICOMDIR, DICOM/PATIENT/STUDY/SERIES.
_LEVELS_BELOW_LIST = 4
# Cosine of the angle between slices above which they may be of one stack.
_SAME_WAY = 0.9

Folders = Mapping[Path, Mapping[str, Series]]


def series_below(folder: Path, own: Mapping[str, Series]) -> dict[str, Series]:
    """The series of the folders below and of this one, those in several folders put together.

    Series that cannot be put together have their folder behind their UID.

    Args:
        folder: this one.
        own: its series by their UID.

    Raises:
        InputError: as `series_files`.
    """
    places = {folder: dict(own)}
    for walked, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name[0] != ".")
        here = Path(walked)
        if here != folder and any(is_worth_a_look(here / name) for name in sorted(names)):
            places[here] = series_files(here)
    found: dict[str, Series] = {}
    every = [(place, one) for place, series in joined(places).items() for one in series.values()]
    # The UID alone is for slices, not for a scout view in another folder.
    for place, one in sorted(every, key=lambda one: (not without_scouts(one[1]).files, one[0])):
        is_first = one.uid not in found
        found[one.uid if is_first else f"{one.uid} in {place.relative_to(folder).as_posix()}"] = one
    return found


def joined(places: Folders) -> dict[Path, dict[str, Series]]:
    """The same, with each series whose parts lie in several folders in the folder around them.

    Args:
        places: the series of folders by their UID.
    """
    result = {place: dict(series) for place, series in places.items()}
    for uid in dict.fromkeys(uid for series in places.values() for uid in series):
        every = [place for place, series in places.items() if uid in series]
        beside = [[p for p in every if p.parent == around] for around in {p.parent for p in every}]
        done: set[Path] = set()
        # Where there is a copy elsewhere, those beside each other may still belong together.
        for group in (every, *beside):
            for view in _views({place: places[place][uid] for place in group if place not in done}):
                parts = list(view.values())
                if len(parts) == 1 or not go_together(parts):
                    continue
                around = Path(os.path.commonpath(view))
                there = result.get(around, {}).get(uid)
                if around not in view and there is not None and _is_other_scan(there, parts):
                    continue
                for place in view:
                    del result[place][uid]
                result.setdefault(around, {})[uid] = _one(parts)
                done |= set(view)
    return result


def _views(parts: Mapping[Path, Series]) -> list[dict[Path, Series]]:
    """Parts of one UID without scout views, and apart where their slices face other ways."""
    views: list[tuple[NDArray[np.float64] | None, dict[Path, Series]]] = []
    for place, part in parts.items():
        slices = without_scouts(part)
        if not slices.files:
            continue
        normal = _normal(slices)
        for other, view in views:
            if normal is None or other is None or abs(normal @ other) > _SAME_WAY:
                view[place] = slices
                break
        else:
            views.append((normal, {place: slices}))
    return [view for _, view in views]


def _normal(part: Series) -> NDArray[np.float64] | None:
    """What the first slice faces, of length 1; None if it does not say."""
    try:
        text = part.claims[part.files[0]].texts["orientation"]
        axes = np.reshape(_numbers(text), (2, 3))
    except (KeyError, ValueError):
        return None
    normal = np.cross(axes[0], axes[1])
    length = np.linalg.norm(normal)
    return normal / length if np.isfinite(length) and length > 0 else None


def _is_other_scan(there: Series, parts: Sequence[Series]) -> bool:
    """Whether what lies in the folder around is a volume, and no copy of these parts."""
    return is_volume(there) and not _instances([there]) & _instances(parts)


def _instances(parts: Sequence[Series]) -> set[str | None]:
    return {one.texts.get("instance") for part in parts for one in part.claims.values()}


def check_whole(folder: Path, series: Series) -> None:
    """Refuse a part of a series, of which folders beside this one, in it or around it have others.

    Looked into are the folders within, the one around, and of those beside, the nearest first, the
    two next by name and those whose names are alike; any other only where slices seem to lack, or
    on a disc. The first part of a series has the numbers of a whole one.

    Raises:
        InputError: names the folders.
    """
    here = folder.resolve()
    near = _nearest(here)
    beside = near[:_NEXT] + [p for p in near[_NEXT:] if _is_alike(p.name, here.name)]
    groups = [_folders_in(here), [here.parent], beside]
    if _seems_cut(series) or _is_on_disc(here):
        groups.append([place for place in near if place not in beside])
    rest = {place: part for group in groups for place, part in _parts_in(group, series)}
    # It is a volume, so the first view is its own.
    rest = _views({here: series, **dict(sorted(rest.items()))})[0]
    series = rest.pop(here)
    if not rest or not go_together([series, *rest.values()]):
        return
    names = ", ".join(place.name for place in list(rest)[:_MOST_FOLDERS])
    names += f" and {len(rest) - _MOST_FOLDERS} more" if len(rest) > _MOST_FOLDERS else ""
    whole = len(_one([series, *rest.values()]).files)
    raise InputError(
        f"{folder} holds {len(series.files)} of the {whole} slices of its series, the others lie "
        f"in {names}; give {os.path.commonpath([here, *rest])}, or put all slices into one folder"
    )


def _parts_in(folders: Sequence[Path], series: Series) -> Iterator[tuple[Path, Series]]:
    """The folders that have others of a series; once there are any, however many are without."""
    in_vain, has_any = 0, False
    for folder in folders:
        if (part := _part_in(folder, series)) is not None:
            has_any = True
            yield folder, part
        elif (in_vain := in_vain + 1) >= _MOST_IN_VAIN and not has_any:
            return


def _nearest(folder: Path) -> list[Path]:
    """The folders beside this one, those first that come next by their names."""
    every = _folders_in(folder.parent)
    at = sum(place < folder for place in every)
    ranked = sorted(enumerate(every), key=lambda one: abs(one[0] - at))
    return [place for _, place in ranked if place != folder]


def _is_alike(one: str, other: str) -> bool:
    """Whether names differ by numbers alone, as S01 and S00, or one begins with the other."""
    form = _NUMBER.sub("#", one)
    differ_by_numbers = form != one and form == _NUMBER.sub("#", other)
    return differ_by_numbers or one.startswith(other) or other.startswith(one)


def _seems_cut(series: Series) -> bool:
    """Whether the slices' numbers do not begin at 1 or 0, or have holes."""
    try:
        numbers = sorted(int(one.texts["number"]) for one in series.claims.values())
    except (KeyError, ValueError):
        return True
    first = numbers[0] if numbers else 1
    return first not in (0, 1) or numbers != list(range(first, first + len(series.files)))


def _is_on_disc(folder: Path) -> bool:
    """Whether a list of a disc's files (DICOMDIR) lies in a folder or not far above."""
    above = (folder, *folder.parents)[: 1 + _LEVELS_BELOW_LIST]
    return any(os.path.isfile(place / name) for place in above for name in ("DICOMDIR", "dicomdir"))


def go_together(parts: Sequence[Series]) -> bool:
    """Whether parts with one UID are slices of one scan, and no copies or scans of their own.

    Args:
        parts: without scout views.
    """
    claims = [[part.claims.get(file) for file in part.files] for part in parts]
    instances: set[str] = set()
    studies, count = set(), 0
    for one in (one for part in claims for one in part):
        if one is None or one.frames > 1 or not one.texts.get("instance"):
            return False
        studies.add(one.texts.get("study"))
        instances.add(one.texts["instance"])
        count += 1
    if len(studies) > 1 or len(instances) < count:
        return False
    try:
        places = [
            np.array([_numbers(one.texts["position"]) for one in part if one]) for part in claims
        ]
        first = claims[0][0]
        assert first is not None
        axes = np.reshape(_numbers(first.texts["orientation"]), (2, 3))
    except (KeyError, ValueError):
        return False
    return all(place.shape[1:] == (3,) for place in places) and _are_one_stack(
        places, np.cross(axes[0], axes[1])
    )


def _are_one_stack(places: Sequence[NDArray[np.float64]], normal: NDArray[np.float64]) -> bool:
    every = np.concatenate(places)
    if not (np.abs(every) < _FURTHEST_MM).all() or not np.isfinite(normal).all():
        return False
    heights = every @ normal
    gaps = np.diff(np.sort(heights))
    if gaps.max() <= 0:
        return False
    step = float(np.median(gaps[gaps > gaps.max() / 100]))
    if gaps.min() < _UNEVEN * step or gaps.max() > len(every) * step:
        return False
    numbers = (heights - heights.min()) / step
    line = np.stack([np.polyval(np.polyfit(numbers, along, 1), numbers) for along in every.T], 1)
    if np.linalg.norm(every - line, axis=1).max() > _BESIDE * step:
        return False
    rows = sorted((np.sort(place @ normal) for place in places), key=lambda row: float(row[0]))
    if all(one[-1] < other[0] for one, other in zip(rows, rows[1:])):
        return True
    # Among each other: whatever is an even row by itself is a scan by itself.
    return not all(len(row) > 2 and _is_even(row) for row in rows)


def _is_even(row: NDArray[np.float64]) -> bool:
    gaps = np.diff(row)
    return bool(np.ptp(gaps) < _UNEVEN * np.median(gaps))


def _one(parts: Sequence[Series]) -> Series:
    claims = {file: one for part in parts for file, one in part.claims.items()}
    return replace(parts[0], files=tuple(f for part in parts for f in part.files), claims=claims)


def _numbers(text: str) -> list[float]:
    return [float(part) for part in text.split("\\")]


def has_folders(folder: Path) -> bool:
    """Whether there may be more of a scan below."""
    return bool(_folders_in(folder))


def _folders_in(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as there:
            names = sorted(one.name for one in there if one.name[0] != "." and one.is_dir())
        return [folder / name for name in names]
    except OSError:  # not ours to look into
        return []


def _part_in(folder: Path, series: Series) -> Series | None:
    """What a folder has of a series; looked for in its first, middle and last file.

    Raises:
        InputError: it has other slices of it, and cannot be read.
    """
    try:
        with os.scandir(folder) as there:  # which tells files from folders without asking for each
            names = sorted(one.name for one in there if one.is_file())
        some = {names[at] for at in (0, len(names) // 2, -1)} if names else set()
        paths = [folder / name for name in sorted(some)]
        claims = [check_claims(path) for path in paths if is_worth_a_look(path)]
    except (OSError, InputError):
        return None
    theirs = {one.texts["instance"] for one in claims if _is_of(series, one)}
    mine = _instances([series])
    if not theirs or theirs & mine:  # a copy
        return None
    return series_files(folder).get(series.uid)


def _is_of(series: Series, claims: Claims) -> bool:
    return claims.texts.get("series") == series.uid and "instance" in claims.texts
