"""Training of a recipe: from data to pictures, an animation and a saved model."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import os
import pathlib
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from gan.errors import StrPath, expect, expect_positive_int
from gan.saving.files import expect_writable

if TYPE_CHECKING:
    import keras

    from gan.base import AdversarialModel

# Each is a file of gan/recipes/.
RECIPES = {
    "gaussian": "a Gaussian from uniform noise, by every loss pair of the library",
    "mnist_dense": "digits by dense networks",
    "lfw": "colour faces by convolutional networks and two classes",
    "mnist_dcgan": "digits by DCGAN",
    "mnist_acgan": "digits of the class you ask for, by AC-GAN",
}


# What recipes write beside the checkpoints; the settings, last, tell that it is a run.
_WRITTEN = ("image_at_epoch_*.png", "values_at_epoch_*.png", "samples.png")
_WRITTEN += ("gaussian.png", "training*.gif", "model.keras", "run.json")


@dataclasses.dataclass
class Run:
    """What a user may say of a recipe's run, and what all recipes do with it.

    Attributes:
        recipe: str, one of `RECIPES`.
        output: `pathlib.Path`, an existing folder.
        data: str, `os.PathLike` or None: where the real examples come from.
        epochs: int, or None for the recipe's.
        steps: int, steps an epoch, or None for the recipe's.
        seed: int; the same seed gives the same run.
        restart: bool, forget what an earlier run left in the folder; False when done.
        verbose: as in Keras's `fit`.
    """

    recipe: str
    output: pathlib.Path
    data: StrPath | None = None
    epochs: int | None = None
    steps: int | None = None
    seed: int = 0
    restart: bool = False
    verbose: str | int = "auto"

    def begin(self, *parts: str) -> None:
        """Forget an earlier run, if asked to: once, when there are data and model.

        Args:
            *parts: str, the names of sub-folders that are runs, too.

        Raises:
            InvalidInput: before anything is deleted, if another process uses it; if
                there are parts and the folder holds another recipe's run or seed.
        """
        from gan.recipes.folder import agree

        if self.restart:
            _clear([self.output, *(self.output / part for part in parts)])
        self.restart = False
        if parts:
            # The parts' own settings would not keep another recipe out of the folder.
            agree(self.output, {"recipe": self.recipe, "seed": self.seed})

    def fit(
        self,
        model: AdversarialModel,
        epochs: int,
        steps: int | None,
        callbacks: Iterable[keras.callbacks.Callback] = (),
        every: int = 1,
        folder: str = ".",
    ) -> dict[str, list[float]]:
        """Train as `gan.run.fit_in_folder` does, for the recipe's or the user's time.

        Args:
            model: `gan.AdversarialModel`, compiled and as new.
            epochs: int, the recipe's.
            steps: int, the recipe's steps an epoch, or None for once through the data.
            callbacks: list of `keras.callbacks.Callback`.
            every: int, epochs between checkpoints.
            folder: str, name of a sub-folder of `output` for the run's state.

        Returns:
            dict of lists, the logs of all epochs.
        """
        import keras

        from gan.recipes.folder import checksum, fit_in_folder

        self.begin()
        directory = self.output / folder
        directory.mkdir(exist_ok=True)
        data = checksum(*keras.tree.flatten(model.real_examples))
        settings = {"recipe": self.recipe, "seed": self.seed, "data": data}
        return fit_in_folder(
            model,
            directory,
            settings | model.options(),
            self.epochs or epochs,
            self.steps or steps,
            callbacks,
            every,
            verbose=self.verbose,
        )

    def pictures(self, **options: object) -> list[keras.callbacks.Callback]:
        """Callbacks that draw after each epoch: a PNG of its own, a frame of a GIF.

        Args:
            **options: as of `gan.callbacks.SampleGrid`, but for the folder.

        Returns:
            List of two callbacks.
        """
        from gan.training.callbacks import Animation, SampleGrid

        self.begin()
        gif = self.output / "training.gif"
        return [SampleGrid(self.output, **options), Animation(gif, **options)]

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
        last = f"image_at_epoch_{model.position.epoch:04d}.png"
        model.save(self.output / "model.keras")
        first, *rest = (self.output / n for n in (last, "training.gif", "model.keras"))
        return [path for path in (first, *paths, *rest) if path.is_file()]


def train_recipe(
    name: str,
    output: StrPath,
    data: StrPath | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    seed: int = 0,
    restart: bool = False,
    verbose: str | int = "auto",
) -> list[pathlib.Path]:
    """Train a recipe; the same call again goes on where the last one stopped.

    Args:
        name: str, one of `RECIPES`.
        output: str or `os.PathLike`, an existing folder for all that is written.
        data: str, `os.PathLike` or None, as the recipe's `gan.datasets` reader takes.
        epochs: int, or None for the recipe's number.
        steps: int, steps an epoch, or None for the recipe's number.
        seed: int from 0 to 2³² − 1; the same seed gives the same weights and pictures
            on one machine.
        restart: bool, forget what an earlier run left in the folder.
        verbose: as in Keras's `fit`.

    Returns:
        List of `pathlib.Path`, what was written.

    Raises:
        InvalidInput: before the first step, if an argument is not of that form or the
            folder holds a run with other settings.
        KeyboardInterrupt: after Ctrl-C, when the place is saved.
    """
    expect(name in RECIPES, f"one of {', '.join(RECIPES)}", recipe=name)
    numbers = {"epochs": epochs, "steps": steps}
    expect_positive_int(**{k: v for k, v in numbers.items() if v is not None})
    whole = type(seed) is int and 0 <= seed < 2**32
    expect(whole, "seed to be an int from 0 to 4294967295", seed=seed)
    path = data is None or isinstance(data, (str, os.PathLike))
    expect(path, "data to be a path or None", data=data)
    expect(isinstance(output, (str, os.PathLike)), "output to be a path", output=output)
    output = pathlib.Path(output)
    expect(output.is_dir(), "an existing folder", output=str(output))
    expect_writable(output / "run.json")
    run = Run(name, output, data, epochs, steps, seed, restart, verbose)
    recipe = importlib.import_module(f"gan.recipes.{name}")
    start = time.perf_counter()
    paths = recipe.train(run)
    print(f"{name}: {time.perf_counter() - start:.0f} s this call")
    return paths


def _clear(folders):
    """Delete what a recipe's runs left in these folders, and nothing else."""
    from gan.training.checkpoint import Checkpoint

    folders = [folder for folder in folders if folder.is_dir()]
    checkpoints = [Checkpoint(folder / "checkpoints") for folder in folders]
    with contextlib.ExitStack() as stack:
        for checkpoint in checkpoints:
            checkpoint.acquire()
            stack.callback(checkpoint.release)
        for checkpoint in checkpoints:
            checkpoint.clear()
        for folder in folders:
            for pattern in _WRITTEN:
                for path in folder.glob(pattern):
                    path.unlink()
