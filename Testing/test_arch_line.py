"""Coordinates along the arch, outwards and upwards, however the head is turned."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from ToothSegLib.arches.arch import SLOT_FDI, TEMPLATE, Pose
from ToothSegLib.arches.arch_line import ArchLine


def a_turned_pose(scale: float = 1.1) -> Pose:
    rotation = Rotation.from_rotvec([0.2, -0.3, 0.4]).as_matrix()
    return Pose(rotation, np.array([10.0, -20.0, 30.0]), scale, np.array([0.0, 2.0, -6.0]))


def to_lps(pose: Pose, points: np.ndarray) -> np.ndarray:
    return pose.scale * points @ pose.rotation.T + pose.translation


def test_teeth_follow_each_other_from_right_to_left() -> None:
    pose = a_turned_pose()
    for arch in range(2):
        places = pose.places()[arch]
        lower = np.full(len(places), bool(arch))
        found = ArchLine(pose).coordinates(to_lps(pose, places), lower)
        chords = pose.scale * np.linalg.norm(np.diff(places[:, :2], axis=0), axis=1)
        steps = np.diff(found[:, 0])
        assert SLOT_FDI[arch, 0] in (18, 48)
        assert (steps >= 0.95 * chords).all()
        assert (steps < 1.15 * chords).all()
        assert np.abs(found[:, 1]).max() < 0.3
        np.testing.assert_allclose(found[:, 2], pose.scale * places[:, 2], atol=1e-9)


def test_lips_and_cheeks_are_outwards_on_both_sides() -> None:
    pose = a_turned_pose(scale=1.0)
    places = TEMPLATE[0]
    middle = np.array([0.0, 30.0, 8.0])
    away = (places - middle) * [1, 1, 0]
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    upper = np.zeros(len(places), bool)
    line = ArchLine(pose)
    front = slice(4, 12)  # where the way from the middle leads straight out of the arch
    at = line.coordinates(to_lps(pose, places), upper)
    moved = line.coordinates(to_lps(pose, places + 2.0 * away), upper)
    assert (moved[front, 1] - at[front, 1] > 1.6).all()
    assert np.abs(moved[front, 0] - at[front, 0]).max() < 1.2
