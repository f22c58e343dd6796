"""Pieces and their faces are those that a look at every pair of voxels finds."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ToothSegLib.instances import _largest_first
from ToothSegLib.separation.pieces import _faces, split_pieces


def faces_one_by_one(inside: np.ndarray) -> set[tuple[int, int]]:
    number = {place: n for n, place in enumerate(map(tuple, np.argwhere(inside).tolist()))}
    steps = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
    return {
        (n, number[there])
        for (place, n), step in itertools.product(number.items(), steps)
        if (there := tuple(a + b for a, b in zip(place, step))) in number
    }


@pytest.mark.parametrize(
    "shape",
    [(5, 6, 7), (1, 6, 7), (5, 1, 7), (5, 6, 1), (1, 1, 9), (9, 1, 1), (1, 9, 1), (1, 1, 1)],
)
@pytest.mark.parametrize("share", [0.1, 0.6, 1.0])
def test_faces_are_between_neighbours_alone(shape: tuple[int, ...], share: float) -> None:
    inside = np.random.default_rng(sum(shape)).random(shape) <= share
    faces = _faces(np.flatnonzero(inside), shape)
    assert faces.shape[1] == 2
    assert len(faces) == len(set(map(tuple, faces.tolist())))
    assert set(map(tuple, faces.tolist())) == faces_one_by_one(inside)


def test_pieces_know_their_sizes_surfaces_and_contacts() -> None:
    labels = np.zeros((2, 3, 4), np.int32)
    labels[:, :, :2] = 1
    labels[:, :, 2] = 2
    labels[0, 0, 3] = 1  # touches the second alone
    where = np.flatnonzero(labels)
    pieces = split_pieces(labels.ravel()[where], where, labels.shape)
    assert pieces.size.tolist() == [12, 6, 1]
    assert pieces.label.tolist() == [1, 2, 1]
    assert pieces.surface.tolist() == [32, 22, 6]
    assert pieces.contact.toarray().tolist() == [[0, 6, 0], [6, 0, 1], [0, 1, 0]]


def test_regions_are_numbered_by_their_size() -> None:
    labels = np.array([[[3, 0, 7], [7, 7, 0], [5, 5, 0]]], np.uint16)
    expected = [[[3, 0, 1], [1, 1, 0], [2, 2, 0]]]
    assert _largest_first(labels).tolist() == expected
    assert _largest_first(labels).dtype == np.uint16
    assert not _largest_first(np.zeros((2, 2, 2), np.uint16)).any()
