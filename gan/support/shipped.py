"""Paths of the files that come with the library."""

import pathlib

_PACKAGE = pathlib.Path(__file__).resolve().parents[1]
# A wheel carries the checkout's faces/ as gan/pretrained/, see pyproject.toml.
_INSTALLED = _PACKAGE / "pretrained"
SHIPPED: pathlib.Path = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent / "faces"

# The word that can replace a path, for the demo set and its generator.
DEMO = "demo"
DEMO_PICTURES, DEMO_MODEL = "pixel_faces_16.npz", "demo.keras"


def is_demo(path: object) -> bool:
    """Whether a path is the word demo, and no such file exists."""
    return str(path) == DEMO and not pathlib.Path(DEMO).exists()


def or_demo(path: pathlib.Path, file: str) -> pathlib.Path:
    """Return a path, or that of a shipped file if `is_demo` is true."""
    return SHIPPED / file if is_demo(path) else path
