import inspect
import io
import os
import pathlib
import struct
import tracemalloc

import numpy as np
import pytest
from conftest import refused

from gan import faces

REAL = (
    pathlib.Path(__file__).parents[2] / "shared" / "data" / "small_res_faces_10000.npy"
)


@pytest.fixture
def array():
    return np.random.default_rng(0).integers(0, 256, (7, 16, 16), dtype=np.uint8)


@pytest.fixture
def path(tmp_path, array):
    np.save(tmp_path / "faces.npy", array)
    return tmp_path / "faces.npy"


def header(descr="'|u1'", shape="(1000000, 1000, 1000)", order="False", body=b""):
    """An .npy file of version 1.0 whose header may be false."""
    text = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}}}\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + body


def test_pictures_are_the_array_over_255(path, array):
    pictures = faces.load_pictures(path)
    assert pictures.dtype == np.float32
    np.testing.assert_array_equal(pictures, np.float32(array / 255))
    np.testing.assert_array_equal(faces.load_pictures(str(path)), pictures)


@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8", ">f8"])
def test_float_pictures(tmp_path, array, dtype):
    wanted = (array / 255).astype(dtype)
    np.save(tmp_path / "f.npy", wanted)
    pictures = faces.load_pictures(tmp_path / "f.npy")
    assert pictures.dtype == np.float32
    np.testing.assert_array_equal(pictures, wanted.astype(np.float32))


def test_other_layouts(tmp_path, array):
    wanted = np.float32(array / 255)
    np.save(tmp_path / "rank4.npy", array[..., None])
    np.testing.assert_array_equal(faces.load_pictures(tmp_path / "rank4.npy"), wanted)
    np.save(tmp_path / "fortran.npy", np.asfortranarray(array))
    np.testing.assert_array_equal(faces.load_pictures(tmp_path / "fortran.npy"), wanted)
    with open(tmp_path / "version2.npy", "wb") as file:
        np.lib.format.write_array(file, array, version=(2, 0))
    np.testing.assert_array_equal(
        faces.load_pictures(tmp_path / "version2.npy"), wanted
    )


def test_load_faces(path, array):
    loaded = faces.load_faces(path)
    pictures = array / 255
    mean, multiplier = pictures.mean(axis=0), abs(pictures).max(axis=0)
    np.testing.assert_allclose(loaded.pictures, pictures, rtol=1e-6)
    np.testing.assert_allclose(loaded.mean_face, mean, rtol=1e-6)
    np.testing.assert_allclose(loaded.multiplier, multiplier, rtol=1e-6)
    np.testing.assert_allclose(
        loaded.normalized, (pictures - mean) / multiplier, atol=1e-6
    )
    for field in [loaded.pictures, loaded.mean_face, loaded.multiplier]:
        assert field.dtype == np.float32
    assert loaded.normalized.dtype == np.float32


def test_recover_undoes_normalize(path):
    loaded = faces.load_faces(path)
    for x in [loaded.normalized, loaded.normalized[..., None]]:
        recovered = loaded.recover(x)
        assert recovered.dtype == np.float32
        np.testing.assert_allclose(recovered, loaded.pictures, atol=1e-6)
    np.testing.assert_array_equal(
        loaded.recover(loaded.normalized[2]), loaded.recover(loaded.normalized)[2]
    )
    assert loaded.recover(np.zeros((2, 3, 16, 16, 1))).shape == (2, 3, 16, 16)
    # One picture with a channel axis is not taken for sixteen pictures.
    assert loaded.recover(np.zeros((16, 16, 1))).shape == (16, 16)


def test_a_pixel_that_is_always_black(tmp_path, array):
    array[:, 3, 5] = 0
    np.save(tmp_path / "f.npy", array)
    loaded = faces.load_faces(tmp_path / "f.npy")
    assert loaded.multiplier[3, 5] == 0
    assert not loaded.normalized[:, 3, 5].any()
    assert np.isfinite(loaded.normalized).all()
    np.testing.assert_allclose(
        loaded.recover(loaded.normalized), loaded.pictures, atol=1e-6
    )


def test_size_is_checked(path):
    with refused("path"):
        faces.load_faces(path, size=(28, 28))
    with refused("height"):
        faces.load_faces(path, size=(0, 16))
    with refused("size"):
        faces.load_faces(path, size=16)


@pytest.mark.parametrize("function", [faces.normalize, faces.recover])
def test_scaling_refuses(function):
    face = np.ones((16, 16))
    with refused(next(iter(inspect.signature(function).parameters))):
        function(np.ones((4, 8, 8)), face, face)
    with refused("multiplier"):
        function(np.ones((4, 16, 16)), face, face[:8])
    with refused("mean_face"):
        function(0.5, 0.5, 0.5)


def test_not_a_file(tmp_path):
    for path in (tmp_path / "none.npy", "nul\0byte", tmp_path, "/dev/zero", 3):
        with refused("path"):
            faces.load_pictures(path)


def test_a_pipe_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe.npy")
    with refused("path"):
        faces.load_pictures(tmp_path / "pipe.npy")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"a,b\n1,2\n",
        b"PK\x03\x04" + bytes(100),
        b"\x80\x04K\x01.",
        b"\x93NUMPY\x01\x00",
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff{",
        b"\x93NUMPY\x03\x00" + bytes(9),
        header(shape="(" * 5000),
        header(shape="'x'"),
        header(shape="(1, 16, " + " " * 12000 + "16)"),
        header(descr="'nonsense'"),
        header(),
        header(shape="(2**62, 16, 16)"),
        header(shape=f"({2**63}, {2**63}, 2)"),
        header(shape="(-1, 16, -16)"),
        header(shape="(0, 16, 16)", body=b"x"),
        header(shape="()", body=b"x"),
        header(shape="(16, 16)", body=bytes(256)),
        header(shape="(1, 2, 2, 3)", body=bytes(12)),
        header(shape="(1, 1, 1, 1, 1)", body=b"x"),
        header(descr="'|O'", body=b"\x80\x04K\x01."),
        header(descr="'<i8'", shape="(1, 1, 1)", body=bytes(8)),
        header(descr="'<c16'", shape="(1, 1, 1)", body=bytes(16)),
        header(descr="'<U1'", shape="(1, 1, 1)", body=bytes(4)),
        header(shape="(1, 2, 2)", body=bytes(3)),
        header(shape="(1, 2, 2)", body=bytes(5)),
    ],
)
def test_damaged_files_are_refused_before_memory_is_asked_for(tmp_path, content):
    path = tmp_path / "bad.npy"
    path.write_bytes(content)
    tracemalloc.start()
    try:
        with refused("path"):
            faces.load_pictures(path)
        assert tracemalloc.get_traced_memory()[1] < 5e6
    finally:
        tracemalloc.stop()


def test_every_truncation_is_refused(tmp_path):
    buffer = io.BytesIO()
    np.save(buffer, np.zeros((1, 2, 2), np.uint8))
    whole = buffer.getvalue()
    path = tmp_path / "cut.npy"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with refused("path"):
            faces.load_pictures(path)


def test_pickled_objects_are_never_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    np.save(tmp_path / "trap.npy", np.array([[[Trap()]]]), allow_pickle=True)
    with refused("path"):
        faces.load_pictures(tmp_path / "trap.npy")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("value", [-0.1, 1.1, 255.0, np.nan, np.inf])
def test_float_pictures_outside_their_range(tmp_path, value):
    array = np.full((2, 16, 16), 0.5)
    array[1, 2, 3] = value
    np.save(tmp_path / "f.npy", array)
    with refused("path"):
        faces.load_pictures(tmp_path / "f.npy")


@pytest.mark.skipif(not REAL.exists(), reason=f"no real faces at {REAL}")
def test_the_real_faces():
    loaded = faces.load_faces(REAL)
    assert loaded.pictures.shape == (10000, 16, 16)
    # This is the known mean of the real set.
    assert loaded.pictures.mean(dtype=float) == pytest.approx(0.464, abs=5e-4)
    assert abs(loaded.normalized).max() <= 1
    np.testing.assert_allclose(
        loaded.recover(loaded.normalized[..., None]), loaded.pictures, atol=1e-6
    )
