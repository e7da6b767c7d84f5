"""Loads trained generators from files and from the folders of runs."""

from __future__ import annotations

import contextlib
import json
import pathlib
from collections.abc import Callable
from typing import Any

from gan.errors import InvalidInput, StrPath, expect_path, require
from gan.generate_faces import convolutional_GenDiscr
from gan.generators.trained import TrainedGenerator
from gan.generators.weights import PRETRAINED
from gan.latent import LatentGenerator
from gan.saving import load_model
from gan.saving.weights_file import load_weights, read_picture
from gan.support.shipped import DEMO_MODEL, or_demo
from gan.training.checkpoint import newest_path, read_newest

_MOST_RECORD = 2**26  # largest size of a run's record, in bytes


def load_generator(
    path: StrPath | None = None, tell: Callable[[str], object] = print
) -> TrainedGenerator:
    """Loads a generator from a model file, the folder of a run or a weight file.

    Untrusted files are safe to load: no code in them is executed.

    Args:
        path: str or `os.PathLike`: a `.keras` file that `model.save` wrote; the folder
            of a finished, running or stopped run, whose newest model is taken; or an
            `.h5` file of the course's face generator. `None` loads the face generator
            of this library.
        tell: callable, called with a line of text if a run's checkpoint is loaded, or
            if the directions saved beside the model do not fit it.

    Returns:
        `TrainedGenerator`.

    Raises:
        InvalidInput: if the path holds no generator, or the file is damaged.
    """
    path = expect_path(path=PRETRAINED if path is None else path)
    path = or_demo(path, DEMO_MODEL)
    require(
        path.exists(),
        f"There is nothing at {path}: name a .keras file, the folder of a run or an "
        ".h5 file of a generator.",
        "path",
    )
    if path.is_dir():
        found, model = trained_model(path, tell)
        generator = _of_model(model, found) if model else load_generator(found)
        beside = path / "model"
    else:
        keras_file = path.suffix == ".keras"
        generator = _of_model(load_model(path), path) if keras_file else _ours(path)
        beside = path.with_suffix("")
    _find_directions(generator, beside, tell)
    return generator


def _find_directions(generator, beside, tell):
    """Read directions saved beside a model, unless the model was trained further."""
    file = generator.directions.path = beside.with_name(f"{beside.name}-directions.npz")
    if file.is_file():
        try:
            generator.directions.load(file)
        except InvalidInput as error:
            tell(str(error))


def trained_model(
    folder: pathlib.Path, tell: Callable[[str], object] = print
) -> tuple[pathlib.Path, Any]:
    """Finds the final model of a run's folder, or its newest checkpoint.

    Args:
        folder: `pathlib.Path`.
        tell: as in `load_generator`.

    Returns:
        Tuple `(path, model)`: the path of a file, and the model of a checkpoint. The
        model is `None` if the run has ended; the file then holds its model.

    Raises:
        InvalidInput: if the folder holds neither.
    """
    ends = [folder / name for name in ("generator.h5", "model.keras")]
    end = next((path for path in ends if path.is_file()), None)
    newest = newest_path(folder)
    require(
        end or newest,
        f"The folder {folder} holds no run with a model: neither model.keras nor "
        "generator.h5 nor checkpoints.",
        "path",
    )
    if end and not (newest and _written(newest) > _written(end)):
        return end, None
    newest, model = read_newest(newest.parent, load_model)
    tell(f"The run has not ended: its newest checkpoint is {newest.name}.")
    return newest, model


def _ours(path):
    """The course's face generator with the weights of an `.h5` file."""
    network, _ = convolutional_GenDiscr()
    load_weights((network, path))
    picture = read_picture(path)
    if picture is not None:
        fits = picture[0].shape == (16, 16)
        require(fits, f"The mean face in {path} must have the shape (16, 16).", "path")
        picture = tuple(array[..., None] for array in picture)
    latents = LatentGenerator(16)
    generator = TrainedGenerator(network, latents, (0.0, 1.0), picture=picture)
    generator.noun = "face"
    return generator


def _of_model(model, path):
    model.class_names = model.class_names or noted_names(path, model.classes)
    return TrainedGenerator.of(model)


def noted_names(path: pathlib.Path, classes: int | None) -> list[str] | None:
    """The class names that a run of version 0.2.0 stored beside its model.

    Args:
        path: `pathlib.Path`, a file in the folder of the run.
        classes: int, number of classes, or `None`.

    Returns:
        List of str, or `None` if no such names are stored.
    """
    folder = path.parent.parent if path.parent.name == "checkpoints" else path.parent
    with contextlib.suppress(OSError, RecursionError, ValueError, AttributeError):
        with open(folder / "run.json", "rb") as file:
            names = json.loads(file.read(_MOST_RECORD)).get("names")
        text = isinstance(names, list) and all(isinstance(name, str) for name in names)
        if text and len(names) == classes:
            return names
    return None


def _written(path):
    return path.stat().st_mtime_ns
