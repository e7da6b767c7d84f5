"""Chooses the size of a folder's pictures if the user does not give it."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from gan.callbacks.progress import each
from gan.data.pictures import Pictures, natural_side
from gan.recipes.pace import seconds_a_step

if TYPE_CHECKING:
    from gan.base import AdversarialModel

SIDES = (64, 48, 32)
_LEAST_STEPS = 10_000  # smallest number of steps in the given minutes
_HOUR = 3600.0


def find_side(
    folder: pathlib.Path,
    colour: bool | None,
    make_model: Callable[[Pictures], AdversarialModel],
    steps: int,
    minutes: float | None = None,
) -> int:
    """Finds the largest side that the pictures have and this machine can train.

    Args:
        folder: `pathlib.Path` of the pictures.
        colour: bool, as in `gan.data.pictures.read_pictures`; `None` counts as colour.
        make_model: callable, `Pictures` -> the model that would be trained.
        steps: int, steps of the whole training, which may take an hour.
        minutes: float, time for training, in which 10,000 steps must fit instead; or
            `None`.

    Returns:
        int, 64, 48 or 32; 32 if nothing larger is possible.
    """
    has = natural_side(folder)
    most = _HOUR / steps if minutes is None else 60 * minutes / _LEAST_STEPS
    for side in (side for side in SIDES if SIDES[-1] < side <= has):
        shape = (64, side, side, 1 if colour is False else 3)
        noise = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        pace = seconds_a_step(lambda noise=noise: make_model(Pictures(noise)), 1.0)
        if pace <= most:
            print(
                f"{side}x{side} pixels: the pictures are large enough, and a step "
                f"takes {each(pace)} here. --size 32 is faster.",
                flush=True,
            )
            return side
        print(
            f"{side}x{side} pixels would take {each(pace)} a step here, which is too "
            f"long: --size {side} sets this size anyway.",
            flush=True,
        )
    return SIDES[-1]
