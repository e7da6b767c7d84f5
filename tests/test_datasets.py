import io
import sys
import types
import zipfile

import numpy as np
import pytest
from PIL import Image

from gan._validation import InvalidInput
from gan.datasets import load_lfw, load_mnist

RNG = np.random.default_rng(0)
DIGITS = RNG.integers(0, 256, (4, 28, 28), "uint8")
LABELS = np.array([7, 0, 9, 3], np.uint8)
FACES = RNG.integers(0, 256, (3, 36, 36, 3), "uint8")


def save_png(array, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


@pytest.mark.parametrize("names", [("x_train", "y_train"), ("x", "y")])
def test_npz_as_keras_and_as_others_name_it(tmp_path, names):
    path, rest = tmp_path / "mnist.npz", {"x_test": DIGITS[:1], "y_test": LABELS[:1]}
    np.savez_compressed(path, **dict(zip(names, (DIGITS, LABELS), strict=True)), **rest)
    digits = load_mnist(path)
    assert digits.pictures.dtype == np.float32 and digits.labels.dtype == np.int32
    np.testing.assert_array_equal(digits.labels, LABELS)
    np.testing.assert_allclose(digits.pictures, DIGITS / 255, rtol=1e-6)


def test_floats_a_last_axis_and_missing_labels(tmp_path):
    floats = np.float32(DIGITS / 255)
    np.savez(tmp_path / "a.npz", x=floats[..., None])
    digits = load_mnist(tmp_path / "a.npz")
    np.testing.assert_array_equal(digits.pictures, floats)
    assert digits.labels is None


def test_npy_and_folders(tmp_path):
    np.save(tmp_path / "digits.npy", DIGITS)
    for number, digit in enumerate(DIGITS):
        save_png(digit, tmp_path / "folder" / f"{number}.png")
    for name in ("digits.npy", "folder"):
        digits = load_mnist(tmp_path / name)
        np.testing.assert_allclose(digits.pictures, DIGITS / 255, rtol=1e-6)
        assert digits.labels is None


def test_ten_subfolders_are_labels(tmp_path):
    for digit in range(10):
        for number in range(2 if digit == 3 else 1):
            save_png(DIGITS[digit % 4], tmp_path / str(digit) / f"{number}.png")
    digits = load_mnist(tmp_path)
    assert digits.labels.tolist() == [0, 1, 2, 3, 3, 4, 5, 6, 7, 8, 9]
    np.testing.assert_allclose(digits.pictures[5], DIGITS[0] / 255, rtol=1e-6)
    (tmp_path / "4" / "0.png").unlink()
    (tmp_path / "4").rmdir()
    with pytest.raises(InvalidInput, match=r"ten sub-folders.*missing=\[4\]"):
        load_mnist(tmp_path)


def test_faces_in_colour_and_in_grey(tmp_path):
    np.savez(tmp_path / "colour.npz", x=FACES)
    np.save(tmp_path / "colour.npy", FACES)
    for number, face in enumerate(FACES):
        save_png(face, tmp_path / "folder" / f"{number}.png")
    for name in ("colour.npz", "colour.npy", "folder"):
        pictures = load_lfw(tmp_path / name)
        assert pictures.dtype == np.float32
        np.testing.assert_allclose(pictures, FACES / 255, rtol=1e-6)
    np.savez(tmp_path / "grey.npz", x=FACES[..., 0])
    np.save(tmp_path / "grey.npy", FACES[..., 0])
    for name in ("grey.npz", "grey.npy"):
        pictures = load_lfw(tmp_path / name)
        assert pictures.shape == (3, 36, 36, 3)
        for channel in range(3):
            np.testing.assert_allclose(
                pictures[..., channel], FACES[..., 0] / 255, rtol=1e-6
            )


def test_what_a_folder_holds_beside_pictures_is_named(tmp_path, capsys):
    save_png(FACES[0], tmp_path / "a.png")
    (tmp_path / "notes.txt").write_text("not a picture")
    assert load_lfw(tmp_path).shape == (1, 36, 36, 3)
    assert capsys.readouterr().out.rstrip().endswith("notes.txt: not a picture")


def write(path, **arrays):
    np.savez(path, **arrays)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"pictures": DIGITS}, "an array named x_train or x.*pictures"),
        ({"x": DIGITS[:, :20]}, r"pictures of size 28x28.*\(4, 20, 28\)"),
        ({"x": DIGITS[0]}, "at least one picture"),
        ({"x": DIGITS[:0]}, "at least one picture"),
        ({"x": np.stack([DIGITS] * 3, axis=-1)}, "at least one picture"),
        ({"x": DIGITS.astype(int)}, "pictures of dtype uint8 or float"),
        ({"x": DIGITS.astype(float)}, r"float pictures in \[0, 1\]"),
        ({"x": DIGITS, "y": LABELS[:3]}, "4 labels from 0 to 9"),
        ({"x": DIGITS, "y": LABELS + 1}, "4 labels from 0 to 9"),
        ({"x": DIGITS, "y": LABELS / 1.0}, "4 labels from 0 to 9"),
        ({"x": DIGITS, "y": np.array([object()] * 4)}, "a readable .npz file"),
    ],
)
def test_bad_arrays(tmp_path, arrays, message):
    write(tmp_path / "bad.npz", **arrays)
    with pytest.raises(InvalidInput, match=f"(?s)Expected .*{message}"):
        load_mnist(tmp_path / "bad.npz")


def test_bad_paths(tmp_path):
    for name in ("none", "none.npz", "none.npy"):
        with pytest.raises(InvalidInput, match="Expected an existing"):
            load_mnist(tmp_path / name)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput, match="at least one picture.*no files"):
        load_mnist(tmp_path / "empty")
    (tmp_path / "text.png").write_text("not a picture")
    with pytest.raises(InvalidInput, match="Expected a readable"):
        load_lfw(tmp_path / "text.png")
    (tmp_path / "text.npz").write_text("not an archive")
    with pytest.raises(InvalidInput, match="a readable .npz file"):
        load_lfw(tmp_path / "text.npz")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "text.png").write_text("not a picture")
    with pytest.raises(InvalidInput, match="at least one picture.*not a picture"):
        load_lfw(tmp_path / "folder")
    np.savez(tmp_path / "small.npz", x=FACES[:, :30])
    with pytest.raises(InvalidInput, match="pictures of size 36x36"):
        load_lfw(tmp_path / "small.npz")


def test_a_header_that_lies_does_not_cost_memory(tmp_path):
    buffer = io.BytesIO()
    header = {"descr": "|u1", "fortran_order": False, "shape": (10**9, 28, 28)}
    np.lib.format.write_array_header_1_0(buffer, header)
    with zipfile.ZipFile(tmp_path / "lie.npz", "w") as archive:
        archive.writestr("x.npy", buffer.getvalue())
    with pytest.raises(InvalidInput, match="Expected a file of"):
        load_mnist(tmp_path / "lie.npz")


def test_mnist_from_the_network(monkeypatch):
    import keras

    data = (DIGITS, LABELS), (DIGITS[:1], LABELS[:1])
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: data)
    digits = load_mnist()
    np.testing.assert_allclose(digits.pictures, DIGITS / 255, rtol=1e-6)
    assert digits.labels.tolist() == LABELS.tolist()

    def fail():
        raise Exception("URL fetch failure on there:\n None -- no route")

    monkeypatch.setattr(keras.datasets.mnist, "load_data", fail)
    with pytest.raises(InvalidInput, match="MNIST.*no route.*--data FILE") as caught:
        load_mnist()
    assert "\n" not in str(caught.value)


def test_lfw_from_the_network(monkeypatch):
    asked = {}

    def fetch_lfw_people(**options):
        asked.update(options)
        return types.SimpleNamespace(images=np.float32(FACES / 255))

    fake = types.SimpleNamespace(fetch_lfw_people=fetch_lfw_people)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", fake)
    np.testing.assert_allclose(load_lfw(), FACES / 255, rtol=1e-6)
    rows, columns = asked["slice_"]
    # What scikit-learn makes of them: the middle of 250×250 pixels, 36×36.
    assert (rows.start + rows.stop, columns.start + columns.stop) == (250, 250)
    assert int(asked["resize"] * (rows.stop - rows.start)) == 36 and asked["color"]

    def fail(**options):
        raise OSError("no route")

    fake.fetch_lfw_people = fail
    with pytest.raises(InvalidInput, match="LFW.*no route.*--data FILE"):
        load_lfw()
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(InvalidInput, match="pip install scikit-learn.*--data"):
        load_lfw()
