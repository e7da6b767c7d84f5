"""Turns recordings of digits into pictures, and pictures into sounds.

A picture is a spectrogram: each column is a moment, each row a frequency with the
lowest at the bottom, and white means loud. A spectrogram does not contain the phases of
the frequencies; the Griffin-Lim algorithm finds phases that fit together.

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
SIDE = 64  # rows (frequencies) and columns (moments) of a picture
_STEP = 64  # samples between two moments
_FRAME = 2 * SIDE  # samples in a window, which shows SIDE + 1 frequencies
LENGTH = (SIDE - 1) * _STEP + _FRAME  # samples of a sound, .52 s
_FLOOR = np.float32(0.01)  # is added to the magnitudes, which are at most 64
_RANGE = 6.0  # standard deviations from black to white


@dataclasses.dataclass(frozen=True, eq=False)
class Sounds(Pictures):
    """Recordings as pictures.

    Attributes:
        scale: float32 array `(2, 64)`, as `scale_of` returns it.
    """

    scale: np.ndarray = dataclasses.field(kw_only=True)


def read_sounds(path: StrPath) -> Sounds:
    """Read a folder of WAV files of spoken digits.

    Args:
        path: str or `os.PathLike`, a folder of WAV files, see `read_wav`. Each name is
            the digit, `_` and anything, such as `7_jackson_0.wav` in the Free Spoken
            Digit Dataset.

    Returns:
        `Sounds`, whose pictures are `(N, 64, 64, 1)`.

    Raises:
        InvalidInput: if the folder has no WAV file, or one with another name or format.
    """
    path = expect_path(path=path)
    require(path.is_dir(), f"The path {shown(str(path))} must be a folder.", "path")
    # Systems leave hidden files beside others.
    files = sorted(path.glob("[!.]*.[wW][aA][vV]"))
    said = f"There is no WAV file in the folder {shown(str(path))}: give another path."
    require(files, said, "path")
    for file in files:
        said = f"The name of {shown(str(file))} in path must begin with its digit, as "
        require(re.match("[0-9]_", file.name), f"{said}7_anna_0.wav does.", "path")
    sounds = np.stack([read_wav(file) for file in files])
    scale = scale_of(sounds)
    drawn = np.rint(255 * to_pictures(sounds, scale)[..., None]).astype(np.uint8)
    names, labels = np.unique([one.name[0] for one in files], return_inverse=True)
    return Sounds(drawn, np.int32(labels), names.tolist(), scale=scale)


def read_wav(path: StrPath) -> np.ndarray:
    """Read the loudest 0.52 s of the first ten seconds of a WAV file.

    A shorter sound is padded with silence on both sides.

    Args:
        path: str or `os.PathLike`, a WAV file with 8,000 samples per second, one
            channel and 16 bits.

    Returns:
        float32 array `(4160,)` in [-1, 1], scaled so that its peak is 1.

    Raises:
        InvalidInput: if the file has another format, is damaged or silent.
    """
    name = f"The file {shown(str(path))} in path"
    try:
        with wave.open(str(path), "rb") as file:
            form = (file.getframerate(), file.getnchannels(), 8 * file.getsampwidth())
            data = file.readframes(10 * RATE)
    except Exception as error:
        # The reader raises many kinds of errors for damaged files.
        reason = str(error) or type(error).__name__
        said = f"{name} is no WAV file that can be read ({reason}): leave it out."
        require(False, said, "path")
    said = f"{name} must hold 8000 samples a second in 1 channel of 16 bits, but it "
    said += f"holds {form[0]} in {form[1]} of {form[2]} bits: convert it by sox "
    require(form == (RATE, 1, 16), f"{said}IN -r 8000 -c 1 -b 16 OUT.", "path")
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
    """Compute the scale between the magnitudes of sounds and the values of pictures.

    Args:
        sounds: float array `(n, 4160)` in [-1, 1].

    Returns:
        float32 array `(2, 64)`: the mean and the standard deviation of the logarithms
        of the magnitudes of each frequency, the lowest first.
    """
    logs = _logs(sounds)
    return np.stack([logs.mean(axis=(0, 1)), np.maximum(logs.std(axis=(0, 1)), 1e-3)])


def to_pictures(sounds: npt.ArrayLike, scale: npt.ArrayLike) -> np.ndarray:
    """Turn sounds into pictures.

    Args:
        sounds: float array `(n, 4160)` in [-1, 1], 0.52 s each.
        scale: float array `(2, 64)`, as `scale_of` returns it.

    Returns:
        float32 array `(n, 64, 64)` in [0, 1].

    Formula:
        ½ + (log(|STFT x| + .01) − mean) / (6 deviation), clipped to [0, 1]; STFT with
        Hann windows of 128 samples, 64 apart, without the highest frequency
    """
    mean, deviation = np.float32(expect_array((2, SIDE), scale=scale))
    scaled = (_logs(sounds) - mean) / (_RANGE * deviation) + 0.5
    return np.clip(scaled, 0, 1).swapaxes(1, 2)[:, ::-1]


def to_sounds(
    pictures: npt.ArrayLike, scale: npt.ArrayLike, rounds: int = 32
) -> np.ndarray:
    """Turn pictures into sounds by the Griffin-Lim algorithm.

    Args:
        pictures: float array `(n, 64, 64)` in about [0, 1].
        scale: float array `(2, 64)`, as `scale_of` returns it.
        rounds: int, number of rounds of the algorithm.

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
