import numpy as np
import pytest
from conftest import refused
from scipy import stats

from gan.metrics.pca import chi2_density, chi2_distance, chi2_distribution, fit_pca

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


@pytest.mark.parametrize("rows", [4000, 20])
def test_axes_without_variance_stay_at_the_mean(rows):
    """Some columns are 0, some are copies, and there may be few pictures."""
    rng = np.random.default_rng(3)
    flat = rng.normal(0.5, 0.1, (rows, 32)).astype("float32")
    some = np.concatenate([flat, flat, np.zeros((rows, 36), "float32")], axis=1)
    rank = min(32, rows - 1)
    pca = fit_pca(some.reshape(-1, 10, 10))
    assert (pca.deviations[:rank] > 0).all() and not pca.deviations[rank:].any()
    fakes = pca.sample(5, 100).reshape(5, 100)
    assert abs(fakes[:, 64:]).max() < 1e-12
    np.testing.assert_allclose(fakes[:, :32], fakes[:, 32:64], atol=1e-12)
    z = np.random.default_rng(0).normal(size=(5, 100))
    expected = some.mean(0, np.float64) + (z * pca.deviations) @ pca.axes.T
    np.testing.assert_allclose(fakes, expected, atol=1e-12)
    z = pca.coordinates(some + rng.normal(size=(rows, 100)), 100)
    assert not z[:, rank:].any()
    own = pca.coordinates(some, 100)
    np.testing.assert_allclose(np.cov(own.T)[:rank, :rank], np.eye(rank), atol=1e-9)
    np.testing.assert_allclose(pca.pictures(own).reshape(-1, 100), some, atol=1e-9)


def test_a_seed_repeats_itself():
    pca = fit_pca(SET)
    np.testing.assert_array_equal(pca.sample(3, 2, 5), pca.sample(3, 2, 5))
    assert not np.array_equal(pca.sample(3, 2, 5), pca.sample(3, 2, 6))


@pytest.mark.parametrize(
    "use, argument",
    [
        (lambda: fit_pca(np.zeros(3)), "pictures"),
        (lambda: fit_pca(np.full((3, 2), np.nan)), "pictures"),
        (lambda: fit_pca(SET).sample(0, 2), "count"),
        (lambda: fit_pca(SET).sample(2, 7), "depth"),
        (
            lambda: fit_pca(SET).coordinates(np.zeros((2, 4)), 1),
            "pictures",
        ),
    ],
)
def test_bad_input(use, argument):
    with refused(argument):
        use()


@pytest.mark.parametrize("degrees", [1, 2, 3, 8, 49, 256])
def test_chi2_is_that_of_scipy(degrees):
    law = stats.chi2(degrees)
    x = np.concatenate([law.ppf([1e-6, 0.1, 0.5, 0.9, 1 - 1e-6]), [0.5, 3000]])
    np.testing.assert_allclose(chi2_distribution(x, degrees), law.cdf(x), atol=1e-13)
    np.testing.assert_allclose(chi2_density(x, degrees), law.pdf(x), rtol=1e-11)
    assert chi2_distribution(0.0, degrees) == 0


@pytest.mark.parametrize("depth", [2, 49])
def test_chi2_distance_is_that_of_scipy(depth):
    z = np.random.default_rng(1).standard_normal((3000, depth))
    wild = z * np.exp(0.3 * np.random.default_rng(2).standard_normal((3000, 1)))
    for some in (z, wild):
        expected = stats.kstest((some**2).sum(axis=1), stats.chi2(depth).cdf)
        np.testing.assert_allclose(chi2_distance(some), expected.statistic, atol=1e-12)
    assert chi2_distance(z) < 1.63 / np.sqrt(3000) < chi2_distance(wild)


def test_shuffled_columns_follow_chi2_where_the_rows_do_not():
    """As the course's appendix says, white coordinates need not be independent."""
    rng = np.random.default_rng(0)
    signs = rng.choice([-1.0, 1.0], (4000, 30))
    z = signs * np.abs(rng.standard_normal((4000, 1)))
    np.testing.assert_allclose(np.cov(z.T), np.eye(30), atol=0.1)
    shuffled = rng.permuted(z, axis=0)
    assert chi2_distance(shuffled) < 1.63 / np.sqrt(4000) < 0.3 < chi2_distance(z)


@pytest.mark.parametrize(
    "use, argument",
    [
        (lambda: chi2_density([1.0], 0), "degrees"),
        (lambda: chi2_distribution([-1.0], 3), "x"),
        (lambda: chi2_distribution([np.nan], 3), "x"),
        (lambda: chi2_distance(np.zeros(3)), "coordinates"),
        (lambda: chi2_distance(np.zeros((0, 3))), "coordinates"),
        (lambda: chi2_distance([[np.nan, 1]]), "coordinates"),
    ],
)
def test_bad_input_of_chi2(use, argument):
    with refused(argument):
        use()


def test_few_pictures_of_many_values_by_the_gram_matrix(monkeypatch):
    rng = np.random.default_rng(0)
    scales = 0.8 ** np.arange(60)
    pictures = (rng.normal(size=(30, 60)) * scales + 3).reshape(30, 4, 5, 3)
    other = (rng.normal(size=(20, 60)) * scales + 3).reshape(20, 4, 5, 3)
    expected = fit_pca(pictures)
    drawn = expected.sample(50, 40, seed=1)
    monkeypatch.setattr("gan.metrics.pca.FEW", 59)
    found, some = fit_pca(pictures), fit_pca(pictures, 7)
    # Around their mean, 30 pictures vary along 29 axes.
    assert found.axes.shape == (60, 29) and some.axes.shape == (60, 7)
    assert found.axes.dtype == found.mean.dtype == np.float64
    np.testing.assert_allclose(found.mean, expected.mean)
    np.testing.assert_allclose(found.deviations, expected.deviations[:29], rtol=1e-6)
    np.testing.assert_allclose(found.axes.T @ found.axes, np.eye(29), atol=1e-9)
    signs = np.sign((found.axes * expected.axes[:, :29]).sum(axis=0))
    for depth in (5, 40):
        known = min(depth, 29)
        for pca in (found, some):
            known = min(known, pca.axes.shape[1])
            coordinates = pca.coordinates(other, depth)
            assert coordinates.shape == (20, depth)
            np.testing.assert_allclose(
                coordinates[:, :known] * signs[:known],
                expected.coordinates(other, depth)[:, :known],
                rtol=1e-4,
                atol=1e-6,
            )
            assert not coordinates[:, pca.axes.shape[1] :].any()
    projections = found.projections(other, 40)
    assert projections.shape == (20, 29)
    whitened = found.coordinates(other, 29) * found.deviations
    np.testing.assert_allclose(projections, whitened, atol=1e-9)
    # Draws have the same distribution, and stay in the span of the pictures.
    again = found.sample(50, 40, seed=1)
    assert again.shape == drawn.shape == (50, 4, 5, 3)
    lengths = [
        ((some - found.mean.reshape(4, 5, 3)) ** 2).sum() for some in (again, drawn)
    ]
    assert lengths[0] == pytest.approx(lengths[1], rel=0.2)
    back = found.pictures(found.coordinates(pictures, 29))
    np.testing.assert_allclose(back, pictures, atol=1e-6)


def test_of_many_pictures_of_many_values_some_stand_for_all(monkeypatch):
    monkeypatch.setattr("gan.metrics.pca.FEW", 9)
    monkeypatch.setattr("gan.metrics.pca._MOST", 25)
    monkeypatch.setattr("gan.metrics.pca._AT_ONCE", 7)
    rng = np.random.default_rng(0)
    pictures = rng.normal(size=(400, 60)) * 0.8 ** np.arange(60) + 2
    pca = fit_pca(pictures)
    assert pca.axes.shape == (60, 24)
    projected = pca.projections(pictures, 60)
    np.testing.assert_allclose(projected, (pictures - pca.mean) @ pca.axes)
    # The first axes are those along which all pictures vary most.
    share = projected[:, :5].var(axis=0).sum() / pictures.var(axis=0).sum()
    best = np.linalg.eigvalsh(np.cov(pictures.T))
    assert share > 0.7 * best[-5:].sum() / best.sum()


def test_equal_pictures_of_many_values_vary_along_nothing(monkeypatch):
    monkeypatch.setattr("gan.metrics.pca.FEW", 9)
    pca = fit_pca(np.ones((5, 12)))
    assert not pca.deviations.any() and not pca.coordinates(np.ones((3, 12)), 4).any()
