"""R3GAN on MNIST: digits of the class you ask for, see `gan/recipes/r3gan.py`."""

from __future__ import annotations

import dataclasses

from gan.data.downloads import load_mnist
from gan.recipes.r3gan import GREY

# No picture is held out, as in the training for the figures of the gallery.
RECIPE = dataclasses.replace(GREY, read=load_mnist, held_out=None)
