"""Whole-model files: whole or not at all, and refused unless undamaged."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import math
import pathlib
import random
import tempfile
import threading
import warnings
import weakref
import zipfile
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any, Self

import keras
import numpy as np
from keras.src.backend.common import global_state

from gan import distribute
from gan.errors import (
    InvalidInput,
    Option,
    StrPath,
    expect,
    expect_path,
    require,
    shown,
    warn,
)
from gan.saving import hdf5_guard
from gan.saving.configs import described, entries, own_classes, reason, unknown
from gan.support.files import atomic_path, temporary_path

_WEIGHTS = "model.weights.h5"
# The members of a file and their greatest sizes. JSON takes many times its size in
# memory; weights take their own.
_MEMBERS = {"metadata.json": 2**24, "config.json": 2**24, "gan.json": 2**27}
_MEMBERS[_WEIGHTS] = 2**36
MOST_NOTES = _MEMBERS["gan.json"]
# Models whose file has been read back, and the classes that it named then.
_read_back: weakref.WeakKeyDictionary[WholeModel, set[str]]
_read_back = weakref.WeakKeyDictionary()


class WholeModel(keras.Model):
    """A model whose files hold all of its state and appear whole or not at all.

    Attributes:
        begun_with: str, JSON of what the last run with a Checkpoint began with.
        left_with: str, the same as that run left it, which may have changed itself.
    """

    begun_with: str = "{}"
    left_with: str = "{}"

    def options(self) -> dict[str, Any]:
        """The constructor's plain options by name."""
        named = {name for cls in type(self).__mro__ for name in vars(cls)}
        named = [n for n in sorted(named) if isinstance(getattr(type(self), n), Option)]
        found = {name: getattr(self, name) for name in named}
        return found | {"learning_rate": self.learning_rate}

    def made_of(self) -> dict[str, Any]:
        """What makes a run of this model what it is, but for its real examples.

        Returns:
            Dict that JSON can hold: the options, and the configs of networks,
            optimizers, augmentation and latents without the names that Keras numbers.
        """
        found = {"model": keras.saving.get_registered_name(type(self))}
        found |= {**self.options(), "augment": None, **self.augmenting()}
        players = (self._generator, self._discriminator)
        found["optimizers"] = [described(player.optimizer) for player in players]
        for name in ("generator", "discriminator"):
            found[name] = described(getattr(self, name))
        if hasattr(self.latent_generator, "get_config"):
            found["latent_generator"] = described(self.latent_generator)
        elif self.latent_generator is not None and self.draws_repeat:
            # A function is told from another by what it draws.
            with self.stream.anew(0), self.stream.feeds():
                drawn = np.ravel(self.latent_generator(4))[:8]
            found["latent_generator"] = [float(f"{number:.3g}") for number in drawn]
        return json.loads(json.dumps(found, default=str))

    def augmenting(self) -> dict[str, Any]:
        """The settings of the augmentation, if there is one."""
        return {"augment": described(self.augment)} if self.augment else {}

    def get_config(self) -> dict[str, Any]:
        """Arguments that make an equal model, without its real examples."""
        serialize = keras.saving.serialize_keras_object
        latent_generator = self.latent_generator
        if not hasattr(latent_generator, "get_config"):
            warn(
                "The latent generator cannot be stored; set model.latent_generator "
                "after loading. gan.latent.LatentGenerator can be stored."
            )
            latent_generator = None
        config = {**self.options(), "latent_generator": serialize(latent_generator)}
        config["augment"] = serialize(self.augment)
        for name in ("generator", "discriminator"):
            player = getattr(self, f"_{name}")
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
            InvalidInput: if `filepath` is not of that form, or `gan.load_model` could
                not read the file. A file that was there then stays as it was.
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

        Raises:
            InvalidInput: if `filepath` is not of that form, or `load_weights` could not
                read the file. A file that was there then stays as it was.
        """
        name = str(filepath)
        expect(name.endswith(".weights.h5"), "a path in .weights.h5", filepath=name)
        if distribute.is_chief(self.distribute_strategy):
            _expect_new(filepath, overwrite)
            with atomic_path(filepath) as temporary:
                _require_finite(self)
                _keep_lists(self)
                super().save_weights(temporary, **options)
                with _as_written(temporary, filepath):
                    hdf5_guard.expect_weights(temporary, temporary.stat().st_size)

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
        InvalidInput: if `path` is not of that form or cannot be written to, or
            `load_model` could not read the file. A file that was there stays as it
            was, as it does after any failure.
    """
    text = json.dumps({"notes": notes or {}})
    said = f"The notes of a model file can have {MOST_NOTES:,} characters, but these "
    said += f"have {len(text):,}: train in fewer epochs of more steps."
    require(len(text) <= MOST_NOTES, said, "notes")
    with atomic_path(_keras_path(path)) as temporary, _as_written(temporary, path):
        _write(model, temporary, text)


def expect_loadable(model: WholeModel, folder: pathlib.Path) -> None:
    """Expect that `load_model` can read the files of a model, before there are any.

    Args:
        model: `gan.AdversarialModel`.
        folder: `pathlib.Path`, where such a file is written for a moment.

    Raises:
        InvalidInput: with the reason and what to do.
    """
    # A model that diverged waits for a checkpoint's weights.
    if not _finite(model):
        return
    with temporary_path(folder / "model.keras") as path, _as_written(path, "its file"):
        _write(model, path, '{"notes": {}}')


def _write(model, path, text):
    """Write a model to a file, and look at what was written as `load_model` would."""
    model.claim()
    _require_finite(model)
    # Of several workers only the chief saves, and may make no more than the others do.
    alone = not distribute.many_workers(model.distribute_strategy)
    _keep_lists(model)
    keras.saving.save_model(model, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("gan.json", text)
    with _opened(path) as archive:
        config = json.loads(archive.read("config.json"))
    # To make the model again may take a second; what it is made of seldom changes.
    classes = {str(entry["class_name"]) for entry in entries(config)}
    if alone and not classes <= _read_back.get(model, set()):
        _expect_twin(model, path, config)
        _read_back[model] = classes


def _keep_lists(model):
    """Let Keras find the lists of attributes that it makes for each save.

    Keras 3.15 keeps them by another name than it looks for: without this each save
    makes them again, of new layers and optimizers, a third of its time and 140 KB that
    TensorFlow never frees.
    """
    # Of several workers only the chief saves; the others would make them alone.
    if distribute.many_workers(model.distribute_strategy):
        return
    kept = global_state.GLOBAL_STATE_TRACKER
    for name, value in [*vars(kept).items()]:
        if name.startswith("saving_attr_skipset_"):
            setattr(kept, name.replace("skipset", "skiplist"), value)


def _expect_twin(model, path, config):
    """Expect that a file gives a model equal to the one that it was written of."""
    names = unknown(config, {})
    classes = own_classes(model, names)
    # A user finds with custom_objects what we do not.
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
            require(same, "some of the weights are not in the file")
        except Exception as error:
            failures.append(error)

    # In a thread of its own no strategy is in force, and Keras, which numbers layers
    # by thread, gives the user's next layer the name that it would have had.
    thread = threading.Thread(target=load)
    before = random.getstate()
    with warnings.catch_warnings(action="ignore"):
        thread.start()
        thread.join()
    random.setstate(before)
    for error in failures:
        # What Keras said, where it is not ours to say.
        _refuse(error.__context__ or error)


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
    with _opened(path) as archive, _told_of_classes(path, archive, custom_objects):
        config = json.loads(archive.read("config.json"))["config"]
        size = archive.getinfo(_WEIGHTS).file_size
        # In a stateless scope variables have shapes but take no memory; Keras would
        # make them when it next builds any layer, and has no public way to forget them.
        waiting = global_state.get_global_attribute("uninitialized_variables", [], True)
        before = len(waiting)
        try:
            with keras.StatelessScope(initialize_variables=False):
                for part in ("generator", "discriminator"):
                    # As of networks that the user had compiled, in older files.
                    config[part].pop("compile_config", None)
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
        text = archive.read("gan.json")
        # Lists and dicts of nothing would take the most memory for their size.
        few = text.count(b"[") + text.count(b"{") <= 2**20
        expect(few, "notes of few parts", path=str(path))
        notes = json.loads(text)["notes"]
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
        # Read whole, for whoever goes back in a member reads it from its start again.
        with io.BytesIO(archive.read(_WEIGHTS)) as weights:
            hdf5_guard.expect_weights(weights, weights.getbuffer().nbytes)
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
        expect(False, f"a readable model file ({reason(error)})", path=str(path))


@contextlib.contextmanager
def _told_of_classes(path, archive, custom_objects):
    """If a file cannot be read, name those of its classes that nobody registered."""
    try:
        yield
    except Exception:
        config = json.loads(archive.read("config.json"))
        names = sorted(unknown(config, custom_objects or {}))
        listed = ", ".join(map(shown, names[:5]))
        said = f"The file {path} is made of {listed}, which is not known here: import "
        said += "the module that decorates it with "
        said += "@keras.saving.register_keras_serializable(), or give it by its name, "
        said += "as in gan.load_model(path, custom_objects={'Name': Name})."
        require(not names, said, "custom_objects")
        raise


@contextlib.contextmanager
def _as_written(temporary, path):
    """Tell who saves a file why it could not be loaded, and name the file."""
    try:
        yield
    except InvalidInput as error:
        if error.argument == "model":
            raise
        said = str(error).replace(str(temporary), str(path)).rstrip(".")
        said = f"The model cannot be saved, for its file could not be loaded: {said}."
        raise InvalidInput(said, "model") from error
    # What Keras raises where there is no get_config, or not of plain values.
    except (NotImplementedError, TypeError, ValueError) as error:
        _refuse(error)


def _refuse(error):
    """Refuse to save what could not be made again."""
    said = "The model cannot be saved, for it could not be made again from its file: "
    said += f"{reason(error).rstrip('.')}. Layers, optimizers and models of your own "
    said += "need constructors that take **options for what Keras passes, and a "
    said += "get_config() that names all of their arguments; a class or a named "
    said += "function does for a lambda."
    raise InvalidInput(said, "model") from error


def _finite(model):
    return all(np.isfinite(np.array(variable)).all() for variable in state_of(model))


def _require_finite(model):
    said = "The model cannot be saved, for some of its weights are not finite; what "
    said += "was saved before stays."
    require(_finite(model), said, "model")


def _expect_finite(model, path):
    expect(_finite(model), "finite numbers in the model file", path=str(path))
