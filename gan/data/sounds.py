"""Recordings of digits as pictures, and such pictures as sounds.

A picture is a spectrogram: a column is a moment, a row a frequency, the lowest below,
and white is loud. Which phases the frequencies had is not in it; Griffin and Lim's
algorithm finds some that go together.

Reference:
    Donahue et al. 2019, Adversarial Audio Synthesis, section 3.2 (SpecGAN); Griffin and
    Lim 1984, Signal Estimation from Modified Short-Time Fourier Transform.
"""

from __future__ import annotations

import dataclasses
import re
import wave
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from gan.data.pictures import Pictures
from gan.errors import StrPath, expect_array, expect_path, require, shown

RATE = 8000  # samples a second
SIDE = 64  # of the picture: frequencies, and moments
_STEP = 64  # samples from one moment to the next
_FRAME = 2 * SIDE  # samples of a moment, in which so many frequencies are seen, and one
LENGTH = (SIDE - 1) * _STEP + _FRAME  # samples of a sound, .52 s
_FLOOR = np.float32(0.01)  # what is added to magnitudes, which are 64 at most
_RANGE = 6.0  # standard deviations from black to white


@dataclasses.dataclass(frozen=True, eq=False)
class Sounds(Pictures):
    """Recordings as pictures.

    Attributes:
        scale: float32 array `(2, 64)`, as `scale_of` gives it.
    """

    scale: np.ndarray = dataclasses.field(kw_only=True)


def read_sounds(path: StrPath) -> Sounds:
    """Read a folder of WAV files of spoken digits.

    Args:
        path: str or `os.PathLike`, a folder of files as of `read_wav`, named as those
            of the Free Spoken Digit Dataset, such as `7_jackson_0.wav`: the digit, `_`
            and anything.

    Returns:
        `Sounds`, whose pictures are `(N, 64, 64, 1)`.

    Raises:
        InvalidInput: if there is no such file in the folder, or one that is named or
            made otherwise.
    """
    path = expect_path(path=path)
    require(path.is_dir(), f"The path {shown(str(path))} must be a folder.", "path")
    # Systems leave hidden files beside others.
    files = sorted(path.glob("[!.]*.[wW][aA][vV]"))
    said = f"There is no WAV file in the folder {shown(str(path))}: give another path."
    require(files, said, "path")
    for file in files:
        said = f"The WAV file {shown(str(file))} in path must begin with its digit, as "
        require(re.match("[0-9]_", file.name), f"{said}7_anna_0.wav does.", "path")
    sounds = np.stack([read_wav(file) for file in files])
    scale = scale_of(sounds)
    drawn = np.rint(255 * to_pictures(sounds, scale)[..., None]).astype(np.uint8)
    names, labels = np.unique([one.name[0] for one in files], return_inverse=True)
    return Sounds(drawn, np.int32(labels), names.tolist(), scale=scale)


def read_wav(path: StrPath) -> np.ndarray:
    """Read the loudest .52 s of a WAV file, of ten seconds of it at most.

    A shorter sound is put between silence.

    Args:
        path: str or `os.PathLike`, of a file of 8,000 samples a second, one channel and
            16 bits.

    Returns:
        float32 array `(4160,)` in [-1, 1], scaled so that its peak is 1.

    Raises:
        InvalidInput: if it is no such file, or silent.
    """
    name = f"The file {shown(str(path))} in path"
    try:
        with wave.open(str(path), "rb") as file:
            form = (file.getframerate(), file.getnchannels(), 8 * file.getsampwidth())
            data = file.readframes(10 * RATE)
    except Exception as error:
        # A damaged file makes its reader raise nearly anything.
        reason = str(error) or type(error).__name__
        said = f"{name} is no WAV file that can be read ({reason}): leave it out."
        require(False, said, "path")
    said = f"{name} must hold 8000 samples a second in 1 channel of 16 bits, but it "
    said += f"holds {form[0]} in {form[1]} of {form[2]}: convert it, as by sox IN "
    require(form == (RATE, 1, 16), f"{said}-r 8000 -c 1 -b 16 OUT.", "path")
    sound = np.frombuffer(data[: len(data) // 2 * 2], "<i2") / 2**15
    require(sound.any(), f"{name} is silent: leave it out.", "path")
    missing = max(LENGTH - len(sound), 0)
    sound = np.pad(sound, (missing // 2, missing - missing // 2))
    energy = np.cumsum([0, *sound**2])
    start = np.argmax(energy[LENGTH:] - energy[:-LENGTH])
    sound = sound[start : start + LENGTH]
    return np.float32(sound / np.abs(sound).max())


def write_wav(file: Any, sound: npt.ArrayLike) -> None:
    """Write a sound as a WAV file.

    Args:
        file: str, or a binary file that is open for writing.
        sound: float array `(n,)` in [-1, 1], 8,000 samples a second.
    """
    sound = np.clip(expect_array((None,), sound=sound), -1, 1)
    with wave.open(file, "wb") as written:
        written.setparams((1, 2, RATE, len(sound), "NONE", ""))
        written.writeframes(np.rint(sound * (2**15 - 1)).astype("<i2").tobytes())


def scale_of(sounds: npt.ArrayLike) -> np.ndarray:
    """What the numbers of pictures of sounds mean.

    Args:
        sounds: float array `(n, 4160)` in [-1, 1].

    Returns:
        float32 array `(2, 64)`: for each frequency, the lowest first, the mean and the
        standard deviation of the logarithms of its magnitudes.
    """
    logs = _logs(sounds)
    return np.stack([logs.mean(axis=(0, 1)), np.maximum(logs.std(axis=(0, 1)), 1e-3)])


def to_pictures(sounds: npt.ArrayLike, scale: npt.ArrayLike) -> np.ndarray:
    """Draw sounds.

    Args:
        sounds: float array `(n, 4160)` in [-1, 1], .52 s each.
        scale: float array `(2, 64)`, as `scale_of` gives it.

    Returns:
        float32 array `(n, 64, 64)` in [0, 1].

    Formula:
        ½ + (log(|STFT x| + .01) − mean) / (6 deviation), clipped to [0, 1]; windows of
        128 samples of Hann's, 64 apart, without the highest frequency
    """
    mean, deviation = np.float32(expect_array((2, SIDE), scale=scale))
    scaled = (_logs(sounds) - mean) / (_RANGE * deviation) + 0.5
    return np.clip(scaled, 0, 1).swapaxes(1, 2)[:, ::-1]


def to_sounds(
    pictures: npt.ArrayLike, scale: npt.ArrayLike, rounds: int = 32
) -> np.ndarray:
    """Make sounds of pictures by Griffin and Lim's algorithm.

    Args:
        pictures: float array `(n, 64, 64)` in about [0, 1].
        scale: float array `(2, 64)`, as `scale_of` gives it.
        rounds: int, of it.

    Returns:
        float32 array `(n, 4160)` in [-1, 1].

    Example:

    ```python
    sevens = gan.load_generator("run").draw(4, labels="7")
    sounds = to_sounds(sevens, np.load("run/spectrograms.npy"))
    write_wav("seven.wav", sounds[0])
    ```
    """
    pictures = expect_array((None, SIDE, SIDE), pictures=pictures)
    mean, deviation = np.float32(expect_array((2, SIDE), scale=scale))
    scaled = np.clip(pictures, 0, 1)[:, ::-1].swapaxes(1, 2) - 0.5
    sizes = np.maximum(np.exp(_RANGE * deviation * scaled + mean) - _FLOOR, 0)
    sizes = tf.constant(np.complex64(np.pad(sizes, ((0, 0), (0, 0), (0, 1)))))
    window = tf.signal.inverse_stft_window_fn(_STEP)
    spectra, sounds = sizes, np.zeros(0)
    for _ in range(rounds):
        sounds = tf.signal.inverse_stft(spectra, _FRAME, _STEP, window_fn=window)
        spectra = tf.signal.stft(sounds, _FRAME, _STEP)
        spectra *= sizes / tf.cast(tf.maximum(tf.abs(spectra), 1e-8), tf.complex64)
    sounds = np.asarray(sounds)
    return sounds / np.maximum(np.abs(sounds).max(axis=1, keepdims=True), 1)


def _logs(sounds):
    """Logarithms of the magnitudes, float32 `(n, moments, frequencies)`."""
    sounds = np.float32(expect_array((None, LENGTH), sounds=sounds))
    spectra = tf.signal.stft(sounds, _FRAME, _STEP)[..., :SIDE]
    return np.log(np.abs(spectra) + _FLOOR)
