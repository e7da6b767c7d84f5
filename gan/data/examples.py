"""Real examples, in one form from which samples can be drawn.

`as_examples` makes `Examples` from an array, a memory map, a `tf.data.Dataset` or a
`keras.utils.PyDataset`, with or without a condition for each example. Code that draws
from them need not know which of these they are.
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

_LOOKED_AT = 1000  # examples from which pixel ranges are inferred

# The first batch of each Dataset of a model. Reading it again would change the order of
# shuffles during training.
_first_batches: weakref.WeakKeyDictionary[tf.data.Dataset, Any]
_first_batches = weakref.WeakKeyDictionary()


class Sample(NamedTuple):
    """A sample: some examples and their conditions.

    Attributes:
        examples: float32 tensor `(n, …)`.
        condition: `None`, or int32 tensor `(n,)` of class labels, or float32 tensor
            `(n, …)` of vectors or pictures.
    """

    examples: Any
    condition: Any = None

    def public(self) -> Any:
        """The form for users: the examples, or a pair `(examples, condition)`."""
        return self.examples if self.condition is None else tuple(self)


NOTHING = Sample(None)


class Examples:
    """Real examples in memory, with or without a condition for each.

    Attributes:
        value: the value of `model.real_examples`: tensor `(N, *shape)`, uint8 if the
            data were uint8 and float32 otherwise; with conditions, a pair of it and
            int32 labels `(N,)` or float32 conditions `(N, …)`. In subclasses, the
            memory map or the Dataset.
        shape: tuple, shape of an example as the discriminator takes it.
        condition: tuple, shape of a condition as the networks take it; `()` for a label
            or without conditions.
        streams: bool, whether the examples come in an order of their own, as in a
            Dataset, and cannot be drawn at random.
        pixel_range: pair of floats, to which the bytes 0 and 255 are scaled.
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
        """The conditions of all examples, as in `Sample`, or `None`.

        For a Dataset, they are those of its first batch.
        """
        return self._labels

    @property
    def at_hand(self) -> int:
        """Number of examples, or for a Dataset that of its first batch."""
        return len(self)

    def draw(self, numbers: tf.Tensor) -> Sample:
        """The examples with these int64 indices `(n,)`, in the discriminator's form."""
        labels = None if self._labels is None else tf.gather(self._labels, numbers)
        return self.in_form(Sample(self._gather(numbers), labels))

    def first(self, size: int) -> Sample:
        """The first `size` examples."""
        return self.draw(tf.range(size, dtype=tf.int64))

    def look(self) -> np.ndarray:
        """The first examples, at most a thousand, in the discriminator's form."""
        return self.first(min(len(self), _LOOKED_AT)).examples.numpy()

    def in_form(self, batch: Any) -> Sample:
        """Converts a batch of the data to the discriminator's form.

        Args:
            batch: tensor `(n, …)`, or a pair `(examples, conditions)`.

        Returns:
            `Sample` of float32 `(n, *shape)`; bytes are scaled to `pixel_range`.
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
        """Convert numbers to float32; bytes are scaled to `pixel_range`."""
        floats = tf.cast(numbers, tf.float32)
        if numbers.dtype == tf.uint8:
            floats = rescale(floats / 255.0, NO_RANGE, self.pixel_range)
        return floats

    def steps(self, batch_size: int) -> int:
        """Number of batches in one pass through the examples, at least 1."""
        return math.ceil(len(self) / batch_size)

    def batches(self, batch_size: int, strategy: Any) -> Any:
        """The data for Keras's `fit`: an endless placeholder, which no step reads.

        Each batch has one element for each replica.
        """
        clock = tf.zeros((strategy.num_replicas_in_sync, 1))
        return tf.data.Dataset.from_tensors(clock).repeat()

    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that identify these examples."""
        sums = hashlib.sha256()
        for part in filter(tf.is_tensor, (self._examples, self._labels)):
            sums.update(np.ascontiguousarray(part))
        return sums.hexdigest()[:16]

    @property
    def tensors(self) -> list[tf.Tensor]:
        """The tensors among the data, which are arguments of the graph."""
        return [*filter(tf.is_tensor, (self._examples, self._labels))]

    @contextlib.contextmanager
    def drawing_from(self, tensors: list[tf.Tensor]) -> Iterator[None]:
        """In this context, draw from `tensors`, the arguments of the traced graph."""
        before, left = (self._examples, self._labels), iter(tensors)
        self._examples, self._labels = (
            next(left) if tf.is_tensor(part) else part for part in before
        )
        try:
            yield
        finally:
            self._examples, self._labels = before

    def refill(self, other: Examples) -> bool:
        """Takes the data of `other` if the traced graph can draw from them too.

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
        """Whether `other` is the same object or holds equal numbers."""
        if type(self) is not type(other):
            return False
        mine = (self._examples, self._labels, self.pixel_range)
        others = (other._examples, other._labels, other.pixel_range)
        return all(_equal(*pair) for pair in zip(mine, others, strict=True))

    def _gather(self, numbers):
        return tf.gather(self._examples, numbers)


class MappedExamples(Examples):
    """Real examples in a memory-mapped file; only drawn examples are read."""

    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits from form, labels and up to 512 examples."""
        array = self._examples
        # The byte order does not matter: equal numbers are equal examples.
        some = _spread(array).astype(array.dtype.newbyteorder("<"))
        sums = hashlib.sha256(f"{some.dtype.str} {tuple(array.shape)} ".encode())
        for part in (some, self._labels):
            sums.update(b"" if part is None else np.ascontiguousarray(part))
        return sums.hexdigest()[:16]

    def _gather(self, numbers):
        # TensorFlow ignores the byte order of an array, so convert to the native one.
        dtype = self._examples.dtype.newbyteorder("=")
        examples = tf.numpy_function(
            # The attribute is read while the graph runs, because `refill` may change
            # it.
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
    # Without this advice, the system reads megabytes around each example. Windows has
    # no madvise.
    advise = getattr(file, "madvise", lambda advice: None)
    advise(getattr(mmap, "MADV_RANDOM", 0))
    some = np.ascontiguousarray(array[numbers])
    advise(getattr(mmap, "MADV_NORMAL", 0))
    return some


class StreamedExamples(Examples):
    """Real examples of a `tf.data.Dataset` of batches.

    Attributes:
        batch_size: int, number of examples in the first batch.
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
        """Number of examples in the first batch."""
        return self.batch_size

    @property
    def conditions(self) -> Any:
        """The conditions in the first batch, or `None`."""
        return self.in_form(self._batch).condition if len(self._batch) > 1 else None

    def fills(self, batch_size: int) -> bool:
        """Whether batches have this size, or there is only one, which is smaller."""
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
        """The first batch, in the discriminator's form."""
        return self.in_form(self._batch[0]).examples.numpy()

    def steps(self, batch_size: int) -> int:
        """Number of batches in the Dataset, whose length must be known."""
        count = int(self._examples.cardinality())
        require(
            count >= 1,
            "The Dataset does not know its length: call fit with steps_per_epoch.",
            "steps_per_epoch",
        )
        return count

    def batches(self, batch_size: int, strategy: Any) -> Any:
        """The Dataset's batches, repeated without end, all of equal size."""
        batches = self._examples.repeat().rebatch(batch_size, drop_remainder=True)
        if self._classes:
            batches = batches.map(self._with_known_labels)
        return batches.prefetch(2)

    def fingerprint(self) -> str:
        """A text that contains the form and the length of the Dataset."""
        return f"{self._examples.element_spec}, {int(self._examples.cardinality())}"

    def _with_known_labels(self, examples, labels):
        # Without this check, a label of -1 would mean the last class, and 2.5 would
        # become 2.
        whole = tf.cast(labels, tf.int64)
        fits = (whole >= 0) & (whole < self._classes)
        fits &= tf.cast(whole, labels.dtype) == labels
        known = tf.debugging.Assert(tf.reduce_all(fits), [WRONG_LABEL, labels], 16)
        with tf.control_dependencies([known] if known is not None else []):
            return tf.identity(examples), tf.cast(whole, tf.int32)


# Beginning of TensorFlow's error for labels of a Dataset that are out of range.
WRONG_LABEL = "A label of the Dataset is not a class of the networks:"


def as_examples(
    value: Any,
    shape: tuple[int, ...],
    batch_size: int,
    classes: int | None = None,
    name: str = "real_examples",
    condition: tuple[int, ...] | None = None,
) -> Examples | None:
    """Checks real examples and converts them to `Examples`.

    Args:
        value: NumPy array, tensor, memory-mapped array or pandas DataFrame of numbers
            or truth values `(N, *shape)`, whose last axis may be missing if it is 1; a
            `tf.data.Dataset` or `keras.utils.PyDataset` of batches of such examples; or
            `None`. For conditional networks, a pair `(examples, conditions)`,
            conditions as in `gan.data.labels.as_conditions`, or a Dataset of such
            pairs.
        shape: tuple, shape of an example as the discriminator takes it.
        batch_size: int, number of examples in a sample; arrays must hold at least as
            many.
        classes: int, number of classes, or `None` if the networks take no labels.
        name: str, the name of the argument in errors.
        condition: tuple, shape of a condition, `()` for labels. `None` means labels if
            `classes` is given, and otherwise no condition.

    Returns:
        `Examples`, or `None`.

    Raises:
        InvalidInput: if the type, dtype, shape or length is wrong, an array is masked,
            or a number is not finite (memory-mapped arrays and Datasets are not
            searched for such numbers).
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
    value, labels = _examples_and_labels(value, condition, name)
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


def _examples_and_labels(value, condition, name):
    """Split into examples and labels; labels are `None` if the networks take none."""
    takes, kind = condition is not None, "conditions" if condition else "labels"
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
        f"The networks take {kind}, so {name} must be a pair (examples, {kind}) or a "
        f"Dataset of such pairs, but it is {shown(value)}.",
        name,
    )
    return value if pair else (value, None)


def _as_array(value, name):
    """Convert to a NumPy array or tensor of numbers."""
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
