import math
import pathlib
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import refused, slow_but_first

import gan
from gan.data.examples import as_examples
from gan.data.labels import as_labels
from gan.data.pixels import find_pixel_range
from gan.errors import InvalidInput

ROWS = np.arange(24).reshape(6, 4)
LABELS = np.arange(6) % 3


def dataset(*shape, dtype="float32"):
    return tf.data.Dataset.from_tensors(np.zeros(shape, dtype))


def mapped(path, array):
    np.save(path / "x.npy", array)
    return np.load(path / "x.npy", mmap_mode="r")


class Batches(keras.utils.PyDataset):
    """Batches of three rows of the given arrays."""

    def __init__(self, *arrays):
        super().__init__()
        self.arrays = arrays

    def __len__(self):
        return len(self.arrays[0]) // 3

    def __getitem__(self, number):
        parts = tuple(a[3 * number : 3 * number + 3] for a in self.arrays)
        return parts if len(parts) > 1 else parts[0]


# -- forms ----------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "int64"])
@pytest.mark.parametrize("form", [np.array, tf.constant])
def test_numbers_become_float32(dtype, form):
    real = as_examples(form(ROWS.astype(dtype)), (4,), 6).value
    assert tf.is_tensor(real) and real.dtype == tf.float32
    np.testing.assert_array_equal(real, ROWS)


@pytest.mark.parametrize("form", [tf.Variable, keras.Variable])
def test_variables_are_arrays(form):
    assert as_examples(form(np.ones((9, 2))), (2,), 3).value.shape == (9, 2)


@pytest.mark.parametrize("form", [np.array, tf.constant])
def test_bytes_stay_bytes_until_they_are_drawn(form):
    """As floats they would take four times the memory."""
    real = as_examples(form(ROWS.astype("uint8")), (4,), 6)
    assert real.value.dtype == tf.uint8
    np.testing.assert_array_equal(real.value, ROWS)
    np.testing.assert_allclose(real.first(6).examples, ROWS / 255, rtol=1e-6)
    real.pixel_range = (-1.0, 1.0)
    np.testing.assert_allclose(real.first(6).examples, ROWS / 127.5 - 1, rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float64", "uint8"])
def test_a_last_axis_of_one_is_added(dtype):
    pictures = np.zeros((5, 2, 3), dtype)
    for array in (pictures, pictures[..., None]):
        assert as_examples(array, (2, 3, 1), 5).value.shape == (5, 2, 3, 1)


def test_arrays_of_any_strides():
    for array in (ROWS.T[:, ::-1], np.asfortranarray(ROWS.T)):
        np.testing.assert_array_equal(as_examples(array, (6,), 2).value, array)


def test_none_datasets_and_memory_maps_are_kept(tmp_path):
    assert as_examples(None, (4,), 6) is None
    for value in (mapped(tmp_path, ROWS), dataset(3, 4), dataset(3, 4, dtype="uint8")):
        assert as_examples(value, (4,), 3).value is value


@pytest.mark.parametrize("dtype", [">f4", ">f8", ">i2", ">u4", "<f2", "?"])
def test_bytes_of_another_order_are_the_same_numbers(tmp_path, dtype):
    """TensorFlow knows only one byte order; rows are drawn eagerly and in a graph."""
    rows = (ROWS % 2).astype(dtype) if dtype == "?" else ROWS.astype(dtype)
    for value in (mapped(tmp_path, rows), rows):
        real = as_examples(value, (4,), 3)
        numbers = tf.constant([4, 0], tf.int64)
        for draw in (real.draw, tf.function(lambda i, real=real: real.draw(i))):
            np.testing.assert_array_equal(draw(numbers).examples, rows[[4, 0]])


def test_frames_of_truth_values_and_missing_kinds(tmp_path):
    class Frame:
        """Like a frame of pandas with mixed columns: it gives objects by default."""

        shape = ROWS.shape

        def to_numpy(self, dtype=object, na_value=None):
            return ROWS.astype(dtype)

    np.testing.assert_array_equal(as_examples(Frame(), (4,), 3).value, ROWS)
    truth = ROWS > 5
    for value in (truth, tf.constant(truth)):
        np.testing.assert_array_equal(as_examples(value, (4,), 3).value, truth)


# -- refusals -------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        [[1.0] * 4],
        "rows",
        ROWS.astype("M8[s]"),
        ROWS.astype(object),
        ROWS[:, :3],
        ROWS[..., None],
        ROWS[0],
        np.int64(4),
        ROWS[:2],
        np.ma.masked_less(ROWS, 3),
        np.where(ROWS == 5, np.inf, ROWS),
        tf.fill((6, 4), np.float16(np.nan)),
        dataset(3, 4).map(lambda x: (x, x)),
        dataset(3, 4).map(lambda x: {"x": x}),
        dataset(3, 5),
        dataset(4),
        dataset(3, 4, dtype="bool"),
        dataset(3, 4).take(0),
        dataset(3, 4).filter(lambda x: False),
        tf.data.Dataset.from_generator(lambda: [ROWS], tf.float32),
        Batches(ROWS, LABELS),
        Batches(ROWS.astype(str)),
    ],
)
def test_refused(value):
    with refused("real_examples"):
        as_examples(value, (4,), 3)


@pytest.mark.parametrize(
    "spec, cure",
    [
        (lambda x: (x, x), r"map\(lambda x, y: x\)"),
        (lambda x: {"image": x}, r'map\(lambda batch: batch\["image"\]\)'),
    ],
)
def test_the_cure_fits_what_the_dataset_gives(spec, cure):
    with pytest.raises(InvalidInput, match=cure):
        as_examples(dataset(3, 4).map(spec), (4,), 3)


def test_a_memory_map_is_checked_without_being_read(tmp_path):
    for value, shape, size in (
        (np.full((6, 4), "a"), (4,), 3),
        (ROWS, (5,), 3),
        (ROWS, (4,), 7),
    ):
        with refused("real_examples"):
            as_examples(mapped(tmp_path, value), shape, size)


# -- the same numbers -----------------------------------------------------------


def test_equal_examples():
    def same(one, other, classes=None):
        one, other = (as_examples(v, (4,), 3, classes) for v in (one, other))
        return one.equals(other)

    assert same(ROWS, ROWS.copy())
    for other in (ROWS + 1, ROWS[:5], ROWS.astype("uint8"), dataset(6, 4)):
        assert not same(ROWS, other) and not same(other, ROWS)
    assert not same(dataset(6, 4), dataset(6, 4))
    assert same((ROWS, LABELS), (ROWS.copy(), LABELS.copy()), 3)
    assert not same((ROWS, LABELS), (ROWS, LABELS[::-1]), 3)


def test_fingerprints_tell_data_apart(tmp_path):
    known = set()
    for rows in (ROWS, ROWS + 1, ROWS[:5]):
        for value in (rows, mapped(tmp_path, rows)):
            prints = {as_examples(value, (4,), 3).fingerprint() for _ in range(2)}
            assert len(prints) == 1
            known |= prints
    assert len(known) == 6
    streamed = {as_examples(dataset(n, 4), (4,), 3).fingerprint() for n in (6, 7)}
    assert len(streamed) == 2


# -- batches --------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 4, 5, 6])
def test_steps_through_an_array(size):
    assert as_examples(ROWS, (4,), size).steps(size) == math.ceil(6 / size)


def test_steps_through_a_dataset():
    rows = tf.data.Dataset.from_tensor_slices(ROWS).batch(4)
    assert as_examples(rows, (4,), 4).steps(4) == 2
    assert as_examples(rows.repeat(3), (4,), 4).steps(4) == 6
    for unknown in (rows.repeat(), rows.filter(lambda x: True)):
        with refused("steps_per_epoch"):
            as_examples(unknown, (4,), 4).steps(4)


def batches(dataset, size):
    real = as_examples(dataset.map(lambda x: x[:, None]), (1,), size)
    strategy = tf.distribute.get_strategy()
    return (np.ravel(batch).tolist() for batch in real.batches(size, strategy))


def test_batches_without_end():
    seen = batches(tf.data.Dataset.range(5).batch(3), 2)
    seen = [next(seen) for _ in range(6)]
    assert seen == [[0, 1], [2, 3], [4, 0], [1, 2], [3, 4], [0, 1]]
    seen = batches(tf.data.Dataset.range(2).batch(2), 5)
    assert [next(seen) for _ in range(2)] == [[0, 1, 0, 1, 0], [1, 0, 1, 0, 1]]


# -- labels ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "form",
    [
        list,
        np.uint8,
        tf.constant,
        lambda labels: labels[:, None],
        np.float32,
        lambda labels: np.float64(labels)[:, None],
    ],
)
def test_whole_numbers_of_any_dtype_are_labels(form):
    """Numbers read from tables are floats; `label_mode="binary"` adds an axis."""
    real = as_examples((ROWS, form(LABELS)), (4,), 6, 3)
    rows, labels = real.value
    assert rows.dtype == tf.float32 and labels.dtype == tf.int32
    np.testing.assert_array_equal(rows, ROWS)
    np.testing.assert_array_equal(labels, LABELS)


@pytest.mark.parametrize(
    "labels",
    [
        [2**32],
        [-(2**32)],
        [3],
        [-1],
        [0.5],
        [np.nan],
        ["cat", "dog"],
        [],
        np.eye(3),
        [None],
    ],
)
def test_other_labels_are_refused(labels):
    with refused("labels"):
        as_labels(labels, 3)


@pytest.mark.parametrize("labels", [[0, 1, -1], [0, 1, 3], [0.0, 1.5, 1.0]])
def test_a_datasets_labels_are_looked_at(labels):
    """A label of -1 would count from the end."""
    pairs = tf.data.Dataset.from_tensors((ROWS[:3], np.array(labels)))
    real = as_examples(pairs, (4,), 3, 3)
    with pytest.raises(tf.errors.InvalidArgumentError, match="is not a class"):
        next(iter(real.batches(3, tf.distribute.get_strategy())))


def test_examples_and_labels_are_taken_together(tmp_path):
    numbers = tf.constant([4, 0], tf.int64)
    for rows in (ROWS, mapped(tmp_path, ROWS)):
        real = as_examples((rows, LABELS), (4,), 6, 3)
        examples, labels = tf.function(lambda real=real: tuple(real.draw(numbers)))()
        np.testing.assert_array_equal(examples, ROWS[[4, 0]])
        np.testing.assert_array_equal(labels, [1, 0])
        assert examples.shape == (2, 4)


@pytest.mark.parametrize("dtype", slow_but_first("int64", "float32", single=True))
def test_pairs_of_a_dataset_or_a_py_dataset(dtype):
    labels = LABELS.astype(dtype)
    pairs = tf.data.Dataset.from_tensor_slices((ROWS, labels)).batch(3)
    for value in (pairs, Batches(ROWS, labels), Batches(ROWS, labels[:, None])):
        real = as_examples(value, (4,), 3, 3)
        examples, found = real.first(5)
        np.testing.assert_array_equal(examples, ROWS[:5])
        np.testing.assert_array_equal(found, LABELS[:5])
        batch = next(iter(real.batches(3, tf.distribute.get_strategy())))
        np.testing.assert_array_equal(real.in_form(batch).condition, LABELS[:3])
        with refused("size"):
            real.first(7)


# -- what the numbers mean ------------------------------------------------------


@pytest.mark.parametrize(
    "low, high, found",
    [
        (0, 1, (0, 1)),
        (0.2, 0.4, (0, 1)),
        (-1, 1, (-1, 1)),
        (-0.5, 0.3, (-1, 1)),
        (0, 255, (0, 255)),
        (-3, 3, (-3, 3)),
    ],
)
def test_find_pixel_range(low, high, found):
    assert find_pixel_range(np.linspace(low, high, 100)) == found


# -- in a model -----------------------------------------------------------------


def test_a_datasets_own_batches_count(vectors):
    """They must not differ from a batch_size that the user gave."""
    rows = np.random.default_rng(0).random((64, 2), "float32")
    data = tf.data.Dataset.from_tensor_slices(rows).batch(16)
    parts = gan.fully_connected_GenDiscr([2, 4, 2], None)
    model = gan.WGAN_GP(*parts, disc_iter=1)
    seen = []
    model.compile(run_eagerly=True)
    model.augment = None
    judge = model.judge
    model.judge = lambda x, *rest, **o: (seen.append(len(x)), judge(x, *rest, **o))[1]
    model.fit(data, epochs=1, steps_per_epoch=1, verbose=0)
    assert {*seen} == {16} and model.batch_size == 16
    with refused("batch_size"):
        model.fit(data, batch_size=32, steps_per_epoch=1, verbose=0)
    with refused("batch_size"):
        gan.WGAN_GP(*gan.fully_connected_GenDiscr([2, 4, 2], None), data, 8)


@pytest.mark.parametrize("form", ["array", "dataset", "memory map", "py_dataset"])
def test_data_out_of_the_generators_reach_are_noticed(form, tmp_path):
    rows = np.full((200, 2), 200.0, "float32")
    value = {
        "array": lambda: rows,
        "dataset": lambda: tf.data.Dataset.from_tensors(rows),
        "memory map": lambda: mapped(tmp_path, rows),
        "py_dataset": lambda: Batches(rows),
    }[form]()
    parts = gan.fully_connected_GenDiscr([2, 4, 2], None)
    with warnings.catch_warnings(record=True, action="always") as caught:
        gan.WGAN_GP(*parts, value)
    beyond = [
        w for w in caught if "beyond the range of the generator" in str(w.message)
    ]
    assert len(beyond) == 1
    assert pathlib.Path(beyond[0].filename) == pathlib.Path(__file__)


def test_one_label_is_for_all(pictures):
    parts = gan.residual_GenDiscr((8, 8, 1), latent_dim=4, width=4, classes=3)
    model = gan.R3GAN(*parts)
    _, labels = model.get_fake_sample(5, labels=2)
    np.testing.assert_array_equal(labels, [2] * 5)
    with refused("labels"):
        model.get_fake_sample(5, labels=3)
