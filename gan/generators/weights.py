"""Where the weights are that come with the library."""

import pathlib

_PACKAGE = pathlib.Path(__file__).resolve().parents[1]
# A wheel carries the checkout's faces/ as gan/pretrained/, see pyproject.toml.
_INSTALLED = _PACKAGE / "pretrained"
WEIGHTS: pathlib.Path = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent / "faces"

PRETRAINED: str = str(WEIGHTS / "generator.h5")
ENLARGER: str = str(WEIGHTS / "enlarge.keras")
