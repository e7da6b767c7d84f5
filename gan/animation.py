"""Writes animations from arrays."""

from __future__ import annotations

import importlib.util
import itertools
import pathlib
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from gan.errors import StrPath, expect_number, require, shown
from gan.support.files import atomic_path, expect_writable

ENDINGS = (".gif", ".webp", ".mp4")


def write_animation(
    frames: Iterable[npt.ArrayLike], path: StrPath, frames_per_second: float = 10
) -> pathlib.Path:
    """Writes an animation as GIF, WebP or MP4, completely or not at all.

    Every program shows GIF. WebP files are much smaller, keep all colours, and are
    shown by every browser. MP4 suits slides and messages, and needs the package
    imageio-ffmpeg (`pip install 'keras-gan[video]'`). GIF and WebP loop for ever.

    Args:
        frames: iterable of arrays `(h, w)` (grey) or `(h, w, 3)` (red, green and blue),
            all of one size; uint8, or float, which is clipped to [0, 1]. In a GIF, each
            colour frame is reduced to 256 colours. While writing, MP4 keeps one frame
            in memory, GIF a byte for each pixel of all frames, and WebP all frames.
        path: str or `os.PathLike` that ends in .gif, .webp or .mp4.
        frames_per_second: float in [0.01, 50]; the duration of a frame is rounded to
            hundredths of a second in a GIF and to thousandths in a WebP.

    Returns:
        `pathlib.Path` of the file.

    Raises:
        InvalidInput: if there is no frame, an argument is invalid, or the package is
            missing.

    Example:

        frames = (plots.tile(one[None], scale=8) for one in generator.draw(walk))
        write_animation(frames, "walk.webp")
    """
    path = expect_animation(path, frames_per_second)
    images = _images(frames if np.iterable(frames) else ())
    first = next(images, None)
    said = f"The argument frames must hold some arrays, but it is {shown(frames)}."
    require(first is not None, said, "frames")
    with atomic_path(path) as temporary:
        _WRITERS[path.suffix.lower()](first, images, temporary, frames_per_second)
    return path


def write_gif(
    frames: Iterable[npt.ArrayLike], path: StrPath, frames_per_second: float = 10
) -> pathlib.Path:
    """Writes a GIF that loops for ever, completely or not at all.

    The frames are taken one at a time, but a byte for each of their pixels stays in
    memory until the file is written. The same frames give the same bytes.

    Args:
        frames: see `write_animation`.
        path: str or `os.PathLike` that ends in .gif.
        frames_per_second: see `write_animation`.

    Returns:
        `pathlib.Path` of the file.
    """
    _expect_ending(path, ".gif")
    return write_animation(frames, path, frames_per_second)


def expect_animation(path: StrPath, frames_per_second: float) -> pathlib.Path:
    """Expect a valid path and speed for an animation."""
    path = expect_writable(path)
    _expect_ending(path, *ENDINGS)
    expect_number(0.01, 50, frames_per_second=frames_per_second)
    require(
        path.suffix.lower() != ".mp4" or importlib.util.find_spec("imageio_ffmpeg"),
        "An animation in .mp4 needs the package imageio-ffmpeg: "
        "pip install 'keras-gan[video]', or choose .gif or .webp.",
        "path",
    )
    return path


def _expect_ending(path, *endings):
    path = expect_writable(path)
    said = f"The argument path must end in {' or '.join(endings)}, but it is "
    require(path.suffix.lower() in endings, f"{said}{shown(str(path))}.", "path")


def _write_gif(first, images, path, rate):
    def reduced(image):
        return image if image.mode == "L" else image.quantize(256)

    options = {"loop": 0, "optimize": False, "duration": 10 * round(100 / rate)}
    more = map(reduced, images)
    reduced(first).save(path, "GIF", save_all=True, append_images=more, **options)


def _write_webp(first, images, path, rate):
    options = {"loop": 0, "quality": 80, "duration": round(1000 / rate)}
    first.save(path, "WEBP", save_all=True, append_images=images, **options)


def _write_mp4(first, images, path, rate):
    import imageio_ffmpeg

    # Videos usually store colours for 2x2 pixels together, so sides must be even.
    size = [side + side % 2 for side in first.size]
    writer = imageio_ffmpeg.write_frames(
        path,
        size,
        fps=rate,
        macro_block_size=2,
        output_params=["-f", "mp4", "-fflags", "+bitexact"],
    )
    writer.send(None)
    try:
        for image in itertools.chain([first], images):
            whole = np.asarray(image.convert("RGB"))
            wide, tall = np.subtract(size, image.size)
            padded = np.pad(whole, [(0, tall), (0, wide), (0, 0)], "edge")
            writer.send(padded.tobytes())
    finally:
        writer.close()


_WRITERS: dict[str, Any] = {
    ".gif": _write_gif,
    ".webp": _write_webp,
    ".mp4": _write_mp4,
}


def _images(frames: Iterable[npt.ArrayLike]) -> Iterator[Any]:
    from PIL import Image

    size = None
    for frame in frames:
        array = np.asarray(frame)
        size = size or array.shape[:2]
        fits = array.size and array.ndim > 1 and array.shape in (size, (*size, 3))
        bytes_ = array.dtype == np.uint8
        require(
            fits and (bytes_ or array.dtype.kind == "f" and np.isfinite(array).all()),
            "The argument frames must hold arrays (h, w) or (h, w, 3) of one size, "
            f"uint8 or finite floats in [0, 1], but one is {array.dtype} of shape "
            f"{array.shape}: {shown(array)}.",
            "frames",
        )
        if not bytes_:
            array = np.uint8(np.rint(255 * array.clip(0, 1)))
        yield Image.fromarray(array)
