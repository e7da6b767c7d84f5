"""The real examples of a model, and real samples."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gan.conditions.words import are_texts
from gan.data.examples import Examples, as_examples
from gan.data.pixels import find_pixel_range
from gan.errors import Unsaid, require
from gan.latent import Stream, distinct_numbers
from gan.training.networks import is_picture, warn_of_range

MOST_CONDITIONS = 64  # number of conditions that a model stores, to draw without data


class RealExamples:
    """The part of a model that checks, holds and draws its real examples.

    A subclass must set the attributes that are declared here. `fit` checks other
    examples with `as_examples`, which does not change the model, and then uses them
    with `take_examples`.
    """

    generator: keras.Model
    batch_size: Any
    pixel_range: Any
    classes: int | None
    condition_shape: tuple[int, ...] | None
    usual_conditions: Any
    words: Any
    stream: Stream
    _examples: Examples | None

    @property
    def example_shape(self) -> tuple[int, ...]:
        """Shape of one example, the generator's output."""
        return self.generator.output_shape[1:]

    @property
    def examples(self) -> Examples | None:
        """The real examples as an `Examples` object, or `None`."""
        # The option may have been set after the examples.
        if self._examples is not None and self.pixel_range is not None:
            self._examples.pixel_range = self.pixel_range
        return self._examples

    @property
    def real_examples(self) -> Any:
        """The real examples: a tensor, memory map, Dataset or `None`.

        With conditions, a tensor or memory map is part of a pair `(examples,
        conditions)`.
        """
        return None if self._examples is None else self._examples.value

    @real_examples.setter
    def real_examples(self, value: Any) -> None:
        self.take_examples(self.as_examples(value, self.batch_size))

    def as_examples(
        self, value: Any, batch_size: int, name: str = "real_examples"
    ) -> Examples | None:
        """Check examples, without any change, see `gan.data.examples.as_examples`."""
        shape = self.example_shape
        value = self._with_vectors(value)
        how = (self.classes, name, self._stored_condition())
        examples = as_examples(value, shape, batch_size, *how)
        if examples is not None and examples.streams:
            require(
                isinstance(batch_size, Unsaid) or examples.fills(batch_size),
                f"The Dataset has batches of {examples.batch_size} examples, but "
                f"batch_size is {batch_size}: batch the Dataset in this size, or give "
                f"batch_size={examples.batch_size}.",
                "batch_size",
            )
        return examples

    def take_examples(self, examples: Examples | None) -> None:
        """Use the result of `as_examples` for training."""
        if examples is None:
            self._examples = None
            return
        known = self.pixel_range
        if self.condition_shape and len(self.condition_shape) == 1:
            if self.usual_conditions is None:
                some = np.array(examples.conditions[:MOST_CONDITIONS])
                self.usual_conditions = some.tolist()
        if known is None and is_picture(self.example_shape):
            self.pixel_range = find_pixel_range(examples.look())
        if examples.streams and isinstance(self.batch_size, Unsaid):
            self.batch_size = Unsaid(examples.batch_size)
        examples.pixel_range = self.pixel_range or examples.pixel_range
        if self._examples is None or not self._examples.equals(examples):
            warn_of_range(examples.look(), self.generator, known)
        # The graph draws from the same object, so data of one form need one trace.
        if self._examples is None or not self._examples.refill(examples):
            self._examples = examples

    def _with_vectors(self, value):
        """Convert the texts of a pair `(examples, texts)` to vectors."""
        pair = isinstance(value, (tuple, list)) and len(value) == 2
        if self.words is None or not (pair and are_texts(value[1])):
            return value
        return value[0], self.words.of_captions(value[1])

    @property
    def takes_pictures(self) -> bool:
        """Whether the condition of the networks is a picture."""
        return len(self.condition_shape or ()) == 3

    def some_conditions(self, size: int) -> tf.Tensor | None:
        """Draws conditions: classes, each equally likely, or vectors of the data.

        Args:
            size: int, number of conditions.

        Returns:
            `None` if the networks take no condition; an int32 tensor `(size,)` of
            classes; or a float32 tensor `(size, …)` of vectors or pictures, from the
            real examples or else from `usual_conditions`.
        """
        if self.condition_shape is None:
            return None
        if self.takes_pictures:
            return self._drawn_pictures(size)
        if self.classes:
            seed, most = self.stream.next_seed(), self.classes
            return tf.random.stateless_uniform((size,), seed, 0, most, tf.int32)
        data = self.examples
        known = None if data is None or data.streams else data.conditions
        known = self.usual_conditions if known is None else known
        require(
            known is not None,
            "The argument condition is missing: give it, because the model has no real "
            "examples to draw conditions from.",
            "condition",
        )
        known = tf.convert_to_tensor(known, tf.float32)
        seed, most = self.stream.next_seed(), known.shape[0]
        numbers = tf.random.stateless_uniform((size,), seed, 0, most, tf.int32)
        return tf.gather(known, numbers)

    def _drawn_pictures(self, size):
        """Condition pictures of real examples, repeated if there are too few."""
        count = size if self.examples is None else min(size, self.examples.at_hand)
        drawn = self.get_real_sample(count)[1]
        return drawn if count == size else tf.gather(drawn, tf.range(size) % count)

    def get_real_sample(self, size: int | None = None) -> Any:
        """Draws random distinct examples from `real_examples`.

        Args:
            size: int, number of examples, or `None` for `batch_size`.

        Returns:
            Float32 tensor `(size, …)` of the discriminator's input shape; for
            conditional networks, a pair `(examples, condition)`. For a Dataset, these
            are its first examples.
        """
        size, examples = self._count(size), self.examples
        said = "The model has no real examples: set model.real_examples or call fit(x)."
        require(examples is not None, said, "real_examples")
        if examples.streams:
            return examples.first(size).public()
        most = len(examples)
        said = f"The argument size must be at most {most}, as many as there are real "
        require(size <= most, f"{said}examples, but it is {size}.", "size")
        numbers = distinct_numbers(most, size, self.stream.next_seed())
        return examples.draw(numbers).public()

    def _stored_condition(self) -> tuple[int, ...] | None:
        """Shape of a condition in the data, or `None`."""
        return self.condition_shape

    def _count(self, size: int | None) -> int:
        raise NotImplementedError
