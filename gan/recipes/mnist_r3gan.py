"""R3GAN on MNIST: digits of the class you ask for, see `gan/recipes/r3gan.py`."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING

from gan.data.downloads import load_mnist
from gan.recipes.r3gan import train_on

if TYPE_CHECKING:
    from gan.recipes.run import Run


def train(run: Run) -> list[pathlib.Path]:
    """Train as `run`, a `gan.recipes.run.Run`, says."""
    return train_on(run, load_mnist(run.data))
