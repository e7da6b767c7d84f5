"""What the commands share: checks before the work, drawing, words at the end."""

from __future__ import annotations

import contextlib
import pathlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from gan.errors import expect, expect_path, expect_seed
from gan.saving.files import expect_writable
from gan.training.quiet import quiet

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

_PACKAGE = pathlib.Path(__file__).resolve().parents[1]
# A wheel carries the checkout's faces/ as gan/pretrained/, see pyproject.toml.
_INSTALLED = _PACKAGE / "pretrained"
WEIGHTS = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent / "faces"

OURS = str(WEIGHTS / "generator.h5")


def expect_drawing(seed: int, output: str) -> None:
    """Expect a seed, and a path that a picture can be written to, before any work."""
    expect_seed(2**32, seed=seed)
    path = expect_path(output=output)
    known = path.suffix.lower() in ("", ".png", ".pdf", ".svg")
    expect(known, "an output that ends in .png, .pdf or .svg", output=output)
    expect_writable(path)


def named_outputs(output: str, *names: str) -> list[pathlib.Path]:
    """Writable paths beside `output`, each with a name added to its stem."""
    path = pathlib.Path(output)
    paths = [path.with_name(f"{path.stem}-{name}{path.suffix}") for name in names]
    return [expect_writable(path) for path in paths]


def import_tensorflow() -> None:
    """Import TensorFlow without its start-up chatter."""
    with quiet():
        try:
            import tensorflow  # noqa: F401 (the first import is the noisy one)
        except Exception as error:
            expected = "Keras on TensorFlow, installed, with KERAS_BACKEND=tensorflow "
            expected += f"and an MPLBACKEND that there is ({error})"
            expect(False, expected, error=type(error).__name__)


class Generator:
    """The generator of a weights file, seeded: what draws faces."""

    def __init__(self, path: str, seed: int, *others: tuple[Any, Any]) -> None:
        """Build the network and load it, with `others`, pairs of network and file."""
        import_tensorflow()
        import keras

        from gan.generate_faces import convolutional_GenDiscr
        from gan.saving.weights_file import load_weights, read_picture

        self.network, _ = convolutional_GenDiscr()
        load_weights((self.network, path), *others)
        self.picture = read_picture(path)
        shape = (16, 16) if self.picture is None else self.picture[0].shape
        expected = f"a mean face of shape (16, 16) in {path}"
        expect(shape == (16, 16), expected, shape=shape)
        keras.utils.set_random_seed(seed)

    def latents(self, count: int) -> np.ndarray:
        """Latents `(count, 16)`, N(0, 1)."""
        from gan.latent import normal_generator

        return normal_generator(count, 16).numpy()

    def fakes(self, latents: np.ndarray) -> np.ndarray:
        """The network's outputs `(n, 16, 16, 1)`."""
        return in_parts(self.network, latents)

    def pictures(self, fakes: np.ndarray) -> np.ndarray:
        """Pictures `(n, 16, 16)` of fakes, as the file says."""
        from gan.data.faces import recover

        return fakes[..., 0] if self.picture is None else recover(fakes, *self.picture)

    def draw(self, latents: np.ndarray) -> np.ndarray:
        """Pictures `(n, 16, 16)` of latents."""
        return self.pictures(self.fakes(latents))


def in_parts(network: Any, array: np.ndarray, size: int = 1000) -> np.ndarray:
    """What a network makes of an array, a thousand at a time.

    The generator's widest layer takes 8 KiB a face: parts bound the memory.
    """
    import numpy as np

    starts = range(0, len(array), size)
    return np.concatenate([network(array[start : start + size]) for start in starts])


def finish(figure: Figure, output: str, show: bool) -> None:
    """Save the picture, print its path, show it if asked to."""
    from gan.visualization import plots

    print(plots.save(figure, output))
    if show:
        plots.show(figure)


def verbose() -> int:
    """Keras's `verbose`: its bar on a terminal, a line an epoch elsewhere."""
    return 1 if sys.stdout.isatty() else 2


@contextlib.contextmanager
def stoppable(directory: pathlib.Path) -> Iterator[None]:
    """Say after Ctrl-C whether a training in a folder goes on from where it stopped."""
    before = _checkpoints(directory)
    try:
        yield
    except KeyboardInterrupt:
        # An older one may be of the run that a restart was to forget.
        if _checkpoints(directory) - before:
            print("\nStopped and saved. The same command, without --restart, goes on.")
        else:
            print("\nStopped before anything new was saved.")
        raise


def _checkpoints(directory):
    """The checkpoints of a run or of its parts, and when they were written."""
    names = ("checkpoints/epoch-*.keras", "*/checkpoints/epoch-*.keras")
    paths = [path for name in names for path in directory.glob(name)]
    return {(path, path.stat().st_mtime_ns) for path in paths}
