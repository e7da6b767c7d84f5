import numpy as np
import pytest
from conftest import refused

from gan.walks import circle, segment, star

RNG = np.random.default_rng(0)
FIRST, SECOND = RNG.normal(size=(2, 16)).astype("float32")
DIRECTIONS = RNG.normal(size=(3, 16))


def steps(walk):
    """Lengths of the steps of a walk that ends where it began."""
    return np.linalg.norm(np.roll(walk, -1, axis=0) - walk, axis=1)


def test_a_segment_is_straight_even_and_keeps_both_ends():
    walk = segment(FIRST, SECOND, 5)
    assert walk.dtype == np.float32
    np.testing.assert_array_equal(walk[[0, -1]], [FIRST, SECOND])
    np.testing.assert_allclose(walk[2], (FIRST + SECOND) / 2, rtol=1e-5)
    np.testing.assert_allclose(np.diff(walk, 2, axis=0), 0, atol=1e-6)


def test_a_circle_is_flat_round_and_without_a_seam():
    walk = circle(FIRST, SECOND, 60)
    assert walk.shape == (60, 16) and walk.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(walk, axis=1), 4, rtol=1e-6)
    np.testing.assert_allclose(walk[0] * np.linalg.norm(FIRST), 4 * FIRST, rtol=1e-5)
    assert walk[1] @ SECOND > walk[-1] @ SECOND
    assert np.linalg.matrix_rank(np.vstack([walk, FIRST, SECOND]), tol=1e-4) == 2
    np.testing.assert_allclose(steps(walk), 8 * np.sin(np.pi / 60), rtol=1e-5)
    np.testing.assert_allclose(walk[:30], -walk[30:], atol=1e-5)


def test_a_star_goes_out_and_back_along_each_direction():
    walk = star(FIRST.astype(float), DIRECTIONS, 24)
    assert walk.shape == (72, 16)
    np.testing.assert_allclose(np.linalg.norm(walk, axis=1), 4)
    centre = 4 * FIRST / np.linalg.norm(FIRST)
    for ray, direction in zip(walk.reshape(3, 24, 16), DIRECTIONS, strict=True):
        np.testing.assert_allclose(ray[0], centre, rtol=1e-6)
        np.testing.assert_allclose(ray[1:], ray[:0:-1], atol=1e-12)
        tip = ray[12]
        np.testing.assert_allclose(tip @ centre, 0, atol=1e-6)
        assert tip @ direction > 0
        assert np.linalg.matrix_rank(np.vstack([ray, direction, centre]), 1e-6) == 2
    # Steps are short at the ends, and none is long, not even from last to first.
    lengths = steps(walk).reshape(3, 24)
    assert lengths[:, [0, 11, 12, 23]].max() < 0.2 < lengths.max() < 1


@pytest.mark.parametrize(
    "use, argument",
    [
        (lambda: segment(FIRST, SECOND[:3]), "end"),
        (lambda: segment(FIRST[None], SECOND[None]), "start"),
        (lambda: segment(FIRST, SECOND, 0), "count"),
        (lambda: circle(FIRST, SECOND, 2.5), "count"),
        (lambda: circle(FIRST, -2 * FIRST), "second"),
        (lambda: circle(0 * FIRST, SECOND), "second"),
        (lambda: circle(FIRST, 0 * FIRST), "second"),
        (lambda: circle(FIRST, np.full(16, np.nan)), "second"),
        (lambda: circle([1, 0], [0, 1]), "first"),
        (lambda: star(FIRST, DIRECTIONS, -1), "count"),
        (lambda: star(FIRST, [FIRST]), "directions"),
    ],
)
def test_bad_input(use, argument):
    with refused(argument):
        use()
