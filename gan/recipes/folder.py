"""A run in a folder: the same call again goes on where the last one stopped."""

from __future__ import annotations

import hashlib
import json
import pathlib
from collections.abc import Iterable

import keras
import numpy as np
import numpy.typing as npt

from gan.base import AdversarialModel
from gan.errors import StrPath, expect, expect_positive_int
from gan.saving.files import atomic_path
from gan.training.checkpoint import Checkpoint


def fit_in_folder(
    model: AdversarialModel,
    directory: StrPath,
    settings: dict[str, object],
    epochs: int,
    steps_per_epoch: int | None,
    callbacks: Iterable[keras.callbacks.Callback] = (),
    every: int = 1,
    restart: bool = False,
    verbose: str | int = "auto",
) -> dict[str, list[float]]:
    """Train a model with its settings and checkpoints in a folder.

    Args:
        model: `gan.AdversarialModel`, compiled and as new.
        directory: str or `os.PathLike`, an existing folder for `run.json` (the
            settings) and `checkpoints`.
        settings: dict that JSON can hold: all that makes this run what it is.
        epochs: int.
        steps_per_epoch: int, or None for once through the data.
        callbacks: list of `keras.callbacks.Callback`, called before a checkpoint is
            written, so that what they wrote is there when the run goes on after it.
        every: int, epochs between checkpoints.
        restart: bool, forget what an earlier run left in the folder.
        verbose: as in Keras's `fit`.

    Returns:
        dict of lists, the logs of all epochs, those of earlier calls included.

    Raises:
        InvalidInput: if the folder holds a run with other settings, or another
            process uses it.
        KeyboardInterrupt: after Ctrl-C, when the place is saved.
    """
    directory = pathlib.Path(directory)
    expect(directory.is_dir(), "an existing folder", directory=str(directory))
    expect_positive_int(epochs=epochs)
    if steps_per_epoch is not None:
        expect_positive_int(steps_per_epoch=steps_per_epoch)
    checkpoint = Checkpoint(directory / "checkpoints", every=every)
    checkpoint.acquire()
    try:
        if restart:
            checkpoint.clear()
        settings = {**settings, "epochs": epochs, "steps_per_epoch": steps_per_epoch}
        agree(directory, settings, restart)
        model.fit(
            epochs=epochs,
            steps_per_epoch=steps_per_epoch,
            verbose=verbose,
            callbacks=[*callbacks, checkpoint],
        )
    finally:
        checkpoint.release()
    return checkpoint.history


def checksum(*arrays: npt.ArrayLike) -> str:
    """Sixteen hexadecimal digits that tell arrays' numbers from others."""
    sums = hashlib.sha256()
    for array in arrays:
        sums.update(np.ascontiguousarray(array))
    return sums.hexdigest()[:16]


def agree(
    directory: StrPath, settings: dict[str, object], restart: bool = False
) -> None:
    """Write a run's settings, unless the folder holds a run with other ones.

    Args:
        directory: str or `os.PathLike`, an existing folder for `run.json`.
        settings: dict that JSON can hold.
        restart: bool, forget the run that is there.

    Raises:
        InvalidInput: if the settings differ or those there cannot be read.
    """
    path = pathlib.Path(directory) / "run.json"
    if path.exists() and not restart:
        try:
            there = dict(json.loads(path.read_text(encoding="utf-8")))
        except (TypeError, ValueError) as error:
            expect(
                False, f"a readable run.json, or a restart ({error})", path=str(path)
            )
        names = sorted({*there, *settings})
        if settings.get("recipe") != there.get("recipe"):
            names = ["recipe"]
        differences = {
            name: f"{settings.get(name)} (there {there.get(name)})"
            for name in names
            if settings.get(name) != there.get(name)
        }
        expected = f"the settings of the run in {path.parent}, or a restart"
        expect(not differences, expected, **differences)
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(settings, indent=1), encoding="utf-8")
