"""Checkpoints: save the state of a run during `fit`, and resume it."""

from __future__ import annotations

import json
import os
import pathlib
import re
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from gan import __version__, distribute, saving
from gan.errors import (
    InvalidInput,
    StrPath,
    expect_path,
    expect_positive_int,
    require,
    shown,
    warn,
)
from gan.saving.model_file import MOST_NOTES, WholeModel, expect_loadable, state_of
from gan.support.files import clear_leftovers, made_folder

_VERSIONS = f"gan {__version__}, Keras {keras.__version__}"
# Checkpoints do not hold the state of these callbacks.
_FORGETFUL = (keras.callbacks.ReduceLROnPlateau, keras.callbacks.EarlyStopping)
_CHARACTERS = 24  # length of a number in the stored history

# File names of version 0.1.0 also contain the step within the epoch.
_NAME = re.compile(r"epoch-(\d+)(-step-0+)?\.keras")


class Checkpoint(keras.callbacks.Callback):
    """Saves the state of a run; the same script, started again, resumes it.

    A checkpoint is a file of the whole model, which `gan.load_model` can load. It is
    written when an epoch ends. A resumed run gives the same numbers as an uninterrupted
    one, bit for bit on one machine, with two exceptions: a Dataset starts from its
    beginning, and callbacks that count epochs, such as `ReduceLROnPlateau` and
    `EarlyStopping`, lose their counts.

    A run may be killed at any moment, because a checkpoint is either complete or
    absent; the interrupted epoch is repeated. A damaged checkpoint is skipped, with a
    message. Training that diverges raises `gan.Diverged`, which names the last good
    checkpoint. If there are several workers, only the chief writes, but all of them
    read, so they must share the directory.

    A run cannot be resumed with other networks, latents, options or data. A model that
    `gan.load_model` could not load is refused before the first step.

    Args:
        directory: str or `os.PathLike`, made if it does not exist. Only one run at a
            time may use it.
        keep: int, number of the latest checkpoints to keep.
        every: int, epochs between checkpoints; the last epoch is always saved.
        restart: bool, whether to delete the checkpoints of an earlier run.
        longer: bool, whether to resume a run whose learning rates reach 0 at an earlier
            step than those of this one (`gan.schedules`), so that a run that has ended
            is trained for longer. The rates then continue on the longer schedule.

    Attributes:
        history: dict of lists, the logs of all epochs of the run, including those
            before it was resumed. A log that only some epochs have lists only those.

    To also keep the best epoch, add Keras's own callback after those that make its log:
    `keras.callbacks.ModelCheckpoint("best.keras", monitor="gp", mode="min",
    save_best_only=True)`.
    """

    def __init__(
        self,
        directory: StrPath,
        keep: int = 2,
        every: int = 1,
        restart: bool = False,
        longer: bool = False,
    ) -> None:
        super().__init__()
        self.directory: pathlib.Path = expect_path(directory=directory)
        expect_positive_int(keep=keep, every=every)
        self._keep, self._every, self._restart = keep, every, restart
        self._longer = longer
        self.history: dict[str, list[float]] = {}
        self._lock, self._epoch = None, 0

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Lock the directory and restore its newest checkpoint."""
        model = self.model
        self._warn_of_the_forgetful()
        if not model.draws_repeat:
            warn(
                "The latent generator draws from TensorFlow's own random state, which "
                "checkpoints do not contain: a resumed run draws other latents. The "
                "samplers of gan.latent are repeatable."
            )
        if distribute.is_chief(model.distribute_strategy):
            self.acquire()
            model.closing.callback(self.release)
            self._expect_room()
            with made_folder(self.directory):
                expect_loadable(model, self.directory)
            if self._restart:
                self.clear()
        # The other workers read only after the chief has deleted old files.
        distribute.agree(model.distribute_strategy)
        shared = f"The folder {self.directory} must be one that all workers share"
        require(self.directory.is_dir(), f"{shared}.", "directory")
        self._begin()
        # `restart` works only once: a later fit with this object resumes.
        self._restart, self.history, self._epoch = False, {}, 0
        found = read_newest(self.directory, lambda path: self._restore(model, path))
        if found is not None:
            path, other = found
            expect_same_run(self.directory, other)
            self._remember_the_best()
            print(f"Going on from {path}")
        same = distribute.agree(model.distribute_strategy, self._epoch)
        said = f"{shared}, but they are at different epochs, this one at {self._epoch}."
        require(same, said, "directory")
        # Keras's BackupAndRestore sets this attribute too.
        model._initial_epoch = self._epoch

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Record the epoch's logs; save if a checkpoint is due."""
        if self.model.diverged is not None:
            return
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(float(value))
        self._epoch = epoch + 1
        if self._epoch % self._every == 0:
            self.save()

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Save the last complete epoch, unless another epoch has begun."""
        half_done = logs is None
        if not half_done and self.model.diverged is None and self._epoch % self._every:
            self.save()

    def last_good(self) -> str:
        """A sentence that names the newest checkpoint, or "" if there is none."""
        paths = _checkpoints(self.directory)
        return f" The last good checkpoint is {paths[-1][1]}." if paths else ""

    def save(self) -> None:
        """Write a checkpoint of the last epoch and delete the oldest beyond `keep`."""
        model = self.model
        if not distribute.is_chief(model.distribute_strategy):
            return
        finite = all(np.isfinite(np.array(v)).all() for v in state_of(model))
        path = self.directory / f"epoch-{self._epoch:06d}.keras"
        said = "The model has weights that are not finite, so it was not saved."
        require(finite, said + self.last_good(), "model")
        notes = {"epoch": self._epoch, "history": self.history}
        notes |= {"made_with": model.begun_with, "versions": _VERSIONS}
        try:
            saving.save_model(model, path, notes)
        except OSError as error:
            reason = error.strerror or str(error)
            said = f"Could not save {path} ({reason}).{self.last_good()}"
            raise OSError(said) from error
        except InvalidInput as error:
            said = f"{str(error).rstrip('.')}.{self.last_good()}"
            raise InvalidInput(said, error.argument) from error
        for _, old in _checkpoints(self.directory)[: -self._keep]:
            old.unlink()

    def acquire(self) -> None:
        """Make the directory and lock it for this run.

        Raises:
            InvalidInput: if it is not writable or another run uses it.
        """
        if self._lock is not None:
            return
        with made_folder(self.directory) as directory:
            self._lock = os.open(directory / ".lock", os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _take(self._lock)
        except OSError:
            self.release()
            said = f"Another run is using the folder {self.directory}: choose another "
            require(False, f"{said}one, or wait.", "directory")
        # Delete incomplete files of a killed run. The lock excludes other writers.
        clear_leftovers(self.directory)

    def clear(self) -> None:
        """Delete the checkpoints of an earlier run."""
        for _, path in _checkpoints(self.directory):
            path.unlink(missing_ok=True)

    def release(self) -> None:
        """Unlock the directory. `fit` always calls this at its end."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _restore(self, model, path):
        epoch, history, there, same_versions = _read_place(path)
        here = json.loads(model.begun_with)
        other = [*_differences(there, here, same_versions)] if there else []
        if self._longer:
            other = [one for one in other if not _falls_later(*one)]
        if not other:
            saving.restore_model(model, path)
            self._epoch, self.history = epoch, history
        return other

    def _begin(self):
        """Record the settings at the start of the run.

        If training itself has changed a setting, its value at the start is kept. If the
        user has changed it since, the new value is taken.
        """
        model = self.model
        begun, left = json.loads(model.begun_with), json.loads(model.left_with)
        now = model.made_of()
        now = {k: begun[k] if k in left and left[k] == v else v for k, v in now.items()}
        now["real_examples"] = model.examples.fingerprint()
        model.begun_with = json.dumps(now)
        model.closing.callback(self._leave)

    def _leave(self):
        self.model.left_with = json.dumps(self.model.made_of())

    def _expect_room(self):
        """Refuse more epochs than a checkpoint can store logs for."""
        epochs, logs = self.params.get("epochs", 0), len(self.model.log_names)
        most = MOST_NOTES // (_CHARACTERS * logs)
        said = f"A checkpoint has room for the logs of {most:,} epochs, but fit is "
        said += f"to run {epochs:,}: give it fewer epochs and more steps_per_epoch."
        require(epochs <= most, said, "epochs")

    def _warn_of_the_forgetful(self):
        callbacks = self.model._callbacks.callbacks
        names = [type(one).__name__ for one in callbacks if isinstance(one, _FORGETFUL)]
        if names:
            warn(
                f"Checkpoints do not contain the state of {' and '.join(names)}: a "
                "resumed run may differ from one that never stopped. Learning rates "
                "that fall by a schedule, as in gan.schedules, are resumed exactly."
            )

    def _remember_the_best(self):
        """Restore the best value of Keras's ModelCheckpoint, to keep its best file."""
        for one in self.model._callbacks.callbacks:
            if isinstance(one, keras.callbacks.ModelCheckpoint) and one.best is None:
                best = {"min": min, "max": max}.get(one.mode)
                values = self.history.get(one.monitor)
                if one.save_best_only and best and values:
                    one.best = best(values)


def _read_place(path):
    """Read the state of a checkpoint's run.

    Returns:
        Tuple of the epoch, the history, the settings at the start, and whether the same
        versions of gan and Keras wrote it.

    Raises:
        InvalidInput: if the file is damaged, or `save` did not write its notes.
    """
    notes = saving.read_notes(path)
    try:
        # Version 0.1.0 stored a position, but not the settings at the start.
        epoch = notes.get("position", notes)["epoch"]
        history = notes["history"].items()
        history = {name: [*map(float, values)] for name, values in history}
        there = json.loads(notes.get("made_with", "{}"))
        sound = type(epoch) is int and 0 <= epoch < 2**53
        sound = sound and max(map(len, history.values()), default=0) <= epoch
        sound = sound and isinstance(there, dict)
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError):
        sound = False
    except ValueError:
        sound = False
    require(sound, f"The notes of {path} are not those of a checkpoint.", "directory")
    same_versions = notes.get("versions") == _VERSIONS
    # Version 0.2.0 left out settings that were `None`, and ignored memory maps.
    if there and "versions" not in notes:
        there = {"augment": None, **there}
        if there["real_examples"] is None:
            del there["real_examples"]
    return epoch, history, there, same_versions


def _differences(
    there: Any, here: Any, whole: bool, name: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    """Yield `(name, value there, value here)` for each value that differs.

    Other versions of the library or of Keras may have other options. Unless `whole`,
    only the options that both have are compared.
    """
    if isinstance(there, dict) and isinstance(here, dict):
        for key in there | here if whole else [key for key in there if key in here]:
            each = there.get(key), here.get(key)
            yield from _differences(*each, whole, f"{name}.{key}" if name else key)
    elif isinstance(there, list) and isinstance(here, list) and len(there) == len(here):
        for number, each in enumerate(zip(there, here, strict=True)):
            yield from _differences(*each, whole, f"{name}.{number}")
    elif there != here:
        yield name, there, here


def _falls_later(name, there, here):
    """Whether the difference is that of a learning rate that falls over more steps."""
    numbers = isinstance(there, int) and isinstance(here, int)
    return name.endswith("learning_rate.config.updates") and numbers and there < here


def expect_same_run(folder: StrPath, other: list[tuple[str, object, object]]) -> None:
    """Expects that a folder holds the run that is to be resumed.

    Args:
        folder: str or `os.PathLike`.
        other: list of tuples `(name, value there, value here)` of what differs.

    Raises:
        InvalidInput: if anything differs.
    """
    listed = ", ".join(
        f"{name} is {shown(here)} here and was {shown(there)} there"
        for name, there, here in other[:3]
    )
    said = f"The folder {folder} holds another run: {listed}. Choose another "
    said += "folder, or delete that run with restart=True."
    require(not other, said, other and other[0][0].split(".")[0])


def _take(descriptor: int) -> None:
    """Lock a file, or raise OSError if another process has locked it."""
    try:
        import fcntl
    except ImportError:
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        return
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def load_newest(directory: StrPath) -> tuple[WholeModel, pathlib.Path]:
    """Loads the model of a run's newest undamaged checkpoint.

    Args:
        directory: str or `os.PathLike`, a folder of checkpoints, or a folder that
            contains it as `checkpoints`.

    Returns:
        Tuple of the model and the `pathlib.Path` of its checkpoint.

    Raises:
        InvalidInput: if there is none.
    """
    folder = expect_path(directory=directory)
    folder = folder / "checkpoints" if (folder / "checkpoints").is_dir() else folder
    found = read_newest(folder, saving.load_model)
    said = f"The folder {directory} holds no checkpoints (epoch-….keras) of a run."
    require(found is not None, said, "directory")
    path, model = found
    return model, path


def newest_path(directory: pathlib.Path) -> pathlib.Path | None:
    """Path of a run's newest checkpoint, without reading it, or `None`."""
    inside = directory / "checkpoints"
    paths = _checkpoints(inside if inside.is_dir() else directory)
    return paths[-1][1] if paths else None


def read_newest(
    folder: pathlib.Path, read: Callable[[pathlib.Path], Any]
) -> tuple[pathlib.Path, Any] | None:
    """Reads the newest readable checkpoint, with a message for each damaged one.

    Args:
        folder: `pathlib.Path`.
        read: callable, `pathlib.Path` -> anything. If it raises `InvalidInput`,
            KeyError, TypeError or ValueError, the file is damaged.

    Returns:
        Tuple of the path and the result of `read`, or `None` if there is no checkpoint.

    Raises:
        InvalidInput: if there are checkpoints but none can be read.
    """
    paths, said = _checkpoints(folder), None
    for _, path in reversed(paths):
        try:
            return path, read(path)
        except (InvalidInput, KeyError, TypeError, ValueError) as error:
            said = error
            print(f"Skipped {path}: {error}")
    every = f"Every checkpoint in {folder} is damaged. Error of the oldest one: {said}"
    require(not paths, every, "directory")
    return None


def _checkpoints(folder: pathlib.Path) -> list[tuple[int, pathlib.Path]]:
    """Epochs and paths of a folder's checkpoints, the oldest first."""
    names = os.listdir(folder) if folder.is_dir() else []
    found = [match for match in map(_NAME.fullmatch, names) if match]
    return sorted((int(match[1]), folder / match[0]) for match in found)
