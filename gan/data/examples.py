"""Real examples: what samples are drawn from, checked and brought into one form.

`as_examples` makes `Examples` of an array, a memory map, a `tf.data.Dataset` or a
`keras.utils.PyDataset`, with a class label for each example or without. Nothing that
draws from them needs to know which of these they are.
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
import numpy.typing as npt
import tensorflow as tf

from gan.errors import require, shown

_LOOKED_AT = 1000  # examples from which ranges are read
_NO_RANGE = (0.0, 1.0)

# The first batch of each Dataset that a model has: reading one again would give another
# order to the shuffles of the training that reads it.
_first_batches: weakref.WeakKeyDictionary[tf.data.Dataset, Any]
_first_batches = weakref.WeakKeyDictionary()


class Sample(NamedTuple):
    """Some examples, and what they were asked to be.

    Attributes:
        examples: tensor `(n, …)`.
        condition: `None`, or int32 tensor `(n,)`, the class of each.
    """

    examples: Any
    condition: Any = None

    def public(self) -> Any:
        """What users get: the examples, or a pair of them and their labels."""
        return self.examples if self.condition is None else tuple(self)


NOTHING = Sample(None)


class Examples:
    """Real examples in memory, with a label for each or without.

    Attributes:
        value: what `model.real_examples` gives: tensor `(N, *shape)`, uint8 where the
            data were and float32 otherwise, with labels a pair of it and int32 `(N,)`;
            of the subclasses the memory map or the Dataset.
        shape: tuple, of an example as the discriminator takes it.
        streams: bool, whether the examples come in an order of their own, as those of
            a Dataset do, instead of being drawn.
        pixel_range: pair of floats, what the bytes 0 and 255 become.
    """

    def __init__(self, examples: Any, labels: Any, shape: tuple[int, ...]) -> None:
        self._examples, self._labels = examples, labels
        self.shape: tuple[int, ...] = shape
        self.streams: bool = False
        self.pixel_range: tuple[float, float] = _NO_RANGE

    @property
    def value(self) -> Any:
        """See the class."""
        return Sample(self._examples, self._labels).public()

    def __len__(self) -> int:
        return int(self._examples.shape[0])

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
            batch: tensor `(n, …)`, or a pair of it and labels.

        Returns:
            `Sample` of float32 `(n, *shape)`, bytes within `pixel_range`.
        """
        examples, labels = batch if isinstance(batch, tuple) else (batch, None)
        if labels is not None:
            labels = tf.reshape(tf.cast(labels, tf.int32), (-1,))
        pictures = examples.dtype == tf.uint8
        examples = tf.cast(examples, tf.float32)
        if pictures:
            black, white = self.pixel_range
            examples = examples / 255.0
            if (black, white) != _NO_RANGE:
                examples = black + (white - black) * examples
        return Sample(tf.reshape(examples, (-1, *self.shape)), labels)

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
        """What of the data are tensors, which a graph is given as its arguments."""
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
        """Take the data of others, if a graph cannot tell them by their form."""
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

    def _native(self):
        # TensorFlow takes the bytes of a file from another machine for its own.
        return self._examples.dtype.newbyteorder("=")

    def _gather(self, numbers):
        dtype = self._native()
        rows = tf.numpy_function(
            # The file is looked up as the graph runs: another may have come for it.
            lambda i: np.asarray(self._examples[i], dtype),
            [numbers],
            tf.as_dtype(dtype),
        )
        rows.set_shape((*numbers.shape, *self._examples.shape[1:]))
        return rows


def _spread(array):
    """Up to 512 rows of a memory-mapped array, spread evenly over all of it."""
    most = max(8, min(512, 2**25 // max(1, array[0].nbytes)))
    numbers = np.unique(np.linspace(0, len(array) - 1, most).astype(int))
    file = array
    while isinstance(file, np.ndarray):
        file = file.base
    # Else the system reads megabytes around each row. Windows takes no such advice.
    advise = getattr(file, "madvise", lambda advice: None)
    advise(getattr(mmap, "MADV_RANDOM", 0))
    rows = np.ascontiguousarray(array[numbers])
    advise(getattr(mmap, "MADV_NORMAL", 0))
    return rows


class StreamedExamples(Examples):
    """Real examples of a `tf.data.Dataset` of batches.

    Attributes:
        batch_size: int, examples in the first batch.
    """

    def __init__(
        self, dataset: Any, classes: int | None, shape: tuple[int, ...]
    ) -> None:
        super().__init__(dataset, None, shape)
        self._classes = classes
        self.streams: bool = True
        if dataset not in _first_batches:
            _first_batches[dataset] = next(iter(dataset), None)
        batch = _first_batches[dataset]
        given = batch is not None
        require(given, "The Dataset of real examples is empty.", "real_examples")
        self._batch = batch if isinstance(batch, tuple) else (batch,)
        self.batch_size: int = len(self._batch[0])

    def __len__(self) -> int:
        raise TypeError("a Dataset need not know how many examples it has")

    @property
    def at_hand(self) -> int:
        """How many examples the first batch has."""
        return self.batch_size

    def draw(self, numbers: tf.Tensor) -> Sample:
        """Refused: a Dataset has an order of its own."""
        raise TypeError("a Dataset has an order of its own")

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
WRONG_LABEL = "A label of the Dataset is no class of the networks:"


def as_examples(
    value: Any,
    shape: tuple[int, ...],
    batch_size: int,
    classes: int | None = None,
    name: str = "real_examples",
) -> Examples | None:
    """Check real examples and bring them into the form that models draw from.

    Args:
        value: NumPy array, tensor, memory-mapped array or pandas DataFrame of numbers
            or truth values `(N, *shape)`, whose last axis may be missing if it is 1; a
            `tf.data.Dataset` or `keras.utils.PyDataset` of batches of such examples; or
            `None`. With classes a pair `(examples, labels)`, labels as in `as_labels`,
            or a Dataset of such pairs.
        shape: tuple, shape of an example as the discriminator takes it.
        batch_size: int, examples in a sample, the least that there must be.
        classes: int, number of classes, or `None` where the networks take no labels.
        name: str, what the argument is called in errors.

    Returns:
        `Examples`, or `None`.

    Raises:
        InvalidInput: for another type, dtype, shape or length, masked arrays, or
            numbers that are not finite (a memory-mapped array and a Dataset are not
            read through for them).
    """
    if value is None:
        return None
    if isinstance(value, keras.utils.PyDataset):
        value = _from_py_dataset(value, name)
    if isinstance(value, tf.data.Dataset):
        return _as_streamed(value, shape, classes, name)
    labels = None
    pair = isinstance(value, (tuple, list)) and len(value) == 2
    require(
        classes or not pair or not hasattr(value[0], "shape"),
        f"The networks take no labels, so that {name} must be the examples alone: "
        "leave the labels out, or make networks that take them.",
        name,
    )
    if classes:
        require(
            pair and hasattr(value[0], "shape"),
            f"The networks take labels, so that {name} must be a pair (examples, "
            f"labels) or a Dataset of such pairs, but it is {shown(value)}.",
            name,
        )
        value, labels = value
    array = _as_array(value, name)
    _require_shape(tuple(array.shape), shape, name)
    require(
        array.shape[0] >= batch_size,
        f"The argument {name} has {array.shape[0]} examples, fewer than a batch of "
        f"{batch_size}: give more, or a smaller batch_size.",
        name,
    )
    if labels is not None:
        labels = as_labels(labels, classes)
        require(
            len(labels) == len(array),
            f"There are {len(labels)} labels for {len(array)} real examples: each "
            "example needs one.",
            name,
        )
    if isinstance(array, np.memmap):
        return MappedExamples(array, labels, shape)
    tensor = tf.convert_to_tensor(array)
    if tensor.dtype != tf.uint8:
        tensor = tf.cast(tensor, tf.float32)
        finite = bool(tf.reduce_all(tf.math.is_finite(tensor)))
        said = f"The argument {name} holds NaN or infinity: leave out or replace them."
        require(finite, said, name)
    return Examples(tf.reshape(tensor, (-1, *shape)), labels, shape)


def as_labels(labels: npt.ArrayLike, classes: int) -> tf.Tensor:
    """Check class labels.

    Args:
        labels: array, tensor, Series or list of whole numbers in [0, classes), of any
            dtype, `(N,)` or `(N, 1)`; those of a graph that is being traced are taken
            as they are.
        classes: int, number of classes.

    Returns:
        Int32 tensor `(N,)`.

    Raises:
        InvalidInput: for another dtype, shape or range.
    """
    if tf.is_tensor(labels) and not hasattr(labels, "numpy"):
        return labels
    array = _to_numpy(labels)
    array = array[:, 0] if array.shape[1:] == (1,) else array
    require(
        array.dtype.kind in "fiub",
        f"The labels must be whole numbers from 0 to {classes - 1}, but they are "
        f"{array.dtype}: names, numbers = numpy.unique(labels, return_inverse=True) "
        "makes numbers of names.",
        "labels",
    )
    require(
        array.ndim == 1 and array.size > 0,
        f"The labels must have the shape (N,), but they have {array.shape}: "
        "labels.argmax(axis=1) makes numbers of one-hot rows.",
        "labels",
    )
    inside = np.isfinite(array) if array.dtype.kind == "f" else np.full(1, True)
    inside = inside & (array >= 0) & (array < classes) & (array == np.floor(array))
    require(
        inside.all(),
        f"The labels must be whole numbers from 0 to {classes - 1}, the classes that "
        f"the networks embed, but they lie in [{shown(array.min())}, "
        f"{shown(array.max())}].",
        "labels",
    )
    return tf.constant(array.astype(np.int32))


def find_pixel_range(pictures: np.ndarray) -> tuple[float, float]:
    """The numbers that mean black and white in pictures, found by looking at them.

    Args:
        pictures: float array of any shape, some pictures.

    Returns:
        Pair of floats: (0, 1), (−1, 1) or (0, 255), the narrowest of these that holds
        all but 2% of the numbers with a slack of a twentieth; else their own bounds.
    """
    for black, white in ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)):
        slack = 0.05 * min(white - black, 2.0)
        out = (pictures < black - slack) | (pictures > white + slack)
        if out.mean() <= 0.02:
            return black, white
    low, high = float(pictures.min()), float(pictures.max())
    return (low, high) if np.isfinite(high - low) and low < high else _NO_RANGE


def rescale(
    values: np.ndarray, old: tuple[float, float], new: tuple[float, float]
) -> np.ndarray:
    """Bring numbers from one range of black and white to another.

    Args:
        values: array of any shape.
        old: pair of floats, what black and white are in `values`.
        new: pair of floats, what they become.

    Returns:
        Array of that shape, `values` itself where the ranges are the same.
    """
    if tuple(old) == tuple(new):
        return values
    return (values - old[0]) * ((new[1] - new[0]) / (old[1] - old[0])) + new[0]


def _as_array(value, name):
    """An array of numbers: NumPy's, TensorFlow's, or what becomes one."""
    frame = hasattr(value, "to_numpy")
    masked = isinstance(value, np.ma.MaskedArray)
    said = f"The argument {name} has a mask: fill or leave out what is masked."
    require(not masked, said, name)
    array = _to_numpy(value) if frame else value
    require(
        hasattr(array, "__array__") and hasattr(array, "dtype"),
        f"The argument {name} must be a NumPy array, a tensor, a memory map or a "
        f"tf.data.Dataset, but it is a {type(value).__name__}.",
        name,
    )
    kind = array.dtype
    native = kind.newbyteorder("=") if isinstance(kind, np.dtype) else kind
    require(
        _is_number(native),
        f"The argument {name} must hold numbers, but its dtype is {kind}.",
        name,
    )
    if isinstance(array, np.memmap):
        return array
    if isinstance(array, np.ndarray):
        array = array.astype(native, copy=False)
    return tf.cast(array, tf.float32) if tf.as_dtype(native) == tf.bool else array


def _to_numpy(value):
    """A NumPy array of what may be a pandas object with columns of several kinds."""
    array = value.to_numpy() if hasattr(value, "to_numpy") else np.asarray(value)
    if array.dtype == object and hasattr(value, "to_numpy"):
        try:
            return value.to_numpy(dtype=np.float64, na_value=np.nan)
        except (TypeError, ValueError):
            return array
    return array


def _from_py_dataset(value, name):
    """A Dataset of a PyDataset's batches, arrays or pairs of them."""
    batch = value[0]
    pair = isinstance(batch, (tuple, list)) and len(batch) in (1, 2)
    parts = [np.asarray(part) for part in batch] if pair else [np.asarray(batch)]
    kind = ", ".join(str(part.dtype) for part in parts)
    require(
        all(_is_number(part.dtype) for part in parts),
        f"The PyDataset {name} must give batches of numbers, or pairs of examples and "
        f"labels, but it gives {kind}.",
        name,
    )
    specs = tuple(tf.TensorSpec((None, *p.shape[1:]), p.dtype) for p in parts)

    def arrays():
        for number in range(len(value)):
            found = value[number]
            found = tuple(found) if pair else (found,)
            yield tuple(map(np.asarray, found)) if len(specs) > 1 else found[0]

    spec = specs if len(specs) > 1 else specs[0]
    batches = tf.data.Dataset.from_generator(arrays, output_signature=spec)
    return batches.apply(tf.data.experimental.assert_cardinality(len(value)))


def _as_streamed(dataset, shape, classes, name):
    spec = dataset.element_spec
    if classes:
        pair = isinstance(spec, tuple) and len(spec) == 2
        require(
            pair and all(isinstance(one, tf.TensorSpec) for one in spec),
            "The networks take labels, so that the Dataset must give pairs (examples, "
            f"labels), but it gives {_kinds(spec)}: map it to such pairs.",
            name,
        )
        spec, labels = spec
        number = labels.dtype.is_integer or labels.dtype.is_floating
        require(
            number and labels.shape.rank is not None and labels.shape[1:] in ((), (1,)),
            "The labels in the Dataset must be whole numbers of shape (batch,), but "
            f"they are {labels.dtype.name} of shape {labels.shape}: "
            'class_mode="sparse" reads them so, and map(lambda x, y: '
            "(x, tf.argmax(y, axis=1))) makes numbers of one-hot rows.",
            name,
        )
    cure = {
        tuple: "map(lambda x, y: x) leaves labels out, as label_mode=None or "
        "class_mode=None do where the data are read",
        list: "map it to one tensor",
        dict: 'map(lambda batch: batch["image"]) takes one of its tensors by name',
    }
    tensor = isinstance(spec, tf.TensorSpec)
    require(
        tensor,
        f"The Dataset {name} must give batches of examples alone, but it gives "
        f"{_kinds(spec)}: {cure.get(type(spec), 'map it to one tensor')}.",
        name,
    )
    require(
        spec.shape.rank is not None,
        f"The Dataset {name} does not say the shape of its batches: give "
        "from_generator output_signature=tf.TensorSpec(shape, dtype), or map(lambda x: "
        "tf.ensure_shape(x, shape)).",
        name,
    )
    _require_shape(tuple(spec.shape), shape, name)
    said = f"The Dataset {name} must hold numbers, but its dtype is {spec.dtype.name}."
    require(_is_number(spec.dtype) and spec.dtype != tf.bool, said, name)
    empty = int(dataset.cardinality()) == 0
    require(not empty, f"The Dataset {name} is empty.", name)
    return StreamedExamples(dataset, classes, shape)


def _kinds(spec):
    """What a Dataset gives, in a few words."""
    if isinstance(spec, tf.TensorSpec):
        return f"{spec.dtype.name} {spec.shape}"
    if isinstance(spec, dict):
        return "dicts with " + ", ".join(map(str, spec))
    if isinstance(spec, (tuple, list)):
        return f"{type(spec).__name__}s of {len(spec)}"
    return type(spec).__name__


def _is_number(dtype):
    try:
        dtype = tf.as_dtype(dtype)
    except TypeError:
        return False
    return dtype.is_floating or dtype.is_integer or dtype.is_bool


def _require_shape(found, shape, name):
    each = found[1:]
    fits = each == shape or (shape[-1] == 1 and (*each, 1) == shape)
    sizes = ", ".join(map(str, shape))
    require(
        len(found) >= 1 and fits,
        f"The argument {name} must have the shape (N, {sizes}), as the discriminator "
        f"takes its examples, but it has {shown(found)}.",
        name,
    )


def _equal(value, other):
    if value is other or not (tf.is_tensor(value) and tf.is_tensor(other)):
        return value is other or isinstance(value, tuple) and value == other
    same = value.shape == other.shape and value.dtype == other.dtype
    return same and bool(tf.reduce_all(value == other))
