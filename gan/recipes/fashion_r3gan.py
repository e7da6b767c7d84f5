"""R3GAN on Fashion-MNIST: clothes of a class you ask for, see `r3gan.py`."""

from __future__ import annotations

import dataclasses

from gan.data.downloads import load_fashion
from gan.recipes.r3gan import GREY

# The figures in the gallery come from training on all pictures.
RECIPE = dataclasses.replace(GREY, read=load_fashion, held_out=None)
