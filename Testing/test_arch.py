"""The template of the arches and its pose."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ToothSegLib.arches.arch import (
    SLOT_FDI,
    SLOT_TYPES,
    TEMPLATE,
    Pose,
    candidate_poses,
    fit_pose,
    order_along_arch,
)
from ToothSegLib.teeth import mirror, type_of


def test_left_teeth_lie_to_the_left_and_their_mirrors_opposite() -> None:
    place = {int(fdi): TEMPLATE[at] for at, fdi in np.ndenumerate(SLOT_FDI)}
    for fdi, point in place.items():
        assert (point[0] > 0) == (fdi // 10 in (2, 3)), fdi  # LPS: x grows to the left
        assert (point[2] > 0) == (fdi < 30), fdi
        assert place[mirror(fdi)] == pytest.approx(point * [-1, 1, 1])
    assert place[16][1] > place[11][1]  # LPS: y grows backwards


def test_slots_know_their_types() -> None:
    for at, fdi in np.ndenumerate(SLOT_FDI):
        assert SLOT_TYPES[at] == type_of(int(fdi))


def test_a_pose_is_found_again() -> None:
    turn = Rotation.from_rotvec([0.2, -0.3, 0.35]).as_matrix()
    truth = Pose(turn, np.array([120.0, -40.0, 55.0]), 1.05, np.array([1.0, 2.0, -6.0]))
    arches, slots = np.divmod(np.arange(32), 16)
    points = truth.scale * truth.places()[arches, slots] @ turn.T + truth.translation
    assert truth.to_template(points) == pytest.approx(truth.places()[arches, slots])
    assert truth.to_lps(truth.places())[arches, slots] == pytest.approx(points)
    found = fit_pose(points, arches, slots, Pose(np.eye(3), points.mean(axis=0)), rounds=30)
    misfit = found.to_template(points) - found.places()[arches, slots]
    assert np.abs(misfit).max() < 1.0
    assert Rotation.from_matrix(found.rotation.T @ turn).magnitude() < 0.05


def test_a_mirrored_dentition_is_not_fitted_by_a_reflection() -> None:
    arches, slots = np.divmod(np.arange(32), 16)
    points = TEMPLATE[arches, slots] * [-1, 1, 1]
    found = fit_pose(points, arches, slots, Pose(np.eye(3), np.zeros(3)), rounds=10)
    assert np.linalg.det(found.rotation) == pytest.approx(1)


@pytest.mark.parametrize(("size", "fitted"), [(0.4, 0.75), (2.0, 1.3)])
def test_no_head_is_fitted_by_a_child_or_a_giant(size: float, fitted: float) -> None:
    arches, slots = np.divmod(np.arange(32), 16)
    points = size * TEMPLATE[arches, slots]
    found = fit_pose(points, arches, slots, Pose(np.eye(3), np.zeros(3), size), rounds=30)
    assert found.scale == fitted


def test_few_teeth_say_little_of_how_far_the_jaws_are_apart() -> None:
    shift = np.array([0.0, 0.0, -8.0])
    found = []
    for lower in (1, 16):
        arches = np.repeat([0, 1], [16, lower])
        slots = np.concatenate([np.arange(16), np.arange(16)[:lower]])
        points = TEMPLATE[arches, slots] + np.where(arches[:, None] == 1, shift, 0.0)
        found.append(fit_pose(points, arches, slots, Pose(np.eye(3), np.zeros(3)), rounds=30))
    assert -6.5 > found[1].jaw_shift[2] > -8.5
    assert abs(found[0].jaw_shift[2]) < 0.85 * abs(found[1].jaw_shift[2])


def test_a_mirrored_scan_is_tried_in_the_mirrored_places() -> None:
    rng = np.random.default_rng(0)
    points = TEMPLATE.reshape(-1, 3)[3:30] + rng.normal(0, 1, (27, 3))
    looks = rng.normal(0, 2, (27, 17))[:, SLOT_TYPES]  # of a type, whichever the side
    poses, mirrored = (candidate_poses(points * [side, 1, 1], looks) for side in (1, -1))
    assert len(poses) == len(mirrored) > 1
    for pose, other in zip(poses, mirrored, strict=True):
        assert other.translation == pytest.approx(pose.translation * [-1, 1, 1])


def test_order_runs_from_right_to_left() -> None:
    shuffled = np.random.default_rng(0).permutation(16)
    pose = Pose(np.eye(3), np.zeros(3))
    for arch in range(2):
        points = TEMPLATE[arch][shuffled] + [0.5, -0.5, 2.0]
        assert shuffled[order_along_arch(points, arch, pose)].tolist() == list(range(16))


def test_what_stands_behind_the_last_place_is_in_order_too() -> None:
    pose = Pose(np.eye(3), np.zeros(3))
    for end, before in ((0, 1), (15, 14)):
        line = TEMPLATE[1]
        points = line[end] + np.array([[0.8], [0.3]]) * (line[end] - line[before])
        order = order_along_arch(points, 1, pose).tolist()
        assert order == ([0, 1] if end == 0 else [1, 0])
