"""R3GAN on few small colour pictures, such as emoji, see `gan/recipes/r3gan.py`.

A few thousand pictures are soon learnt by heart: `gan.DiffAugment` stands before the
discriminator. Tried on 3,916 emoji for 2,100 steps only (four minutes of one core, the
rates falling in that time): shapes and colours of emoji, none to be named; sliced
Wasserstein distance .072, kernel distance 14.8 · 10⁻³, recall .01. A generator that
ended in a sigmoid, with twice the channels, collapsed there within 28 epochs.
"""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING

from gan.recipes import r3gan

if TYPE_CHECKING:
    from gan.recipes.run import Run


def train(run: Run) -> list[pathlib.Path]:
    """Train as `run`, a `gan.recipes.run.Run`, says."""
    return r3gan.train(run, size=32, colour=True, augment=True)
