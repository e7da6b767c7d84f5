"""Translation between two kinds of pictures without pairs, by CycleGAN.

`train --unpaired DIR` learns to translate pictures of `trainA` into pictures like those
of `trainB`, and back. A tenth of each, at most 200, is held out. After each epoch, the
first eight of them are drawn above their translations.

Reference:
    Zhu et al. 2017, Unpaired Image-to-Image Translation using Cycle-Consistent
    Adversarial Networks.
"""

from __future__ import annotations

import dataclasses
import pathlib
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from gan import plots
from gan.data.pixels import NO_RANGE
from gan.data.unpaired import Kinds, part, read_unpaired
from gan.errors import StrPath, require
from gan.networks.cycle import cycle_GenDiscr
from gan.recipes.run import Recipe
from gan.schedules import LinearDecay
from gan.variants.cycle_gan import CycleGAN

if TYPE_CHECKING:
    from gan.recipes.run import Run

_BATCH = 16
_LEAST = 16  # smallest number of pictures of each kind to learn from
_SHOWN = 8  # held-out pictures of each kind to draw
_MOST_WITHHELD = 200


@dataclasses.dataclass(frozen=True, eq=False)
class Parts:
    """Training pictures and held-out pictures of both kinds.

    Attributes:
        said: str, a line that says what was read.
        learnt: pair of uint8 arrays `(N, h, w, c)`.
        withheld: pair of uint8 arrays.
        names: empty, because there are no classes.
    """

    said: str
    learnt: tuple[np.ndarray, np.ndarray]
    withheld: tuple[np.ndarray, np.ndarray]
    names: tuple[str, ...] = ()

    @property
    def pictures(self) -> np.ndarray:
        """The training pictures of A."""
        return self.learnt[0]


def read_parts(
    path: StrPath | None,
    size: int | tuple[int, int] | None = None,
    colour: bool | None = None,
) -> Parts:
    """Read two kinds of pictures, see `gan.data.unpaired.read_unpaired`.

    Args:
        path: str or `os.PathLike`, a folder.
        size: int, both sides, or pair of ints (height, width), multiples of 4, at least
            8; `None` takes 32.
        colour: bool, RGB or grey; `None` finds out whether there are colours.

    Returns:
        `Parts`.
    """
    sentence = (
        "The argument data (--unpaired) must name a folder with two kinds of pictures."
    )
    require(path is not None, sentence, "data")
    sides = (size, size) if isinstance(size, int) else size
    found = read_unpaired(path, sides, colour)
    return _parts_of(found)


def _parts_of(found: Kinds) -> Parts:
    kinds = (found.a, found.b)
    for kind, called in zip(kinds, found.called, strict=True):
        count = len(kind.pictures)
        sentence = f"There must be at least {_LEAST} pictures in {called}, not {count}."
        require(count >= _LEAST, sentence, "data")
    counts = [min(len(kind.pictures) // 10, _MOST_WITHHELD) for kind in kinds]
    learnt, withheld = zip(*map(part, kinds, counts), strict=True)
    said = f"{found.said}; {counts[0]} and {counts[1]} of them held out"
    return Parts(said, learnt, withheld)


def make_networks(data: Parts) -> tuple[Any, Any, None]:
    """Make the joint networks for pictures of both kinds."""
    shapes = [pictures.shape[1:] for pictures in data.learnt]
    return cycle_GenDiscr(shapes[0], shapes[1])


def _fitted(data, steps):
    """The batch size, and optimizers whose rates reach 0 at the end."""
    names = ("generator_optimizer", "discriminator_optimizer")
    rates = {name: LinearDecay(5e-4, steps, 0.4) for name in names}
    adams = {k: keras.optimizers.Adam(rate, 0.0, 0.99) for k, rate in rates.items()}
    size = min(_BATCH, *map(len, data.learnt))
    # The identity loss needs pictures of equal shape.
    equal = data.learnt[0].shape[1:] == data.learnt[1].shape[1:]
    return {"batch_size": size, "identity_weight": 0.5 if equal else 0.0, **adams}


def draw(model: CycleGAN, data: Parts) -> np.ndarray:
    """Draws held-out pictures of A above G(a), and of B above F(b): four rows.

    Args:
        model: `gan.CycleGAN`.
        data: `Parts`.

    Returns:
        float32 array `(H, W)` or `(H, W, 3)` in [0, 1].
    """
    rows = []
    for way, pictures in enumerate(data.withheld):
        # If there are few pictures, some are shown twice.
        some = pictures[np.arange(_SHOWN) % len(pictures)] / np.float32(255)
        made = np.clip(model.one_way(way)(some), 0, 1)
        rows += [_in_colour(some), _in_colour(made)]
    return plots.tile(np.concatenate(rows), _SHOWN)


def _in_colour(pictures):
    return np.broadcast_to(pictures, (*pictures.shape[:3], 3)).astype(np.float32)


RECIPE_OF_PARTS = Recipe(
    read=lambda path: read_parts(path),
    networks=make_networks,
    model=CycleGAN,
    examples=lambda data: data.learnt,
    options={"ema": 0.999, "gamma": 0.3, "penalty_every": 4, "pixel_range": NO_RANGE},
    fitted=_fitted,
    epochs=50,
    steps=200,
    every=2,
    draw=draw,
)


def train(run: Run, **options: Any) -> list[pathlib.Path]:
    """Train on two kinds of pictures.

    Args:
        run: `gan.recipes.run.Run`.
        **options: size and colour, as in `read_parts`.

    Returns:
        List of `pathlib.Path`, as in `run.train`.
    """
    data = read_parts(run.data, **options)

    def end(run, model):
        pictures = tuple(some / np.float32(255) for some in data.withheld)
        if min(map(len, pictures)) >= 8:
            print("Translated held-out pictures, compared with real target pictures:")
            for name, found in model.evaluate(pictures).items():
                told = ", ".join(f"{key} {value:.3g}" for key, value in found.items())
                print(f"{name}: {told}", flush=True)
        return []

    return run.train(dataclasses.replace(RECIPE_OF_PARTS, end=end), data)
