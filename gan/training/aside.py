"""Samples and measures of a model, without any effect on its training."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from gan import metrics
from gan.data.pixels import find_pixel_range, rescale
from gan.errors import expect_array, expect_positive_int, expect_seed, require
from gan.metrics import pairs

_AT_ONCE = 500  # batch size of drawing
_LEAST = 8  # smallest number of examples on each side of a comparison
_LEAST_LINEAR = 20  # smallest number of pairs for a linear map
_OF_ANY = {"sw2", "fd", "kid"}  # measures that work even if all reals are equal

ToPicture = Callable[[np.ndarray], npt.ArrayLike] | None


@contextlib.contextmanager
def aside(model: Any, seed: int) -> Iterator[None]:
    """In this context a model draws from a seed, without any effect on its training.

    Afterwards the state of the model's stream and of its layers is restored, such as
    the seeds of noise layers and the statistics of batch normalisation.

    Args:
        model: `gan.AdversarialModel`.
        seed: int, at least 0.
    """
    networks = (model.generator, model.discriminator, model.averaged_generator)
    states = [s for n in networks if n is not None for s in n.non_trainable_variables]
    before = [np.array(state) for state in states]
    try:
        with model.stream.restarted(seed):
            yield
    finally:
        for state, value in zip(states, before, strict=True):
            if not np.array_equal(state, value, equal_nan=value.dtype.kind == "f"):
                state.assign(value)


def draw_fakes(
    model: Any,
    count: int,
    seed: int = 0,
    to_picture: ToPicture = None,
    scale: tuple[float, float] = (0.0, 1.0),
    conditions: Any = None,
) -> np.ndarray:
    """Draws examples from the (averaged) generator, without their labels.

    Args:
        model: `gan.AdversarialModel`.
        count: int, number of examples.
        seed: int, seed of the latents.
        to_picture: callable, samples (float32 array `(count, …)`) -> pictures; `None`
            scales the samples from the model's `pixel_range` to `scale`.
        scale: pair of floats, the values of black and white in the result; not used
            with `to_picture`.
        conditions: array `(n, …)`, labels or the networks' other conditions, of which
            the fakes get a random part; `None` draws conditions.

    Returns:
        Float array `(count, …)`.
    """
    sizes = [min(_AT_ONCE, count - start) for start in range(0, count, _AT_ONCE)]
    with aside(model, seed):
        if conditions is None:
            drawn = [model.get_fake_sample(size) for size in sizes]
        else:
            name = "labels" if model.classes else "condition"
            given = np.asarray(conditions)
            given = given[chosen(given, count, seed)]
            parts = [given[i : i + _AT_ONCE] for i in range(0, count, _AT_ONCE)]
            drawn = [model.get_fake_sample(**{name: part}) for part in parts]
    samples = np.concatenate([d[0] if isinstance(d, tuple) else d for d in drawn])
    if to_picture is not None:
        return np.asarray(to_picture(samples))
    return rescale(samples, model.pixel_range or scale, scale)


def chosen(conditions: Any, count: int, seed: int) -> np.ndarray:
    """Indices of `count` of the conditions, at random, with the classes' shares kept.

    Args:
        conditions: array `(n, …)`; integers `(n,)` are classes.
        count: int.
        seed: int.

    Returns:
        int array `(count,)`. Of classes, shares differ from those of the conditions by
        less than one fake.
    """
    rng, most = np.random.default_rng(seed), len(conditions)
    order = rng.permutation(most)
    labels = np.asarray(conditions)
    if labels.ndim > 1 or labels.dtype.kind not in "iu":
        return np.resize(order, count)
    order = order[np.argsort(labels[order], kind="stable")]
    return rng.permutation(order[np.arange(count) * most // count])


def compared(
    model: Any, targets: Any, inputs: Any, seed: int = 0
) -> dict[str, dict[str, float]]:
    """Compares a model's pictures, and those of baselines, with their targets.

    Args:
        model: `gan.TranslationGAN`.
        targets: float array `(n, h, w, c)` in the model's pixel range.
        inputs: float array `(n, …)` as the networks take them.
        seed: int, seed of the latents.

    Returns:
        Dict of dicts of floats, as `gan.metrics.pairs.compare_pairs` returns it.
    """
    starts = range(0, len(targets), _AT_ONCE)
    with aside(model, seed):
        made = [model.translate(inputs[start : start + _AT_ONCE]) for start in starts]
    scale = model.pixel_range or (0.0, 1.0)
    masked = model.masked
    pictures = np.array(inputs[..., :-1] if masked else inputs)
    mask = np.array(inputs[..., -1:]) if masked else None
    made, truth, given = (
        np.asarray(rescale(one, scale, (0.0, 1.0)))
        for one in (np.concatenate(made), np.array(targets), pictures)
    )
    answers = {"model": made}
    if len(truth) >= _LEAST_LINEAR:
        answers |= pairs.trivial_answers(given, truth)
    return pairs.compare_pairs(truth, answers, mask)


def given_reals(real: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """The examples `(n, …)` of an argument `real`, at least 8, and their conditions."""
    conditions = None
    if isinstance(real, tuple) and len(real) == 2:
        real, conditions = real[0], np.asarray(real[1])
    real = expect_array((None, None, ...), least=_LEAST, real=real)
    if conditions is not None:
        said = f"The argument real holds {len(real)} examples, but conditions of the "
        said += f"shape {conditions.shape}: give one for each example."
        require(conditions.shape[:1] == (len(real),), said, "real")
    return real, conditions


class Evaluator:
    """Measures a model's fakes against real examples, always from the same latents.

    Args:
        real: array `(n, …)`, at least 8 examples; or pair `(examples, conditions)`,
            whose conditions the fakes get.
        names: iterable of str, from `gan.metrics.NAMES`.
        count: int, at least 8, number of fakes.
        seed: int, seed of their latents.
        to_picture: callable, samples (float32 array `(count, …)`) -> pictures in the
            range of `real`. `None` uses the model's `pixel_range`.
        scale: pair of floats, the values of black and white in `real`; `None` infers
            them.

    Raises:
        InvalidInput: if an argument is invalid.
    """

    def __init__(
        self,
        real: npt.ArrayLike,
        names: Iterable[str] = ("sw2", "fd"),
        count: int = 1000,
        seed: int = 0,
        to_picture: ToPicture = None,
        scale: tuple[float, float] | None = None,
    ) -> None:
        self._names = metrics.expect_names(names)
        expect_positive_int(count=count)
        sentence = f"The argument count must be at least {_LEAST}, but it is {count}."
        require(count >= _LEAST, sentence, "count")
        expect_seed(seed=seed)
        expect_to_picture(to_picture)
        self._real, conditions = given_reals(real)
        different = bool((self._real != self._real[0]).any())
        sentence = "The argument real must hold examples that are not all the same."
        require({*self._names} <= _OF_ANY or different, sentence, "real")
        scale = find_pixel_range(self._real) if scale is None else scale
        self._options = (seed, to_picture, scale, conditions)
        self._count = count

    def expect_fit(self, model: Any) -> None:
        """Expect a model whose fakes can be compared with the real examples."""
        fakes = draw_fakes(model, _LEAST, *self._options)
        shape = self._real.shape[1:]
        require(
            fakes.ndim > 1 and np.prod(fakes.shape[1:]) == np.prod(shape),
            f"The argument real must hold examples of the shape {fakes.shape[1:]}, as "
            f"the fakes are, but theirs is {shape}.",
            "real",
        )

    def __call__(self, model: Any) -> dict[str, float]:
        """Measure a model; return a dict from names to floats."""
        fakes = draw_fakes(model, self._count, *self._options)
        return metrics.measures(self._real, fakes, self._names)


def expect_to_picture(to_picture: object) -> None:
    """Expect a callable, or `None`."""
    require(
        to_picture is None or callable(to_picture),
        "The argument to_picture must be a function of an array of samples, but it is "
        f"{to_picture!r}.",
        "to_picture",
    )
