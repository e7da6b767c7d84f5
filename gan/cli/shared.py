"""What the commands share: options, checks before the work, the picture after it."""

import contextlib
import os
import pathlib
import sys

from gan.errors import expect, expect_positive_int
from gan.saving.files import expect_writable

_PACKAGE = pathlib.Path(__file__).resolve().parents[1]
# A wheel carries the checkout's faces/ as gan/pretrained/, see pyproject.toml.
_INSTALLED = _PACKAGE / "pretrained"
WEIGHTS = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent / "faces"


def add_generator(command):
    """Add `--generator`."""
    command.add_argument(
        "--generator",
        metavar="FILE.h5",
        default=WEIGHTS / "generator.h5",
        help="generator weights; a file that does not say how its output becomes a "
        "picture, as the course's, is drawn as it is (default: ours)",
    )


def add_drawing(command, name, seed=0):
    """Add `--seed`, `--output` (default `{name}.png`) and `--show`."""
    add_seed(command, seed)
    command.add_argument(
        "--output",
        metavar="FILE",
        default=f"{name}.png",
        help=f".png, .pdf or .svg to write (default {name}.png)",
    )
    command.add_argument(
        "--show", action="store_true", help="also open a window with the picture"
    )


def add_seed(command, seed=0):
    """Add `--seed`."""
    command.add_argument(
        "--seed", type=int, default=seed, help=f"of every draw (default {seed})"
    )


def expect_seed(seed):
    """Expect a seed that Keras takes."""
    expect(0 <= seed < 2**32, "seed from 0 to 4294967295", seed=seed)


def add_training(command):
    """Add `--epochs`, `--steps`, `--seed` and `--restart`."""
    command.add_argument("--epochs", type=int, help="instead of the recipe's number")
    command.add_argument(
        "--steps", type=int, help="steps an epoch, instead of the recipe's number"
    )
    add_seed(command)
    command.add_argument(
        "--restart",
        action="store_true",
        help="start afresh; without it a run in the folder goes on",
    )


def expect_training(arguments):
    """Expect what `add_training` added to be usable; give the output folder's path."""
    for name in ("epochs", "steps"):
        if getattr(arguments, name) is not None:
            expect_positive_int(**{name: getattr(arguments, name)})
    expect_seed(arguments.seed)
    directory = pathlib.Path(arguments.output)
    there = next(p for p in (directory, *directory.parents) if p.exists())
    expect(there.is_dir(), "a folder", output=arguments.output)
    return directory


@contextlib.contextmanager
def stoppable(directory):
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


def expect_drawing(arguments):
    """Expect what `add_drawing` added to be usable, before any work is done."""
    expect_seed(arguments.seed)
    suffix = pathlib.Path(arguments.output).suffix.lower()
    expect(
        suffix in ("", ".png", ".pdf", ".svg"),
        "an output that ends in .png, .pdf or .svg",
        output=arguments.output,
    )
    expect_writable(arguments.output)


def import_tensorflow():
    """Import TensorFlow without its start-up chatter."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Its C++ libraries print to descriptor 2 before any setting reaches them.
    with contextlib.suppress(OSError):
        sys.stderr.flush()
        kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        try:
            import tensorflow  # noqa: F401 (the first import is the noisy one)
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            os.close(nowhere)


def set_seed(seed):
    """Make every draw that follows repeat itself."""
    import keras

    keras.utils.set_random_seed(seed)


def parts(array, size=1000):
    """Cut an array into rows of at most `size`.

    The generator's widest layer takes 8 KiB a face: parts bound the memory.
    """
    return [array[start : start + size] for start in range(0, len(array), size)]


def generate(generator, latents):
    """Fakes of `(N, 16)` latents, as a `(N, 16, 16, 1)` array."""
    import numpy as np

    return np.concatenate([generator(part) for part in parts(latents)])


def as_pictures(fakes, path):
    """`(N, 16, 16)` pictures of fakes, as the generator's file at `path` says."""
    from gan.data.faces import recover
    from gan.saving.weights_file import read_picture

    picture = read_picture(path)
    if picture is None:
        return fakes[..., 0]
    shape, size = picture[0].shape, fakes.shape[1:3]
    expect(shape == size, f"a mean face of shape {size} in {path}", shape=shape)
    return recover(fakes, *picture)


def finish(figure, arguments):
    """Save the picture, print its path, show it if asked to."""
    from gan.visualization import plots

    print(plots.save(figure, arguments.output))
    if arguments.show:
        plots.show(figure)


def verbose():
    """Keras's `verbose`: its bar on a terminal, a line an epoch elsewhere."""
    return 1 if sys.stdout.isatty() else 2
