"""R3GAN on Fashion-MNIST: clothes of a class you ask for, see `r3gan.py`."""

from __future__ import annotations

import dataclasses

from gan.data.downloads import load_fashion
from gan.recipes.r3gan import GREY

# No picture is held out, as in the training for the figures of the gallery.
RECIPE = dataclasses.replace(GREY, read=load_fashion, held_out=None)
