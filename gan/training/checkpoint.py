"""A run's state on disk: kept while `fit` runs, gone on with when it runs again."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re

import keras
import numpy as np

from gan.errors import InvalidInput, expect, expect_number, expect_positive_int
from gan.saving import model_file as saving
from gan.saving.files import made_folder
from gan.training import distribute
from gan.training.fit import Position

_NAME = re.compile(r"epoch-(\d{6})-step-(\d{9})\.keras")


class Checkpoint(keras.callbacks.Callback):
    """Keep a run's state on disk; the same script run again goes on from it.

    A checkpoint is a whole-model file (`gan.saving.load_model` reads it) with the
    place in the run. A resumed run ends with the numbers of the uninterrupted one,
    bit for bit, on one machine; only a Dataset starts again. A checkpoint appears
    whole or not at all, so a run may be killed at any moment; a damaged one is
    passed over with a line that says so. Of several workers only the chief writes; all
    read, so that the directory must be one that they share.

    Args:
        directory: str or `os.PathLike`, made if it is not there. One run at a time
            may use it.
        keep: int, how many of the last checkpoints stay.
        every: int, epochs between checkpoints. The last epoch and the place where
            Ctrl-C stopped are saved always.
        monitor: None, or the name of a log: the epoch with the best value is kept as
            `best.keras` as well. Callbacks that add logs, such as
            `gan.callbacks.Metrics`, come before this one in the list.
        mode: "min" or "max", which value of `monitor` is best.
        restart: bool, delete what an earlier run left there.
        go_back: int, how often to go back to the last checkpoint when training
            diverges, each time with learning rates `factor` times as high; after
            that, or with 0, training stops with `gan.loop.Diverged`.
        factor: float in (0, 1).

    Attributes:
        history: dict of lists, the logs of all epochs of the run, those before the
            resume included; of a log that only some epochs have, only those.
        times_back: int, how often training went back.
    """

    def __init__(
        self,
        directory: str | os.PathLike,
        keep: int = 2,
        every: int = 1,
        monitor: str | None = None,
        mode: str = "min",
        restart: bool = False,
        go_back: int = 0,
        factor: float = 0.5,
    ) -> None:
        super().__init__()
        path = isinstance(directory, (str, os.PathLike))
        expect(path, "directory to be a path", directory=directory)
        expect_positive_int(keep=keep, every=every)
        named = monitor is None or isinstance(monitor, str)
        expect(named, "monitor to be None or a log's name", monitor=monitor)
        expect(mode in ("min", "max"), "mode to be 'min' or 'max'", mode=mode)
        if go_back != 0:
            expect_positive_int(go_back=go_back)
        expect_number(0, 1, factor=factor)
        expect(0 < factor < 1, "factor between 0 and 1", factor=factor)
        self.directory = pathlib.Path(directory)
        self.keep, self.every = keep, every
        self.monitor, self.mode = monitor, mode
        self.restart, self.go_back, self.factor = restart, go_back, factor
        self.history, self.best, self.times_back = {}, None, 0
        self._lock, self._writes = None, True

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Take the directory and restore its newest checkpoint."""
        schedules = keras.optimizers.schedules.LearningRateSchedule
        rates = [optimizer._learning_rate for optimizer in self._optimizers()]
        constant = not any(isinstance(rate, schedules) for rate in rates)
        expected = "constant learning rates, for go_back lowers them"
        expect(constant or not self.go_back, expected, go_back=self.go_back)
        strategy = self.model.distribute_strategy
        self._writes = distribute.is_chief(strategy)
        if self._writes:
            self.acquire()
            if self.restart:
                self.clear()
        # The others read only after the chief has cleared.
        distribute.gathered(strategy, 0)
        there = (self.directory / ".lock").exists()
        expected = "a folder that all workers share"
        expect(there, expected, directory=str(self.directory))
        # The next fit of this object goes on, as any other.
        self.restart = False
        self.history, self.best, self.times_back = {}, None, 0
        path = self.restore()
        if path is not None:
            print(f"Going on from {path}")

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Note the epoch's logs; save where one is due."""
        if self.model.diverged is not None:
            return
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(float(value))
        position = Position(epoch + 1)
        if self.monitor is not None:
            # A log may be there only every so many epochs, the first included.
            known = ", ".join(self.history)
            expected = f"monitor to be one of {known}"
            expect(self.monitor in self.history, expected, monitor=self.monitor)
        if self.monitor in (logs or {}):
            value = logs[self.monitor]
            sign = 1 if self.mode == "min" else -1
            if self.best is None or sign * value < sign * self.best:
                self.best = float(value)
                self._write(self.directory / "best.keras", position)
        if (epoch + 1) % self.every == 0:
            self.save(position)

    def on_train_batch_end(
        self, batch: int, logs: dict[str, float] | None = None
    ) -> None:
        """Mend a divergence, if asked to and possible."""
        if self.model.diverged is None:
            return
        if self.times_back >= self.go_back:
            self.model.diverged += self._last_good()
            return
        times, said = self.times_back + 1, self.model.diverged
        if self.restore() is None:
            return
        for optimizer in self._optimizers():
            # A checkpoint from after an earlier return holds a lowered rate already.
            lower = self.factor ** (times - self.times_back)
            optimizer.learning_rate = float(optimizer.learning_rate) * lower
        self.times_back = times
        self.model.diverged = None
        print(f"\n{said}\nBack to epoch {self.model.position.epoch + 1}, time {times}.")

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Save the end of the run, unless it is saved, and free the directory."""
        position = self.model.position
        if self.model.diverged is None and self._path(position) != self._newest():
            self.save(position)
        self.release()

    def save(self, position: Position) -> None:
        """Write a checkpoint and delete the oldest beyond `keep`.

        Args:
            position: `Position`, the place in the run.
        """
        self._write(self._path(position), position)
        for path in self._checkpoints()[: -self.keep] if self._writes else []:
            path.unlink()

    def restore(self) -> pathlib.Path | None:
        """Fill the model from the newest checkpoint that is undamaged.

        Returns:
            Its `pathlib.Path`, or None if there is none.

        Raises:
            InvalidInput: if there are checkpoints but none can be read.
        """
        paths, said = self._checkpoints(), None
        for path in reversed(paths):
            try:
                notes = saving.read_notes(path)
                position = Position(**notes["position"])
                history, best = dict(notes["history"]), notes["best"]
                times_back = int(notes["times_back"])
                saving.restore_model(self.model, path)
            except (InvalidInput, KeyError, TypeError) as error:
                said = error
                print(f"Passed over {path}: {error}")
                continue
            self.model.position = position
            self.history, self.best = history, best
            self.times_back = times_back
            return path
        expected = f"an undamaged checkpoint in {self.directory} ({said})"
        expect(not paths, expected, checkpoints=len(paths))
        return None

    def acquire(self) -> None:
        """Make the directory and take it for this run.

        Raises:
            InvalidInput: if it cannot be written to or another run uses it.
        """
        if self._lock is not None:
            return
        with made_folder(self.directory) as directory:
            self._lock = os.open(directory / ".lock", os.O_RDWR | os.O_CREAT)
        # Windows has no fcntl; there nothing guards the folder.
        with contextlib.suppress(ImportError):
            import fcntl

            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                self.release()
                expect(
                    False,
                    "a folder that no other run is using",
                    directory=str(self.directory),
                )
        # What a kill left half-written; nobody else writes here now.
        for path in self.directory.glob(".*.keras"):
            path.unlink()

    def clear(self) -> None:
        """Delete what an earlier run left in the directory."""
        for path in [*self._checkpoints(), self.directory / "best.keras"]:
            path.unlink(missing_ok=True)

    def release(self) -> None:
        """Free the directory for another run; `fit` calls it however it ends."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _write(self, path, position):
        if not self._writes:
            return
        notes = {
            "position": {
                "epoch": position.epoch,
                "step": position.step,
                "totals": position.totals,
            },
            "history": self.history,
            "best": self.best,
            "times_back": self.times_back,
        }
        finite = all(np.isfinite(v).all() for v in saving.state_of(self.model))
        expect(finite, "finite weights to save" + self._last_good(), path=str(path))
        try:
            saving.save_model(self.model, path, notes)
        except OSError as error:
            reason = error.strerror or str(error)
            raise OSError(
                f"Could not save {path} ({reason}).{self._last_good()}"
            ) from error

    def _optimizers(self):
        return self.model.generator.optimizer, self.model.discriminator.optimizer

    def _last_good(self):
        newest = self._newest()
        return f" The last good checkpoint is {newest}." if newest else ""

    def _path(self, position):
        name = f"epoch-{position.epoch:06d}-step-{position.step:09d}.keras"
        return self.directory / name

    def _checkpoints(self):
        return sorted(p for p in self.directory.iterdir() if _NAME.fullmatch(p.name))

    def _newest(self):
        return max(self._checkpoints(), default=None)
