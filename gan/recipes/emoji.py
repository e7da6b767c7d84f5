"""R3GAN on small colour pictures of many kinds, see `gan/recipes/r3gan.py`.

3,916 emoji on white, 32×32 pixels, seed 0, the recipe's 20,000 steps of 32 pictures:
figures, picture and the same run with `gan.DiffAugment` are in faces/gallery. So many
pictures are not learnt by heart in an hour of a laptop, and augmentation only slowed
the learning down. Trials of six minutes, one seed each: batches of 32 were better than
of 64 and 16; γ of 1 and 5 alike, and .1 worse; a rate of 1e-3 better than 5e-4 and
2e-3; 16 channels better than 24. A generator that ended in a sigmoid, with twice the
channels, collapsed within 28 epochs.
"""

from __future__ import annotations

import dataclasses
import functools

from gan.recipes.r3gan import COLOUR, read

RECIPE = dataclasses.replace(COLOUR, read=functools.partial(read, size=32, colour=True))
