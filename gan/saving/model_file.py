"""Files of whole models: written completely or not at all, refused if damaged."""

from __future__ import annotations

import contextlib
import functools
import json
import math
import pathlib
import random
import tempfile
import threading
import warnings
import weakref
import zipfile
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Self

import keras
import numpy as np
from keras.src.backend.common import global_state

from gan import distribute
from gan.errors import (
    InvalidInput,
    Option,
    StrPath,
    expect_path,
    require,
    shown,
    warn,
)
from gan.saving import archive, hdf5_guard
from gan.saving.archive import MOST_NOTES, read_notes
from gan.saving.configs import class_names, described, own_classes, unknown
from gan.saving.damage import reason, refusing, sound
from gan.support.files import atomic_path, temporary_path

# Models whose files have been loaded as a check, and the classes in them.
_read_back: weakref.WeakKeyDictionary[WholeModel, set[str]]
_read_back = weakref.WeakKeyDictionary()


class WholeModel(keras.Model):
    """The part of a model that saves and loads it.

    A model file holds the whole state, and is written completely or not at all.
    Attributes that are declared without a value are set in other parts of the model.

    Attributes:
        begun_with: str, JSON of the settings at the start of the last run with a
            Checkpoint.
        left_with: str, JSON of the settings at the end of that run.
    """

    stream: Any
    augment: Any
    words: Any
    has_latents: bool
    latent_generator: Any
    draws_repeat: bool
    learning_rate: Any
    averaged_generator: Any
    reattach: Callable[[], None]
    _generator_player: Any
    _discriminator_player: Any

    begun_with: str = "{}"
    left_with: str = "{}"

    def options(self) -> dict[str, Any]:
        """The constructor's plain options by name."""
        named = {name for cls in type(self).__mro__ for name in vars(cls)}
        named = [n for n in sorted(named) if isinstance(getattr(type(self), n), Option)]
        found = {name: getattr(self, name) for name in named}
        return found | {"learning_rate": self.learning_rate}

    def made_of(self) -> dict[str, Any]:
        """Everything on which a run of this model depends, except its real examples.

        Returns:
            Dict of JSON values: the options, and the configs of networks, optimizers,
            augmentation and latents, without the numbered names of Keras.
        """
        found = {"model": keras.saving.get_registered_name(type(self))}
        found |= {**self.options(), "augment": None, **self.augmenting()}
        players = (self._generator_player, self._discriminator_player)
        found["optimizers"] = [described(player.optimizer) for player in players]
        for name in ("generator", "discriminator"):
            found[name] = described(getattr(self, name))
        if self.words is not None:
            found["words"] = described(self.words)
        if hasattr(self.latent_generator, "get_config"):
            found["latent_generator"] = described(self.latent_generator)
        elif self.latent_generator is not None and self.draws_repeat:
            # A function is identified by the latents that it draws.
            with self.stream.restarted(0), self.stream.sampling():
                drawn = np.ravel(self.latent_generator(4))[:8]
            found["latent_generator"] = [float(f"{number:.3g}") for number in drawn]
        return json.loads(json.dumps(found, default=str))

    def augmenting(self) -> dict[str, Any]:
        """The settings of the augmentation, if there is one."""
        return {"augment": described(self.augment)} if self.augment else {}

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments of an equal model, without real examples."""
        serialize = keras.saving.serialize_keras_object
        latent_generator = self.latent_generator
        if self.has_latents and not hasattr(latent_generator, "get_config"):
            warn(
                "The latent generator cannot be stored; set model.latent_generator "
                "after loading. gan.latent.LatentGenerator can be stored."
            )
            latent_generator = None
        config = {**self.options(), "latent_generator": serialize(latent_generator)}
        config["augment"] = serialize(self.augment)
        config["words"] = serialize(self.words)
        for name in ("generator", "discriminator"):
            player = getattr(self, f"_{name}_player")
            config[name] = serialize(player.network)
            # The model compiles its networks itself.
            config[name].pop("compile_config", None)
            config[f"{name}_optimizer"] = serialize(player.optimizer)
            config[f"{name}_trained"] = player.trained()
        return {**config, "name": self.name}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, type] | None = None
    ) -> Self:
        """Make a model from `get_config()`."""
        config, networks = dict(config), ("generator", "discriminator")
        optimizers = [f"{name}_optimizer" for name in networks]
        for name in (*networks, "latent_generator", "augment", "words", *optimizers):
            config[name] = keras.saving.deserialize_keras_object(
                config.get(name), custom_objects=custom_objects
            )
        flags = []
        for name in networks:
            # An optimizer knows only the weights that were trainable when the model was
            # made, so make these trainable again meanwhile.
            trained = config.pop(f"{name}_trained", None)
            for number, weight in enumerate(config[name].variables):
                flags.append((weight, weight.trainable))
                if trained is not None:
                    weight.trainable = number in trained
        with warnings.catch_warnings():
            # The warning was given when the model was first made.
            warnings.filterwarnings("ignore", ".* its last activation keeps")
            model = cls(**config)
        for weight, trainable in flags:
            weight.trainable = trainable
        return model

    def save(self, filepath: StrPath, overwrite: bool = True, **options: Any) -> None:
        """Saves the whole model to a `.keras` file.

        The file holds networks, optimizers, averages, random state and all options, but
        not the real examples. `keras.models.load_model` can read it too. It is written
        completely or not at all. If there are several workers, only the chief writes
        it.

        Args:
            filepath: str or `os.PathLike` that ends in `.keras`.
            overwrite: bool, whether an existing file may be replaced.
            **options: none; unknown options are refused.

        Raises:
            InvalidInput: if `filepath` is invalid, or `gan.load_model` could not read
                the file. An existing file is then not changed.
        """
        for name in options:
            said = f"The method save has no argument {name}: leave it out."
            require(False, said, name)
        if distribute.is_chief(self.distribute_strategy):
            _expect_new(filepath, overwrite, ".keras")
            save_model(self, filepath)

    def save_weights(
        self, filepath: StrPath, overwrite: bool = True, **options: Any
    ) -> None:
        """Saves weights, optimizers and random state to a `.weights.h5` file.

        If there are several workers, only the chief writes it.

        Args:
            filepath: str or `os.PathLike` that ends in `.weights.h5`.
            overwrite: bool, whether an existing file may be replaced.
            **options: as in Keras.

        Raises:
            InvalidInput: if `filepath` is invalid, or `load_weights` could not read the
                file. An existing file is then not changed.
        """
        if distribute.is_chief(self.distribute_strategy):
            _expect_new(filepath, overwrite, ".weights.h5")
            with atomic_path(filepath) as temporary:
                _require_finite(self)
                _keep_lists(self)
                super().save_weights(temporary, **options)
                with _as_written(), refusing(temporary):
                    hdf5_guard.expect_weights(temporary, temporary.stat().st_size)

    def load_weights(self, filepath: StrPath, **options: Any) -> None:
        """Loads a file that `save_weights` wrote.

        Args:
            filepath: str or `os.PathLike` that ends in `.weights.h5`.
            **options: as in Keras.

        Raises:
            InvalidInput: if the file is missing, damaged or belongs to another model.
                The model is then not changed.
        """
        path = expect_path(filepath=filepath)
        require(path.is_file(), f"There is no file of weights at {path}.", "filepath")
        load = functools.partial(super().load_weights, path, **options)
        with refusing(path, "filepath"):
            hdf5_guard.expect_weights(path, path.stat().st_size)
            load_state(self, load)

    def save_own_variables(self, store: MutableMapping[str, np.ndarray]) -> None:
        """Save the random state, which Keras does not save."""
        for number, state in enumerate(self.random_states()):
            store[f"random_state_{number}"] = state.numpy()

    def load_own_variables(self, store: Mapping[str, np.ndarray]) -> None:
        """Load the random state."""
        for number, state in enumerate(self.random_states()):
            state.assign(store[f"random_state_{number}"])

    def random_states(self) -> list[keras.Variable]:
        """Variables of the stream and of every random layer (dropout), in order."""
        kept = {id(variable) for variable in self.weights}
        kept |= {id(v) for metric in self.metrics for v in metric.variables}
        return [v for v in self.non_trainable_variables if id(v) not in kept]


def save_model(
    model: WholeModel, path: StrPath, notes: dict[str, Any] | None = None
) -> None:
    """Saves a model so that `keras.models.load_model` and `load_model` can read it.

    Args:
        model: `gan.AdversarialModel`.
        path: str or `os.PathLike` that ends in `.keras`.
        notes: dict of JSON values, which `read_notes` returns; it is stored as the
            member `gan.json` of the file.

    Raises:
        InvalidInput: if `path` is invalid or not writable, or `load_model` could not
            read the file. After any failure, an existing file is not changed.
    """
    text = json.dumps({"notes": notes or {}})
    said = (
        f"A model file has room for {MOST_NOTES:,} characters of notes, but these have "
    )
    said += f"{len(text):,}: train in fewer epochs of more steps."
    require(len(text) <= MOST_NOTES, said, "notes")
    path = archive.keras_path(path)
    with atomic_path(path) as temporary, _as_written():
        _write(model, temporary, text)


def expect_loadable(model: WholeModel, folder: pathlib.Path) -> None:
    """Checks in advance that `load_model` can read the files of a model.

    Args:
        model: `gan.AdversarialModel`.
        folder: `pathlib.Path`, in which a temporary file is written.

    Raises:
        InvalidInput: if it cannot; the error says why and what to do.
    """
    # A model that diverged is restored from a checkpoint, and need not be saved now.
    if not _finite(model):
        return
    with temporary_path(folder / "model.keras") as path, _as_written():
        _write(model, path, '{"notes": {}}')


def _write(model, path, text):
    """Write a model to a file, and check the file as `load_model` would."""
    model.reattach()
    _require_finite(model)
    # Only the chief of several workers saves; it must not make more objects than they.
    alone = not distribute.many_workers(model.distribute_strategy)
    _keep_lists(model)
    keras.saving.save_model(model, path)
    with zipfile.ZipFile(path, "a") as members:
        members.writestr("gan.json", text)
    with archive.opened(path) as members:
        config = json.loads(members.read("config.json"))
    # Making the model again may take a second, so do it only for new classes.
    classes = class_names(config)
    if alone and not classes <= _read_back.get(model, set()):
        _expect_twin(model, path, config)
        _read_back[model] = classes


def _keep_lists(model):
    """Let Keras find the lists of attributes that it makes for each save.

    Keras 3.15 stores them under another name than it looks for. Without this function,
    each save makes them again, with new layers and optimizers. This would cost a third
    of the time of a save, and 140 KB that TensorFlow never frees.
    """
    # Only the chief of several workers saves, so only it would make the lists.
    if distribute.many_workers(model.distribute_strategy):
        return
    kept = global_state.GLOBAL_STATE_TRACKER
    for name, value in [*vars(kept).items()]:
        if name.startswith("saving_attr_skipset_"):
            setattr(kept, name.replace("skipset", "skiplist"), value)


def _expect_twin(model, path, config):
    """Expect that loading a file gives an equal model."""
    names = unknown(config, {})
    classes = own_classes(model, names)
    # The user may give classes that are not found here as custom_objects.
    if not classes.keys() >= names:
        return
    unsafe = global_state.get_global_attribute("safe_mode_saving") is False
    failures = []

    def load():
        try:
            if unsafe:
                keras.config.enable_unsafe_deserialization()
            twin = load_model(path, classes)
            pairs = zip(state_of(model), state_of(twin), strict=True)
            same = all(np.array_equal(np.array(a), np.array(b)) for a, b in pairs)
            sound(same, "some of the weights are not in the file")
        except Exception as error:
            failures.append(error)

    # In a new thread no strategy is active. Keras numbers layers for each thread, so
    # the user's next layer gets the name that it would have had.
    thread = threading.Thread(target=load)
    before = random.getstate()
    with warnings.catch_warnings(action="ignore"):
        thread.start()
        thread.join()
    random.setstate(before)
    for error in failures:
        raise error


def load_model(path: StrPath, custom_objects: dict[str, Any] | None = None) -> Any:
    """Loads a model that `model.save` wrote.

    Untrusted files are safe to load: everything is checked, and no code is executed.

    Args:
        path: str or `os.PathLike`.
        custom_objects: dict from names to classes of the model that are not registered
            with Keras.

    Returns:
        `gan.AdversarialModel`, compiled like the saved one, without its real examples.

    Raises:
        InvalidInput: if the file is missing, damaged or not a model file.
    """
    with archive.opened(path) as members:
        config = json.loads(members.read("config.json"))
        size = members.getinfo(archive.WEIGHTS).file_size
        with _told_of_classes(path, config, custom_objects):
            _expect_all_weights(config["config"], size, custom_objects)
            model = keras.saving.load_model(path, custom_objects=custom_objects)
        sound(isinstance(model, WholeModel), f"a {type(model).__name__} is not a GAN")
        sound(_finite(model), "some of its numbers are not finite")
    return model


def _expect_all_weights(config, size, custom_objects):
    """Expect that the size of a file fits its networks, before they are made."""
    # In a stateless scope, variables have shapes but take no memory. Keras would create
    # them when it next builds a layer, and has no public way to discard them.
    waiting = global_state.get_global_attribute("uninitialized_variables", [], True)
    before = len(waiting)
    try:
        with keras.StatelessScope(initialize_variables=False):
            for part in ("generator", "discriminator"):
                # Older files contain it if the user had compiled the network.
                config[part].pop("compile_config", None)
                network = keras.saving.deserialize_keras_object(
                    config[part], custom_objects=custom_objects
                )
                weights = sum(math.prod(weight.shape) for weight in network.weights)
                sound(2 * weights <= size, f"it lacks weights of the {part}")
    finally:
        del waiting[before:]


def restore_model(model: WholeModel, path: StrPath) -> dict[str, Any]:
    """Loads the state of a file of `save_model` into a model, completely or not at all.

    Args:
        model: `gan.AdversarialModel` of the same class, networks and options.
        path: str or `os.PathLike`.

    Returns:
        Dict, the notes with which the file was saved.

    Raises:
        InvalidInput: if the file is missing, damaged or belongs to another model. The
            model is then not changed.
    """
    notes = read_notes(path)
    own = keras.saving.get_registered_name(type(model))
    with archive.opened(path) as members, tempfile.TemporaryDirectory() as folder:
        kind = json.loads(members.read("config.json"))["registered_name"]
        sound(kind == own, f"it holds a {kind} instead of a {own}")
        weights = members.extract(archive.WEIGHTS, folder)
        load_state(model, lambda: keras.Model.load_weights(model, weights))
    return notes


def load_state(model: WholeModel, load: Callable[[], Any]) -> None:
    """Calls `load()`, and restores the model if it fails.

    Args:
        model: `gan.AdversarialModel`.
        load: callable that changes the model's variables. If it raises an error or sets
            numbers that are not finite, all variables are restored.
    """
    before = [(variable, np.array(variable)) for variable in state_of(model)]
    try:
        load()
        sound(_finite(model), "some of its numbers are not finite")
    except BaseException:
        for variable, value in before:
            variable.assign(value)
        raise


def state_of(model: WholeModel) -> list[keras.Variable]:
    """All variables in a model's files: weights, optimizers, random states."""
    model.reattach()
    variables = [*model.weights, *model.random_states()]
    for network in (model.generator, model.discriminator):
        variables += network.optimizer.variables
    return variables


def _expect_new(filepath, overwrite, ending):
    """Expect a path with this suffix that does not exist or may be overwritten."""
    path = expect_path(filepath=filepath)
    said = f"The argument filepath must end in {ending}, but it is {path}."
    require(path.name.endswith(ending), said, "filepath")
    said = f"There is a file at {path}: name another, or give overwrite=True."
    require(overwrite or not path.exists(), said, "filepath")


@contextlib.contextmanager
def _told_of_classes(path, config, custom_objects):
    """In this context, an error names classes of the model that are not registered."""
    try:
        yield
    except Exception:
        names = sorted(unknown(config, custom_objects or {}))
        listed = ", ".join(map(shown, names[:5]))
        said = f"The file {path} needs {listed}, which is not registered: import "
        said += "the module that decorates it with "
        said += "@keras.saving.register_keras_serializable(), or give it by its name, "
        said += "as in gan.load_model(path, custom_objects={'Name': Name})."
        require(not names, said, "custom_objects")
        raise


@contextlib.contextmanager
def _as_written():
    """In this context, errors of the file just written become errors of the model."""
    try:
        yield
    # Keras raises these if get_config is missing or returns other than plain values.
    except (NotImplementedError, TypeError, ValueError) as error:
        if getattr(error, "argument", None) == "model":
            raise
        # The cause does not name the file, whose name is only temporary.
        error = error.__cause__ or error
        raise InvalidInput(
            "The model cannot be saved, because it could not be rebuilt from its "
            f"file: {reason(error)}. Layers, optimizers and models of your own need "
            "constructors that take **options for what Keras passes, and a "
            "get_config() that names all of their arguments; replace a lambda by a "
            "named function or a class.",
            "model",
        ) from error


def _finite(model):
    return all(np.isfinite(np.array(variable)).all() for variable in state_of(model))


def _require_finite(model):
    said = "The model cannot be saved, because some weights are not finite; what "
    said += "was saved before stays."
    require(_finite(model), said, "model")
