import io
import sys
import types
import warnings
import zipfile

import numpy as np
import pytest
from conftest import refused
from PIL import Image

from gan.data import folders
from gan.data.downloads import load_lfw, load_mnist
from gan.errors import InvalidInput

RNG = np.random.default_rng(0)
DIGITS = RNG.integers(0, 256, (4, 28, 28), "uint8")
LABELS = np.array([7, 0, 9, 3], np.uint8)
FACES = RNG.integers(0, 256, (3, 36, 36, 3), "uint8")


def save_png(array, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


@pytest.mark.parametrize("pictures", ["x_train", "x"])
@pytest.mark.parametrize("labels", ["y_train", "y"])
def test_npz_as_keras_and_as_others_name_it(tmp_path, pictures, labels):
    path, rest = tmp_path / "mnist.npz", {"x_test": DIGITS[:1], "y_test": LABELS[:1]}
    np.savez_compressed(path, **{pictures: DIGITS, labels: LABELS}, **rest)
    digits = load_mnist(path)
    assert digits.pictures.dtype == np.uint8 and digits.labels.dtype == np.int32
    np.testing.assert_array_equal(digits.labels, LABELS)
    np.testing.assert_array_equal(digits.pictures[..., 0], DIGITS)


def test_floats_a_last_axis_and_missing_labels(tmp_path):
    floats = np.float32(DIGITS / 255)
    np.savez(tmp_path / "a.npz", x=floats[..., None])
    digits = load_mnist(tmp_path / "a.npz")
    np.testing.assert_array_equal(digits.floats(), floats)
    assert digits.labels is None


@pytest.mark.parametrize("labels", [np.arange(3) + 5000, np.array(["a", "b", "c"])])
def test_labels_of_faces_are_not_read(tmp_path, labels):
    np.savez(tmp_path / "lfw.npz", x=FACES, y=labels)
    faces = load_lfw(tmp_path / "lfw.npz")
    np.testing.assert_array_equal(faces.pictures, FACES)
    assert faces.labels is None


@pytest.mark.parametrize("load", [load_mnist, load_lfw])
@pytest.mark.parametrize("shape", [(3, 72, 84), (3, 20, 16, 1), (3, 40, 30, 3)])
def test_npz_and_npy_of_any_size_give_the_same(tmp_path, load, shape):
    array = RNG.integers(0, 256, shape, "uint8")
    np.savez(tmp_path / "a.npz", x_train=array, x_test=array[:1])
    np.save(tmp_path / "a.npy", array)
    both = [load(tmp_path / name).floats() for name in ("a.npz", "a.npy")]
    np.testing.assert_array_equal(*both)
    assert both[0].shape == ((3, 28, 28) if load is load_mnist else (3, 36, 36, 3))
    if shape == (3, 72, 84) and load is load_lfw:
        means = array[:, :, 6:78].reshape(3, 36, 2, 36, 2).mean((2, 4)) / 255
        np.testing.assert_allclose(both[0][..., 1], means, atol=1 / 255)


def test_npy_and_folders(tmp_path):
    np.save(tmp_path / "digits.npy", DIGITS)
    for number, digit in enumerate(DIGITS):
        save_png(digit, tmp_path / "folder" / f"{number}.png")
    for name in ("digits.npy", "folder"):
        digits = load_mnist(tmp_path / name)
        np.testing.assert_array_equal(digits.pictures[..., 0], DIGITS)
        assert digits.labels is None


def test_ten_subfolders_are_labels(tmp_path):
    for digit in range(10):
        for number in range(2 if digit == 3 else 1):
            save_png(DIGITS[digit % 4], tmp_path / str(digit) / f"{number}.png")
    digits = load_mnist(tmp_path)
    assert digits.labels.tolist() == [0, 1, 2, 3, 3, 4, 5, 6, 7, 8, 9]
    np.testing.assert_array_equal(digits.pictures[5, ..., 0], DIGITS[0])
    for digit in (4, 0):
        (tmp_path / str(digit) / "0.png").unlink()
        (tmp_path / str(digit)).rmdir()
        with pytest.raises(InvalidInput, match=f"ten sub-folders .* {digit}"):
            load_mnist(tmp_path)


@pytest.mark.parametrize("load", [load_mnist, load_lfw])
def test_the_readers_of_recipes_take_a_folder_as_train_does(tmp_path, load):
    for name in ("train/a.png", "train/.b.png", "test/c.png", "__MACOSX/d.png"):
        save_png(FACES[0], tmp_path / name)
    assert len(load(tmp_path).pictures) == 1


def test_faces_in_colour_and_in_grey(tmp_path):
    np.savez(tmp_path / "colour.npz", x=FACES)
    np.save(tmp_path / "colour.npy", FACES)
    for number, face in enumerate(FACES):
        save_png(face, tmp_path / "folder" / f"{number}.png")
    for name in ("colour.npz", "colour.npy", "folder"):
        np.testing.assert_array_equal(load_lfw(tmp_path / name).pictures, FACES)
    np.savez(tmp_path / "grey.npz", x=FACES[..., 0])
    np.save(tmp_path / "grey.npy", FACES[..., 0])
    for name in ("grey.npz", "grey.npy"):
        pictures = load_lfw(tmp_path / name).pictures
        assert pictures.shape == (3, 36, 36, 3)
        for channel in range(3):
            np.testing.assert_array_equal(pictures[..., channel], FACES[..., 0])


def test_what_a_folder_holds_beside_pictures_is_named(tmp_path):
    save_png(FACES[0], tmp_path / "a.png")
    for number in range(3):
        (tmp_path / f"{number}.txt").write_text("not a picture")
    faces = load_lfw(tmp_path)
    assert faces.pictures.shape == (1, 36, 36, 3)
    expected = "1 picture, 36x36 colour; left out 3, not read by Pillow (such as "
    assert faces.said == f"{expected}{str(tmp_path / '0.txt')!r})"


def test_a_long_reading_tells_a_terminal_how_far_it_is(tmp_path, monkeypatch, capsys):
    for number, face in enumerate(FACES):
        save_png(face, tmp_path / f"{number}.png")
    monkeypatch.setattr(folders.time, "monotonic", iter(range(0, 99, 3)).__next__)
    monkeypatch.setattr(folders.sys.stderr, "isatty", lambda: True)
    load_lfw(tmp_path)
    told = "\r0 of 3\r1 of 3\r2 of 3\r3 of 3\n"
    # The files are opened once to find the pictures, and once to read them.
    assert capsys.readouterr() == ("", 2 * told)


def test_a_folder_may_be_called_as_a_file(tmp_path):
    save_png(FACES[0], tmp_path / "dir.npz" / "a.png")
    assert load_lfw(tmp_path / "dir.npz").pictures.shape == (1, 36, 36, 3)


@pytest.mark.parametrize("load", [load_mnist, load_lfw])
def test_the_empty_path_is_not_the_current_folder(load, tmp_path, monkeypatch):
    save_png(FACES[0], tmp_path / "a.png")
    monkeypatch.chdir(tmp_path)
    with refused("path"):
        load("")


def write(path, **arrays):
    np.savez(path, **arrays)


@pytest.mark.parametrize(
    "arrays",
    [
        {"a": DIGITS, "b": DIGITS},
        {"x": DIGITS[0]},
        {"x": DIGITS[:0]},
        {"x": np.stack([DIGITS] * 2, axis=-1)},
        {"x": DIGITS.astype(int)},
        {"x": DIGITS.astype(float)},
        {"x": DIGITS, "y": LABELS[:3]},
        {"x": DIGITS, "y": LABELS + 1},
        {"x": DIGITS, "y": LABELS - 1.0},
        {"x": DIGITS, "y": np.int8(LABELS) - 1},
        {"x": DIGITS, "y": LABELS / 1.0},
        {"x": DIGITS, "y": np.array([object()] * 4)},
    ],
)
def test_bad_arrays(tmp_path, arrays):
    write(tmp_path / "bad.npz", **arrays)
    with refused("path"):
        load_mnist(tmp_path / "bad.npz")


def test_bad_paths(tmp_path):
    for name in ("none", "none.npz", "none.npy"):
        with refused("path"):
            load_mnist(tmp_path / name)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput, match="no files"):
        load_mnist(tmp_path / "empty")
    (tmp_path / "text.png").write_text("not a picture")
    with refused("path"):
        load_lfw(tmp_path / "text.png")
    (tmp_path / "text.npz").write_text("not an archive")
    with refused("path"):
        load_lfw(tmp_path / "text.npz")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "text.png").write_text("not a picture")
    with pytest.raises(InvalidInput, match="not read by Pillow"):
        load_lfw(tmp_path / "folder")


def test_a_header_that_lies_does_not_cost_memory(tmp_path):
    buffer = io.BytesIO()
    header = {"descr": "|u1", "fortran_order": False, "shape": (10**9, 28, 28)}
    np.lib.format.write_array_header_1_0(buffer, header)
    with zipfile.ZipFile(tmp_path / "lie.npz", "w") as archive:
        archive.writestr("x.npy", buffer.getvalue())
    with refused("path"):
        load_mnist(tmp_path / "lie.npz")


def test_mnist_from_the_network(monkeypatch):
    import keras

    data = (DIGITS, LABELS), (DIGITS[:1], LABELS[:1])
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: data)
    digits = load_mnist()
    np.testing.assert_array_equal(digits.pictures[..., 0], DIGITS)
    np.testing.assert_array_equal(digits.floats(), np.float32(DIGITS / 255))
    assert digits.labels.tolist() == LABELS.tolist()

    def fail():
        raise Exception("URL fetch failure on there:\n None -- no route")

    monkeypatch.setattr(keras.datasets.mnist, "load_data", fail)
    with pytest.raises(
        InvalidInput, match="MNIST.*no route.*--pictures PATH"
    ) as caught:
        load_mnist()
    assert "\n" not in str(caught.value)


def test_lfw_from_the_network(monkeypatch):
    asked = {}

    def fetch_lfw_people(**options):
        asked.update(options)
        return types.SimpleNamespace(images=np.float32(FACES / 255))

    fake = types.SimpleNamespace(fetch_lfw_people=fetch_lfw_people)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", fake)
    np.testing.assert_array_equal(load_lfw().pictures, FACES)
    rows, columns = asked["slice_"]
    # scikit-learn crops the middle of 250×250 pixels and resizes it to 36×36.
    assert (rows.start + rows.stop, columns.start + columns.stop) == (250, 250)
    assert int(asked["resize"] * (rows.stop - rows.start)) == 36 and asked["color"]

    def fail(**options):
        warnings.warn("Retry downloading from url", UserWarning, stacklevel=1)
        raise OSError("no route")

    fake.fetch_lfw_people = fail
    with pytest.raises(InvalidInput, match="LFW.*no route.*--pictures PATH"):
        load_lfw()
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(InvalidInput, match=r"gan\[lfw\].*--pictures"):
        load_lfw()
