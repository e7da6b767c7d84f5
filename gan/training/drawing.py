"""The generator of a model: its latents, its average, and what it draws."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gan import distribute
from gan.data.examples import Sample
from gan.data.labels import as_labels
from gan.errors import StrPath, expect_positive_int, require
from gan.latent import Stream
from gan.training.networks import expect_latents, latent_shape
from gan.training.reals import RealExamples


class Drawing(RealExamples):
    """The part of a model that draws with its generator.

    A subclass has what is declared here and in `RealExamples`.
    """

    ema: Any
    stream: Stream
    averaged_generator: keras.Model | None
    draws_repeat: bool
    _latent_generator: Callable[[int], tf.Tensor] | None

    def get_fake_sample(
        self,
        size: int | None = None,
        training: bool = False,
        averaged: bool | None = None,
        labels: Any = None,
    ) -> Any:
        """Examples from the generator.

        Args:
            size: int, how many; `None` for one a label, or `batch_size`.
            training: bool, whether the generator runs in training mode.
            averaged: bool, whether the averaged generator draws them. `None`: it
                does where the model has one (`ema`) and `training` is `False`.
            labels: integers `(size,)` in [0, classes), the classes asked for, or one
                integer, the class of all; `None` draws them, each equally likely.

        Returns:
            Float32 tensor `(size, …)` of the generator's output shape; with classes a
            pair of it and the labels, int32 tensor `(size,)`.
        """
        if labels is not None:
            labels = self._checked_labels(labels, size)
            size = labels.shape[0] if size is None else size
        network, size = self._drawing(training, averaged), self._count(size)
        said = "The model has no latent generator, for the saved one could not be "
        said += "stored: set model.latent_generator."
        require(self._latent_generator is not None, said, "latent_generator")
        with self.stream.sampling():
            given = latents = self._latent_generator(size)
            if self.classes and labels is None:
                seed, most = self.stream.next_seed(), self.classes
                labels = tf.random.stateless_uniform((size,), seed, 0, most, tf.int32)
            if labels is not None:
                given = [latents, labels]
            return Sample(network(given, training=training), labels).public()

    def generate(
        self,
        size: int | None = None,
        training: bool = False,
        averaged: bool | None = None,
        labels: Any = None,
    ) -> Any:
        """Examples from the generator: another name of `get_fake_sample`.

        Args:
            size: see `get_fake_sample`.
            training: the same.
            averaged: the same.
            labels: the same.

        Returns:
            What `get_fake_sample` gives.
        """
        return self.get_fake_sample(size, training, averaged, labels)

    def _checked_labels(self, labels, size):
        said = "The networks take no labels: leave the argument labels out."
        require(self.classes, said, "labels")
        if not tf.is_tensor(labels) and np.ndim(labels) == 0:
            labels = np.full(self._count(size), labels)
        labels = as_labels(labels, self.classes)
        count = labels.shape[0]
        said = f"The argument size must be {count}, as many as there are labels, or "
        require(size is None or count in (None, size), f"{said}left out.", "size")
        return labels

    def call(self, latents: Any, training: bool = False) -> tf.Tensor:
        """Fakes from latents `(batch, latent_dim)`, as `get_fake_sample` draws them."""
        return self._drawing(training, None)(latents, training=training)

    def evaluate(self, x: Any = None, **options: Any) -> dict[str, float]:
        """Compare fakes with real examples by the measures of `gan.metrics`.

        Args:
            x: array of real examples, of the form of the model's own, best such as
                were not trained on; `None` takes `real_examples`.
            **options: `names`, `count`, `seed` and `to_picture`, as of
                `gan.callbacks.Metrics`.

        Returns:
            Dict of floats by their names.
        """
        from gan.training.aside import Evaluator

        data = self.examples if x is None else self.as_examples(x, 1, "x")
        said = "The argument x must be an array of real examples."
        require(data is not None and not data.streams, said, "x")
        data.pixel_range = self.pixel_range or data.pixel_range
        options = {"scale": self.pixel_range} | options
        # As the discriminator takes them, and so on the scale of the fakes.
        return Evaluator(data.first(len(data)).examples, **options)(self)

    def export(
        self, filepath: StrPath, format: str = "tf_saved_model", **options: Any
    ) -> None:
        """Write the (averaged) generator alone, to be used without this library.

        Args:
            filepath: str or `os.PathLike`, a file, or a folder for "tf_saved_model".
            format: "keras", a file of the generator that Keras loads, or a format of
                `keras.Model.export`: "tf_saved_model", "onnx" or "litert". As in the
                command `export`, "savedmodel" and "tflite" are names of the first and
                the last.
            **options: those of `keras.Model.export`, such as `verbose=False`.

        Raises:
            InvalidInput: before any work, if nothing can be written there or a package
                is missing.
        """
        from gan.saving.export import write_generator

        write_generator(self._drawing(False, None), filepath, format, **options)

    @property
    def latent_dim(self) -> int:
        """How many numbers a latent has: the size of the generator's first input."""
        return math.prod(latent_shape(self.generator))

    @property
    def latent_generator(self) -> Callable[[int], tf.Tensor] | None:
        """What draws the latents; another one is checked as the constructor's."""
        return self._latent_generator

    @latent_generator.setter
    def latent_generator(self, value: Callable[[int], tf.Tensor] | None) -> None:
        found = self._checked_latents(value, self.generator)
        self._latent_generator, self.draws_repeat = found

    def _checked_latents(self, latent_generator, generator):
        if latent_generator is None:
            return None, True
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
        said = "The model keeps no averaged generator: make it with ema=0.995, say."
        require(network is not None, said, "averaged")
        return network

    def _make_average(self):
        """The averaged generator, which begins as the generator; `None` without ema."""
        if self.ema is None:
            return None
        average = keras.models.clone_model(self.generator)
        average.set_weights(self.generator.get_weights())
        average.trainable = False
        # A clone of a network that the user compiled has one, which trains nothing.
        average.optimizer = None
        return average

    def _update_average(self, updates):
        """Move the average towards the generator, which has made `updates` updates."""
        updates = tf.cast(updates, tf.float32)
        decay = tf.minimum(self.ema, (1.0 + updates) / (10.0 + updates))
        pairs = zip(
            self.averaged_generator.weights, self.generator.weights, strict=True
        )
        for average, weight in pairs:
            average.assign_add((1.0 - decay) * (weight - average))
