"""Checks that a GAN class trains, saves, loads and resumes correctly."""

from __future__ import annotations

import contextlib
import io
import json
import pathlib
import tempfile
from collections.abc import Callable

import keras
import numpy as np

from gan.base import AdversarialModel
from gan.errors import InvalidInput, Option, shown
from gan.fully_connected import fully_connected_GenDiscr
from gan.generators.load import load_generator
from gan.generators.trained import TrainedGenerator
from gan.generators.translator import Translator, load_translator
from gan.saving import load_model
from gan.saving.configs import own_classes, unknown
from gan.saving.model_file import state_of
from gan.training.checkpoint import Checkpoint

_SEVEN = ["generator", "discriminator", "latent_generator", "real_examples"]
_SEVEN += ["batch_size", "disc_iter", "learning_rate"]


def check_model(make: type[AdversarialModel] | Callable[[], AdversarialModel]) -> None:
    """Checks that a model class works like the classes of this library.

    Call it in a test of your own class. It trains for a few steps, which takes a few
    seconds, and checks that

    - the class takes the seven positional arguments of `gan.AdversarialModel`;
    - one step changes both networks, and logs finite numbers under `log_names`;
    - `from_config(get_config())` makes an equal model;
    - training depends on every option: those of the class itself that are numbers or
      bools, and `batch_size`, `disc_iter`, `ema` and `augment`;
    - training in the graph equals training with `run_eagerly=True`, except for
      rounding: numbers are within 1e-5;
    - a loaded model continues training exactly like the saved one;
    - the generator of the `.keras` file draws exactly what the model's does;
    - a run that stops at the end of an epoch can be resumed with
      `gan.callbacks.Checkpoint`, and ends exactly like a run that was not stopped.

    Args:
        make: a subclass of `gan.AdversarialModel`, which is checked with small networks
            for points in the plane. If the class needs other networks, such as networks
            with labels, give a callable without arguments that makes a new small model.
            The model must always have the same seed and weights, a sampler of
            `gan.latent`, and an array as `real_examples`.

    Raises:
        AssertionError: with a sentence that says which check failed.

    Example:

    ```python
    def make():
        keras.utils.set_random_seed(0)
        real = gan.toys.circle(64)
        networks = gan.fully_connected_GenDiscr([2, 4, 2], real, bounded=False)
        return MyGAN(*networks, real, batch_size=8)

    gan.testing.check_model(make)
    ```
    """
    cls = make if isinstance(make, type) else None
    made = (lambda: _small(cls)) if cls else make
    model = made()
    _claim(
        isinstance(model, AdversarialModel),
        "The argument make must be a subclass of gan.AdversarialModel or a callable "
        f"that makes a model of such a class, but it gives {shown(model)}.",
    )
    fresh = made()
    _expect_same(
        model,
        fresh,
        "The function make must give equal models each time it is called: set a seed "
        "inside it, by keras.utils.set_random_seed.",
    )
    known = _classes_of(model)
    _check_construction(model)
    eager = made()
    _check_step(eager)
    _check_graph(eager, made())
    with keras.saving.custom_object_scope(known):
        _check_config(fresh)
        _check_options(fresh, eager)
    with tempfile.TemporaryDirectory() as folder:
        whole = _check_file(made(), pathlib.Path(folder), known)
        _check_resume(whole, made, pathlib.Path(folder))


def _small(cls):
    """A model of a class for points in the plane."""
    keras.utils.set_random_seed(0)
    real = np.random.default_rng(0).normal(0.5, 0.1, (64, 2)).astype("float32")
    generator, _, latents = fully_connected_GenDiscr([2, 4, 2], real, bounded=False)
    layers = [keras.layers.Dense(4, activation="tanh")]
    layers.append(keras.layers.Dense(cls.outputs or 1))
    discriminator = keras.Sequential([keras.Input((2,)), *layers], name="discriminator")
    return _construct(cls, generator, discriminator, latents, real, 8, 1, 0.01)


def _check_construction(model):
    parts = (model.generator, model.discriminator, model.latent_generator)
    cls, sizes = type(model), (5, 3, 0.125)
    other = _construct(cls, *parts, model.real_examples, *sizes)
    names = [name for name in _SEVEN if name != "real_examples"]
    for name, value in zip(names, parts + sizes, strict=True):
        found = getattr(other, name)
        _claim(
            found is value or found == value,
            f"The class {cls.__name__} was given {name}={shown(value)} by position, "
            f"but its attribute {name} is {shown(found)}.",
        )
    _claim(
        other.examples is not None and other.examples.equals(model.examples),
        f"The class {cls.__name__} was given real_examples by position, but its "
        "attribute real_examples holds others.",
    )


def _construct(cls, *seven):
    try:
        return cls(*seven)
    except (TypeError, InvalidInput) as error:
        raise AssertionError(
            f"The class {cls.__name__} must take {', '.join(_SEVEN)} by position, and "
            f"need no others, but it says: {str(error).rstrip('.')}. If it needs "
            "networks of another kind, give check_model a callable that makes a model."
        ) from error


def _check_step(model):
    networks = {"generator": model.generator, "discriminator": model.discriminator}
    before = {name: network.get_weights() for name, network in networks.items()}
    logs = _train(model).history
    for name, network in networks.items():
        _claim(
            not _equal(before[name], network.get_weights()),
            f"Training must change the weights of the {name}, but they are as before.",
        )
    _claim(
        {*logs} == {*model.log_names},
        f"A step must log what log_names says, {', '.join(model.log_names)}, but it "
        f"logs {', '.join(logs) or 'nothing'}.",
    )
    for name, values in logs.items():
        _claim(np.isfinite(values).all(), f"The log {name} is not finite: {values[0]}.")


def _check_graph(eager, model):
    said = (
        "Training in the graph must equal training with run_eagerly=True within 1e-5, "
        "but {} differs. In the graph Python runs only while it is traced: random "
        "numbers must come from TensorFlow, and what changes must be a keras.Variable."
    )
    logs = _train(model, eagerly=False).history
    _expect_same(eager, model, said, 1e-5)
    for name, values in eager.history.history.items():
        same = np.allclose(values, logs[name], rtol=1e-5, atol=1e-5)
        _claim(same, said.format(f"the log {name}"))


def _train(model, eagerly=True):
    """Train for two steps, because a graph runs Python code only in the first."""
    # Adam's first steps would magnify the last bits of the gradients.
    rules = {f"{name}_optimizer": keras.optimizers.SGD(0.01) for name in "dg"}
    model.compile(run_eagerly=eagerly, **rules)
    return model.fit(epochs=1, steps_per_epoch=2, verbose=0)


def _check_config(model):
    again = type(model).from_config(model.get_config())
    _claim(
        type(again) is type(model) and _text(again) == _text(model),
        "The model that from_config(get_config()) makes must have the same config. "
        "Every argument of the constructor must be in get_config. A number or string "
        "is in it if it is a gan.errors.Option, or if options() returns it.",
    )


def _check_options(model, usual):
    """Expect that every option has an effect.

    Args:
        model: an untrained model.
        usual: an equal model that was trained.
    """
    plain = model.options()
    base = {n for n, v in vars(AdversarialModel).items() if isinstance(v, Option)}
    own = [name for name in plain if name not in {*base, "learning_rate"}]
    for name in [*own, "batch_size"]:
        values = _other_values(plain[name])
        _claim(
            not values or any(_acts(model, usual, name, value) for value in values),
            f"The option {name} has no effect on training, whether it is "
            f"{' or '.join(map(shown, [plain[name], *values]))}: an overridden method "
            "must use it, or it must not be an option.",
        )
    thorough = _changed(model, disc_iter=plain["disc_iter"] + 1)
    _train(thorough)
    _claim(
        thorough.d_optimizer.iterations > usual.d_optimizer.iterations,
        "With a higher disc_iter a step must have more updates of the discriminator, "
        "but it has no more.",
    )
    averaging = _changed(model, ema=0.5)
    before = averaging.averaged_generator.get_weights()
    _train(averaging)
    _claim(
        not _equal(before, averaging.averaged_generator.get_weights()),
        "With ema=0.5 a step must change the averaged generator, but it is as before: "
        "an update_generator that was overridden must call that of the base class.",
    )
    model.augment = keras.layers.GaussianNoise(1.0, seed=0)
    _train(model)
    _claim(
        not _equal(_weights(usual), _weights(model)),
        "Training is the same with augment and without: a judge or judge_both that was "
        "overridden must give the discriminator augmented(examples).",
    )


def _other_values(value):
    """Other values of an option; some of them may be invalid."""
    if isinstance(value, (bool, np.bool_)):
        return [not value]
    if isinstance(value, int):
        return [value + 1, 2 * value]
    if isinstance(value, float):
        return [value / 2, value * 2, value + 1, value / 100]
    return []


def _acts(model, usual, name, value):
    """Whether another value of an option changes the training of a model."""
    try:
        other = _changed(model, **{name: value})
    except InvalidInput:
        return False
    found = other.options()[name]
    _claim(
        found == value,
        f"The model was made with {name}={shown(value)}, but its option {name} is "
        f"{shown(found)}.",
    )
    _train(other)
    return not _equal(_weights(usual), _weights(other))


def _changed(model, **options):
    """A model with the same weights and random states, but other options."""
    changed = type(model).from_config(model.get_config() | options)
    pairs = [(model.generator, changed.generator)]
    pairs += [(model.discriminator, changed.discriminator)]
    for network, other in pairs:
        other.set_weights(network.get_weights())
    changed.stream.state.assign(model.stream.state)
    changed.real_examples = model.real_examples
    return changed


class _SaveOnce(keras.callbacks.Callback):
    """Saves the model after the first epoch, and records its state and its fakes."""

    def __init__(self, path):
        super().__init__()
        self.path = path

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 0:
            self.model.save(self.path)
            self.state = [np.array(variable) for variable in state_of(self.model)]
            self.drawn = _drawn_of(self.model)


def _drawn_of(model, path=None):
    """Outputs of the generator of a model, or of its file."""
    if not model.takes_pictures:
        trained = load_generator(path) if path else TrainedGenerator.of(model)
        return trained.outputs(4, seed=0)
    trained = load_translator(path) if path else Translator.of(model)
    inputs = np.random.default_rng(0).uniform(size=(4, *model.condition_shape))
    return trained.outputs(inputs, seed=0)


def _check_file(model, folder, known):
    saved = _SaveOnce(folder / "model.keras")
    _run(model, 2, saved)
    loaded = load_model(saved.path, known)
    for variable, value in zip(state_of(loaded), saved.state, strict=True):
        _claim(
            np.array_equal(np.array(variable), value),
            "A model that was saved and loaded must be as it was, but "
            f"{variable.path} differs.",
        )
    with keras.saving.custom_object_scope(known):
        drawn = _drawn_of(model, saved.path)
    _claim(
        np.array_equal(drawn, saved.drawn),
        "The generator of the .keras file must draw the same examples as the model's, "
        "but they differ.",
    )
    loaded.real_examples = model.real_examples
    _run(loaded, 1)
    _expect_same(
        model,
        loaded,
        "A loaded model must continue training exactly like the saved one, but {} "
        "differs. What training needs must be in the file: weights of layers that the "
        "model has, options of the constructor, random numbers from model.stream.",
    )
    return model


def _check_resume(whole, make, folder):
    # The second run resumes the first.
    for epochs in (1, 2):
        stopped = make()
        with contextlib.redirect_stdout(io.StringIO()):
            _run(stopped, epochs, Checkpoint(folder / "run"))
    _expect_same(
        whole,
        stopped,
        "A run that was stopped after an epoch and resumed by a Checkpoint must end "
        "exactly like a run that was not stopped, but {} differs. What training needs "
        "must be in the model's file, not in a callback or global state.",
    )


def _run(model, epochs, *callbacks):
    """Train for epochs of one step, with the model's own optimizers."""
    model.compile(run_eagerly=True)
    model.fit(epochs=epochs, steps_per_epoch=1, verbose=0, callbacks=[*callbacks])


def _weights(model):
    return model.generator.get_weights() + model.discriminator.get_weights()


def _classes_of(model):
    """The class of a model and the unregistered classes that it uses, by name."""
    names = unknown(model.get_config(), {})
    return {type(model).__name__: type(model), **own_classes(model, names)}


def _text(model):
    return json.dumps(model.get_config(), default=str, sort_keys=True)


def _expect_same(model, other, sentence, tolerance=0.0):
    """Expect equal weights, optimizers and random states; name one that differs."""
    pairs = zip(state_of(model), state_of(other), strict=True)
    for variable, twin in pairs:
        a, b = np.array(variable), np.array(twin)
        same = a.shape == b.shape and np.allclose(a, b, rtol=tolerance, atol=tolerance)
        _claim(same, sentence.format(variable.path))


def _equal(arrays, others):
    return all(np.array_equal(a, b) for a, b in zip(arrays, others, strict=True))


def _claim(condition, sentence):
    """Raise an AssertionError with `sentence` unless `condition` holds."""
    if not condition:
        raise AssertionError(sentence)
