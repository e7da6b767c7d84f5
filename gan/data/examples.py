"""Real examples: what samples are drawn from, checked and brought into one form.

`as_examples` makes `Examples` of an array, a memory map, a `tf.data.Dataset` or a
`keras.utils.PyDataset`, with a condition for each example (its class, a vector) or
without. Nothing that draws from them needs to know which of these they are.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import mmap
import weakref
from collections.abc import Iterator
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from gan.data.datasets import expect_dataset, expect_shape, from_py_dataset, is_number
from gan.data.kept import as_tensor
from gan.data.labels import as_conditions, to_numpy
from gan.data.pixels import NO_RANGE, rescale
from gan.errors import require, shown

_LOOKED_AT = 1000  # examples from which ranges are read

# The first batch of each Dataset that a model has: reading one again would give another
# order to the shuffles of the training that reads it.
_first_batches: weakref.WeakKeyDictionary[tf.data.Dataset, Any]
_first_batches = weakref.WeakKeyDictionary()


class Sample(NamedTuple):
    """Some examples, and the condition that goes with each.

    Attributes:
        examples: tensor `(n, …)`.
        condition: `None`, or int32 tensor `(n,)`, the class of each, or float32 tensor
            `(n, …)`, the vector or picture that goes with each.
    """

    examples: Any
    condition: Any = None

    def public(self) -> Any:
        """What users get: the examples, or a pair of them and their labels."""
        return self.examples if self.condition is None else tuple(self)


NOTHING = Sample(None)


class Examples:
    """Real examples in memory, with a condition for each or without.

    Attributes:
        value: what `model.real_examples` gives: tensor `(N, *shape)`, uint8 where the
            data were and float32 otherwise, with conditions a pair of it and int32
            labels `(N,)` or float32 `(N, …)`; of the subclasses the memory map or the
            Dataset.
        shape: tuple, of an example as the discriminator takes it.
        condition: tuple, of a condition as the networks take it; `()` of a label, and
            where there are none.
        streams: bool, whether the examples come in an order of their own, as those of
            a Dataset do, instead of being drawn.
        pixel_range: pair of floats, what the bytes 0 and 255 become.
    """

    def __init__(
        self,
        examples: Any,
        labels: Any,
        shape: tuple[int, ...],
        condition: tuple[int, ...] = (),
    ) -> None:
        self._examples, self._labels = examples, labels
        self.shape: tuple[int, ...] = shape
        self.condition: tuple[int, ...] = condition
        self.streams: bool = False
        self.pixel_range: tuple[float, float] = NO_RANGE

    @property
    def value(self) -> Any:
        """See the class."""
        return Sample(self._examples, self._labels).public()

    def __len__(self) -> int:
        return int(self._examples.shape[0])

    @property
    def conditions(self) -> Any:
        """The condition of each example, as `Sample` holds it, or `None`.

        Of a Dataset those of its first batch.
        """
        return self._labels

    @property
    def at_hand(self) -> int:
        """How many can be had at once, of a Dataset the examples of its first batch."""
        return len(self)

    def draw(self, numbers: tf.Tensor) -> Sample:
        """The examples of these numbers, int64 `(n,)`, as the discriminator takes."""
        labels = None if self._labels is None else tf.gather(self._labels, numbers)
        return self.in_form(Sample(self._gather(numbers), labels))

    def first(self, size: int) -> Sample:
        """The first `size` examples."""
        return self.draw(tf.range(size, dtype=tf.int64))

    def look(self) -> np.ndarray:
        """The first thousand examples at most, as the discriminator takes them."""
        return self.first(min(len(self), _LOOKED_AT)).examples.numpy()

    def in_form(self, batch: Any) -> Sample:
        """A batch of the data's own as the discriminator takes it.

        Args:
            batch: tensor `(n, …)`, or a pair of it and labels or other conditions.

        Returns:
            `Sample` of float32 `(n, *shape)`, bytes within `pixel_range`.
        """
        examples, condition = batch if isinstance(batch, tuple) else (batch, None)
        if condition is not None:
            kind = tf.cast(condition, tf.float32 if self.condition else tf.int32)
            pictures = len(self.condition) == 3
            condition = self._floats(condition) if pictures else kind
            condition = tf.reshape(condition, (-1, *self.condition))
        examples = tf.reshape(self._floats(examples), (-1, *self.shape))
        return Sample(examples, condition)

    def _floats(self, numbers):
        """Numbers as float32, bytes within `pixel_range`."""
        floats = tf.cast(numbers, tf.float32)
        if numbers.dtype == tf.uint8:
            floats = rescale(floats / 255.0, NO_RANGE, self.pixel_range)
        return floats

    def steps(self, batch_size: int) -> int:
        """Batches in once through the examples, at least one."""
        return math.ceil(len(self) / batch_size)

    def batches(self, batch_size: int, strategy: Any) -> Any:
        """What Keras's `fit` is given: here a clock that nobody reads.

        It has an example for each replica, and no end.
        """
        clock = tf.zeros((strategy.num_replicas_in_sync, 1))
        return tf.data.Dataset.from_tensors(clock).repeat()

    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that tell these examples from others."""
        sums = hashlib.sha256()
        for part in filter(tf.is_tensor, (self._examples, self._labels)):
            sums.update(np.ascontiguousarray(part))
        return sums.hexdigest()[:16]

    @property
    def tensors(self) -> list[tf.Tensor]:
        """The tensors among the data: the graph's arguments, so that it can be kept."""
        return [*filter(tf.is_tensor, (self._examples, self._labels))]

    @contextlib.contextmanager
    def drawing_from(self, tensors: list[tf.Tensor]) -> Iterator[None]:
        """Within this context, as a graph is traced, draw from its arguments."""
        before, left = (self._examples, self._labels), iter(tensors)
        self._examples, self._labels = (
            next(left) if tf.is_tensor(part) else part for part in before
        )
        try:
            yield
        finally:
            self._examples, self._labels = before

    def refill(self, other: Examples) -> bool:
        """Take the data of others if their form is equal, so that the graph is kept.

        Returns:
            bool, whether the data were taken.
        """
        same = self._form() == other._form()
        if same:
            self.__dict__.update(other.__dict__)
        return same

    def _form(self):
        return type(self), [
            getattr(part, "element_spec", None) or (part.shape, part.dtype)
            for part in (self._examples, self._labels)
            if part is not None
        ]

    def equals(self, other: Any) -> bool:
        """Whether other `Examples` are the same or hold the same numbers."""
        if type(self) is not type(other):
            return False
        mine = (self._examples, self._labels, self.pixel_range)
        others = (other._examples, other._labels, other.pixel_range)
        return all(_equal(*pair) for pair in zip(mine, others, strict=True))

    def _gather(self, numbers):
        return tf.gather(self._examples, numbers)


class MappedExamples(Examples):
    """Real examples in a memory-mapped file, of which only what is drawn is read."""

    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits of the form, the labels and up to 512 examples."""
        array = self._examples
        # The same numbers in either order of their bytes are the same examples.
        some = _spread(array).astype(array.dtype.newbyteorder("<"))
        sums = hashlib.sha256(f"{some.dtype.str} {tuple(array.shape)} ".encode())
        for part in (some, self._labels):
            sums.update(b"" if part is None else np.ascontiguousarray(part))
        return sums.hexdigest()[:16]

    def _gather(self, numbers):
        # TensorFlow ignores the order of the bytes, so they are given in its own.
        dtype = self._examples.dtype.newbyteorder("=")
        examples = tf.numpy_function(
            # The file is looked up as the graph runs: another may have come for it.
            lambda i: np.asarray(self._examples[i], dtype),
            [numbers],
            tf.as_dtype(dtype),
        )
        examples.set_shape((*numbers.shape, *self._examples.shape[1:]))
        return examples


def _spread(array):
    """Up to 512 examples of a memory-mapped array, spread evenly over all of it."""
    most = max(8, min(512, 2**25 // max(1, array[0].nbytes)))
    numbers = np.unique(np.linspace(0, len(array) - 1, most).astype(int))
    file = array
    while isinstance(file, np.ndarray):
        file = file.base
    # Else the system reads megabytes around each example. Windows takes no such advice.
    advise = getattr(file, "madvise", lambda advice: None)
    advise(getattr(mmap, "MADV_RANDOM", 0))
    some = np.ascontiguousarray(array[numbers])
    advise(getattr(mmap, "MADV_NORMAL", 0))
    return some


class StreamedExamples(Examples):
    """Real examples of a `tf.data.Dataset` of batches.

    Attributes:
        batch_size: int, examples in the first batch.
    """

    def __init__(
        self,
        dataset: Any,
        classes: int | None,
        shape: tuple[int, ...],
        name: str,
        condition: tuple[int, ...] | None = None,
    ) -> None:
        super().__init__(dataset, None, shape, condition or ())
        self._classes = classes
        self.streams: bool = True
        if dataset not in _first_batches:
            _first_batches[dataset] = next(iter(dataset), None)
        batch = _first_batches[dataset]
        require(batch is not None, f"The Dataset {name} is empty.", name)
        self._batch = batch if isinstance(batch, tuple) else (batch,)
        self.batch_size: int = len(self._batch[0])

    @property
    def at_hand(self) -> int:
        """How many examples the first batch has."""
        return self.batch_size

    @property
    def conditions(self) -> Any:
        """The conditions in the first batch, or `None`."""
        return self.in_form(self._batch).condition if len(self._batch) > 1 else None

    def fills(self, batch_size: int) -> bool:
        """Whether batches of this size are the Dataset's own, or all that it has."""
        alone = int(self._examples.cardinality()) == 1
        return self.batch_size == batch_size or alone and self.batch_size < batch_size

    def first(self, size: int) -> Sample:
        """The first `size` examples."""
        batch, found = self._batch, self.batch_size
        if found < size:
            batch = next(iter(self._examples.unbatch().batch(size)))
            batch = batch if isinstance(batch, tuple) else (batch,)
            found = len(batch[0])
        require(
            found >= size,
            f"The Dataset of real examples has only {found} of the {size} examples "
            "that are asked for: ask for fewer.",
            "size",
        )
        batch = tuple(part[:size] for part in batch)
        return self.in_form(batch if len(batch) > 1 else batch[0])

    def look(self) -> np.ndarray:
        """The first batch, as the discriminator takes it."""
        return self.in_form(self._batch[0]).examples.numpy()

    def steps(self, batch_size: int) -> int:
        """Batches in once through the Dataset, which has to know its length."""
        count = int(self._examples.cardinality())
        require(
            count >= 1,
            "The Dataset does not know its length: give fit steps_per_epoch.",
            "steps_per_epoch",
        )
        return count

    def batches(self, batch_size: int, strategy: Any) -> Any:
        """The Dataset's batches, of equal size and without end."""
        batches = self._examples.repeat().rebatch(batch_size, drop_remainder=True)
        if self._classes:
            batches = batches.map(self._with_known_labels)
        return batches.prefetch(2)

    def fingerprint(self) -> str:
        """The form and the length of a Dataset, which is not read through."""
        return f"{self._examples.element_spec}, {int(self._examples.cardinality())}"

    def _with_known_labels(self, examples, labels):
        # A label of -1 would count from the end, and 2.5 would be cut to 2.
        whole = tf.cast(labels, tf.int64)
        fits = (whole >= 0) & (whole < self._classes)
        fits &= tf.cast(whole, labels.dtype) == labels
        known = tf.debugging.Assert(tf.reduce_all(fits), [WRONG_LABEL, labels], 16)
        with tf.control_dependencies([known] if known is not None else []):
            return tf.identity(examples), tf.cast(whole, tf.int32)


# What a Dataset's labels out of range raise within TensorFlow.
WRONG_LABEL = "A label of the Dataset is not a class of the networks:"


def as_examples(
    value: Any,
    shape: tuple[int, ...],
    batch_size: int,
    classes: int | None = None,
    name: str = "real_examples",
    condition: tuple[int, ...] | None = None,
) -> Examples | None:
    """Check real examples and bring them into the form that models draw from.

    Args:
        value: NumPy array, tensor, memory-mapped array or pandas DataFrame of numbers
            or truth values `(N, *shape)`, whose last axis may be missing if it is 1; a
            `tf.data.Dataset` or `keras.utils.PyDataset` of batches of such examples; or
            `None`. With a condition a pair `(examples, conditions)`, these as in
            `gan.data.labels.as_conditions`, or a Dataset of such pairs.
        shape: tuple, shape of an example as the discriminator takes it.
        batch_size: int, examples in a sample, the least that there must be.
        classes: int, number of classes, or `None` where the networks take no labels.
        name: str, what the argument is called in errors.
        condition: tuple, shape of what the networks take beside an example, `()` for
            labels; `None` for what `classes` says.

    Returns:
        `Examples`, or `None`.

    Raises:
        InvalidInput: for another type, dtype, shape or length, masked arrays, or
            numbers that are not finite (a memory-mapped array and a Dataset are not
            read through for them).
    """
    if value is None:
        return None
    if condition is None and classes:
        condition = ()
    if isinstance(value, keras.utils.PyDataset):
        value = from_py_dataset(value, name)
    if isinstance(value, tf.data.Dataset):
        expect_dataset(value, shape, condition, name)
        return StreamedExamples(value, classes, shape, name, condition)
    value, labels = _examples_and_labels(value, condition is not None, name)
    array = _as_array(value, name)
    expect_shape(tuple(array.shape), shape, name)
    require(
        array.shape[0] >= batch_size,
        f"The argument {name} has {array.shape[0]} examples, fewer than a batch of "
        f"{batch_size}: give more, or a smaller batch_size.",
        name,
    )
    if condition is not None:
        labels = as_conditions(labels, classes, condition, name)
        kind = "labels" if classes else "conditions"
        said = f"There are {len(labels)} {kind} for {len(array)} real examples: each "
        require(len(labels) == len(array), f"{said}example needs one.", name)
    if isinstance(array, np.memmap):
        return MappedExamples(array, labels, shape, condition or ())
    tensor = as_tensor(array) if isinstance(array, np.ndarray) else array
    tensor = tf.convert_to_tensor(tensor)
    if tensor.dtype != tf.uint8:
        tensor = tf.cast(tensor, tf.float32)
        finite = bool(tf.reduce_all(tf.math.is_finite(tensor)))
        said = f"The argument {name} holds NaN or infinity: leave out or replace them."
        require(finite, said, name)
    return Examples(tf.reshape(tensor, (-1, *shape)), labels, shape, condition or ())


def _examples_and_labels(value, takes, name):
    """Examples and labels, or `None` where the networks take none."""
    pair = isinstance(value, (tuple, list)) and len(value) == 2
    pair = pair and hasattr(value[0], "shape")
    require(
        takes or not pair,
        f"The networks take no labels, so {name} must be the examples alone: leave the "
        "labels out, or build networks that take them.",
        name,
    )
    require(
        pair or not takes,
        f"The networks take labels, so {name} must be a pair (examples, labels) or a "
        f"Dataset of such pairs, but it is {shown(value)}.",
        name,
    )
    return value if pair else (value, None)


def _as_array(value, name):
    """An array of numbers: NumPy's, TensorFlow's, or what becomes one."""
    masked = isinstance(value, np.ma.MaskedArray)
    said = f"The argument {name} has a mask: fill in or remove the masked numbers."
    require(not masked, said, name)
    array = to_numpy(value) if hasattr(value, "to_numpy") else value
    kind = getattr(array, "dtype", None)
    native = kind.newbyteorder("=") if isinstance(kind, np.dtype) else kind
    found = type(value).__name__ + (f" of {kind}" if kind is not None else "")
    require(
        hasattr(array, "__array__") and is_number(native),
        f"The argument {name} must be a NumPy array, a tensor, a memory map or a "
        f"tf.data.Dataset, of numbers, but it is of the type {found}.",
        name,
    )
    if isinstance(array, np.memmap):
        return array
    if isinstance(array, np.ndarray):
        array = array.astype(native, copy=False)
    return tf.cast(array, tf.float32) if tf.as_dtype(native) == tf.bool else array


def _equal(value, other):
    if value is other or not (tf.is_tensor(value) and tf.is_tensor(other)):
        return value is other or isinstance(value, tuple) and value == other
    same = value.shape == other.shape and value.dtype == other.dtype
    return same and bool(tf.reduce_all(value == other))
