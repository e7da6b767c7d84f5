"""The one way to train in a folder: the same call again goes on where it stopped."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import json
import pathlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from gan.errors import (
    StrPath,
    expect,
    expect_choice,
    expect_path,
    expect_positive_int,
    expect_seed,
)
from gan.saving.files import atomic_path, expect_writable, made_folder

if TYPE_CHECKING:
    import keras

    from gan.base import AdversarialModel

# Each is a file of gan/recipes/; the command `train` has `faces` and `r3gan`.
RECIPES = {
    "gaussian": "a Gaussian from uniform noise, by six loss pairs",
    "mnist_dense": "digits by dense networks",
    "lfw": "colour faces by convolutional networks and two classes",
    "mnist_dcgan": "digits by DCGAN",
    "mnist_acgan": "digits of the class you ask for, by AC-GAN",
    "mnist_r3gan": "digits of the class you ask for, by R3GAN, the quickest of these",
    "fashion_r3gan": "clothes of the class you ask for, by R3GAN",
    "emoji": "small colour pictures (--pictures), by R3GAN",
}

_OF_TRAIN = ("faces", "r3gan")

# What recipes write beside the checkpoints; the settings, last, tell that it is a run.
_WRITTEN = ("image_at_epoch_*.png", "values_at_epoch_*.png", "samples.png")
_WRITTEN += ("gaussian.png", "training*.gif", "model.keras", "run.json")


@dataclasses.dataclass
class Run:
    """What a user may say of a recipe's run, and what all recipes do with it.

    Attributes:
        recipe: str, one of `RECIPES`, or "faces" or "r3gan".
        output: `pathlib.Path` of a folder, made when there are data and model.
        data: str, `os.PathLike` or `None`: where the real examples come from.
        epochs: int, or `None` for the recipe's.
        steps: int, steps an epoch, or `None` for the recipe's.
        seed: int; the same seed gives the same run.
        restart: bool, forget what an earlier run left in the folder.
        verbose: as in Keras's `fit`.
        told: dict that JSON can hold, what the command line was told, or `None`; kept
            with the settings, for `--config`.
    """

    recipe: str
    output: pathlib.Path
    data: StrPath | None = None
    epochs: int | None = None
    steps: int | None = None
    seed: int = 0
    restart: bool = False
    verbose: Any = "auto"
    told: dict[str, Any] | None = None

    def begin(self, *parts: str) -> None:
        """Make the folder and forget an earlier run, if asked to: once.

        Args:
            *parts: str, the names of sub-folders that are runs, too.

        Raises:
            InvalidInput: before anything is deleted, if another process uses it.
        """
        with made_folder(self.output) as folder:
            expect_writable(folder / "run.json")
        if self.restart:
            _clear([self.output, *(self.output / part for part in parts)])
        self.restart = False

    def begin_parts(self, *parts: str) -> None:
        """Begin a run that is nothing but its parts.

        Args:
            *parts: str, as of `begin`.

        Raises:
            InvalidInput: as of `begin`; if the folder holds another recipe's run or
                seed.
        """
        self.begin(*parts)
        # The parts' own settings would not keep another recipe out of the folder.
        settings = {"recipe": self.recipe, "seed": self.seed}
        _agree(self.output, settings, self.told)

    def pictures(self, **options: Any) -> list[keras.callbacks.Callback]:
        """What draws after each epoch: a PNG of its own, a frame of a GIF.

        Args:
            **options: as of `gan.callbacks.SampleGrid`, but for folder and GIF.
        """
        from gan.callbacks import SampleGrid

        self.begin()
        gif = self.output / "training.gif"
        return [SampleGrid(self.output, gif=gif, **options)]

    def fit(
        self,
        model: AdversarialModel,
        epochs: int,
        steps: int | None,
        callbacks: Iterable[keras.callbacks.Callback] = (),
        every: int = 1,
        folder: str = ".",
        settings: dict[str, Any] | None = None,
    ) -> dict[str, list[float]]:
        """Train a model with its settings and checkpoints in the folder.

        Args:
            model: `gan.AdversarialModel`, as new.
            epochs: int, the recipe's.
            steps: int, the recipe's steps an epoch, or `None` for once through the
                data.
            callbacks: list of `keras.callbacks.Callback`, called before a checkpoint
                is written, so that what they wrote is there when the run goes on.
            every: int, epochs between checkpoints.
            folder: str, name of a sub-folder of `output` for the run's state.
            settings: dict that JSON can hold, what else makes this run what it is.

        Returns:
            Dict of lists, the logs of all epochs, those of earlier calls included.

        Raises:
            InvalidInput: if the folder holds a run with other settings, or another
                process uses it.
            KeyboardInterrupt: after Ctrl-C.
        """
        from gan.data.examples import checksum
        from gan.training.checkpoint import Checkpoint

        self.begin()
        epochs, steps = self.epochs or epochs, self.steps or steps
        with made_folder(self.output / folder) as directory:
            checkpoint = Checkpoint(directory / "checkpoints", every=every)
        checkpoint.acquire()
        try:
            data = checksum(model.real_examples)
            all_settings = {"recipe": self.recipe, "seed": self.seed, "data": data}
            all_settings |= {"epochs": epochs, "steps_per_epoch": steps}
            settings = all_settings | model.options() | (settings or {})
            _agree(directory, settings, self.told)
            model.fit(
                epochs=epochs,
                steps_per_epoch=steps,
                verbose=self.verbose,
                callbacks=[*callbacks, checkpoint],
            )
        finally:
            checkpoint.release()
        return checkpoint.history

    def finish(
        self, model: AdversarialModel, *paths: pathlib.Path
    ) -> list[pathlib.Path]:
        """Write the trained model.

        Args:
            model: `gan.AdversarialModel`.
            *paths: `pathlib.Path`, what else was written at the end.

        Returns:
            List of `pathlib.Path`: the last picture, `paths`, the GIF, the model;
            without what was deleted since it was written.
        """
        model.save(self.output / "model.keras")
        last = max(self.output.glob("image_at_epoch_*.png"), default=self.output)
        more = [self.output / "training.gif", self.output / "model.keras"]
        return [path for path in (last, *paths, *more) if path.is_file()]


def train_recipe(
    name: str,
    output: StrPath,
    data: StrPath | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    seed: int = 0,
    restart: bool = False,
    verbose: Any = "auto",
    told: dict[str, Any] | None = None,
    **options: Any,
) -> list[pathlib.Path]:
    """Train a recipe; the same call again goes on where the last one stopped.

    Args:
        name: str, one of `RECIPES`, or "faces" or "r3gan".
        output: str or `os.PathLike`, a folder for all that is written.
        data: str, `os.PathLike` or `None`, as the recipe's reader takes.
        epochs: int, or `None` for the recipe's number.
        steps: int, steps an epoch, or `None` for the recipe's number.
        seed: int from 0 to 2³² − 1; the same seed gives the same weights and pictures
            on one machine.
        restart: bool, forget what an earlier run left in the folder.
        verbose: as in Keras's `fit`.
        told: dict that JSON can hold, which is kept with the run's settings.
        **options: the recipe's own.

    Returns:
        List of `pathlib.Path`, what was written.

    Raises:
        InvalidInput: before the first step, if an argument is not of that form or the
            folder holds a run with other settings.
        KeyboardInterrupt: after Ctrl-C; the last epoch that ended is saved.
    """
    expect_choice([*RECIPES, *_OF_TRAIN], recipe=name)
    for number, value in {"epochs": epochs, "steps": steps}.items():
        if value is not None:
            expect_positive_int(**{number: value})
    expect_seed(2**32, seed=seed)
    if data is not None:
        expect_path(data=data)
    folder = expect_path(output=output)
    there = next(path for path in (folder, *folder.parents) if path.exists())
    expect(there.is_dir(), "output to be a folder", output=str(folder))
    run = Run(name, folder, data, epochs, steps, seed, restart, verbose, told)
    return importlib.import_module(f"gan.recipes.{name}").train(run, **options)


def _agree(folder, settings, told=None):
    """Write a run's settings, unless the folder holds a run with other ones."""
    path = folder / "run.json"
    if path.exists():
        try:
            there = dict(json.loads(path.read_text(encoding="utf-8")))
        except (TypeError, ValueError) as error:
            expected = f"a readable run.json, or a restart ({error})"
            expect(False, expected, path=str(path))
        names = sorted({*there, *settings} - {"told"})
        if settings.get("recipe") != there.get("recipe"):
            names = ["recipe"]
        differences = {
            name: f"{settings.get(name)} (there {there.get(name)})"
            for name in names
            if settings.get(name) != there.get(name)
        }
        expected = f"the settings of the run in {folder}, or a restart"
        expect(not differences, expected, **differences)
    with atomic_path(path) as temporary:
        text = json.dumps(settings | {"told": told}, indent=1)
        temporary.write_text(text, encoding="utf-8")


def _clear(folders):
    """Delete what a recipe's runs left in these folders, and nothing else."""
    from gan.training.checkpoint import Checkpoint

    folders = [folder for folder in folders if folder.is_dir()]
    checkpoints = [Checkpoint(folder / "checkpoints") for folder in folders]
    with contextlib.ExitStack() as stack:
        for checkpoint in checkpoints:
            checkpoint.acquire()
            stack.callback(checkpoint.release)
        for folder, checkpoint in zip(folders, checkpoints, strict=True):
            checkpoint.clear()
            for path in [p for pattern in _WRITTEN for p in folder.glob(pattern)]:
                path.unlink()
