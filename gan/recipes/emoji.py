"""R3GAN on small colour pictures of many kinds, see `gan/recipes/r3gan.py`.

3,916 emoji on white, 32×32 pixels, seed 0, the recipe's 20,000 steps of 32 pictures:
figures and picture, beside those of the residual pair, are in faces/gallery. Trials of
six minutes with the residual pair, one seed each: batches of 32 were better than of 64
and 16; a rate of 1e-3 better than 5e-4 and 2e-3; 16 channels better than 24. A
generator that ended in a sigmoid, with twice the channels, collapsed within 28 epochs.
With the strided pair, flips slowed training down, and translations from two fifths of
the run on had not helped after 8,000 steps (FD 14.3).
"""

from __future__ import annotations

import dataclasses
import functools

from gan.recipes.r3gan import COLOUR, read

# The figures in the gallery come from training on all pictures.
RECIPE = dataclasses.replace(
    COLOUR, read=functools.partial(read, size=32, colour=True), held_out=None
)
