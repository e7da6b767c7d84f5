"""Data for `gan.diagnose`: samples, the discriminator's outputs, hidden layers."""

from __future__ import annotations

import contextlib
import functools
import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from gan.data.examples import Sample
from gan.saving.model_file import state_of
from gan.training.inputs import takes_condition

_COORDINATES = 256  # longer examples are projected to so many numbers
_MOST_NUMBERS = 10**8  # largest training set in which to look for copies, in numbers


class NotMade(Exception):
    """Raised if a check does not apply to a model or its data; says why."""


class Evidence:
    """The data for the checks of `gan.diagnosis`, computed when first needed.

    Args:
        model: `gan.AdversarialModel`; drawing and judging may change its state.
        count: int, number of fakes and of reals, rounded up to whole batches.

    Attributes:
        withheld: pictures that are not in the training set, or `None`.
    """

    def __init__(self, model: Any, count: int) -> None:
        self.model: Any = model
        self.withheld: Any = None
        self._draws = math.ceil(count / model.batch_size)

    @functools.cached_property
    def real(self) -> Sample:
        """Real sample."""
        data, size = self.model.examples, self.model.batch_size
        if data is None:
            raise NotMade("the model has no real examples")
        found = self._draws * size
        if data.streams:
            batches = data.value.unbatch().take(found)
            found = int(batches.reduce(0, lambda n, *_: n + 1))
        else:
            found = min(found, len(data))
        if found < size:
            raise NotMade(f"{found} real examples are fewer than a batch")
        return self.model.as_sample(self.model.get_real_sample(found))

    @functools.cached_property
    def trained_on(self) -> np.ndarray:
        """All real examples, converted by `flat`."""
        data = self.model.examples
        if data is None or data.streams:
            raise NotMade("the training examples are not all available")
        size = len(data)
        if size * math.prod(self.model.generator.output_shape[1:]) > _MOST_NUMBERS:
            raise NotMade(
                f"there are more than {_MOST_NUMBERS:.0e} numbers to compare with"
            )
        return flat(self.model.as_sample(self.model.get_real_sample(size)).examples)

    @functools.cached_property
    def fake(self) -> Sample:
        """Fake sample, drawn as for pictures (by the averaged generator, if any)."""
        return self._draw()

    @functools.cached_property
    def played(self) -> Sample:
        """Fake sample, drawn as for training the discriminator."""
        return self._draw(training=self.model.batch_statistics, averaged=False)

    def _draw(self, **options):
        size, parts = self.model.batch_size, [{}] * self._draws
        if self.model.classes:
            # Classes as frequent as in the reals, which would differ otherwise.
            with contextlib.suppress(NotMade):
                labels = np.resize(self.real.condition, (self._draws, size))
                parts = [{"labels": some} for some in labels]
        drawn = [self.model.get_fake_sample(size, **part, **options) for part in parts]
        return _joined(map(self.model.as_sample, drawn))

    @functools.cached_property
    def separation(self) -> float:
        """The result of `separate` before any further update."""
        return self.separate()

    def separate(self) -> float:
        """Area under the ROC curve of D(real) against D(fake); ties count half."""
        real, fake = (
            np.concatenate([self.verdict(batch) for batch in self.batches(sample)])
            for sample in (self.real, self.played)
        )
        below = [np.searchsorted(np.sort(fake), real, s) for s in ("left", "right")]
        return float(np.mean(below) / len(fake))

    def woken(self, updates: int = 30) -> tuple[float, int]:
        """The result of `separate` after updates of D, which are then undone."""
        batches = self.batches(self.played)
        with unchanged(self.model):
            for number in range(updates):
                real = self.model.as_sample(self.model.get_real_sample())
                self.model.update_discriminator(real, batches[number % len(batches)])
            return self.separate(), updates

    def pull(self) -> float:
        """How strongly the generator's loss moves the fakes towards the reals.

        See the formula of `gan.diagnose`.
        """
        reals, slopes, here = self.batches(self.real), [], []

        def loss(fake, real):
            given = (real.examples, fake.examples, fake.condition)
            return self.model.generator_loss(*self.model.generator_outputs(*given))

        for real, fake in zip(
            itertools.cycle(reals), self.batches(self.played), strict=False
        ):
            value, norms = values_and_slopes(functools.partial(loss, real=real), fake)
            slopes.append(self.model.batch_size * norms)
            here.append(value)
        there = [loss(real, real) for real in reals]
        way = lengths(np.subtract(*paired(self.real, self.played))).mean()
        return float(np.mean(slopes) * way / (np.mean(here) - np.mean(there)))

    @functools.cached_property
    def hidden(self) -> dict[str, tuple[keras.layers.Layer, np.ndarray]]:
        """Hidden layers by name, each with its outputs `(n, units)` on a batch."""
        model, size = self.model, self.model.batch_size
        with model.stream.sampling():
            inputs = [model.latent_generator(size)]
            if takes_condition(model.generator):
                known = model.classes
                drawn = tf.range(size) % known if known else model.some_conditions(size)
                inputs.append(drawn)
        batch = self.batches(self.played)[0]
        if model.real_examples is not None:
            batch = _joined([self.real, batch])
        taken = [*batch][: len(model.discriminator.inputs)]
        found = {}
        for network, given, training in (
            (model.generator, inputs, model.batch_statistics),
            (model.discriminator, taken, True),
        ):
            for layer in _shaping(network)[:-1]:
                inner = keras.Model(network.inputs, layer.output)
                values = inner(given, training=training)
                values = np.reshape(values, (-1, values.shape[-1]))
                found[f"{network.name}: {layer.name}"] = layer, values
        return found

    def batches(self, sample: Sample) -> list[Sample]:
        """The whole batches of a sample."""
        size, known = self.model.batch_size, [x for x in sample if x is not None]
        starts = range(0, len(sample.examples) - size + 1, size)
        return [Sample(*(x[start : start + size] for x in known)) for start in starts]

    def verdict(self, sample: Sample) -> tf.Tensor:
        """The discriminator's outputs in training mode, `(n,)`, larger for "real"."""
        outputs = tf.nest.flatten(self.model.judge(*sample))[0]
        return outputs[:, -1] - (outputs[:, 0] if outputs.shape[1] == 2 else 0)


@contextlib.contextmanager
def unchanged(model: Any) -> Iterator[None]:
    """In this context a model may be changed; afterwards its state is restored."""
    before = [(variable, np.array(variable)) for variable in state_of(model)]
    try:
        yield
    finally:
        for variable, value in before:
            variable.assign(value)


def _joined(samples):
    """Join several samples into one."""
    parts = zip(*samples, strict=True)
    return Sample(*(tf.concat(some, 0) for some in parts if some[0] is not None))


def _shaping(network):
    """The layers that compute, without those that only reshape."""
    kinds = (keras.layers.InputLayer, keras.layers.Reshape, keras.layers.Flatten)
    return [layer for layer in network.layers if not isinstance(layer, kinds)]


def paired(real: Sample, fake: Sample) -> tuple[np.ndarray, ...]:
    """Equal numbers of real and fake examples, converted by `flat`."""
    n = min(len(real.examples), len(fake.examples))
    return tuple(flat(sample.examples[:n]) for sample in (real, fake))


def flat(examples: npt.ArrayLike) -> np.ndarray:
    """Converts examples to vectors of at most 256 numbers; distances hardly change.

    Args:
        examples: float array or tensor `(n, …)`.

    Returns:
        Float32 array `(n, d)`, d at most 256.

    Reference:
        Johnson & Lindenstrauss 1984, Extensions of Lipschitz mappings into a Hilbert
        space, Lemma 1: a random projection.
    """
    vectors = np.array(examples, "float32").reshape(len(examples), -1)
    if vectors.shape[1] <= _COORDINATES:
        return vectors
    shape = vectors.shape[1], _COORDINATES
    projection = np.random.default_rng(0).standard_normal(shape, "float32")
    return vectors @ projection / np.float32(math.sqrt(_COORDINATES))


def lengths(examples: npt.ArrayLike) -> np.ndarray:
    """Euclidean norm of each example `(n, …)`: array `(n,)`."""
    return np.linalg.norm(np.reshape(examples, (len(examples), -1)), axis=1)


def values_and_slopes(
    function: Callable[[Sample], tf.Tensor], sample: Sample
) -> tuple[tf.Tensor, np.ndarray]:
    """Values of a function on a sample, and its gradient norm at each example."""
    with tf.GradientTape() as tape:
        tape.watch(sample.examples)
        values = function(sample)
    return values, lengths(tape.gradient(values, sample.examples))


def spread(examples: np.ndarray) -> tuple[float, float]:
    """Total variance and effective rank of vectors `(n, d)`.

    Reference:
        Roy & Vetterli 2007, The effective rank: a measure of effective dimensionality,
        definition 1.
    """
    centred = examples - examples.mean(axis=0, dtype="float64")
    squares = np.linalg.svd(centred, compute_uv=False) ** 2
    shares = squares[squares > 0] / squares.sum()
    return squares.sum() / len(examples), np.exp(-(shares * np.log(shares)).sum())
