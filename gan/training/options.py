"""Checks of a model's options, and how `help` shows the options."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any, TypedDict

import keras
import tensorflow as tf

from gan.conditions.words import Words
from gan.errors import expect_array, expect_number, require, shown


class Options(TypedDict, total=False):
    """Further options of every model, see `gan.AdversarialModel`."""

    beta_2: float
    ema: float | None
    batch_statistics: bool
    augment: keras.layers.Layer | None
    pixel_range: tuple[float, float] | None
    class_names: list[str] | None
    words: Words | None
    mismatch: float
    usual_conditions: list[list[float]] | None
    generator_optimizer: keras.optimizers.Optimizer | None
    discriminator_optimizer: keras.optimizers.Optimizer | None
    seed: int | None
    name: str


class Parameters(Options, total=False):
    """All parameters of every model, for constructors that pass them on."""

    generator: keras.Model
    discriminator: keras.Model
    latent_generator: Callable[[int], tf.Tensor] | None
    real_examples: Any
    batch_size: int
    disc_iter: int
    learning_rate: float
    beta_1: float


expect_decay = functools.partial(expect_number, 0, math.nextafter(1, 0))


def expect_average(ema: float | None) -> None:
    """Expect `None`, or the decay of an average, between 0 and 1."""
    if ema is not None:
        expect_number(0, ema=ema)
        said = f"The argument ema must be None or between 0 and 1, but it is {ema}."
        require(0 < ema < 1, said, "ema")


def expect_pixel_range(pixel_range: tuple[float, float] | None) -> None:
    """Expect `None`, or the values of black and white."""
    if pixel_range is None:
        return
    pair = isinstance(pixel_range, (tuple, list)) and len(pixel_range) == 2
    pair = pair and all(isinstance(x, (int, float)) for x in pixel_range)
    require(
        pair and all(map(math.isfinite, pixel_range)) and len({*pixel_range}) == 2,
        "The argument pixel_range must be None or two different numbers, those of "
        f"black and of white, such as (-1, 1), but it is {shown(pixel_range)}.",
        "pixel_range",
    )


def expect_names(class_names: list[str] | None) -> None:
    """Expect `None`, or a list of names of classes."""
    names = class_names is None or isinstance(class_names, (tuple, list))
    require(
        names and all(isinstance(name, str) for name in class_names or []),
        "The argument class_names must be None or a list of strings, but it is "
        f"{shown(class_names)}.",
        "class_names",
    )


def expect_conditions(usual_conditions: list[list[float]] | None) -> None:
    """Expect `None`, or vectors of equal length."""
    if usual_conditions is not None:
        expect_array((None, None), usual_conditions=usual_conditions)


def show_parameters(cls: type, base: type) -> None:
    """Make `inspect.signature` and `help` list what `*args` and `**options` accept."""
    named = [*inspect.signature(cls.__init__).parameters.values()][1:]
    others = [*inspect.signature(base.__init__).parameters.values()][1:]
    names, found = {parameter.name for parameter in named}, []
    behind = {inspect.Parameter.VAR_POSITIONAL: inspect.Parameter.POSITIONAL_OR_KEYWORD}
    behind[inspect.Parameter.VAR_KEYWORD] = inspect.Parameter.KEYWORD_ONLY
    for parameter in named:
        kind = behind.get(parameter.kind)
        hidden = [p for p in others if p.kind is kind and p.name not in names]
        found += hidden if kind is not None else [parameter]
    cls.__signature__ = inspect.Signature(found)


def expect_hooks(cls: Any, *names: str) -> None:
    """Expect methods of a class that take `(self, real, fake, condition)`."""
    for name in names:
        try:
            inspect.signature(getattr(cls, name)).bind(None, None, None, None)
            fits = True
        except TypeError:
            fits = False
        require(
            fits,
            f"The method {name} of {cls.__name__} must take (self, real, fake, "
            "condition); until version 0.2.0 it took no condition, and real and fake "
            "were pairs if there were labels.",
            name,
        )
