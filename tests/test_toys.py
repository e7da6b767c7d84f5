import math

import numpy as np
import pytest
from conftest import refused

from gan import toys

SAMPLERS = [toys.circle, toys.four_clouds, toys.corner_cloud, toys.gaussian]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_seed_decides(sampler):
    points = sampler(nb_points=400, seed=3)
    assert points.dtype == np.float32
    assert len(points) == 400
    np.testing.assert_array_equal(points, sampler(nb_points=400, seed=3))
    assert not np.array_equal(points, sampler(nb_points=400, seed=4))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_draws_leave_the_global_state_alone(sampler):
    before = np.random.get_state()[1].copy()
    sampler(nb_points=4)
    np.testing.assert_array_equal(before, np.random.get_state()[1])


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("nb_points", [0, -4, 2.0, "4", None, True])
def test_samplers_refuse_a_wrong_number(sampler, nb_points):
    with refused("nb_points"):
        sampler(nb_points=nb_points)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("seed", [-1, 1.5, "0", None])
def test_samplers_refuse_a_wrong_seed(sampler, seed):
    with refused("seed"):
        sampler(nb_points=4, seed=seed)


def test_circle():
    points = toys.circle()
    assert points.shape == (1000, 2)
    radius = np.hypot(*(points.astype(float) - 0.5).T)
    # 1e-8 in the root shortens the rare normal vectors that are themselves short.
    np.testing.assert_allclose(radius, 0.3, atol=1e-4)
    # The mean direction of n uniform angles has a norm of about 1 / sqrt(n).
    assert np.linalg.norm(points.mean(axis=0) - 0.5) / 0.3 < 4 / math.sqrt(1000)


def test_four_clouds():
    points = toys.four_clouds(4000).astype(float)
    assert points.shape == (4000, 5)
    x, y, r, g, b = points.T
    np.testing.assert_allclose(r, np.minimum(x**2, 1), atol=1e-6)
    np.testing.assert_allclose(g, np.minimum(y**2, 1), atol=1e-6)
    np.testing.assert_allclose(b, np.maximum(1 - r - g, 0), atol=1e-6)
    centres = [(0.25, 0.25), (0.25, 0.75), (0.75, 0.25), (0.75, 0.75)]
    for cloud, centre in zip(points.reshape(4, 1000, 5), centres, strict=True):
        # 4 standard errors of a mean and of a standard deviation.
        np.testing.assert_allclose(
            cloud[:, :2].mean(axis=0), centre, atol=4 * 0.05 / math.sqrt(1000)
        )
        np.testing.assert_allclose(
            cloud[:, :2].std(axis=0), 0.05, atol=4 * 0.05 / math.sqrt(2000)
        )


def test_four_clouds_refuses_what_does_not_divide():
    with refused("nb_points"):
        toys.four_clouds(10)


def test_gaussian():
    points = toys.gaussian(10000)
    assert points.shape == (10000, 1)
    assert abs(points.mean() - 4) < 4 * 1.25 / math.sqrt(10000)
    assert abs(points.std() - 1.25) < 4 * 1.25 / math.sqrt(20000)
    np.testing.assert_array_equal(toys.gaussian(3, mean=-1, std=0), -np.ones((3, 1)))


def test_samplers_refuse_a_wrong_spread():
    with refused("sigma"):
        toys.corner_cloud(sigma=-1)
    with refused("std"):
        toys.gaussian(std=float("nan"))
    with refused("mean"):
        toys.gaussian(mean=float("inf"))
    with refused("dim"):
        toys.corner_cloud(dim=0)


def test_indicators_on_a_hand_made_cloud():
    points = [[1.0, 0.0], [3.0, 0.0]]
    assert toys.msdcc(points, centre=0.0) == (1 + 9) / 2
    assert toys.dbc(points, centre=0.0) == 4.0
    assert toys.msdcc(points, centre=[2.0, 0.0]) == 1.0
    assert toys.dbc(points, centre=[2.0, 0.0]) == 0.0


def test_indicators_on_the_corner_cloud():
    """Closed forms: sigma² chi²(N) has mean N sigma² and variance 2 N sigma⁴."""
    n, dim, sigma, s = 10000, 49, 0.05, 500
    points = toys.corner_cloud(n, dim, sigma)
    assert points.shape == (n, dim)
    # 4 standard errors.
    tolerance = 4 * sigma**2 * math.sqrt(2 * dim / n)
    assert toys.msdcc(points) == pytest.approx(dim * sigma**2, abs=tolerance)
    values = [toys.dbc(sample) for sample in points.reshape(n // s, s, dim)]
    tolerance = 4 * sigma**2 / s * math.sqrt(2 * dim / len(values))
    assert np.mean(values) == pytest.approx(dim * sigma**2 / s, abs=tolerance)


@pytest.mark.parametrize("indicator", [toys.msdcc, toys.dbc])
def test_indicators_refuse(indicator):
    with refused("points"):
        indicator(np.zeros(3))
    with refused("points"):
        indicator(np.zeros((0, 3)))
    with refused("centre"):
        indicator(np.zeros((4, 3)), centre=np.zeros(2))
    with refused("centre"):
        indicator(np.zeros((4, 3)), centre=np.inf)
    with refused("points"):
        indicator(np.full((4, 3), np.nan))
    with refused("points"):
        indicator(np.full((4, 3), np.inf), centre=np.inf)
    with refused("points"):
        indicator([["a", "b"]])
