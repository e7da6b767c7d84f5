import numpy as np
import pytest

from gan import losses

REAL = np.array([[0.5], [1.0], [-1.0]], "float32")
FAKE = np.array([[0.0], [-1.0], [2.0]], "float32")


@pytest.mark.parametrize(
    "value, by_hand",
    [
        (losses.least_squares_discriminator(REAL, FAKE), (0.25 + 0 + 4) / 3 + 10 / 3),
        (losses.least_squares_generator(FAKE), (1 + 4 + 1) / 3),
        (losses.wasserstein_discriminator(REAL, FAKE), 1 / 3 - 0.5 / 3),
        (losses.wasserstein_generator(FAKE), -1 / 3),
    ],
)
def test_losses_by_hand(value, by_hand):
    assert value.shape == ()
    np.testing.assert_allclose(value, by_hand, rtol=1e-6)
