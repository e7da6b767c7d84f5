"""Animated GIFs, written to disk frame by frame: arrays in, files out."""

from __future__ import annotations

import numbers
import os
import pathlib
import struct
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from gan.errors import StrPath, expect, expect_number
from gan.saving.files import atomic_path, expect_writable

_GREYS = bytes(np.repeat(np.arange(256, dtype=np.uint8), 3))
_FOR_EVER = b"!\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"
_COMMENT, _IMAGE, _END = b"!\xfe", b",", b";"


def write_gif(
    frames: Iterable[npt.ArrayLike],
    path: StrPath,
    frames_per_second: float = 10,
) -> pathlib.Path:
    """Write a GIF that loops for ever, whole or not at all.

    One frame at a time is in memory, and the same frames give the same bytes.

    Args:
        frames: iterable, perhaps a generator, of arrays as for `Gif.append`, all of
            one size.
        path: str or `os.PathLike` that ends in .gif.
        frames_per_second: float in [0.01, 50], as for `Gif`.

    Returns:
        `pathlib.Path` of the file.

    Raises:
        InvalidInput: if there is no frame or an argument is not of that form.

    Example:

        write_gif((plots.tile(some, scale=8) for some in walk), "walk.gif")
    """
    path = _expect_gif(path)
    expect(np.iterable(frames), "frames to be an iterable of arrays", frames=frames)
    with atomic_path(path) as temporary:
        gif = Gif(temporary, frames_per_second)
        for frame in frames:
            gif.append(frame)
        expect(gif.notes, "at least one frame", frames=len(gif.notes))
    return path


class Gif:
    """A GIF on disk that grows frame by frame and is valid at every moment.

    If the file is there, it goes on after its last frame. A process may be killed
    while it appends: the file then holds the frames before.

    Args:
        path: str or `os.PathLike` that ends in .gif; a file there must be one that
            this class wrote.
        frames_per_second: float in [0.01, 50]; GIFs count in hundredths of a second,
            so the time of a frame is rounded to those.

    Attributes:
        notes: list of str, the note of each frame; its length is how many there are.

    Raises:
        InvalidInput: if the file cannot be written or is another's.

    Reference:
        CompuServe 1990, "Graphics Interchange Format, Version 89a".
    """

    def __init__(self, path: StrPath, frames_per_second: float = 10) -> None:
        expect_number(0.01, 50, frames_per_second=frames_per_second)
        self.path = _expect_gif(path)
        self._milliseconds = 10 * round(100 / frames_per_second)
        self._size, self.notes, self._ends = None, [], []
        if self.path.is_file() and self.path.stat().st_size:
            self._read()

    def append(self, frame: npt.ArrayLike, note: str = "") -> None:
        """Add a frame at the end of the file.

        Args:
            frame: array `(h, w)`, grey, or `(h, w, 3)`, red, green and blue; uint8, or
                float in [0, 1], which is clipped to it. A colour frame keeps 256
                colours of its own. All frames have one h and one w.
            note: str of at most 255 ASCII letters, kept in the file as a comment.
        """
        from PIL import GifImagePlugin, Image

        short = isinstance(note, str) and note.isascii() and len(note) < 256
        expect(short, "a note of at most 255 ASCII letters", note=note)
        image = Image.fromarray(_as_bytes(frame))
        size = self._size or image.size
        expect(image.size == size, f"frames of (w, h) = {size}", received=image.size)
        comment = _COMMENT + bytes([len(note)]) + note.encode("ascii") + b"\0"
        comment = comment if note else b""
        colour = image.mode == "RGB"
        data = GifImagePlugin.getdata(
            image.quantize(256) if colour else image,
            duration=self._milliseconds,
            include_color_table=colour,
        )
        data = b"".join([comment, *data])
        if not self.notes:
            header = _header(size)
            with atomic_path(self.path) as temporary:
                temporary.write_bytes(header + data + _END)
            self._size, self._ends = size, [len(header)]
        else:
            with self.path.open("r+b") as file:
                # The old end mark goes last: until then the file ends where it did.
                file.seek(self._ends[-1] + 1)
                file.write(data[1:] + _END)
                file.truncate()
                file.flush()
                file.seek(self._ends[-1])
                file.write(data[:1])
        self._ends.append(self._ends[-1] + len(data))
        self.notes.append(note)

    def cut(self, count: int) -> None:
        """Keep the first frames only.

        Args:
            count: int, at least 0, how many to keep; 0 deletes the file.
        """
        whole = isinstance(count, numbers.Integral) and count >= 0
        expect(whole, "count to be a whole number of at least 0", count=count)
        if count >= len(self.notes):
            return
        if count == 0:
            self.path.unlink(missing_ok=True)
            self._size, self.notes, self._ends = None, [], []
            return
        with self.path.open("r+b") as file:
            file.seek(self._ends[count])
            file.write(_END)
            file.truncate()
        del self.notes[count:], self._ends[count + 1 :]

    def _read(self):
        with self.path.open("rb") as file:
            head = file.read(len(_header((1, 1))))
            size = struct.unpack("<HH", head[6:10].ljust(4))
            ours = head == _header(size)
            expect(ours, "a GIF that gan.animation wrote", path=str(self.path))
            self._size, self._ends = size, [len(head)]
            for end, note in _frames(file):
                self._ends.append(end)
                self.notes.append(note)


def _header(size):
    """What stands before the frames: size, 256 greys for all grey frames, endless."""
    return b"GIF89a" + struct.pack("<HHBBB", *size, 0xF7, 0, 0) + _GREYS + _FOR_EVER


def _frames(file):
    """Give the end and the note of every frame that is whole."""
    note = ""
    while mark := file.read(1):
        if mark == _IMAGE:
            descriptor = file.read(9)
            if len(descriptor) < 9:
                return
            colours = descriptor[8]
            # Past its own colour table, if it has one, and the code size.
            file.seek(1 + (6 << (colours & 7) if colours & 0x80 else 0), os.SEEK_CUR)
        elif mark == _COMMENT[:1]:
            mark += file.read(1)
        else:
            return
        blocks = _sub_blocks(file)
        if blocks is None:
            return
        if mark == _COMMENT:
            note = b"".join(blocks).decode("ascii", "replace")
        if mark == _IMAGE:
            yield file.tell(), note
            note = ""


def _sub_blocks(file):
    """The blocks up to an empty one, or None if the file ends before it."""
    blocks = []
    while size := file.read(1):
        if size == b"\0":
            return blocks
        blocks.append(file.read(size[0]))
    return None


def _as_bytes(frame):
    array = np.asarray(frame)
    shape, kind = array.shape, array.dtype
    image = array.size and (array.ndim == 2 or array.ndim == 3 and shape[2] == 3)
    expect(image, "a frame of shape (h, w) or (h, w, 3)", shape=shape)
    expect(max(shape) < 2**16, "a frame of at most 65535 pixels a side", shape=shape)
    if kind == np.uint8:
        return np.ascontiguousarray(array)
    expect(kind.kind == "f", "frames of uint8 or floats in [0, 1]", dtype=kind)
    expect(np.isfinite(array).all(), "a finite frame", frame=array)
    return np.uint8(np.rint(255 * array.clip(0, 1)))


def _expect_gif(path):
    expect(isinstance(path, (str, os.PathLike)), "a file path", path=path)
    path = expect_writable(path)
    expect(path.suffix.lower() == ".gif", "a path that ends in .gif", path=str(path))
    return path
