"""The one way to train in a folder: the same call again goes on where it stopped."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import json
import pathlib
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from gan.errors import (
    StrPath,
    expect_choice,
    expect_path,
    expect_positive_int,
    expect_seed,
    require,
)
from gan.support.files import atomic_path, clear_leftovers, expect_writable, made_folder

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

# What the recipes write beside the checkpoints, in their folder and in its parts.
_PICTURES = r"image_at_epoch_\d{4,}\.png|training\.gif|model\.keras"
_FILES = dict.fromkeys([*RECIPES, "r3gan"], _PICTURES)
_FILES["faces"] = r"(generator|discriminator)\.h5"
_FILES["lfw"] += r"|values_at_epoch_\d{4,}\.png|samples\.png"
_FILES["gaussian"] += (
    r"|gaussian\.png|training_(least_squares|wasserstein_clip|wasserstein_gp|minimax|"
    r"non_saturating|two_class)\.gif"
)
_RECORD = "run.json"
_MOST_BYTES = 2**26  # of a record, which lists a picture for each epoch


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
            InvalidInput: before anything is deleted, if another process uses the
                folder, or a file that no run has written is where this one will write.
        """
        with made_folder(self.output) as folder:
            expect_writable(folder / _RECORD)
        folders = [self.output, *(self.output / part for part in parts)]
        for folder in folders:
            expect_free(folder, self.recipe)
        if self.restart:
            _clear([folder for folder in folders if (folder / _RECORD).exists()])
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

    def path(self, name: str, folder: str = ".") -> pathlib.Path:
        """Where to write a file, of which the run's record tells from now on.

        Args:
            name: str, one of those that the recipe writes.
            folder: str, as of `fit`, which must have begun.

        Returns:
            `pathlib.Path`.
        """
        path = self.output / folder / name
        _note([path])
        return path

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
        import keras

        from gan.callbacks import SampleGrid
        from gan.training.checkpoint import Checkpoint

        self.begin()
        callbacks = [*callbacks]
        drawing = [one for one in callbacks if isinstance(one, SampleGrid)]

        def note(epoch, logs=None):
            # Before they are written, so that a kill leaves nothing unknown.
            _note(path for one in drawing for path in one.paths(epoch + 1))

        noting = keras.callbacks.LambdaCallback(on_epoch_end=note)
        epochs, steps = self.epochs or epochs, self.steps or steps
        with made_folder(self.output / folder) as directory:
            checkpoint = Checkpoint(directory / "checkpoints", every=every)
        checkpoint.acquire()
        try:
            data = model.examples and model.examples.fingerprint()
            all_settings = {"recipe": self.recipe, "seed": self.seed, "data": data}
            all_settings |= {"epochs": epochs, "steps_per_epoch": steps}
            _agree(directory, all_settings | (settings or {}), self.told)
            model.fit(
                epochs=epochs,
                steps_per_epoch=steps,
                verbose=self.verbose,
                callbacks=[noting, *callbacks, checkpoint],
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
        model.save(self.path("model.keras"))
        pictures = [p for p in _written(self.output) if p.match("image_at_epoch_*.png")]
        # The ten thousandth has one more digit.
        last = max(pictures, key=lambda p: (len(p.name), p.name), default=self.output)
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
    expect_run(name, output, epochs, steps, seed)
    if data is not None:
        expect_path(data=data)
    folder = expect_path(output=output)
    run = Run(name, folder, data, epochs, steps, seed, restart, verbose, told)
    return importlib.import_module(f"gan.recipes.{name}").train(run, **options)


def expect_run(
    name: str, output: StrPath, epochs: int | None, steps: int | None, seed: int
) -> None:
    """Expect usable arguments of a run, before anything is imported or written.

    Args:
        name: as of `train_recipe`, and so the others.
        output: the same.
        epochs: the same.
        steps: the same.
        seed: the same.

    Raises:
        InvalidInput: if an argument is not of that form, or the folder holds files of
            those names that no run has written.
    """
    expect_choice([*RECIPES, *_OF_TRAIN], recipe=name)
    said = {"epochs": epochs, "steps": steps}
    expect_whole(**{name: value for name, value in said.items() if value is not None})
    expect_seed(2**32, seed=seed)
    folder = expect_path(output=output)
    there = next(path for path in (folder, *folder.parents) if path.exists())
    sentence = f"The argument output must be a folder, but {there} is a file."
    require(there.is_dir(), sentence, "output")
    expect_free(folder, name)


def expect_whole(most: int = 1_000_000, **named: Any) -> None:
    """Expect every named value to be a whole number from 1 to `most`."""
    expect_positive_int(**named)
    for name, value in named.items():
        sentence = f"The argument {name} must be at most {most}, but it is {value}."
        require(value <= most, sentence, name)


def read_record(path: StrPath, argument: str = "output") -> dict[str, Any]:
    """Read the `run.json` in which a run keeps its settings and what it has written.

    Args:
        path: str or `os.PathLike`.
        argument: str, the name of the argument that led to it.

    Returns:
        Dict with at least "recipe", a str.

    Raises:
        InvalidInput: if there is no such file, or another program wrote it.
    """
    record, reason = None, "it names no recipe"
    try:
        with open(path, "rb") as file:
            record = json.loads(file.read(_MOST_BYTES))
    except (OSError, RecursionError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
    ours = isinstance(record, dict) and record.get("recipe") in [*_FILES]
    sentence = f"The file {path} is not the record of a run of this library ({reason}):"
    sentence += " name another one, or move it away."
    require(ours and isinstance(record.get("files", []), list), sentence, argument)
    return record


def expect_free(folder: pathlib.Path, recipe: str) -> None:
    """Expect that a run would replace no files in a folder but those of a run.

    Args:
        folder: `pathlib.Path`.
        recipe: str.

    Raises:
        InvalidInput: if there is a file that the recipe writes, or a checkpoint, and no
            run has written it.
    """
    if not folder.is_dir():
        return
    own = _written(folder)
    found = [path for path in folder.iterdir() if path not in own]
    strange = [path for path in found if re.fullmatch(_FILES[recipe], path.name)]
    if not (folder / _RECORD).exists():
        strange += (folder / "checkpoints").glob("epoch-*.keras")
    sentence = f"The folder {folder} holds {', '.join(sorted(p.name for p in strange))}"
    sentence += ", which no run has written and this one would replace: choose another "
    require(not strange, f"{sentence}folder, or move what is there away.", "output")


def _written(folder):
    """The files that a folder's run has written beside its checkpoints."""
    if not (folder / _RECORD).exists():
        return []
    record = read_record(folder / _RECORD)
    # Version 0.2.0 kept no list. What is listed must be of the recipe all the same,
    # for the record may come from a stranger.
    paths = [path for path in folder.iterdir() if path.is_file()]
    names = {*map(str, record.get("files", [path.name for path in paths]))}
    pattern = _FILES[record["recipe"]]
    return [p for p in paths if p.name in names and re.fullmatch(pattern, p.name)]


def _note(paths):
    """Add files to the records of their folders, before they are written."""
    paths = [*paths]
    for folder in {path.parent for path in paths}:
        record = read_record(folder / _RECORD)
        files = {path.name for path in paths if path.parent == folder}
        if not files <= {*record["files"]}:
            _write_record(
                folder, record | {"files": sorted(files.union(record["files"]))}
            )


def _write_record(folder, record):
    with atomic_path(folder / _RECORD) as temporary:
        temporary.write_text(json.dumps(record, indent=1), encoding="utf-8")


def _agree(folder, settings, told=None):
    """Write a run's settings, unless the folder holds a run with other ones."""
    from gan.training.checkpoint import expect_same_run, newest_path

    clear_leftovers(folder, _RECORD)
    files = sorted(path.name for path in _written(folder))
    if (folder / _RECORD).exists():
        there = read_record(folder / _RECORD)
        # What else the run is made of its checkpoints know.
        names = sorted({*there} & {*settings})
        if settings.get("recipe") != there.get("recipe"):
            names = ["recipe"]
        both = [(name, there[name], settings[name]) for name in names]
        expect_same_run(folder, [one for one in both if one[1] != one[2]])
        # The checkpoint may yet refuse to go on, and then nothing has changed.
        if "files" in there and newest_path(folder) is not None:
            return
    _write_record(folder, settings | {"told": told, "files": files})


def _clear(folders):
    """Delete what the runs in these folders have written, and nothing else."""
    from gan.training.checkpoint import Checkpoint

    checkpoints = [Checkpoint(folder / "checkpoints") for folder in folders]
    with contextlib.ExitStack() as stack:
        for checkpoint in checkpoints:
            checkpoint.acquire()
            stack.callback(checkpoint.release)
        for folder, checkpoint in zip(folders, checkpoints, strict=True):
            checkpoint.clear()
            # The record goes last: without it nobody knows whose the others are.
            for path in [*_written(folder), folder / _RECORD]:
                path.unlink(missing_ok=True)
