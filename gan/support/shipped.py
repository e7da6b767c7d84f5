"""Where the files are that come with the library."""

import pathlib

_PACKAGE = pathlib.Path(__file__).resolve().parents[1]
# A wheel carries the checkout's faces/ as gan/pretrained/, see pyproject.toml.
_INSTALLED = _PACKAGE / "pretrained"
SHIPPED: pathlib.Path = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent / "faces"

# What stands for the demo set and its generator where a path is asked for.
DEMO = "demo"
DEMO_PICTURES, DEMO_MODEL = "pixel_faces_16.npz", "demo.keras"


def is_demo(path: object) -> bool:
    """Whether a path is the word demo, and nothing is there."""
    return str(path) == DEMO and not pathlib.Path(DEMO).exists()


def or_demo(path: pathlib.Path, file: str) -> pathlib.Path:
    """A path, or that of a shipped file where it is the word demo and not there."""
    return SHIPPED / file if is_demo(path) else path
