"""Spoken digits of the class you ask for: spectrograms by R3GAN, see `r3gan.py`.

You give a folder of WAV files (`gan.data.sounds`). Of each recording, 0.52 s at 8 kHz
become a picture of 64×64 pixels. The networks are strided, with 16 channels; batches
have 32 pictures, and γ follows from the pictures. The Griffin-Lim algorithm turns
generated pictures into sounds, in 32 rounds.

For 84 recordings by the speech synthesiser espeak-ng (ten digits, English accents,
random pitches and speeds), the relative error ‖|STFT x| − S‖ / ‖S‖ of the algorithm was
0.87 after one round, 0.22 after 16, 0.20 after 32 and 0.20 after 60; S is the
spectrogram and x the sound.

The recipe was trained on 2,400 such recordings (six English accents, 13 voices) for
10 minutes of one core, 5,720 steps, seed 0 (`python main.py train --recipe speech
--pictures RECORDINGS --minutes 10 --output run`). A classifier that was trained on half
of the recordings (`tests/benchmarks/speech.py`) recognises 99.2% of the others. It
recognises the requested digit in 98.8% of 1,000 fakes, 97.0% of the worst digit, and in
98.4% of the sounds made from them. Precision is .39, recall .19.

Reference:
    Donahue et al. 2019, Adversarial Audio Synthesis; Huang et al. 2024, The GAN is
    dead; long live the GAN! A Modern GAN Baseline.
"""

from __future__ import annotations

import base64
import dataclasses
import io
import pathlib
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from gan.data.sounds import Sounds, read_sounds, to_sounds, write_wav
from gan.errors import StrPath, require
from gan.generators.trained import TrainedGenerator
from gan.networks.strided import strided_GenDiscr
from gan.pages import write_page
from gan.recipes.r3gan import COLOUR, gamma_for
from gan.recipes.record import expect_free, note_settings, written
from gan.support.files import made_folder

if TYPE_CHECKING:
    from gan.base import AdversarialModel
    from gan.recipes.run import Run

FOLDER, SCALE = "sounds", "spectrograms.npy"
_EACH = 8  # sounds of a digit


def read(path: StrPath | None, kept: Any = None) -> Sounds:
    """Read the recordings by `gan.data.sounds.read_sounds`; `kept` is not used."""
    said = "The argument data (--pictures) must name a folder of recordings, WAV files "
    require(path is not None, f"{said}such as 7_anna_0.wav.", "data")
    return read_sounds(path)


def make_networks(data: Sounds) -> tuple[Any, Any, Any]:
    """Make the pair of networks, with a class for each digit of the recordings."""
    return strided_GenDiscr(data.pictures.shape[1:], classes=len(data.names))


def _fitted(data, steps):
    options = COLOUR.fitted(data, steps) | {"gamma": gamma_for(data.pictures)}
    return options | {"batch_size": min(32, len(data.pictures))}


def _watch(run: Run, data: Sounds) -> list[keras.callbacks.Callback]:
    """Save the scale that turns pictures into sounds, before the first step."""
    expect_free(run.output / FOLDER, run.recipe)

    def save(logs=None):
        np.save(run.path(SCALE), data.scale)

    return [keras.callbacks.LambdaCallback(on_train_begin=save)]


def _write_sounds(run: Run, model: AdversarialModel) -> list[pathlib.Path]:
    """Write sounds of each digit as WAV files, and a page that plays them."""
    generator = TrainedGenerator.of(model)
    labels = np.repeat(np.arange(generator.classes), _EACH)
    drawn = generator.draw(len(labels), labels)
    with made_folder(run.output / FOLDER) as folder:
        for path in written(folder):
            path.unlink()
        note_settings(folder, {"recipe": run.recipe})
    body = ""
    for number, sound in enumerate(to_sounds(drawn, np.load(run.output / SCALE))):
        name, place = generator.names[labels[number]], number % _EACH + 1
        write_wav(file := io.BytesIO(), sound)
        run.path(f"{name}_{place}.wav", FOLDER).write_bytes(file.getvalue())
        data = base64.b64encode(file.getvalue()).decode()
        body += f"<h2>{name}</h2>\n" if place == 1 else ""
        body += f'<audio controls src="data:audio/wav;base64,{data}"></audio>\n'
    page = run.path("sounds.html")
    write_page(page, "sounds", "Digits that nobody said", BODY=body)
    return [page]


RECIPE = dataclasses.replace(
    COLOUR,
    read=read,
    networks=make_networks,
    fitted=_fitted,
    held_out=None,
    watch=_watch,
    end=_write_sounds,
)
