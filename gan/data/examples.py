"""What the real samples are drawn from, checked and brought into form."""

from __future__ import annotations

import hashlib
import math
import mmap
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from gan.errors import expect, expect_array


def as_real_examples(value: Any, shape: tuple[int, ...], batch_size: int) -> Any:
    """Check real examples and bring them into the form a model draws from.

    Args:
        value: NumPy array, tensor, memory-mapped array, pandas DataFrame,
            `tf.data.Dataset` or `keras.utils.PyDataset` of batches, or `None`.
        shape: tuple, shape of an example as the discriminator takes it; the data may
            lack its last axis if that is 1.
        batch_size: int, examples in a sample.

    Returns:
        `None`, the Dataset, the memory-mapped array, or a tensor `(N, *shape)`, uint8
        where `value` is and float32 otherwise.

    Raises:
        InvalidInput: for another type, dtype, shape or length, masked arrays, or
            numbers that are not finite (a memory-mapped array is not read through for
            them).
    """
    if value is None:
        return None
    if isinstance(value, keras.utils.PyDataset):
        value = _from_py_dataset(value)
    if isinstance(value, tf.data.Dataset):
        return _as_dataset(value, value.element_spec, shape, batch_size)
    value = value.to_numpy() if hasattr(value, "to_numpy") else value
    expected = "real_examples to be a NumPy array, a tensor or a tf.data.Dataset"
    array = hasattr(value, "__array__") and hasattr(value, "dtype")
    expect(array, expected, real_examples=type(value).__name__)
    masked = isinstance(value, np.ma.MaskedArray)
    expected = "real_examples without a mask: fill or leave out what is masked"
    expect(not masked, expected, real_examples=type(value).__name__)
    expected = "real_examples of a numeric dtype"
    expect(_is_number(value.dtype), expected, dtype=str(value.dtype))
    _expect_shape(tuple(value.shape), shape)
    expected = f"at least batch_size={batch_size} real examples"
    expect(value.shape[0] >= batch_size, expected, N=value.shape[0])
    if isinstance(value, np.memmap):
        return value
    tensor = tf.convert_to_tensor(value)
    if tensor.dtype != tf.uint8:
        tensor = tf.cast(tensor, tf.float32)
        finite = bool(tf.reduce_all(tf.math.is_finite(tensor)))
        expect(finite, "finite real_examples", real_examples="NaN or infinity in them")
    return tf.reshape(tensor, (-1, *shape))


def as_labelled_examples(
    value: Any, shape: tuple[int, ...], batch_size: int, classes: int
) -> Any:
    """Check real examples with labels and bring them into the form of the draws.

    Args:
        value: pair `(examples, labels)`, examples as in `as_real_examples` and labels
            as in `as_labels`; a `tf.data.Dataset` of such pairs of batches (whose
            labels' range is not read through); or `None`.
        shape: tuple, shape of an example as the discriminator takes it.
        batch_size: int, examples in a sample.
        classes: int, number of classes.

    Returns:
        `None`, the Dataset, or a tuple of what `as_real_examples` and `as_labels` give.

    Raises:
        InvalidInput: if either is not of its form, or their lengths differ.
    """
    if value is None:
        return None
    if isinstance(value, tf.data.Dataset):
        spec = value.element_spec
        pair = isinstance(spec, tuple) and len(spec) == 2
        expect(pair, "a Dataset of pairs (examples, labels)", element_spec=spec)
        _as_dataset(value, spec[0], shape, batch_size)
        expected = "labels in the Dataset that are integers of shape (batch,)"
        labels = isinstance(spec[1], tf.TensorSpec) and spec[1].dtype.is_integer
        expect(labels and spec[1].shape[1:] in ((), (1,)), expected, labels=spec[1])
        return value
    pair = isinstance(value, (tuple, list)) and len(value) == 2
    expected = "real_examples to be a pair of arrays (examples, labels) or a Dataset"
    expect(pair and hasattr(value[0], "shape"), expected, real_examples=value)
    examples = as_real_examples(value[0], shape, batch_size)
    labels = as_labels(value[1], classes)
    expected = f"a label for each of {len(examples)} real examples"
    expect(len(labels) == len(examples), expected, labels=len(labels))
    return examples, labels


def as_labels(labels: npt.ArrayLike, classes: int) -> tf.Tensor:
    """Check class labels.

    Args:
        labels: array, tensor or list of integers in [0, classes), `(N,)` or `(N, 1)`;
            those of a graph that is being traced are taken as they are.
        classes: int, number of classes.

    Returns:
        Int32 tensor `(N,)`.

    Raises:
        InvalidInput: for another dtype, shape or range.
    """
    if tf.is_tensor(labels) and not hasattr(labels, "numpy"):
        return labels
    array = np.asarray(labels)
    array = array[:, 0] if array.shape[1:] == (1,) else array
    array = expect_array((None,), labels=array)
    expect(array.dtype.kind in "iu", "integer labels", dtype=str(array.dtype))
    span = {"least": int(array.min()), "greatest": int(array.max())}
    inside = 0 <= span["least"] and span["greatest"] < classes
    expect(inside, f"labels from 0 to {classes - 1}", **span)
    return tf.constant(array, tf.int32)


def count_rows(real_examples: Any) -> int:
    """Number of real examples, with labels or without."""
    return len(real_examples[0] if isinstance(real_examples, tuple) else real_examples)


def take(real_examples: Any, numbers: tf.Tensor) -> Any:
    """The real examples of these numbers, with their labels if they have any.

    Args:
        real_examples: what `as_real_examples` or `as_labelled_examples` gave, not a
            Dataset.
        numbers: int64 tensor `(size,)`.

    Returns:
        Tensor `(size, …)` of the data's dtype, or a tuple of two.
    """
    if isinstance(real_examples, tuple):
        return tuple(take(part, numbers) for part in real_examples)
    if not isinstance(real_examples, np.memmap):
        return tf.gather(real_examples, numbers)
    dtype = real_examples.dtype
    examples = tf.numpy_function(lambda i: real_examples[i], [numbers], dtype)
    examples.set_shape((*numbers.shape, *real_examples.shape[1:]))
    return examples


def take_first(dataset: tf.data.Dataset, size: int) -> Any:
    """The first `size` examples of `dataset`, as `take` gives them.

    Raises:
        InvalidInput: if it has fewer.
    """
    sample = next(iter(dataset.unbatch().batch(size)), ())
    found = count_rows(sample) if sample != () else 0
    expect(found == size, f"a Dataset of at least {size} examples", found=found)
    return sample


def equal(value: Any, other: Any) -> bool:
    """Whether checked `value` and `other` are the same or hold the same numbers."""
    if isinstance(value, tuple) and isinstance(other, tuple):
        return all(equal(a, b) for a, b in zip(value, other, strict=True))
    if value is other or not (tf.is_tensor(value) and tf.is_tensor(other)):
        return value is other
    same = value.shape == other.shape and value.dtype == other.dtype
    return same and bool(tf.reduce_all(value == other))


def checksum(real_examples: Any) -> str | None:
    """Sixteen hexadecimal digits that tell the numbers of tensors from others.

    `None` for a Dataset and a memory-mapped array, which are not read through.
    """
    parts = keras.tree.flatten(real_examples)
    if not all(tf.is_tensor(part) for part in parts):
        return None
    sums = hashlib.sha256()
    for part in parts:
        sums.update(np.ascontiguousarray(part))
    return sums.hexdigest()[:16]


def fingerprint(real_examples: Any) -> str | None:
    """What tells real examples from others of the same form, wherever they are kept.

    Of arrays in memory it is `checksum`. Of a memory-mapped array up to 512 examples
    are looked at, spread over all of it, and of a Dataset only its form and length.
    """
    if isinstance(real_examples, tf.data.Dataset):
        return f"{real_examples.element_spec}, {int(real_examples.cardinality())}"
    parts = keras.tree.flatten(real_examples)
    if not any(isinstance(part, np.memmap) for part in parts):
        return checksum(real_examples)
    sums = hashlib.sha256()
    for part in parts:
        rows = _spread(part) if isinstance(part, np.memmap) else np.asarray(part)
        # The same numbers in either order of their bytes are the same examples.
        rows = rows.astype(rows.dtype.newbyteorder("<"))
        sums.update(f"{rows.dtype.str} {tuple(part.shape)} ".encode())
        sums.update(rows)
    return sums.hexdigest()[:16]


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


def count_batches(real_examples: Any, batch_size: int) -> int:
    """Batches of `batch_size` in once through `real_examples`, at least one.

    Raises:
        InvalidInput: for a Dataset without a known length.
    """
    if not isinstance(real_examples, tf.data.Dataset):
        return math.ceil(count_rows(real_examples) / batch_size)
    count = int(real_examples.cardinality())
    expected = "steps_per_epoch for a Dataset of unknown length"
    expect(count >= 1, expected, steps_per_epoch=None)
    return count


def as_dataset(
    real_examples: Any, batch_size: int, strategy: tf.distribute.Strategy
) -> tf.data.Dataset:
    """What Keras's `fit` is given: a Dataset's batches of equal size, without end.

    For an array it is a clock that nobody reads, with an example for each replica.
    """
    if not isinstance(real_examples, tf.data.Dataset):
        clock = tf.zeros((strategy.num_replicas_in_sync, 1))
        return tf.data.Dataset.from_tensors(clock).repeat()
    return real_examples.repeat().rebatch(batch_size, drop_remainder=True).prefetch(2)


def _from_py_dataset(value):
    batch = value[0]
    spec = tf.TensorSpec((None, *np.shape(batch)[1:]), np.asarray(batch).dtype)
    batches = tf.data.Dataset.from_generator(
        lambda: (value[number] for number in range(len(value))), output_signature=spec
    )
    return batches.apply(tf.data.experimental.assert_cardinality(len(value)))


def _is_number(dtype):
    try:
        dtype = tf.as_dtype(dtype)
    except TypeError:
        return False
    return dtype.is_floating or dtype.is_integer


def _expect_shape(found, shape):
    each = found[1:]
    fits = each == shape or (shape[-1] == 1 and (*each, 1) == shape)
    sizes = ", ".join(map(str, shape))
    expected = f"real_examples of shape (N, {sizes}), as the discriminator takes"
    expect(len(found) >= 1 and fits, expected, shape=found)


def _as_dataset(dataset, spec, shape, batch_size):
    tensor = isinstance(spec, tf.TensorSpec) and spec.shape.rank is not None
    expected = "a Dataset of batches of real examples alone: map(lambda x, y: x)"
    expect(tensor, expected, element_spec=dataset.element_spec)
    _expect_shape(tuple(spec.shape), shape)
    expect(_is_number(spec.dtype), "a Dataset of a numeric dtype", dtype=spec.dtype)
    expect(int(dataset.cardinality()) != 0, "a Dataset that is not empty", batches=0)
    expected = f"a Dataset of batches of batch_size={batch_size} examples"
    expect(spec.shape[0] in (None, batch_size), expected, examples=spec.shape[0])
    return dataset
