"""The generator of a model, its average, and fake samples."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gan import distribute
from gan.conditions.words import are_texts
from gan.data.examples import Sample
from gan.data.labels import as_conditions
from gan.data.pixels import NO_RANGE, rescale
from gan.errors import StrPath, expect_positive_int, require
from gan.latent import Stream
from gan.training.inputs import latent_shape
from gan.training.networks import expect_latents
from gan.training.reals import RealExamples


class Drawing(RealExamples):
    """The part of a model that draws fakes with its generator.

    A subclass must set the attributes that are declared here and in `RealExamples`.
    """

    ema: Any
    stream: Stream
    averaged_generator: keras.Model | None
    draws_repeat: bool
    has_latents: bool
    _latent_generator: Callable[[int], tf.Tensor] | None

    def get_fake_sample(
        self,
        size: int | None = None,
        training: bool = False,
        averaged: bool | None = None,
        labels: Any = None,
        condition: Any = None,
    ) -> Any:
        """Draws fake examples from the generator.

        Args:
            size: int, number of examples; `None` takes the number of labels, or
                `batch_size`.
            training: bool, whether the generator runs in training mode.
            averaged: bool, whether to use the averaged generator. `None` uses it if the
                model has one (`ema`) and `training` is `False`.
            labels: int array `(size,)` in [0, classes), the classes of the examples, or
                one int for all; `None` draws classes, each equally likely.
            condition: the condition of networks without labels: float vectors `(size,
                d)`, or one vector `(d,)` for all; texts or one text, with `words`;
                pictures `(size, h, w, c)` in the model's pixel range, or uint8. `None`
                draws conditions of real examples.

        Returns:
            Float32 tensor `(size, …)` of the generator's output shape. For conditional
            networks, a pair `(examples, condition)`; labels are an int32 tensor
            `(size,)`.
        """
        given, size = self._asked(labels, condition, size)
        network, size = self._drawing(training, averaged), self._count(size)
        said = "The model has no latent generator: set model.latent_generator. Files "
        said += "of models contain only those of gan.latent."
        drawn = self._latent_generator is not None or not self.has_latents
        require(drawn, said, "latent_generator")
        with self.stream.sampling():
            parts = [self._latent_generator(size)] if self.has_latents else []
            if given is None:
                given = self.some_conditions(size)
            parts += [] if given is None else [given]
            taken = parts if len(parts) > 1 else parts[0]
            return Sample(network(taken, training=training), given).public()

    def generate(
        self,
        size: int | None = None,
        training: bool = False,
        averaged: bool | None = None,
        labels: Any = None,
        condition: Any = None,
    ) -> Any:
        """Draws fake examples: another name of `get_fake_sample`.

        Args:
            size: see `get_fake_sample`.
            training: see `get_fake_sample`.
            averaged: see `get_fake_sample`.
            labels: see `get_fake_sample`.
            condition: see `get_fake_sample`.

        Returns:
            The result of `get_fake_sample`.
        """
        return self.get_fake_sample(size, training, averaged, labels, condition)

    def _asked(self, labels, condition, size):
        """The condition as the networks take it, or `None`, and the number of fakes."""
        name = "labels" if condition is None else "condition"
        value = labels if condition is None else condition
        if value is None:
            return None, size
        said = "The arguments labels and condition exclude each other: leave one out."
        require(labels is None or condition is None, said, "condition")
        shape = self.condition_shape
        said = f"The networks take no condition: leave the argument {name} out."
        require(shape is not None, said, name)
        if self.words is not None and are_texts(value):
            value = self._vectors_of(value, size)
        if not tf.is_tensor(value) and np.ndim(value) == len(shape):
            # The same value is used for all examples.
            value = np.asarray(value)
            value = np.broadcast_to(value, (self._count(size), *value.shape))
        value = as_conditions(value, self.classes, shape, name)
        if value.dtype == tf.uint8:
            floats = tf.cast(value, tf.float32) / 255
            value = rescale(floats, NO_RANGE, self.pixel_range or NO_RANGE)
        value = tf.cast(value, tf.float32) if shape else value
        count = value.shape[0]
        said = f"The argument size must be {count}, as many as there are conditions, "
        require(size is None or count in (None, size), f"{said}or left out.", "size")
        return value, count if size is None else size

    def _vectors_of(self, texts, size):
        """Vectors of texts; a single text is completed from the data."""
        among = self.usual_conditions
        if not isinstance(texts, str) or among is None:
            return self.words(texts)
        return self.words.completed(texts, among, self._count(size))

    def call(self, latents: Any, training: bool = False) -> tf.Tensor:
        """Computes fakes, float32 `(batch, …)`, from latents `(batch, latent_dim)`.

        The averaged generator is used if there is one. For a generator with other
        inputs, pass these inputs instead of latents.
        """
        return self._drawing(training, None)(latents, training=training)

    def evaluate(self, x: Any = None, **options: Any) -> dict[str, float]:
        """Compares fakes with real examples by the measures of `gan.metrics`.

        Args:
            x: array of real examples in the form of `real_examples`, best held out from
                training; `None` takes `real_examples`. The fakes get their conditions.
            **options: `names`, `count`, `seed` and `to_picture`, as in
                `gan.callbacks.Metrics`.

        Returns:
            Dict from names of measures to floats.
        """
        from gan.training.aside import Evaluator

        data = self.examples if x is None else self.as_examples(x, 1, "x")
        said = "The argument x must be an array of real examples."
        require(data is not None and not data.streams, said, "x")
        data.pixel_range = self.pixel_range or data.pixel_range
        real = data.first(len(data))
        options = {"scale": self.pixel_range} | options
        # These are the reals as the discriminator takes them, in the range of the
        # fakes. The fakes get their conditions, so that both have equal shares.
        return Evaluator(real.public(), **options)(self)

    def export(
        self, filepath: StrPath, format: str = "tf_saved_model", **options: Any
    ) -> None:
        """Writes the (averaged) generator alone, for use without this library.

        Args:
            filepath: str or `os.PathLike`, a file, or a folder for "tf_saved_model".
            format: str, "keras" for a file that Keras can load, or a format of
                `keras.Model.export`: "tf_saved_model" (or "savedmodel"), "onnx", or
                "litert" (or "tflite").
            **options: options of `keras.Model.export`, such as `verbose=False`.

        Raises:
            InvalidInput: before any work, if the path is not writable or a package is
                missing.
        """
        from gan.saving.export import write_generator

        write_generator(self._drawing(False, None), filepath, format, **options)

    @property
    def latent_dim(self) -> int:
        """Latent dimension: the size of the generator's first input."""
        if not self.has_latents:
            return 0
        return math.prod(latent_shape(self.generator))

    @property
    def latent_generator(self) -> Callable[[int], tf.Tensor] | None:
        """The latent sampler. A new one is checked when it is set."""
        return self._latent_generator

    @latent_generator.setter
    def latent_generator(self, value: Callable[[int], tf.Tensor] | None) -> None:
        found = self._checked_latents(value, self.generator)
        self._latent_generator, self.draws_repeat = found

    def _checked_latents(self, latent_generator, generator):
        if latent_generator is None:
            return None, True
        said = "The generator takes only pictures, so latent_generator must be "
        require(self.has_latents, f"{said}None.", "latent_generator")
        with self.stream.sampling():
            return expect_latents(latent_generator, generator)

    def _count(self, size):
        if size is None:
            return self.batch_size // distribute.replicas()
        expect_positive_int(size=size)
        return size

    def _drawing(self, training, averaged):
        if averaged is None:
            averaged = self.averaged_generator is not None and not training
        network = self.averaged_generator if averaged else self.generator
        said = "The model has no averaged generator: make it with ema, such as 0.995."
        require(network is not None, said, "averaged")
        return network

    def _make_average(self):
        """Copy the generator to make the averaged generator; `None` without `ema`."""
        if self.ema is None:
            return None
        average = keras.models.clone_model(self.generator)
        average.set_weights(self.generator.get_weights())
        average.trainable = False
        # The clone of a compiled network has an optimizer, which is not needed.
        average.optimizer = None
        return average

    def _update_average(self, updates):
        """Update the average after `updates` updates of the generator."""
        updates = tf.cast(updates, tf.float32)
        decay = tf.minimum(self.ema, (1.0 + updates) / (10.0 + updates))
        pairs = zip(
            self.averaged_generator.weights, self.generator.weights, strict=True
        )
        for average, weight in pairs:
            average.assign_add((1.0 - decay) * (weight - average))
