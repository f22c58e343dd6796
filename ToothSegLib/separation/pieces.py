"""A labelled foreground as connected pieces and the faces in which they touch.

What belongs together is decided on this small graph; no voxel is visited in Python.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components


@dataclass
class Pieces:
    """The connected pieces of every label.

    Attributes:
        piece: (n,) index of the piece that each foreground voxel is in.
        label: (m,) label of each piece.
        size: (m,) voxels of each piece.
        surface: (m,) faces of each piece, towards the background or another piece.
        contact: (m, m) faces in which two pieces touch; symmetric, zero on the diagonal.
    """

    piece: np.ndarray
    label: np.ndarray
    size: np.ndarray
    surface: np.ndarray
    contact: sparse.csr_matrix


def split_pieces(labels: np.ndarray, where: np.ndarray, shape: tuple[int, ...]) -> Pieces:
    """Take a labelled foreground apart.

    Args:
        labels: (n,) integers, one a foreground voxel.
        where: (n,) flat indices of the foreground voxels, ascending.
        shape: of the grid.
    """
    pairs = _faces(where, shape)
    same = labels[pairs[:, 0]] == labels[pairs[:, 1]]
    n = len(where)
    inner = sparse.coo_matrix((np.ones(same.sum(), bool), pairs[same].T), (n, n))
    m, piece = connected_components(inner, directed=False)
    size = np.bincount(piece, minlength=m)
    inner_faces = np.bincount(piece[pairs[same, 0]], minlength=m)
    outer = piece[pairs[~same]]
    contact = sparse.coo_matrix((np.ones(len(outer), np.int64), outer.T), (m, m)).tocsr()
    contact = (contact + contact.T).tocsr()
    label = np.empty(m, labels.dtype)
    label[piece] = labels
    return Pieces(piece, label, size, 6 * size - 2 * inner_faces, contact)


def _faces(where: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """(k, 2): the pairs of foreground voxels, as indices into ``where``, that share a face."""
    number = np.full(shape, -1, np.int32)
    number = number.ravel()
    own = np.arange(len(where), dtype=np.int32)
    number[where] = own
    pairs = []
    # How far apart the neighbours along an axis lie in the flat grid, and how many it has.
    for stride, length in ((shape[1] * shape[2], shape[0]), (shape[2], shape[1]), (1, shape[2])):
        first = own[where // stride % length < length - 1]
        second = number[where[first] + stride]
        pairs.append(np.stack([first, second], axis=1)[second >= 0])
    return np.concatenate(pairs)
