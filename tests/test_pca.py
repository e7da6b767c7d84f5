import numpy as np
import pytest

from gan._validation import InvalidInput
from gan.pca import fit_pca

RNG = np.random.default_rng(0)
MIX = RNG.normal(size=(6, 6))
SET = (RNG.normal(size=(4000, 6)) @ MIX + 3).reshape(-1, 2, 3)


def test_coordinates_are_white_and_go_back_exactly():
    pca = fit_pca(SET)
    z = pca.coordinates(SET, 6)
    np.testing.assert_allclose(np.cov(z.T), np.eye(6), atol=1e-9)
    np.testing.assert_allclose(pca.pictures(z), SET, atol=1e-9)
    assert (np.diff(pca.deviations) <= 0).all()


def test_a_reconstruction_of_less_depth_loses_the_small_variances():
    pca = fit_pca(SET)
    for depth in (1, 3, 5):
        error = SET - pca.pictures(pca.coordinates(SET, depth))
        lost = (error**2).sum() / (len(SET) - 1)
        np.testing.assert_allclose(lost, (pca.deviations[depth:] ** 2).sum())


def test_samples_have_the_two_moments_of_the_set():
    fake = fit_pca(SET).sample(200_000, 6, seed=1).reshape(-1, 6)
    real = SET.reshape(-1, 6)
    np.testing.assert_allclose(fake.mean(0), real.mean(0), atol=0.03)
    np.testing.assert_allclose(np.cov(fake.T), np.cov(real.T), atol=0.15)


def test_a_seed_repeats_itself():
    pca = fit_pca(SET)
    np.testing.assert_array_equal(pca.sample(3, 2, 5), pca.sample(3, 2, 5))
    assert not np.array_equal(pca.sample(3, 2, 5), pca.sample(3, 2, 6))


@pytest.mark.parametrize(
    "use, message",
    [
        (lambda: fit_pca(np.zeros(3)), r"pictures of shape \(n, …\), n at least 2"),
        (lambda: fit_pca(np.full((3, 2), np.nan)), "finite pictures"),
        (lambda: fit_pca(SET).sample(0, 2), "count to be a positive integer"),
        (lambda: fit_pca(SET).sample(2, 7), "depth up to 6"),
        (lambda: fit_pca(SET).coordinates(np.zeros((2, 4)), 1), "pictures of shape"),
    ],
)
def test_bad_input(use, message):
    with pytest.raises(InvalidInput, match=f"Expected {message}"):
        use()
