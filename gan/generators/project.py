"""Projection: finds latents of given pictures by Adam, from many starts at once."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gan.errors import expect_between, expect_seed, require
from gan.generators.polish import polish
from gan.training.inputs import latent_shape
from gan.training.networks import is_picture
from gan.training.runtime import unfused

_DRAWN = 4000  # fakes from which the starts are chosen
_NEAR = 256  # nearest fakes from which starts of different classes are chosen
_ROWS, _NUMBERS = 1024, 2**18 * 3  # largest batch, in starts and in numbers
_CHUNK = 20  # steps between two reports of progress
_RATE = 0.2  # learning rate, in standard deviations of a latent number
_PRIOR = 3e-5  # weight of the prior on the latents' length
_FEATURES = 1e-4  # weight of the discriminator's features
# Steps of least squares: those of all starts, and those of the best one alone.
_FIRST_ROUNDS, _LAST_ROUNDS = 4, 6
_MOST_SLOPES = 256  # largest latent dimension for which least squares is quick
_LOWEST = 4  # shorter side, in pixels, of the smallest picture of the pyramid
_REACH = 0.85  # share of the median distance between neighbours among the fakes


@dataclasses.dataclass(frozen=True, eq=False)
class Projection:
    """The latents found for pictures, and how well they reproduce the pictures.

    Attributes:
        latents: float32 array `(n, latent_dim)`.
        labels: int32 array `(n,)`, the class of each, or `None` without classes.
        condition: float32 array `(n, d)`, the vector of each, or `None` if the
            generator takes none.
        pictures: float array, the reproductions, as `TrainedGenerator.draw` returns
            them.
        error: float array `(n,)`, the root mean squared difference between the picture
            and its reproduction, both in [0, 1].
        nearest: float array `(n,)`, the same difference from the nearest training
            picture. Without training pictures, it is that from the nearest of the 4,000
            fakes with which the search began.
        bound: float, the largest error of a picture within reach: 85% of the median
            distance between one of the 4,000 fakes and its nearest neighbour, but at
            least 0.01.
        names: list of str, names of the classes, or `None`.
    """

    latents: np.ndarray
    labels: np.ndarray | None
    pictures: np.ndarray
    error: np.ndarray
    nearest: np.ndarray
    bound: float
    names: list[str] | None = None
    condition: np.ndarray | None = None

    @property
    def psnr(self) -> np.ndarray:
        """Peak signal-to-noise ratio of each, −20 log₁₀ error, in dB, at most 120."""
        return -20 * np.log10(np.maximum(self.error, 1e-6))

    @property
    def within_reach(self) -> np.ndarray:
        """Bool array `(n,)`: whether the generator can nearly reproduce the picture."""
        return self.error <= self.bound

    def __str__(self) -> str:
        lines = []
        for i, (error, near) in enumerate(zip(self.error, self.nearest, strict=True)):
            reach = "within reach" if self.within_reach[i] else "out of reach"
            line = f"error {error:.4f} ({self.psnr[i]:.1f} dB), {reach}; "
            line += f"the nearest other picture differs by {near:.4f}"
            if self.labels is not None and self.names is not None:
                line += f"; class {self.names[self.labels[i]]}"
            lines.append(line)
        return "\n".join(lines)


def project(
    generator: Any,
    pictures: np.ndarray,
    steps: int = 300,
    restarts: int = 4,
    labels: Any = None,
    among: np.ndarray | None = None,
    seed: int = 0,
    tell: Callable[[int, int], object] = lambda done, total: None,
    condition: Any = None,
) -> Projection:
    """Finds latents from which a generator draws given pictures.

    Args:
        generator: `TrainedGenerator`.
        pictures: float32 array `(n, *generator.shape)` in [0, 1].
        steps: as in `TrainedGenerator.project`.
        restarts: as in `TrainedGenerator.project`.
        labels: as in `TrainedGenerator.project`.
        among: float32 array `(N, *generator.shape)` in [0, 1], the training pictures,
            or `None`.
        seed: as in `TrainedGenerator.project`.
        tell: callable, called with the number of steps done and their total number.
        condition: as in `TrainedGenerator.project`.

    Returns:
        `Projection`.
    """
    expect_between(1, 100_000, steps=steps)
    expect_between(1, _DRAWN // 4, restarts=restarts)
    expect_seed(2**32, seed=seed)
    search = _Search(generator, seed)
    known = None
    if labels is not None or condition is not None:
        known = generator.conditions(len(pictures), labels, condition)
    size = max(1, search.rows // (2 * restarts))
    parts = [slice(i, i + size) for i in range(0, len(pictures), size)]
    found = []
    for number, part in enumerate(parts):
        done = functools.partial(_tell, tell, number * steps, len(parts) * steps)
        own = None if known is None else known[part]
        with unfused():
            found.append(search.run(pictures[part], own, steps, restarts, done))
    latents, given, nearest = map(np.concatenate, zip(*found, strict=True))
    labels = given if search.labelled else None
    condition = given if generator.condition_shape else None
    drawn = generator.draw(latents, labels, condition=condition)
    seen = drawn.reshape(pictures.shape)
    seen = seen.clip(0, 1) if is_picture(generator.shape) else seen
    error = np.sqrt(np.mean((pictures - seen).reshape(len(seen), -1) ** 2, axis=1))
    if among is not None:
        _, nearest = generator.nearest(pictures, among)
    ends = search.bound(), generator.names, condition
    return Projection(latents, labels, drawn, error, nearest, *ends)


def _tell(tell, before, total, done):
    tell(before + done, total)


class _Search:
    """What the projections of one generator share: the fakes and the compiled step.

    Args:
        generator: `TrainedGenerator`.
        seed: int, seed of the fakes.
    """

    def __init__(self, generator, seed):
        shape = latent_shape(generator.network)
        said = f"The generator's latents must be vectors, but their shape is {shape}."
        require(len(shape) == 1, said, "generator")
        self.generator = generator
        self.labelled = bool(generator.classes)
        self._kind = getattr(generator.latent_generator, "latent_type", None)
        self.latents = generator.latents(
            max(_DRAWN, 100 * (generator.classes or 0)), seed
        )
        count = len(self.latents)
        given = generator.conditions(count)
        self._takes = given is not None
        self.given = np.zeros(count, np.int32) if given is None else given
        self.kinds = generator.labels(count)
        options = {"labels": given} if self.labelled else {"condition": given}
        fakes = generator.pictures(generator.outputs(self.latents, **options))
        self._pictured = is_picture(generator.shape)
        self.fakes = np.float32(fakes)
        self.fakes = self.fakes.clip(0, 1) if self._pictured else self.fakes
        self._prior = _PRIORS.get(self._kind, _Normal)(self.latents)
        self._offset, self._scale = (np.float32(a) for a in generator.picture)
        self._features = features_of(generator.discriminator)
        numbers = math.prod(generator.shape)
        self.rows = int(np.clip(_NUMBERS // numbers, 8, _ROWS))

    def bound(self):
        """See `Projection.bound`."""
        one, all_ = self.fakes[:500], self.fakes
        squares = _squares(one, all_)
        squares[np.arange(len(one)), np.arange(len(one))] = np.inf
        usual = np.sqrt(np.median(squares.min(axis=1)) / one[0].size)
        # In few dimensions 4,000 fakes lie close together. Nobody can see an error of
        # 0.01, which is 40 dB.
        least = 0.01 if self._pictured else 0.01 * self.fakes.std()
        return float(max(_REACH * usual, least))

    def run(self, pictures, own, steps, restarts, tell):
        """Project one batch of pictures."""
        squares = _squares(pictures, self.fakes)
        if own is not None and self.labelled:
            squares[own[:, None] != self.given] = np.inf
        nearest = np.sqrt(squares.min(axis=1) / pictures[0].size)
        # Twice as many starts, of different classes, run for a sixth of the steps.
        starts = self._starts(squares, 2 * restarts)
        zeros = np.zeros((2, *starts.shape, self.latents.shape[1]), np.float32)
        state, done = [self.latents[starts], *zeros], 0
        for end in (steps // 6, steps):
            flat = [part.reshape(-1, part.shape[2]) for part in state]
            targets = np.repeat(pictures, starts.shape[1], axis=0)
            given, loss = self._conditions(starts, own), None
            while done < end:
                some = min(_CHUNK, end - done)
                numbers = [np.float32(done), np.int32(some), np.float32(steps)]
                *flat, loss = self._descend(*flat, targets, given, *numbers)
                done += some
                tell(done)
            if loss is None:
                continue
            state = [np.reshape(part, (*starts.shape, -1)) for part in flat]
            order = np.argsort(np.reshape(loss, starts.shape), axis=1)[:, :restarts]
            starts = np.take_along_axis(starts, order, 1)
            state = [np.take_along_axis(p, order[..., None], 1) for p in state]
        given = self._conditions(starts, own)
        latents, best = self._polished(state[0], given, pictures)
        given = given.reshape(*starts.shape, *given.shape[1:])
        return latents, given[np.arange(len(pictures)), best], nearest

    def _conditions(self, starts, own):
        """The network's second input for `(n, count)` starts, one row for each."""
        if own is not None:
            return np.repeat(own, starts.shape[1], axis=0)
        return self.given[starts.ravel()]

    def _polished(self, latents, given, pictures):
        """Latents `(n, dim)` after least squares, and the start `(n,)` of each."""
        count, starts, dim = latents.shape
        prior = _PRIOR * dim / 2 if self._kind == "normal" else 0.0
        quick = dim <= _MOST_SLOPES

        def hold(some):
            return np.asarray(self._prior.hold(some))

        def polished(some, given, targets, rounds):
            ends = hold, prior, self.rows, rounds if quick else 0
            return polish(self._draw, some, given, targets, *ends)

        targets = pictures.reshape(count, -1)
        every = latents.reshape(-1, dim), given, np.repeat(targets, starts, axis=0)
        found, loss = polished(*every, _FIRST_ROUNDS)
        best = loss.reshape(count, starts).argmin(axis=1)
        rows = np.arange(count) * starts + best
        found, _ = polished(found[rows], given[rows], targets, _LAST_ROUNDS)
        return found, best

    def _draw(self, latents, labels):
        """Draw examples, flattened to `(n, d)`."""
        parts = range(0, len(latents), self.rows)
        cut = [slice(i, i + self.rows) for i in parts]
        drawn = [np.asarray(self._outputs(latents[s], labels[s])) for s in cut]
        drawn = np.concatenate(drawn) * self._scale + self._offset
        drawn = drawn.clip(0, 1) if self._pictured else drawn
        return drawn.reshape(len(latents), -1)

    @functools.cached_property
    def _outputs(self):
        """The network as a compiled function of any batch size."""

        def outputs(latents, labels):
            network = self.generator.network
            return network([latents, labels] if self._takes else latents)

        rows = tf.TensorSpec((None, self.latents.shape[1]))
        signature = (rows, self._given_spec)
        return tf.function(outputs, input_signature=signature)

    def _starts(self, squares, count):
        """Indices of near fakes to start from, the nearest of each class first."""
        near = np.argsort(squares, axis=1, kind="stable")[:, : max(_NEAR, count)]
        kinds = self.kinds[near]
        # Count for each fake how many of its class are nearer, so that the nearest of
        # each class is first.
        before = np.zeros(near.shape, int)
        for kind in np.unique(kinds) if self.labelled else ():
            own = kinds == kind
            before[own] = (np.cumsum(own, axis=1) - 1)[own]
        order = np.argsort(before, axis=1, kind="stable")[:, :count]
        return np.take_along_axis(near, order, 1)

    def _loss(self, latents, labels, targets):
        """Loss `(n,)`: the distance between the drawn examples and the targets."""
        inputs = [latents, labels] if self._takes else latents
        outputs = self.generator.network(inputs)
        drawn = outputs * self._scale + self._offset
        if self._pictured:
            # Values are clipped to [0, 1], but the gradient ignores the clipping.
            drawn += tf.stop_gradient(tf.clip_by_value(drawn, 0, 1) - drawn)
        loss = _mean(tf.square(drawn - targets))
        if self._features is not None:
            wanted = self._features((targets - self._offset) / self._scale)
            unlike = _mean(tf.square(self._features(outputs) - wanted))
            loss += _FEATURES * unlike / tf.reduce_mean(tf.square(wanted))
        while self._pictured and min(drawn.shape[1:3]) >= 2 * _LOWEST:
            drawn, targets = (
                tf.nn.avg_pool2d(x, 2, 2, "SAME") for x in (drawn, targets)
            )
            loss += _mean(tf.square(drawn - targets))
        return loss

    @property
    def _given_spec(self):
        return tf.TensorSpec((None, *self.given.shape[1:]), self.given.dtype)

    @functools.cached_property
    def _descend(self):
        """Some steps of Adam, as a compiled function of any batch size."""
        dim, shape = self.latents.shape[1], self.generator.shape

        def descend(latents, mean, square, targets, labels, before, count, total):
            # Functions that run eagerly receive NumPy arrays.
            given = latents, targets, labels
            latents, targets, labels = map(tf.convert_to_tensor, given)
            loss = tf.zeros(tf.shape(latents)[:1])
            for i in tf.range(count):
                with tf.GradientTape() as tape:
                    tape.watch(latents)
                    loss = self._loss(latents, labels, targets)
                    aim = tf.reduce_sum(loss + self._prior.penalty(latents))
                slope = tape.gradient(aim, latents)
                time = before + tf.cast(i, tf.float32)
                # The learning rate rises for ten steps, then falls like a cosine.
                rate = 0.5 * (1 + tf.cos(math.pi * time / total))
                rate *= _RATE * self._prior.deviation * tf.minimum(1.0, (time + 1) / 10)
                mean = 0.9 * mean + 0.1 * slope
                square = 0.99 * square + 0.01 * slope**2
                step = mean / (1 - 0.9 ** (time + 1))
                step /= tf.sqrt(square / (1 - 0.99 ** (time + 1))) + 1e-12
                latents = self._prior.hold(latents - rate * step)
            return latents, mean, square, loss

        rows, one = tf.TensorSpec((None, dim)), tf.TensorSpec(())
        targets = tf.TensorSpec((None, *shape))
        labels, count = self._given_spec, tf.TensorSpec((), tf.int32)
        signature = (rows, rows, rows, targets, labels, one, count, one)
        return tf.function(descend, input_signature=signature)


def _mean(values):
    return tf.reduce_mean(values, axis=[*range(1, len(values.shape))])


def _squares(some, others):
    """Squared distances of all pairs, `(n, m)`."""
    some, others = (a.reshape(len(a), -1) for a in (some, others))
    sums = (some**2).sum(1)[:, None] - 2 * some @ others.T + (others**2).sum(1)
    return np.maximum(sums, 0)


def features_of(discriminator: keras.Model | None) -> keras.Model | None:
    """The discriminator up to the last but one of its dense and convolutional layers.

    Args:
        discriminator: `keras.Model`, or `None`.

    Returns:
        `keras.Model`, examples `(batch, …)` -> features, or `None` if there is
        no such layer.
    """
    if discriminator is None:
        return None
    examples = discriminator.inputs[0]
    kinds = (keras.layers.Dense, keras.layers.Conv2D)
    layers = [layer for layer in discriminator.layers if isinstance(layer, kinds)]
    if len(layers) < 2:
        return None
    try:
        return keras.Model(examples, layers[-2].output)
    except (AttributeError, ValueError):
        # The layer is used several times, or depends on the labels too.
        return None


class _Normal:
    """Normally distributed latents; a prior keeps them near their expected length."""

    def __init__(self, latents):
        self._mean = latents.mean(axis=0)
        self.deviation = np.float32(latents.std())

    def penalty(self, latents):
        numbers = (latents - self._mean) / self.deviation
        weight = _PRIOR * len(self._mean) / 2
        return weight * tf.square(tf.reduce_mean(tf.square(numbers), axis=1) - 1)

    def hold(self, latents):
        return latents


class _Bounded(_Normal):
    """Latents that are clipped to a cube."""

    def __init__(self, latents):
        super().__init__(latents)
        self._low, self._high = (-1.0 if latents.min() < 0 else 0.0), 1.0

    def penalty(self, latents):
        return 0.0

    def hold(self, latents):
        return tf.clip_by_value(latents, self._low, self._high)


class _Spheric(_Normal):
    """Latents that are scaled to the unit sphere."""

    def penalty(self, latents):
        return 0.0

    def hold(self, latents):
        return tf.math.l2_normalize(latents, axis=1)


_PRIORS = {
    "normal": _Normal,
    "uniform": _Bounded,
    "symmetric": _Bounded,
    "spheric": _Spheric,
}
