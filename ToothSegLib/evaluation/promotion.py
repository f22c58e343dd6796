"""Making a bundle the user's default, and taking that back.

The bundle is copied into the user's folder, so that moving or removing the run that it came from
changes nothing; its name there ends with digits of its weights' checksum.
"""

from __future__ import annotations

import datetime
import json
import math
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from ToothSegLib.bundles.model_card import CARD_NAME
from ToothSegLib.dataset.record import check_id
from ToothSegLib.disk.atomic import replacing
from ToothSegLib.errors import BundleError, InputError, OutputError
from ToothSegLib.evaluation.fixed_benchmark import weights_digest
from ToothSegLib.evaluation.outcomes import Outcome, identification_f1, mean_dice
from ToothSegLib.machine.os_lock import os_locked
from ToothSegLib.models import (
    SHIPPED,
    Bundle,
    default_bundle_name,
    load_bundle,
    outlived_promotion,
    shipped_bundles,
    shipped_default_name,
)
from ToothSegLib.user_models import Promotion, promotions, record, user_models_folder

TOLERANCE = 0.005
"""How much worse than the default, or than the one that came with ToothSeg, a bundle may be on the
fixed benchmark, in Dice or F1. By the second, small falls of many promotions do not add up."""

LOCK_NAME = ".toothseg-promote.lock"

Measure = Callable[[Bundle], Sequence[Outcome]]


class Worse(InputError):
    """A bundle does worse on the fixed benchmark than one that it is held against."""


def promote(bundle: Bundle, measure: Measure, *, force: bool = False) -> Promotion:
    """Make a bundle the default.

    Args:
        bundle: to promote.
        measure: gives the outcomes on the fixed benchmark.
        force: also if it is worse, and without measuring where that is not possible.

    The default itself may be promoted again where its promotion is outlived, see
    `models.outlived_promotion`: it is held against what ToothSeg brings today.

    Raises:
        BundleError: it is damaged, or is no bundle that segments; or the user's folder is not
            known, see `user_models.user_folder`.
        Worse: see `TOLERANCE`.
        InputError: it is the default already, or another one became the default meanwhile.
        OutputError: the user's folder cannot be written, or another program is promoting.
    """
    bundle.check_kind()
    for role in bundle.networks:
        bundle.build(role)
    current = _current(force=force)
    _refuse_same(bundle, current)
    grounds: dict[str, object] = {"forced": True}
    if not force:
        assert current is not None
        shipped = load_bundle(shipped_default_name())
        before = shipped if current.identity == bundle.identity else current
        after = measure(bundle)
        grounds = _grounds(measure(before), after)
        _refuse_worse(bundle.name, before.name, grounds)
        if shipped.identity not in (before.identity, bundle.identity):
            _refuse_worse(bundle.name, shipped.name, _grounds(measure(shipped), after))
    name = _name(bundle)
    with _alone():
        # Measuring takes minutes, in which somebody else may have promoted a bundle.
        now = _current(force=force)
        _refuse_same(bundle, now)
        if (
            not force
            and current is not None
            and now is not None
            and now.identity != current.identity
        ):
            raise InputError(
                f"{now.name} became the default while {bundle.name} was held against "
                f"{current.name}: promote it again"
            )
        if name not in shipped_bundles():
            _copy(bundle, name)
        earlier = promotions()
        if earlier and earlier[-1].name == name:  # going back leads to what was before both
            earlier = earlier[:-1]
        grounds |= _held_against()
        when = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        promotion = Promotion(name, when, grounds)
        record((*earlier, promotion))
    return promotion


@contextmanager
def _alone() -> Iterator[None]:
    """One program at a time changes which bundle is the default. Raises OutputError."""
    folder = user_models_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make {folder}: {error.strerror or error}") from error
    with os_locked(folder / LOCK_NAME, "promotion or rollback", "try again"):
        yield


def _refuse_same(bundle: Bundle, current: Bundle | None) -> None:
    is_same = current is not None and current.identity == bundle.identity
    if is_same and not outlived_promotion():
        raise InputError(f"{bundle.name} has the weights of the default bundle already")


def _copy(bundle: Bundle, name: str) -> None:
    """The bundle under another name among the user's: its weights to the bit, whole or not."""
    target = user_models_folder() / name
    part = target.with_name(f".{name}.{uuid.uuid4().hex}.part")
    try:
        part.mkdir(parents=True)
        # On the disk before the folder has its name: a crash must not leave one with empty files.
        for path in bundle.networks.values():
            with open(path, "rb") as weights, replacing(part / path.name) as copy:
                shutil.copyfileobj(weights, copy)
        card = json.dumps({**bundle.card, "name": name}, indent=2, ensure_ascii=False)
        with replacing(part / CARD_NAME) as file:
            file.write((card + "\n").encode())
        load_bundle(part).verify()
        # One of this name has the same weights, or is damaged.
        shutil.rmtree(target, ignore_errors=True)
        os.replace(part, target)
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def roll_back() -> tuple[str, str]:
    """Take the last promotion back; its bundle stays in the user's folder.

    Returns:
        The default bundle's name before and after.

    Raises:
        InputError: nothing was promoted.
        OutputError: the user's folder cannot be written, or another program is promoting.
    """
    if not promotions():  # nothing is made in the user's folder then
        _refuse_to_roll_back()
    with _alone():
        promoted = promotions() or _refuse_to_roll_back()
        record(promoted[:-1])
    return promoted[-1].name, default_bundle_name()


def _refuse_to_roll_back() -> NoReturn:
    raise InputError(
        f"nothing to roll back: the default is {shipped_default_name()}, which came with ToothSeg"
    )


def _current(*, force: bool) -> Bundle | None:
    try:
        return load_bundle()
    except BundleError:
        if force:  # whatever is wrong with it, it is to be replaced
            return None
        raise


def _held_against() -> dict[str, object]:
    """What ToothSeg brings as the default today; see `models.outlived_promotion`."""
    try:
        return {SHIPPED: load_bundle(shipped_default_name()).identity}
    except BundleError:  # of a damaged installation only what is forced comes so far
        return {}


def _grounds(before: Sequence[Outcome], after: Sequence[Outcome]) -> dict[str, object]:
    return {
        "tooth_dice": [round(mean_dice(before), 4), round(mean_dice(after), 4)],
        "identification_f1": [
            round(identification_f1(before), 4),
            round(identification_f1(after), 4),
        ],
    }


def _refuse_worse(name: str, current: str, grounds: dict[str, object]) -> None:
    for figure, pair in grounds.items():
        assert isinstance(pair, list)
        before, after = pair
        # Not a number is worse than any.
        if math.isnan(after) or before - after > TOLERANCE + 1e-9:
            raise Worse(
                f"{name} is worse than {current} on the fixed benchmark: "
                f"{figure.replace('_', ' ')} {after:.4f}, not {before:.4f}; "
                "--force promotes it all the same"
            )


def _name(bundle: Bundle) -> str:
    """What it is called among the user's bundles."""
    shipped = bundle.folder.name
    if shipped in shipped_bundles() and load_bundle(shipped).identity == bundle.identity:
        return shipped
    digits = weights_digest(bundle)[:8]
    base = bundle.name.replace("+", "-").removesuffix(f"-{digits}")
    try:
        return check_id(f"{base}-{digits}")
    except InputError:
        raise BundleError(
            f"the name {bundle.name!r:.100} in the bundle's card cannot name a folder: use "
            "letters, digits, '-', '_' and '.'"
        ) from None
