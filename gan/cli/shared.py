"""Functions that several commands use: checks, loading, drawing, output."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import platform
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gan.errors import InvalidInput, expect_path, expect_seed, require, shown
from gan.support.devices import only_cpu
from gan.support.files import expect_writable
from gan.support.quiet import quiet
from gan.support.threads import set_threads

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

    from gan.data.pictures import Pictures
    from gan.generators.trained import TrainedGenerator
    from gan.generators.translator import Translator

_DRAWINGS = (".png", ".pdf", ".svg")


def expect_drawing(seed: int, output: str, *more: str) -> pathlib.Path:
    """Expect a seed, and a path that a picture can be written to, before any work.

    Args:
        seed: int.
        output: str, a path with the ending of a picture or one of `more`.
        *more: str, such as ".gif".
    """
    expect_seed(2**32, seed=seed)
    path = expect_path(output=output)
    # Matplotlib adds an ending where there is none.
    if path.suffix.lower() in ("", *_DRAWINGS):
        return expect_writable(path)
    return expect_output(output, *_DRAWINGS, *more)


def expect_output(output: str, *endings: str) -> pathlib.Path:
    """Expect a path with one of these endings that a file can be written to."""
    path = expect_path(output=output)
    sentence = f"The argument output must end in {' or '.join(endings)}, but it is "
    require(path.suffix in endings, f"{sentence}{shown(output)}.", "output")
    return expect_writable(path)


def import_tensorflow(side_by_side: bool = False) -> None:
    """Import TensorFlow with fast convolutions and without its start-up chatter.

    Args:
        side_by_side: bool, whether to call `gan.set_threads`; it has no effect if
            TensorFlow already runs, or on a GPU.
    """
    if "tensorflow" not in sys.modules and platform.machine() in ("x86_64", "AMD64"):
        # Without AVX-512, TensorFlow turns its fast convolutions off. They are turned
        # on only here: in scripts, rounding would depend on the order of imports.
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with quiet():
        try:
            import tensorflow  # noqa: F401

            if side_by_side and only_cpu():
                with contextlib.suppress(InvalidInput):
                    set_threads()
        except Exception as error:
            raise InvalidInput(
                "Keras must be installed with TensorFlow, KERAS_BACKEND must be "
                f"tensorflow, and MPLBACKEND must be known ({type(error).__name__}: "
                f"{error})."
            ) from error


def loaded(model: str, seed: int = 0) -> TrainedGenerator:
    """Loads the generator of a command's MODEL, and seeds TensorFlow.

    Samplers of `gan.latent` do not need the seed, but a user's own sampler may.
    """
    import_tensorflow()
    import keras

    from gan.generators.load import load_generator

    keras.utils.set_random_seed(seed)
    return load_generator(model)


def translating(model: str, seed: int = 0) -> Translator | None:
    """Loads the translator of a command's MODEL; `None` for another kind of model.

    A path where nothing exists raises no error here.
    """
    path = expect_path(model=model)
    if path.suffix == ".h5" or not path.exists():
        return None
    import_tensorflow()
    import keras

    from gan.generators.translator import load_any

    keras.utils.set_random_seed(seed)
    return load_any(path)


def pairs_of(
    translator: Translator, path: str, tell: Callable[[str], object] = print
) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets in [0, 1] for a translator, float32 `(n, h, w, c)`.

    Args:
        translator: `Translator`.
        path: str, of pictures if a layer makes the inputs, otherwise of pairs.
        tell: callable that is given a line on what was read and what was left out.
    """
    height, width, channels = translator.shape
    if translator.condition is not None:
        real = read_real(path, translator.shape, False, tell).floats()
        targets = real.reshape(-1, height, width, channels)
        return translator.inputs_of(targets), targets
    from gan.data.pairs import read_pairs

    said = "The model's inputs and targets have different sizes, but pairs are read in "
    said += "one size."
    require(translator.input_shape[:2] == (height, width), said, "model")
    found = read_pairs(path, (height, width), True)
    tell(found.said)
    parts = [_of_channels(found.inputs, translator.input_shape[2])]
    parts += [_of_channels(found.targets, channels)]
    return parts[0], parts[1]


def _of_channels(pictures, channels):
    """Pictures in colour as floats, with one channel or three."""
    floats = pictures / 255
    if channels == 1:
        floats = floats @ [[0.299], [0.587], [0.114]]
    return floats.astype("float32")


def expect_pictures(drawing: TrainedGenerator) -> None:
    """Expect a generator that draws pictures."""
    from gan.training.networks import is_picture

    require(
        is_picture(drawing.shape),
        f"The generator draws examples of shape {drawing.shape}, which are not "
        "pictures: generate --output FILE.npy writes them.",
        "model",
    )


def read_real(
    path: str,
    shape: tuple[int, ...],
    labelled: bool = False,
    tell: Callable[[str], object] = print,
    captioned: bool = False,
) -> Pictures:
    """Read real pictures, and bring them to the shape that a generator draws.

    Args:
        path: str, as `gan.data.pictures.read_pictures` takes it.
        shape: tuple `(h, w, 1)` or `(h, w, 3)`.
        labelled: bool, whether the generator has classes.
        tell: callable that is given a line on what was read and what was left out.
        captioned: bool, whether the generator takes words, so that captions in the file
            of the pictures are read.
    """
    from gan.data.captions import captions_within
    from gan.data.pictures import read_pictures

    are = len(shape) == 3 and shape[2] in (1, 3)
    sentence = f"The model must draw pictures, but its examples have the shape {shape}."
    require(are, sentence, "model")
    captions = path if captioned and captions_within(path) else None
    colour = shape[2] == 3
    real = read_pictures(path, shape[:2], colour, labelled, captions=captions)
    tell(real.said)
    return real


def of_known_classes(
    drawing: TrainedGenerator, real: Pictures, tell: Callable[[str], object]
) -> tuple[Pictures, np.ndarray | None]:
    """The real pictures of classes that the model knows, and their class numbers.

    Without classes, or if the model knows none of them, all pictures and `None`.
    """
    if not drawing.classes or real.labels is None:
        return real, None
    labels = as_the_model_counts(real, drawing.names or [], tell)
    known = labels >= 0
    if not known.any():
        tell("No class is known, so that all pictures are compared after all.")
        return real, None
    if not known.all():
        parts = {"pictures": real.pictures[known], "labels": real.labels[known]}
        real = dataclasses.replace(real, **parts)
    return real, labels[known]


def drawn_as(
    drawing: TrainedGenerator, labels: np.ndarray | None, seed: int
) -> Callable[[int], np.ndarray]:
    """A function that draws n fakes, in which classes are as frequent as in `labels`.

    Otherwise classes that are rare among the reals would count as a difference.
    """

    def draw(count):
        if labels is None:
            return drawing.draw(count, seed=seed)
        from gan.training.aside import chosen

        given = labels[chosen(labels, count, seed)]
        return drawing.draw(count, labels=given, seed=seed)

    return draw


def finish(figure: Figure, output: str | pathlib.Path, show: bool) -> None:
    """Save a picture and print its path; show it if asked to."""
    from gan import plots

    print(plots.save(figure, output))
    if show:
        plots.show(figure)


def as_the_model_counts(
    own: Pictures, names: list[str], tell: Callable[[str], object]
) -> np.ndarray:
    """The labels of the pictures as the model numbers them, -1 for unknown classes."""
    from gan.metrics.classes import numbers_of

    known, classes = names, len(names)
    unnamed = known == [*map(str, range(classes))]
    if unnamed and len(own.names) == classes and not {*own.names} & {*known}:
        tell(
            "The model does not name its classes. They are assumed to be those of the "
            f"pictures, in this order: {listed(own.names)}."
        )
        known = own.names
    numbers = numbers_of(own.names, known)
    unknown = [name for name, n in zip(own.names, numbers, strict=True) if n < 0]
    if unknown:
        tell(
            "The model does not know these classes, which are left out: "
            f"{listed(unknown)}."
        )
    missing = [name for name in known if name not in own.names]
    if missing:
        tell(f"These classes of the model have no pictures: {listed(missing)}.")
    return numbers[own.labels]


def listed(names: Sequence[str], most: int = 12) -> str:
    """The first names in one line, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    # Control characters are escaped.
    plain = [name if name.isprintable() else shown(name) for name in names[:most]]
    return ", ".join(plain) + more
