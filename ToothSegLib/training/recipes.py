"""The article's seven experiments by name.

The article leaves these open, and they are settled here so that each experiment can be run:

- *Planes.* Arrays are (z, y, x), so an x-z slice is one of constant y (axis 1) and a y-z slice one
  of constant x (axis 2). Pieces of 24 or 72 slices are cut along z (axis 0).
- *Optimiser.* The article names Adam and RMSprop, not which one where. Adam is the default, at
  its usual step of 0.001; `dataclasses.replace` or the command line chooses the other.
- *What stage 2 sees.* The image with everything set to zero that is not tooth. Alone (article-6)
  it is given the true teeth, so its figures are those of the categories only; in a cascade
  (article-3, article-7) it learns and works on what the first network found.
- *The second 2D network* of article-3 is the first one's design with nine outputs.
- *What is looked at.* The article learned from and looked at one scan. So do these recipes, on
  turns of it that were held out; see `split`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ToothSegLib.errors import InputError

OPTIMISERS = ("adam", "rmsprop")


@dataclass(frozen=True)
class Stage:
    """One network and how it is fed.

    Args:
        role: name of the network in its bundle.
        shape: (dim, in_channels, out_channels, n_blocks, start_filters) of the `UNet`. One output
            learns teeth by Dice; nine learn the categories by category Dice.
        axis: axis of (z, y, x) along which slices are counted.
        thickness: slices in a piece; 1 is one 2D slice, None the whole volume.
        batch_size: pieces in a step.
        mask: what is left of the image: "none" takes nothing away, "truth" keeps the true teeth,
            "found" keeps the teeth that the stage before has found.
    """

    role: str
    shape: tuple[int, int, int, int, int]
    axis: int = 0
    thickness: int | None = None
    batch_size: int = 1
    mask: str = "none"

    @property
    def dim(self) -> int:
        """2 or 3, the dimensions of the network."""
        return self.shape[0]

    @property
    def categorical(self) -> bool:
        """Whether it tells categories apart, rather than teeth from the rest."""
        return self.shape[2] > 1

    @property
    def architecture(self) -> dict[str, Any]:
        """The network as a bundle's card describes it."""
        names = ("dim", "in_channels", "out_channels", "n_blocks", "start_filters")
        return {"class": "UNet", **dict(zip(names, self.shape, strict=True))}


@dataclass(frozen=True)
class Recipe:
    """A named training configuration: stages in the order in which they are trained and run."""

    name: str
    title: str
    stages: tuple[Stage, ...]
    epochs: int = 100
    optimiser: str = "adam"
    learning_rate: float = 1e-3

    def __post_init__(self) -> None:
        if self.optimiser not in OPTIMISERS:
            raise InputError(
                f"no optimiser {self.optimiser!r}: choose one of {', '.join(OPTIMISERS)}"
            )
        if not 0 < self.learning_rate < float("inf"):
            raise InputError(f"a learning rate is above 0, not {self.learning_rate:g}")


_FLAT = (2, 1, 1, 4, 64)
_FLAT_CATEGORIES = (2, 1, 9, 4, 64)
_LARGE = (3, 1, 1, 4, 64)
_LIGHT = (3, 1, 1, 3, 18)
_LIGHT_CATEGORIES = (3, 1, 9, 3, 9)

_XZ = Stage("stage1", _FLAT, axis=1, thickness=1, batch_size=8)
_YZ = Stage("stage1", _FLAT, axis=2, thickness=1, batch_size=8)
_XZ_CATEGORIES = Stage("stage2", _FLAT_CATEGORIES, axis=1, thickness=1, batch_size=8, mask="found")
_THIN = Stage("stage1", _LARGE, thickness=24)
_THICK = Stage("stage1", _LIGHT, thickness=72)

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe("article-1", "2D slices, x-z plane: teeth", (_XZ,)),
        Recipe("article-2", "2D slices, y-z plane: teeth", (_YZ,)),
        Recipe("article-3", "two 2D networks: teeth, then categories", (_XZ, _XZ_CATEGORIES)),
        Recipe("article-4", "large 3D network, 24-slice pieces: teeth", (_THIN,)),
        Recipe("article-5", "light 3D network, 72-slice pieces: teeth", (_THICK,)),
        Recipe(
            "article-6",
            "light 3D network, whole volume, true teeth: categories",
            (Stage("stage2", _LIGHT_CATEGORIES, mask="truth"),),
        ),
        Recipe(
            "article-7",
            "cascade of two light 3D networks: teeth, then categories",
            (_THICK, Stage("stage2", _LIGHT_CATEGORIES, mask="found")),
        ),
    )
}


def recipe_by_name(name: str) -> Recipe:
    """A recipe of the article.

    Raises:
        InputError: there is no such recipe.
    """
    if name not in RECIPES:
        raise InputError(f"no recipe {name!r}: choose one of {', '.join(RECIPES)}")
    return RECIPES[name]


def split(count: int) -> tuple[list[int], list[int]]:
    """Which of `count` turned volumes to learn from and which to look at: every third from the
    third on is held out, so that of the article's ten seven remain (21 pieces of 72 slices).

    All are one scan. The held-out turns show how well the network knows this scan at other
    angles, and nothing about other scans.
    """
    held_out = [index for index in range(count) if index % 3 == 2]
    return [index for index in range(count) if index not in held_out], held_out
