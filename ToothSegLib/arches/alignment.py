"""A row of regions set against a row of slots, order kept, with gaps and extras on both sides.

The model is a chain: each region takes a slot to the left of the next region's, or none (an
extra). A pair of neighbours is judged by the distance between them against the distance between
their slots. The best chain is Viterbi's, the probabilities are the forward-backward
algorithm's (Rabiner 1989), both over (last region, its slot).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

EXTRA = -1
"""The slot of a region that has none."""


@dataclass
class Chain:
    """A row of n regions, in order, before they get slots. All scores are log-likelihoods.

    Attributes:
        fit: (n, m), each region in each slot.
        extra: (n,), each region taken as an extra.
        step: (n, n, m, m), region i in slot s followed by region j in slot t, at [i, j, s, t];
            only i < j and s < t are read.
        first, last: (m,), a row that begins, or ends, in each slot; nothing by default.
    """

    fit: np.ndarray
    extra: np.ndarray
    step: np.ndarray
    first: np.ndarray | float = 0.0
    last: np.ndarray | float = 0.0

    def __post_init__(self) -> None:
        n, m = self.fit.shape
        self._begin, self._end = (np.broadcast_to(way, m) for way in (self.first, self.last))
        before = np.concatenate([[0.0], np.cumsum(self.extra)])
        self._skipped_first = before[:n]
        self._skipped_last = before[n] - before[1:]
        between = before[None, :n] - before[1:, None]  # regions between i and j, taken as extras
        self._links = np.where(
            np.triu(np.ones((m, m), bool), 1),
            self.step + between[:, :, None, None],
            -np.inf,
        )

    def best(self) -> tuple[np.ndarray, float]:
        """The best chain: (n,) slots, ``EXTRA`` for none; and its score."""
        n, m = self.fit.shape
        score = np.empty((n, m))
        back = np.full((n, m), -1)
        for j in range(n):
            score[j] = self._skipped_first[j] + self._begin
            if j:
                routes = (score[:j, :, None] + self._links[:j, j]).reshape(j * m, m)
                route = routes.argmax(axis=0)
                reached = routes[route, np.arange(m)]
                back[j] = np.where(reached > score[j], route, -1)
                score[j] = np.maximum(score[j], reached)
            score[j] += self.fit[j]
        slots = np.full(n, EXTRA)
        total = score + self._skipped_last[:, None] + self._end
        nothing = float(self.extra.sum())
        if n == 0 or total.max() <= nothing:
            return slots, nothing
        at = int(total.argmax())
        while at >= 0:
            slots[at // m] = at % m
            at = back[at // m, at % m]
        return slots, float(total.max())

    def probabilities(self) -> tuple[np.ndarray, float]:
        """(n, m) posterior probability of each slot, and the log-evidence of the whole chain.

        A row sums to less than one: the rest is the probability of being an extra.
        """
        n, m = self.fit.shape
        forward = np.empty((n, m))
        for j in range(n):
            routes = (self._skipped_first[j] + self._begin)[None]
            if j:
                linked = (forward[:j, :, None] + self._links[:j, j]).reshape(j * m, m)
                routes = np.vstack([routes, linked])
            forward[j] = self.fit[j] + _log_sum(routes, axis=0)
        backward = np.empty((n, m))
        for i in reversed(range(n)):
            after = n - 1 - i
            routes = (self._skipped_last[i] + self._end)[:, None]
            if after:
                ahead = (self.fit[i + 1 :] + backward[i + 1 :])[:, None] + self._links[i, i + 1 :]
                routes = np.hstack([routes, ahead.transpose(1, 0, 2).reshape(m, after * m)])
            backward[i] = _log_sum(routes, axis=1)
        ends = (forward + self._skipped_last[:, None] + self._end).ravel()
        evidence = float(_log_sum(np.append(ends, self.extra.sum()), axis=0))
        return np.exp(forward + backward - evidence), evidence


def _log_sum(values: np.ndarray, axis: int) -> np.ndarray:
    """log(sum(exp(values))); there is a finite value along the axis. SciPy's own does the same,
    at ten times the cost for arrays as small as these."""
    top = values.max(axis=axis, keepdims=True)
    return (top + np.log(np.exp(values - top).sum(axis=axis, keepdims=True))).squeeze(axis)
