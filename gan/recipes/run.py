"""Training in a folder: repeating the same call resumes the run."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import pathlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from gan.data.kept import KeptFile
from gan.errors import (
    StrPath,
    expect_between,
    expect_choice,
    expect_number,
    expect_path,
    expect_seed,
    require,
)
from gan.recipes.record import (
    PICTURES,
    RECIPES,
    RECORD,
    clear,
    expect_free,
    note,
    note_lengths,
    note_settings,
    read_record,
    written,
)
from gan.support.files import expect_writable, made_folder
from gan.support.threads import tell_of_threads

if TYPE_CHECKING:
    import keras

    from gan.base import AdversarialModel
    from gan.data.pictures import Pictures

_OF_TRAIN = ("faces", "r3gan", "translation", "unpaired")


_COMPARED = 16  # smallest number of pictures with which fakes are compared


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A published system as data: networks, model, options and length.

    Attributes:
        read: callable that takes the path of the pictures (or `None`) and the keyword
            `kept`, a `KeptFile` in the run's folder, and returns `Pictures`.
        networks: callable, `Pictures` -> tuple of generator, discriminator and latent
            generator.
        model: class, a subclass of `gan.AdversarialModel`.
        examples: callable, `Pictures` -> what the model trains on.
        options: dict, the model's options.
        epochs: int.
        steps: int, steps per epoch, or `None` for one pass through the data.
        every: int, epochs between checkpoints.
        grid: pair of ints, how many fakes are drawn after each epoch, and in how many
            columns.
        draw: callable, model and `Pictures` -> the picture that is drawn instead of
            the grid; or `None`.
        held_out: callable, `Pictures` -> int, number of held-out pictures, with which
            fakes are compared after each epoch. If it is 0, fakes are compared with the
            training pictures; `None` compares nothing.
        fitted: callable, `Pictures` and the number of steps of the whole run -> dict of
            options that depend on them, such as learning-rate schedules.
        watch: callable, `Run` and `Pictures` -> list of further callbacks.
        end: callable, `Run` and trained model -> list of paths of further files.
    """

    read: Callable[..., Pictures]
    networks: Callable[[Pictures], tuple[Any, Any, Any]]
    model: type[AdversarialModel]
    examples: Callable[[Pictures], Any]
    options: dict[str, Any]
    epochs: int
    steps: int | None = None
    every: int = 1
    grid: tuple[int, int] = (16, 4)
    draw: Callable[[Any, Pictures], Any] | None = None
    held_out: Callable[[Pictures], int] | None = None
    fitted: Callable[[Pictures, int], dict[str, Any]] = lambda data, steps: {}
    watch: Callable[[Run, Pictures], list[keras.callbacks.Callback]] = (
        lambda run, data: []
    )
    end: Callable[[Run, Any], list[pathlib.Path]] = lambda run, model: []

    def make_model(
        self, data: Pictures, seed: int = 0, steps: int = 10_000, **options: Any
    ) -> AdversarialModel:
        """Make the networks and the model.

        Args:
            data: `Pictures`, what `read` gives.
            seed: int; the same seed gives the same run.
            steps: int, steps of the whole run.
            **options: options of the model, which override the recipe's.

        Returns:
            An instance of `model`.
        """
        from gan.latent import seeded

        options = self.options | self.fitted(data, steps) | options
        with seeded(seed):
            return self.model(*self.networks(data), self.examples(data), **options)


@dataclasses.dataclass
class Run:
    """A user's settings of a run, and the methods that all recipes share.

    Attributes:
        recipe: str, one of `RECIPES`, or "faces", "r3gan", "translation" or "unpaired".
        output: `pathlib.Path` of a folder, which is made after the data are read and
            the model is built.
        data: str, `os.PathLike` or `None`: where the real examples come from.
        epochs: int, or `None` for the recipe's.
        steps: int, steps per epoch, or `None` for the recipe's.
        seed: int; the same seed gives the same run.
        restart: bool, whether to delete an earlier run in the folder.
        verbose: 0 shows no progress, anything else the progress of the whole run.
        given: dict of JSON values, the options of the command line, or `None`; stored
            with the settings, for `--config`.
        minutes: float, how long the training may take, or `None`. More minutes, or more
            epochs, than those of an earlier call make its run longer.
    """

    recipe: str
    output: pathlib.Path
    data: StrPath | None = None
    epochs: int | None = None
    steps: int | None = None
    seed: int = 0
    restart: bool = False
    verbose: Any = "auto"
    given: dict[str, Any] | None = None
    minutes: float | None = None
    _data: Pictures | None = dataclasses.field(default=None, init=False, repr=False)

    @property
    def kept(self) -> KeptFile:
        """The file that keeps the pictures of a folder."""
        return KeptFile(self.output / PICTURES, self.restart)

    def train(
        self, recipe: Recipe, data: Pictures | None = None, **options: Any
    ) -> list[pathlib.Path]:
        """Train a model in the folder as a recipe says.

        Args:
            recipe: `Recipe`.
            data: `Pictures`, or `None` for what the recipe reads.
            **options: options of the model, which override the recipe's.

        Returns:
            List of `pathlib.Path`, as in `finish`.
        """
        data = recipe.read(self.data, kept=self.kept) if data is None else data
        # Pairs have other readers, which keep no file.
        self._data = data if hasattr(data, "reading") else None
        print(f"{recipe.model.__name__} on {data.said}", flush=True)
        unseen = None
        if recipe.held_out is not None:
            count = recipe.held_out(data)
            data, unseen = data.split(count) if count else (data, data)
        if self.minutes is not None:
            self.epochs, self.steps = self._lengths(recipe, data, options)
        steps = (self.epochs or recipe.epochs) * (self.steps or recipe.steps or 1)
        model = recipe.make_model(data, self.seed, steps, **options)
        count, columns = recipe.grid
        draw = recipe.draw and (lambda model: recipe.draw(model, data))
        callbacks = self.pictures(count=count, columns=columns, draw=draw)
        callbacks += recipe.watch(self, data)
        if unseen is not None:
            callbacks += self.quality(data, unseen)
        settings = {"names": data.names} if "class_names" in recipe.options else {}
        settings |= {} if self.minutes is None else {"minutes": self.minutes}
        settings["size"] = [*data.pictures.shape[1:3]]
        numbers = recipe.epochs, recipe.steps
        # If minutes are given, an epoch takes half a minute or more.
        every = recipe.every if self.minutes is None else 1
        self.fit(model, *numbers, callbacks, every, settings=settings)
        return self.finish(model, *recipe.end(self, model))

    def _lengths(self, recipe, data, options):
        """Epochs and steps per epoch for `minutes`; a resumed run keeps its steps."""
        minutes = self.noted("minutes")
        if minutes is not None:
            epochs, steps = self.noted("epochs"), self.noted("steps_per_epoch")
            expect_between(1, 10**9, epochs=epochs, steps=steps)
            expect_number(0.1, 100_000, minutes=minutes)
            if minutes < self.minutes:
                # A longer run is resumed with epochs of the same length.
                epochs = max(round(epochs * self.minutes / minutes), epochs + 1)
                print(f"{minutes:g} minutes become {self.minutes:g}: {epochs} epochs.")
            return epochs, steps
        from gan.recipes.pace import lengths

        make_model = functools.partial(recipe.make_model, data, self.seed, **options)
        return lengths(make_model, self.minutes)

    def noted(self, name: str) -> Any:
        """Reads a setting of the run that is resumed.

        Args:
            name: str.

        Returns:
            JSON value, or `None` for a new run.
        """
        path = self.output / RECORD
        if self.restart or not path.exists():
            return None
        return read_record(path).get(name)

    def begin(self, *parts: str) -> None:
        """Make the folder; with `restart`, delete an earlier run, the first time only.

        Args:
            *parts: str, the names of sub-folders that are runs, too.

        Raises:
            InvalidInput: before anything is deleted, if another process uses the
                folder, or this run would replace a file that no run has written.
        """
        with made_folder(self.output) as folder:
            expect_writable(folder / RECORD)
        folders = [self.output, *(self.output / part for part in parts)]
        for folder in folders:
            expect_free(folder, self.recipe)
        if self.restart:
            clear([folder for folder in folders if (folder / RECORD).exists()])
        self.restart = False

    def begin_parts(self, *parts: str) -> None:
        """Begin a run that consists only of parts.

        Args:
            *parts: str, as in `begin`.

        Raises:
            InvalidInput: as in `begin`, or if the folder holds a run of another recipe
                or seed.
        """
        self.begin(*parts)
        # The parts' own settings would not keep another recipe out of the folder.
        settings = {"recipe": self.recipe, "seed": self.seed}
        note_settings(self.output, settings, self.given)

    def path(self, name: str, folder: str = ".") -> pathlib.Path:
        """Adds a file to the run's record, and returns the path to write it to.

        Args:
            name: str, one of those that the recipe writes.
            folder: str, as in `fit`, which must have begun.

        Returns:
            `pathlib.Path`.
        """
        path = self.output / folder / name
        note([path])
        return path

    def pictures(self, **options: Any) -> list[keras.callbacks.Callback]:
        """The callback that draws a PNG file and a frame of a GIF after each epoch.

        Args:
            **options: options of `gan.callbacks.SampleGrid`, except folder and GIF.
        """
        from gan.callbacks import SampleGrid

        self.begin()
        gif = self.output / "training.gif"
        return [SampleGrid(self.output, gif=gif, **options)]

    def quality(
        self, data: Pictures, unseen: Pictures
    ) -> list[keras.callbacks.Callback]:
        """The callback that measures after each epoch and saves the best model.

        Args:
            data: `Pictures` of the training set; if there are fewer than 16, nothing
                is measured.
            unseen: held-out `Pictures`, or `data` itself.
        """
        from gan.callbacks import Quality

        self.begin()
        which = "that are held out from training"
        if len(data.pictures) < _COMPARED:
            return []
        if unseen is data:
            data, unseen = data.split(len(data.pictures) // 2)
            which = "of the training set, because there are few"
        count = min(len(unseen.pictures), 1000)
        print(f"Fakes are compared with {count} pictures {which}.", flush=True)
        path, best = self.output / "quality.png", self.output / "best.keras"
        _, others = data.split(min(len(data.pictures), 2000))
        real: Any = unseen.floats()
        if unseen.labels is not None:
            real = real, unseen.labels
        return [Quality(path, real, others.floats(), best)]

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
            model: `gan.AdversarialModel` that has not been trained.
            epochs: int, the recipe's.
            steps: int, the recipe's steps per epoch, or `None` for one pass through the
                data.
            callbacks: list of `keras.callbacks.Callback`. They are called before a
                checkpoint is written, so that a resumed run finds their files.
            every: int, epochs between checkpoints.
            folder: str, name of a sub-folder of `output` for the run's state.
            settings: dict that JSON can hold, further settings that define the run.

        Returns:
            Dict of lists, the logs of all epochs, those of earlier calls included.

        Raises:
            InvalidInput: if the folder holds a run with other settings, or another
                process uses it.
            KeyboardInterrupt: after Ctrl-C.
        """
        import keras

        from gan.training.checkpoint import Checkpoint

        self.begin()
        epochs, steps = self.epochs or epochs, self.steps or steps
        with made_folder(self.output / folder) as directory:
            path = directory / "checkpoints"
            checkpoint = Checkpoint(path, every=every, longer=True)
        checkpoint.acquire()
        try:
            data = model.examples and model.examples.fingerprint()
            all_settings = {"recipe": self.recipe, "seed": self.seed, "data": data}
            all_settings |= {"epochs": epochs, "steps_per_epoch": steps}
            all_settings |= settings or {}
            note_settings(directory, all_settings, self.given)
            # It is called only if the checkpoint has not refused to resume.
            noting = keras.callbacks.LambdaCallback(
                on_train_begin=lambda logs: note_lengths(directory, all_settings)
            )
            self._keep_pictures()
            model.fit(
                epochs=epochs,
                steps_per_epoch=steps,
                verbose=0,
                callbacks=[*self._progress(), *_noting(callbacks), checkpoint, noting],
            )
        finally:
            checkpoint.release()
        return checkpoint.history

    def _keep_pictures(self):
        """Write the pictures of a folder to a file, so that the next call is quick."""
        # Pairs and unpaired pictures are read again by each call.
        if getattr(self._data, "reading", None) is not None:
            path = self.path(PICTURES)
            if self._data.keep(self.kept):
                print(
                    (f"The pictures are stored in {path} for the next call."),
                    flush=True,
                )

    def _progress(self):
        from gan.callbacks import Progress

        if not self.verbose:
            return []
        tell_of_threads()
        return [Progress()]

    def finish(
        self, model: AdversarialModel, *paths: pathlib.Path
    ) -> list[pathlib.Path]:
        """Write the trained model.

        Args:
            model: `gan.AdversarialModel`.
            *paths: `pathlib.Path` of other files that were written at the end.

        Returns:
            List of `pathlib.Path` that still exist: the last picture, `paths`, the GIF,
            the curve of the quality and the models.
        """
        model.save(self.path("model.keras"))
        pictures = [p for p in written(self.output) if p.match("image_at_epoch_*.png")]
        # Numbers from 10,000 on have one more digit.
        last = max(pictures, key=lambda p: (len(p.name), p.name), default=self.output)
        names = ("training.gif", "quality.png", "best.keras", "model.keras")
        more = [self.output / name for name in names]
        return [path for path in (last, *paths, *more) if path.is_file()]


def _noting(callbacks):
    """These callbacks, preceded by one that records the files they will write."""
    import keras

    callbacks = [*callbacks]
    drawing = [one for one in callbacks if hasattr(one, "paths")]

    def note_pictures(epoch, logs=None):
        # Record files before they are written, so that a killed run leaves no
        # unrecorded file.
        note(path for one in drawing for path in one.paths(epoch + 1))

    return [keras.callbacks.LambdaCallback(on_epoch_end=note_pictures), *callbacks]


def train_recipe(
    name: str,
    output: StrPath,
    data: StrPath | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    seed: int = 0,
    restart: bool = False,
    verbose: Any = "auto",
    given: dict[str, Any] | None = None,
    minutes: float | None = None,
    **options: Any,
) -> list[pathlib.Path]:
    """Trains a recipe; repeating the same call resumes the run.

    Args:
        name: str, one of `RECIPES`, or "faces", "r3gan", "translation" or "unpaired".
        output: str or `os.PathLike`, a folder for all files of the run.
        data: str, `os.PathLike` or `None`, as the recipe's reader takes it.
        epochs: int, or `None` for the recipe's number.
        steps: int, steps per epoch, or `None` for the recipe's number.
        seed: int from 0 to 2³² − 1; the same seed gives the same weights and pictures
            on one machine.
        restart: bool, whether to delete an earlier run in the folder.
        verbose: 0 shows no progress, anything else the progress of the whole run.
        given: dict that JSON can hold, which is kept with the run's settings.
        minutes: float, how long the training may take on this machine, in place of
            epochs and steps; or `None`.
        **options: options of the function `train` in the module of the recipe.

    Returns:
        List of `pathlib.Path` of the files that were written.

    Raises:
        InvalidInput: before the first step, if an argument is invalid or the folder
            holds a run with other settings.
        KeyboardInterrupt: after Ctrl-C; the last epoch that ended is saved.
    """
    expect_run(name, output, epochs, steps, seed, minutes)
    if data is not None:
        expect_path(data=data)
    folder = expect_path(output=output)
    run = Run(name, folder, data, epochs, steps, seed, restart, verbose, given, minutes)
    module = importlib.import_module(f"gan.recipes.{name}")
    if hasattr(module, "RECIPE"):
        return run.train(module.RECIPE)
    # Other recipes, such as those of several models, have a function `train`.
    return module.train(run, **options)


def expect_run(
    name: str,
    output: StrPath,
    epochs: int | None,
    steps: int | None,
    seed: int,
    minutes: float | None = None,
) -> None:
    """Expect usable arguments of a run, before anything is imported or written.

    Args:
        name: as in `train_recipe`.
        output: as in `train_recipe`.
        epochs: as in `train_recipe`.
        steps: as in `train_recipe`.
        seed: as in `train_recipe`.
        minutes: as in `train_recipe`.

    Raises:
        InvalidInput: if an argument is invalid, or the run would replace files that no
            run has written.
    """
    expect_choice([*RECIPES, *_OF_TRAIN], recipe=name)
    said = {"epochs": epochs, "steps": steps}
    said = {name: value for name, value in said.items() if value is not None}
    expect_between(1, 1_000_000, **said)
    expect_seed(2**32, seed=seed)
    if minutes is not None:
        expect_number(0.1, 100_000, minutes=minutes)
        both = "The argument minutes replaces epochs and steps: give either it or them."
        require(epochs is None and steps is None, both, "minutes")
    folder = expect_path(output=output)
    there = next(path for path in (folder, *folder.parents) if path.exists())
    sentence = f"The argument output must be a folder, but {there} is a file."
    require(there.is_dir(), sentence, "output")
    expect_free(folder, name)
