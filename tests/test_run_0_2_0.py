"""Runs that version 0.2.0 began can be resumed."""

import json
import pathlib

import keras
import numpy as np
import pytest
from conftest import unpack

import gan

ARCHIVE = pathlib.Path(__file__).parent / "data" / "run_0_2_0.tar.xz"
REAL = np.random.default_rng(0).normal(0.5, 0.1, (64, 2)).astype("float32")


def make(real=REAL, **options):
    parts = gan.fully_connected_GenDiscr([2, 4, 2], REAL)
    falling = gan.schedules.LinearDecay(0.01, 40)
    optimizer = keras.optimizers.Adam(falling, beta_1=0.5)
    options = {"generator_optimizer": optimizer, "disc_iter": 1, "ema": 0.9, **options}
    return gan.WGAN_GP(*parts, real, batch_size=8, **options)


def test_a_run_goes_on_unless_it_is_another(tmp_path):
    unpack(ARCHIVE, tmp_path)
    others = [make(real=REAL[::-1]), make(ema=0.8), make(lambda_gp=3.0)]
    others += [make(generator_optimizer=None), make(augment=keras.layers.Dropout(0.1))]
    names = ["real_examples", "ema", "lambda_gp", "optimizers", "augment"]
    path = tmp_path / "checkpoints"
    for model, name in zip(others, names, strict=True):
        with pytest.raises(gan.InvalidInput) as caught:
            model.fit(epochs=4, callbacks=[gan.callbacks.Checkpoint(path)], verbose=0)
        assert caught.value.argument == name
    model, checkpoint = make(), gan.callbacks.Checkpoint(path)
    model.fit(epochs=4, steps_per_epoch=3, callbacks=[checkpoint], verbose=0)
    expected = json.loads((tmp_path / "expected.json").read_text())["history"]
    for name, values in expected.items():
        np.testing.assert_allclose(checkpoint.history[name][2:], values, rtol=1e-3)
    assert gan.load_model(path / "epoch-000004.keras").ema == 0.9
