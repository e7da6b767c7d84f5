"""Whole-model files: whole or not at all, and refused unless undamaged."""

from __future__ import annotations

import contextlib
import functools
import json
import math
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any, Self

import keras
import numpy as np
from keras.src.backend.common import global_state

from gan.data.examples import checksum
from gan.errors import InvalidInput, Option, StrPath, expect, expect_path
from gan.saving import hdf5_guard
from gan.saving.files import atomic_path
from gan.training import distribute

_WEIGHTS = "model.weights.h5"
# The members of a file and their greatest sizes.
_MEMBERS = {"metadata.json": 2**24, "config.json": 2**24, "gan.json": 2**26}
_MEMBERS[_WEIGHTS] = 2**30


class WholeModel(keras.Model):
    """A model whose files hold all of its state and appear whole or not at all."""

    def options(self) -> dict[str, Any]:
        """The constructor's plain options by name."""
        named = {name for cls in type(self).__mro__ for name in vars(cls)}
        named = [n for n in sorted(named) if isinstance(getattr(type(self), n), Option)]
        found = {name: getattr(self, name) for name in named}
        return found | {"learning_rate": self.learning_rate}

    @functools.cached_property
    def made_with(self) -> str:
        """JSON of the options and data that a run of this model began with."""
        players = (self._generator, self._discriminator)
        optimizers = [player.optimizer.get_config() for player in players]
        # Keras numbers the names of what a process makes.
        optimizers = [{**config, "name": ""} for config in optimizers]
        data = {
            "real_examples": checksum(self._real_examples),
            "optimizers": optimizers,
            **self.augmenting(),
        }
        return json.dumps(self.options() | data, default=str)

    def augmenting(self) -> dict[str, Any]:
        """The settings of the augmentation, if there is one."""
        config = self.augment and self.augment.get_config()
        return {"augment": {**config, "name": ""}} if config else {}

    def get_config(self) -> dict[str, Any]:
        """Arguments that make an equal model, without its real examples."""
        serialize = keras.saving.serialize_keras_object
        latent_generator = self.latent_generator
        if not hasattr(latent_generator, "get_config"):
            warnings.warn(
                "The latent generator cannot be stored; set model.latent_generator "
                "after loading. gan.latent.LatentGenerator can be stored.",
                stacklevel=2,
            )
            latent_generator = None
        config = {**self.options(), "latent_generator": serialize(latent_generator)}
        config["augment"] = serialize(self.augment)
        for name in ("generator", "discriminator"):
            player = getattr(self, f"_{name}")
            config[name] = serialize(player.network)
            config[f"{name}_optimizer"] = serialize(player.optimizer)
            config[f"{name}_trained"] = player.trained()
        return {**config, "name": self.name}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, type] | None = None
    ) -> Self:
        """Make a model from `get_config()`."""
        config = dict(config)
        parts = ["generator", "discriminator", "latent_generator"]
        rest = ("augment", "generator_optimizer", "discriminator_optimizer")
        for name in (*parts, *rest):
            config[name] = keras.saving.deserialize_keras_object(
                config.get(name), custom_objects=custom_objects
            )
        flags = []
        for name in parts[:2]:
            # What was frozen or not when the model was made its optimizers still know.
            trained = config.pop(f"{name}_trained", None)
            for number, weight in enumerate(config[name].variables):
                flags.append((weight, weight.trainable))
                if trained is not None:
                    weight.trainable = number in trained
        with warnings.catch_warnings():
            # It was warned of when the model was made.
            warnings.filterwarnings("ignore", ".* its last activation keeps")
            model = cls(**config)
        for weight, trainable in flags:
            weight.trainable = trainable
        return model

    def save(
        self,
        filepath: StrPath,
        overwrite: bool = True,
        **options: Any,
    ) -> None:
        """Write the whole model to a `.keras` file, whole or not at all.

        The file holds networks, optimizers, averages, random state and every
        option, not the real examples. `keras.models.load_model` reads it too. Of
        several workers only the chief writes it.

        Args:
            filepath: str or `os.PathLike` that ends in `.keras`.
            overwrite: bool, whether a file that is there may be replaced.
            **options: none; an unknown one is refused.

        Raises:
            InvalidInput: before anything is written.
        """
        expect(not options, "no further options", **options)
        if distribute.is_chief(self.distribute_strategy):
            _expect_new(filepath, overwrite)
            save_model(self, filepath)

    def save_weights(
        self,
        filepath: StrPath,
        overwrite: bool = True,
        **options: Any,
    ) -> None:
        """Write weights, optimizers and random state to a `.weights.h5` file.

        Of several workers only the chief writes it.

        Args:
            filepath: str or `os.PathLike` that ends in `.weights.h5`.
            overwrite: bool, whether a file that is there may be replaced.
            **options: as of Keras.
        """
        name = str(filepath)
        expect(name.endswith(".weights.h5"), "a path in .weights.h5", filepath=name)
        if distribute.is_chief(self.distribute_strategy):
            _expect_new(filepath, overwrite)
            with atomic_path(filepath) as temporary:
                super().save_weights(temporary, **options)

    def load_weights(self, filepath: StrPath, **options: Any) -> None:
        """Read what `save_weights` wrote: all of it or, if it does not fit, nothing.

        Args:
            filepath: str or `os.PathLike`.
            **options: as of Keras.

        Raises:
            InvalidInput: if the file is missing, damaged or of another model; the
                model is then as it was.
        """
        path = expect_path(filepath=filepath)
        expect(path.is_file(), "an existing file of weights", filepath=str(path))
        with _refused(path):
            hdf5_guard.expect_weights(path, path.stat().st_size)
        load = functools.partial(super().load_weights, path, **options)
        load_state(self, load, path)

    def save_own_variables(self, store: MutableMapping[str, np.ndarray]) -> None:
        """Write the random state, which Keras leaves out of its files."""
        for number, state in enumerate(self.random_states()):
            store[f"random_state_{number}"] = state.numpy()

    def load_own_variables(self, store: Mapping[str, np.ndarray]) -> None:
        """Read the random state."""
        for number, state in enumerate(self.random_states()):
            state.assign(store[f"random_state_{number}"])

    def random_states(self) -> list[keras.Variable]:
        """Variables of the stream and of every random layer (dropout), in order."""
        kept = {id(variable) for variable in self.weights}
        kept |= {id(v) for metric in self.metrics for v in metric.variables}
        return [v for v in self.non_trainable_variables if id(v) not in kept]


def save_model(
    model: WholeModel,
    path: StrPath,
    notes: dict[str, Any] | None = None,
) -> None:
    """Write a model so that `keras.models.load_model` and `load_model` read it.

    Args:
        model: `gan.AdversarialModel`.
        path: str or `os.PathLike` that ends in `.keras`.
        notes: dict that JSON can hold, returned by `read_notes`; it becomes the member
            `gan.json` of the file.

    Raises:
        InvalidInput: if `path` is not of that form or cannot be written to. A file
            that was there stays as it was, as it does after any failure.
    """
    model.claim()
    with atomic_path(_keras_path(path)) as temporary:
        keras.saving.save_model(model, temporary)
        with zipfile.ZipFile(temporary, "a") as archive:
            archive.writestr("gan.json", json.dumps({"notes": notes or {}}))


def load_model(path: StrPath, custom_objects: dict[str, Any] | None = None) -> Any:
    """Read a model that `model.save` wrote, all of it checked.

    Args:
        path: str or `os.PathLike`. The file need not be trusted: nothing in it
            is executed.
        custom_objects: dict of names to classes that the model uses and that are
            not registered with Keras.

    Returns:
        The `gan.AdversarialModel`, compiled as it was, without its real examples.

    Raises:
        InvalidInput: if the file is missing, damaged or not of this form.
    """
    with _opened(path) as archive:
        config = json.loads(archive.read("config.json"))["config"]
        size = archive.getinfo(_WEIGHTS).file_size
        # In a stateless scope variables have shapes but take no memory; Keras would
        # make them when it next builds any layer, and has no public way to forget them.
        waiting = global_state.get_global_attribute("uninitialized_variables", [], True)
        before = len(waiting)
        try:
            with keras.StatelessScope(initialize_variables=False):
                for part in ("generator", "discriminator"):
                    network = keras.saving.deserialize_keras_object(
                        config[part], custom_objects=custom_objects
                    )
                    weights = sum(math.prod(weight.shape) for weight in network.weights)
                    expected = f"all weights of the {part} in {path}"
                    expect(2 * weights <= size, expected, weights=weights)
        finally:
            del waiting[before:]
        model = keras.saving.load_model(path, custom_objects=custom_objects)
    kind = type(model).__name__
    expect(isinstance(model, WholeModel), f"a GAN in {path}", model=kind)
    _expect_finite(model, path)
    return model


def read_notes(path: StrPath) -> dict[str, Any]:
    """Check that a model file is undamaged and give its notes.

    Args:
        path: str or `os.PathLike`, a file of `save_model`.

    Returns:
        Dict, the notes it was saved with.

    Raises:
        InvalidInput: if the file is missing or damaged.
    """
    with _opened(path) as archive:
        notes = json.loads(archive.read("gan.json"))["notes"]
        expect(isinstance(notes, dict), "notes", path=str(path))
    return notes


def restore_model(model: WholeModel, path: StrPath) -> dict[str, Any]:
    """Fill a model with the state of a file of `save_model`: all of it or nothing.

    Args:
        model: `gan.AdversarialModel` of the same class, networks and options.
        path: str or `os.PathLike`.

    Returns:
        Dict, the notes the file was saved with.

    Raises:
        InvalidInput: if the file is missing, damaged or of another model; the model
            is then as it was.
    """
    notes = read_notes(path)
    own = keras.saving.get_registered_name(type(model))
    with _opened(path) as archive, tempfile.TemporaryDirectory() as folder:
        kind = json.loads(archive.read("config.json"))["registered_name"]
        expect(kind == own, f"a file of {own}: {path}", registered_name=kind)
        weights = archive.extract(_WEIGHTS, folder)
        load_state(model, lambda: keras.Model.load_weights(model, weights), path)
    return notes


def load_state(model: WholeModel, load: Callable[[], Any], path: StrPath) -> None:
    """Run `load()`, which fills the model from a file, wholly or not at all.

    Args:
        model: `gan.AdversarialModel`.
        load: callable that changes the model's variables.
        path: str, the file, for the message.

    Raises:
        InvalidInput: if `load` fails, would leave something out, or brings numbers
            that are not finite; every variable is then as it was.
    """
    before = [(variable, np.array(variable)) for variable in state_of(model)]
    try:
        with _refused(path):
            load()
        _expect_finite(model, path)
    except BaseException:
        for variable, value in before:
            variable.assign(value)
        raise


def state_of(model: WholeModel) -> list[keras.Variable]:
    """All variables of a model that its files hold: weights, optimizers, randomness."""
    model.claim()
    variables = [*model.weights, *model.random_states()]
    for network in (model.generator, model.discriminator):
        variables += network.optimizer.variables
    return variables


def _expect_new(filepath, overwrite):
    """Expect a path that is free or may be overwritten."""
    path = expect_path(filepath=filepath)
    expected = "a new file, or overwrite=True"
    expect(overwrite or not path.exists(), expected, filepath=str(path))


def _keras_path(path):
    path = expect_path(path=path)
    expect(path.suffix == ".keras", "a path that ends in .keras", path=str(path))
    return path


@contextlib.contextmanager
def _opened(path) -> Iterator[zipfile.ZipFile]:
    """Open a model file after a look at all of it; its damage is `InvalidInput`."""
    path = _keras_path(path)
    expect(path.is_file(), "an existing model file", path=str(path))
    with _refused(path), zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        members = len(names) == len(_MEMBERS) and {*names} == {*_MEMBERS}
        expect(members, "a file of this library's model.save", path=str(path))
        for member in archive.infolist():
            plain = member.compress_type == zipfile.ZIP_STORED
            small = plain and member.file_size <= _MEMBERS[member.filename]
            expect(small, "plain members of usual size", path=str(path))
        expect(archive.testzip() is None, "an undamaged model file", path=str(path))
        with archive.open(_WEIGHTS) as weights:
            hdf5_guard.expect_weights(weights, archive.getinfo(_WEIGHTS).file_size)
        yield archive


@contextlib.contextmanager
def _refused(path):
    """Whatever a damaged file raises, or Keras only warns of, is `InvalidInput`."""
    try:
        with warnings.catch_warnings():
            # Keras skips an optimizer that does not fit and only warns.
            warnings.filterwarnings("error", "Skipping variable loading")
            yield
    except InvalidInput:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        expect(False, f"a readable model file ({reason})", path=str(path))


def _expect_finite(model, path):
    finite = all(np.isfinite(np.array(variable)).all() for variable in state_of(model))
    expect(finite, "finite numbers in the model file", path=str(path))
