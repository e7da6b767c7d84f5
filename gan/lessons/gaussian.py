"""Lesson: learns a Gaussian by six loss pairs, like the recipe, without a folder."""

from __future__ import annotations

from typing import Any

from gan.lessons import Lesson
from gan.recipes import gaussian


def run(epochs: int = gaussian.EPOCHS, seed: int = 0, verbose: Any = 0) -> Lesson:
    """Train each loss pair on 10,000 numbers, and compare their fakes.

    Args:
        epochs: int, number of epochs of 250 steps.
        seed: int.
        verbose: as in Keras's `fit`.

    Returns:
        `Lesson` of one figure and a table, those of the recipe.
    """
    real, fresh = gaussian.reals(), gaussian.reals(seed=1)
    panels = {}
    for pair in gaussian.PAIRS:
        model = gaussian.make_model(pair, real, seed)
        model.fit(epochs=epochs, steps_per_epoch=gaussian.STEPS, verbose=verbose)
        with model.stream.restarted(0):
            panels |= gaussian.panel(model, pair, fresh)
    text = gaussian.table(panels, real, fresh)
    return Lesson({"gaussian": gaussian.picture(panels)}, text)
