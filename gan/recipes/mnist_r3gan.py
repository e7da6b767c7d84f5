"""R3GAN on MNIST: digits of the class you ask for, see `gan/recipes/r3gan.py`."""

from __future__ import annotations

import dataclasses

from gan.data.downloads import load_mnist
from gan.recipes.r3gan import GREY

# The figures in the gallery come from training on all pictures.
RECIPE = dataclasses.replace(GREY, read=load_mnist, held_out=None)
