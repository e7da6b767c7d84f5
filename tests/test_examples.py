import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan.data.examples import (
    as_dataset,
    as_labelled_examples,
    as_labels,
    as_real_examples,
    count_batches,
    count_rows,
    take,
    take_first,
)
from gan.errors import InvalidInput

ROWS = np.arange(24).reshape(6, 4)


def dataset(*shape, dtype="float32"):
    return tf.data.Dataset.from_tensors(np.zeros(shape, dtype))


# -- forms ----------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "int64"])
@pytest.mark.parametrize("form", [np.array, tf.constant])
def test_numbers_become_float32(dtype, form):
    real = as_real_examples(form(ROWS.astype(dtype)), (4,), 6)
    assert tf.is_tensor(real) and real.dtype == tf.float32
    np.testing.assert_array_equal(real, ROWS)


@pytest.mark.parametrize("form", [tf.Variable, keras.Variable])
def test_variables_are_arrays(form):
    assert as_real_examples(form(np.ones((9, 2))), (2,), 3).shape == (9, 2)


@pytest.mark.parametrize("form", [np.array, tf.constant])
def test_bytes_stay_bytes(form):
    """As floats they would take four times the memory."""
    real = as_real_examples(form(ROWS.astype("uint8")), (4,), 6)
    assert real.dtype == tf.uint8
    np.testing.assert_array_equal(real, ROWS)


@pytest.mark.parametrize("dtype", ["float64", "uint8"])
def test_a_last_axis_of_one_is_added(dtype):
    pictures = np.zeros((5, 2, 3), dtype)
    for array in (pictures, pictures[..., None]):
        assert as_real_examples(array, (2, 3, 1), 5).shape == (5, 2, 3, 1)


def test_arrays_of_any_strides():
    for array in (ROWS.T[:, ::-1], np.asfortranarray(ROWS.T)):
        np.testing.assert_array_equal(as_real_examples(array, (6,), 2), array)


def test_none_datasets_and_memory_maps_are_kept(tmp_path):
    assert as_real_examples(None, (4,), 6) is None
    np.save(tmp_path / "x.npy", ROWS)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    for value in (mapped, dataset(3, 4), dataset(3, 4, dtype="uint8")):
        assert as_real_examples(value, (4,), 3) is value


def test_a_dataset_whose_batches_have_no_fixed_length():
    value = tf.data.Dataset.from_tensor_slices(np.zeros((7, 4))).batch(3)
    assert as_real_examples(value, (4,), 3) is value


# -- refusals -------------------------------------------------------------------


@pytest.mark.parametrize(
    "value, message",
    [
        ([[1.0] * 4], "real_examples to be a NumPy array, a tensor or a tf.data"),
        ("rows", "real_examples to be a NumPy array, a tensor or a tf.data"),
        (ROWS.astype(bool), "real_examples of a numeric dtype.*dtype='bool'"),
        (ROWS.astype("M8[s]"), "real_examples of a numeric dtype"),
        (ROWS.astype(object), "real_examples of a numeric dtype"),
        (ROWS[:, :3], r"shape \(N, 4\), as the.*shape=\(6, 3\)"),
        (ROWS[..., None], r"shape \(N, 4\), as the.*shape=\(6, 4, 1\)"),
        (ROWS[0], r"shape \(N, 4\), as the.*shape=\(4,\)"),
        (np.int64(4), r"shape \(N, 4\), as the.*shape=\(\)"),
        (ROWS[:2], "at least batch_size=3 real examples. Received: N=2"),
        (np.where(ROWS == 5, np.inf, ROWS), "finite real_examples"),
        (tf.fill((6, 4), np.float16(np.nan)), "finite real_examples"),
        (dataset(3, 4).map(lambda x: (x, x)), "real examples alone"),
        (dataset(3, 4).map(lambda x: {"x": x}), "real examples alone"),
        (dataset(3, 5), r"shape \(N, 4\), as the.*shape=\(3, 5\)"),
        (dataset(4), r"shape \(N, 4\), as the.*shape=\(4,\)"),
        (dataset(3, 4, dtype="bool"), "a Dataset of a numeric dtype"),
        (dataset(2, 4), "batches of batch_size=3"),
    ],
)
def test_refused(value, message):
    with pytest.raises(InvalidInput, match=f"^Expected .*{message}"):
        as_real_examples(value, (4,), 3)


def test_a_memory_map_is_checked_without_being_read(tmp_path):
    np.save(tmp_path / "x.npy", np.full((6, 4), "a"))
    with pytest.raises(InvalidInput, match="of a numeric dtype"):
        as_real_examples(np.load(tmp_path / "x.npy", mmap_mode="r"), (4,), 3)
    np.save(tmp_path / "x.npy", ROWS)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    with pytest.raises(InvalidInput, match=r"of shape \(N, 5\)"):
        as_real_examples(mapped, (5,), 3)
    with pytest.raises(InvalidInput, match="at least batch_size=7"):
        as_real_examples(mapped, (4,), 7)


# -- batches --------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 4, 5, 6, 100])
def test_count_batches_of_an_array(size):
    assert count_batches(tf.zeros((6, 4)), size) == math.ceil(6 / size)


def test_count_batches_of_a_dataset():
    rows = tf.data.Dataset.from_tensor_slices(ROWS).batch(4)
    assert count_batches(rows, 4) == 2
    assert count_batches(rows.repeat(3), 4) == 6
    for unknown in (rows.repeat(), rows.filter(lambda x: True), rows.take(0)):
        with pytest.raises(InvalidInput, match="Expected steps_per_epoch for a Data"):
            count_batches(unknown, 4)


def batches(real, size):
    dataset = as_dataset(real, size, tf.distribute.get_strategy())
    return (batch.numpy().tolist() for batch in dataset)


def test_batches_without_end():
    seen = batches(tf.data.Dataset.range(5).batch(3), 2)
    seen = [next(seen) for _ in range(6)]
    assert seen == [[0, 1], [2, 3], [4, 0], [1, 2], [3, 4], [0, 1]]
    seen = batches(tf.data.Dataset.range(2).batch(2), 5)
    assert [next(seen) for _ in range(2)] == [[0, 1, 0, 1, 0], [1, 0, 1, 0, 1]]


# -- labels ---------------------------------------------------------------------

PAIR = ROWS, np.arange(6) % 3


def test_labelled_examples():
    """Their forms and refusals are in test_ac_gan."""
    assert as_labelled_examples(None, (4,), 6, 3) is None
    for form in (list, np.uint8, tf.constant, lambda labels: labels[:, None]):
        rows, labels = as_labelled_examples((ROWS, form(PAIR[1])), (4,), 6, 3)
        assert rows.dtype == tf.float32 and labels.dtype == tf.int32
        np.testing.assert_array_equal(rows, ROWS)
        np.testing.assert_array_equal(labels, PAIR[1])
    pairs = tf.data.Dataset.from_tensors(PAIR)
    assert as_labelled_examples(pairs, (4,), 6, 3) is pairs


def test_labels_are_not_cut_to_fit():
    assert as_labels(np.int64([0, 2]), 3).shape == (2,)
    for label in (2**32, -(2**32)):
        with pytest.raises(InvalidInput, match="Expected labels from 0 to 2. Received"):
            as_labels([label], 3)


def test_pairs_are_counted():
    pair = as_labelled_examples(PAIR, (4,), 6, 3)
    assert count_rows(pair) == 6 and count_batches(pair, 4) == 2


def test_rows_and_labels_are_taken_together(tmp_path):
    np.save(tmp_path / "x.npy", ROWS)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    numbers = tf.constant([4, 0], tf.int64)
    np.testing.assert_array_equal(take(tf.constant(ROWS), numbers), ROWS[[4, 0]])
    for rows in (tf.constant(ROWS), mapped):
        taken = tf.function(lambda rows=rows: take((rows, PAIR[1]), numbers))()
        np.testing.assert_array_equal(taken[0], ROWS[[4, 0]])
        np.testing.assert_array_equal(taken[1], [1, 0])
        assert taken[0].shape == (2, 4)


def test_the_first_rows_of_a_dataset():
    pairs = tf.data.Dataset.from_tensor_slices(PAIR).batch(4)
    rows, labels = take_first(pairs, 5)
    np.testing.assert_array_equal(rows, ROWS[:5])
    np.testing.assert_array_equal(labels, PAIR[1][:5])
    with pytest.raises(InvalidInput, match="Expected a Dataset of at least 7"):
        take_first(pairs, 7)
