"""Paths of the weights and models that come with the library."""

import pathlib

from gan.support.shipped import SHIPPED

WEIGHTS: pathlib.Path = SHIPPED

PRETRAINED: str = str(WEIGHTS / "generator.h5")
ENLARGER: str = str(WEIGHTS / "enlarge.keras")
