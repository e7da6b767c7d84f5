"""Arrays of pictures in `.npy` streams that need not be trusted."""

import contextlib
import io
import math
import os

import numpy as np

from gan.errors import InvalidInput, expect

# NumPy refuses headers of more than 10,000 characters.
_HEADER_BYTES = 16_384


def expect_path(path):
    """Expect a str or `os.PathLike`; the empty str would be the current folder."""
    named = isinstance(path, (str, os.PathLike)) and path != ""
    expect(named, "a path that is not empty", path=path)


@contextlib.contextmanager
def opened(path, kind=".npy"):
    """Open a regular file; whatever fails while it is read is `InvalidInput`."""
    expect(isinstance(path, (str, os.PathLike)), "a file path", path=path)
    path = os.fspath(path)
    expect(os.path.exists(path), "an existing file", path=path)
    expect(os.path.isfile(path), "a regular file", path=path)
    try:
        with open(path, "rb") as file:
            yield file
    except InvalidInput:
        raise
    except Exception as error:
        # A damaged header can make NumPy raise nearly anything.
        reason = str(error) or type(error).__name__
        expect(False, f"a readable {kind} file ({reason})", path=path)


def read_array(file, received, path, channels=(1,)):
    """Read an array of pictures; nothing in the file is executed.

    Memory is asked for only after the header was found to agree with the length.

    Args:
        file: seekable binary file that holds one array.
        received: int, its length in bytes.
        path: str or `os.PathLike`, for messages.
        channels: ints, what a last axis of channels may measure.

    Returns:
        uint8 or float array of shape `(N, h, w)` or `(N, h, w, channels)`.

    Raises:
        InvalidInput: if the file holds something else.
    """
    path = os.fspath(path)
    # A copy of the first bytes, so that a false length in them cannot ask for more.
    start = io.BytesIO(file.read(_HEADER_BYTES))
    version = np.lib.format.read_magic(start)
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    expect(read_header, "a .npy file of version 1.0 or 2.0", path=path, version=version)
    shape, _, dtype = read_header(start)
    expect(
        dtype == np.uint8 or dtype.kind == "f",
        "pictures of dtype uint8 or float",
        path=path,
        dtype=str(dtype),
    )
    layouts = ["(N, h, w)", *(f"(N, h, w, {channel})" for channel in channels)]
    expect(
        len(shape) in [3, 4]
        and min(shape) >= 1
        and shape[3:] in [(), *((channel,) for channel in channels)],
        f"at least one picture, shape {' or '.join(layouts)}",
        path=path,
        shape=shape,
    )
    length = start.tell() + math.prod(shape) * dtype.itemsize
    expect(received == length, f"a file of {length} bytes", path=path, bytes=received)
    file.seek(0)
    return np.lib.format.read_array(file, allow_pickle=False)


def expect_unit(array, path):
    """Expect a float array to lie in [0, 1]."""
    path = os.fspath(path)
    # A NaN fails both comparisons.
    received = {"lowest": float(array.min()), "highest": float(array.max())}
    inside = received["lowest"] >= 0 and received["highest"] <= 1
    expect(inside, "float pictures in [0, 1], without NaN", path=path, **received)
