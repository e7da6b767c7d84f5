import keras
import numpy as np
import pytest
from conftest import refused

from gan.schedules import LinearDecay


def test_holds_then_falls_to_zero():
    schedule = LinearDecay(0.1, updates=100, hold=0.2)
    rates = [float(schedule(t)) for t in (0, 20, 60, 100, 130)]
    np.testing.assert_allclose(rates, [0.1, 0.1, 0.05, 0, 0], atol=1e-8)


def test_survives_its_config():
    schedule = LinearDecay(0.1, 100, 0.2)
    config = keras.saving.serialize_keras_object(schedule)
    twin = keras.saving.deserialize_keras_object(config)
    assert twin.get_config() == schedule.get_config()


@pytest.mark.parametrize(
    "arguments, argument",
    [
        ((-1, 10, 0.3), "learning_rate"),
        ((float("nan"), 10, 0), "learning_rate"),
        ((0.1, 0, 0.3), "updates"),
        ((0.1, 10, 1.0), "hold"),
    ],
)
def test_bad_input(arguments, argument):
    with refused(argument):
        LinearDecay(*arguments)
