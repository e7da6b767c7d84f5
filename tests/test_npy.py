import io

import numpy as np
import pytest

from gan.data import npy as _npy
from gan.errors import InvalidInput


def written(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 3, 4, 1), (2, 3, 4, 3)])
@pytest.mark.parametrize("dtype", ["uint8", "float16", ">f8"])
def test_arrays_come_back(shape, dtype):
    array = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    data = written(array)
    read = _npy.read_array(io.BytesIO(data), len(data), "x", channels=(1, 3))
    assert read.dtype == array.dtype
    np.testing.assert_array_equal(read, array)


def test_channels_that_were_not_asked_for_are_refused():
    data = written(np.zeros((2, 3, 4, 3), np.uint8))
    expected = r"^Expected at least one picture, shape \(N, h, w\) or \(N, h, w, 1\)\."
    with pytest.raises(InvalidInput, match=expected):
        _npy.read_array(io.BytesIO(data), len(data), "x")


def test_the_length_must_be_what_the_header_says():
    data = written(np.zeros((2, 3, 4), np.uint8))
    expected = f"^Expected a file of {len(data)} bytes. Received: path='x', bytes=9$"
    with pytest.raises(InvalidInput, match=expected):
        _npy.read_array(io.BytesIO(data), 9, "x")


def test_what_fails_inside_is_invalid_input(tmp_path):
    (tmp_path / "x").write_bytes(b"")
    with pytest.raises(InvalidInput, match=r"Expected a readable \.npz file \(why\)"):
        with _npy.opened(tmp_path / "x", ".npz"):
            raise MemoryError("why")
    with pytest.raises(InvalidInput, match="^Expected a regular file"):
        with _npy.opened(tmp_path):
            pass


@pytest.mark.parametrize("value", [-0.01, 1.01, np.nan])
def test_floats_lie_in_the_unit_interval(value):
    _npy.expect_unit(np.array([0.0, 1.0]), "x")
    with pytest.raises(InvalidInput, match=r"in \[0, 1\].*lowest=.*highest=") as caught:
        _npy.expect_unit(np.array([0.5, value]), "x")
    assert str(float(value)) in str(caught.value)
