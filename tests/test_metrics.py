"""Each measure against a closed form or a slow, independent reference."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from conftest import refused, slow_but_first
from scipy.linalg import sqrtm
from scipy.stats import ks_2samp, wasserstein_distance
from sklearn.decomposition import PCA
from sklearn.metrics.pairwise import polynomial_kernel
from sklearn.neighbors import NearestNeighbors

from gan import metrics

DATA = Path(__file__).parents[2] / "shared" / "data" / "small_res_faces_10000.npy"
NAMES = "sw2 fd fd49 kid precision recall density coverage chi2".split()
NAMES += ["neighbour_ratio", "two_sample"]
PAIRS = (
    metrics.sliced_wasserstein,
    metrics.frechet_distance,
    metrics.kernel_distance,
    metrics.precision_recall,
    metrics.density_coverage,
    metrics.chi2_gap,
    metrics.neighbour_ratio,
    metrics.two_sample_score,
    metrics.evaluate,
)


def normal(rows, d=5, seed=0, shift=0.0, scale=1.0):
    return shift + scale * np.random.default_rng(seed).standard_normal((rows, d))


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr("gan.metrics.registry._RESAMPLES", 3)


def standardized(rows, d, seed):
    """Points whose sample mean is exactly 0 and whose sample covariance is 1."""
    z = normal(rows, d, seed)
    z -= z.mean(axis=0)
    return z @ np.linalg.inv(np.linalg.cholesky(np.cov(z, rowvar=False))).T


# --- whitening ---------------------------------------------------------------------


def test_whitened_coordinates_match_sklearn():
    real, other = normal(300, 8) * np.arange(1, 9), normal(50, 8, seed=1)
    axes = metrics.principal_axes(real, coordinates=4)
    pca = PCA(4, whiten=True, svd_solver="full").fit(real)
    ours = metrics.whitened_coordinates(other, axes)
    np.testing.assert_allclose(np.abs(ours), np.abs(pca.transform(other)), atol=1e-9)
    own = metrics.whitened_coordinates(real, axes)
    np.testing.assert_allclose(np.cov(own, rowvar=False), np.eye(4), atol=1e-9)


def test_axes_without_variance_are_dropped():
    real = np.hstack([normal(100, 3), np.ones((100, 2))])
    assert metrics.principal_axes(real)[1].shape == (5, 3)


# --- sliced Wasserstein ------------------------------------------------------------


def test_sliced_wasserstein_of_a_shifted_cloud():
    real, shift = normal(200, 3), np.array([3.0, 0.0, 4.0])
    # The mean of (w·shift)² over unit w is |shift|²/d.
    value = metrics.sliced_wasserstein(real, real + shift, directions=20_000)
    assert value == pytest.approx(5 / np.sqrt(3), rel=0.02)
    assert metrics.sliced_wasserstein(real, real[::-1]) == 0


def test_sliced_wasserstein_in_one_dimension():
    a, b = normal(60, 1), normal(60, 1, seed=1, scale=2)
    expected = np.sqrt(np.mean((np.sort(a[:, 0]) - np.sort(b[:, 0])) ** 2))
    assert metrics.sliced_wasserstein(a, b) == pytest.approx(expected)


def test_sliced_wasserstein_of_unequal_sizes():
    a, b = normal(40, 4), normal(120, 4, seed=1)
    value = metrics.sliced_wasserstein(a, b)
    assert value == pytest.approx(
        metrics.sliced_wasserstein(np.repeat(a, 3, axis=0), b)
    )
    assert value == pytest.approx(metrics.sliced_wasserstein(b, a))
    # Two values of mass 1/2 are compared with values spread evenly over [0, 1].
    few, many = np.array([[0.0], [1.0]]), np.linspace(0, 1, 999)[:, None]
    exact = np.sqrt(1 / 12)
    assert metrics.sliced_wasserstein(few, many) == pytest.approx(exact, rel=0.01)
    assert wasserstein_distance(few[:, 0], many[:, 0]) <= exact


def test_directions_change_the_estimate_a_little():
    a, b = normal(100, 4), normal(100, 4, seed=1, shift=1)
    few = metrics.sliced_wasserstein(a, b, directions=500, seed=1)
    many = metrics.sliced_wasserstein(a, b, directions=5000, seed=2)
    assert few != many
    assert few == pytest.approx(many, rel=0.1)


# --- Fréchet -----------------------------------------------------------------------


def test_frechet_distance_closed_form():
    # Diagonal covariances: |μ|² + Σ (s1 - s2)².
    s1, s2, shift = (
        np.array([1.0, 2, 3]),
        np.array([2.0, 2, 0.5]),
        np.array([1.0, 0, -2]),
    )
    real = standardized(50, 3, 0) * s1
    fake = standardized(70, 3, 1) * s2 + shift
    expected = (shift**2).sum() + ((s1 - s2) ** 2).sum()
    assert metrics.frechet_distance(real, fake) == pytest.approx(expected)
    assert metrics.frechet_distance(fake, real) == pytest.approx(expected)


def test_frechet_distance_matches_sqrtm():
    rng = np.random.default_rng(0)
    real = normal(200, 6) @ rng.standard_normal((6, 6))
    fake = normal(150, 6, seed=1) @ rng.standard_normal((6, 6)) + 0.3
    s1, s2 = np.cov(real.T), np.cov(fake.T)
    expected = ((real.mean(0) - fake.mean(0)) ** 2).sum()
    expected += np.trace(s1 + s2 - 2 * sqrtm(s1 @ s2).real)
    assert metrics.frechet_distance(real, fake) == pytest.approx(expected)


def test_few_examples_of_many_numbers_by_the_gram_matrix(monkeypatch):
    # Each direction has another variance; otherwise their order would be chance.
    scales = 0.93 ** np.arange(80)
    real = normal(70, 80, 0) * scales
    fake = normal(60, 80, 1, shift=0.1) * scales
    expected = metrics.measures(real, fake)
    for module in ("distances", "pca"):
        monkeypatch.setattr(f"gan.metrics.{module}.FEW", 79)
    found = metrics.measures(real, fake)
    # The signs of axes are arbitrary, and two_sample looks at random mixtures of them.
    for name in {*NAMES} - {"two_sample"}:
        assert found[name] == pytest.approx(expected[name], rel=1e-5), name
    assert found["two_sample"] == pytest.approx(expected["two_sample"], abs=0.2)


def test_frechet_distance_of_equal_and_of_flat_sets():
    real = normal(10, 30)
    assert 0 <= metrics.frechet_distance(real, real) < 1e-6
    assert metrics.frechet_distance(np.zeros((3, 1)), np.ones((3, 1))) == 1


# --- kernel ------------------------------------------------------------------------


def test_kernel_distance_double_loop():
    x, y = normal(12, 4), normal(12, 4, seed=1, shift=0.5)
    kernel = {"degree": 3, "gamma": 1 / 4, "coef0": 1}
    within = 0.0
    for points in (x, y):
        k = polynomial_kernel(points, **kernel)
        within += sum(k[i, j] for i in range(12) for j in range(12) if i != j) / 132
    expected = within - 2 * polynomial_kernel(x, y, **kernel).mean()
    assert metrics.kernel_distance(x, y)[0] == pytest.approx(expected)


def test_kernel_standard_error_by_brute_force():
    n = 7
    x, y = normal(n, 2), normal(n, 2, seed=1, shift=1.5)

    def k(a, b):
        return (a @ b / 2 + 1) ** 3

    def h(i, j):
        return k(x[i], x[j]) + k(y[i], y[j]) - k(x[i], y[j]) - k(x[j], y[i])

    each = range(n)
    square = np.mean([h(i, j) ** 2 for i, j in combinations(each, 2)])
    chain = np.mean(
        [
            h(i, j) * h(i, m)
            for i in each
            for j in each
            for m in each
            if len({i, j, m}) == 3
        ]
    )
    apart = np.mean(
        [
            h(i, j) * h(m, p)
            for i, j in combinations(each, 2)
            for m, p in combinations(each, 2)
            if len({i, j, m, p}) == 4
        ]
    )
    variance = (4 * (n - 2) * (chain - apart) + 2 * (square - apart)) / (n * (n - 1))
    assert variance > 0
    assert metrics.kernel_distance(x, y)[1] == pytest.approx(np.sqrt(variance))


@pytest.mark.parametrize("shift", slow_but_first(0.0, 0.5, single=True))
def test_kernel_standard_error_is_the_spread_over_fresh_draws(shift):
    draws = np.array(
        [
            metrics.kernel_distance(
                normal(60, 3, 2 * s), normal(60, 3, 2 * s + 1, shift)
            )
            for s in range(500)
        ]
    )
    spread, stated = draws[:, 0].std(), np.sqrt((draws[:, 1] ** 2).mean())
    assert stated == pytest.approx(spread, rel=0.2)
    if shift == 0:
        assert abs(draws[:, 0].mean()) < 4 * spread / np.sqrt(500)


# --- precision and recall ----------------------------------------------------------


def test_precision_recall_brute_force():
    real, fake = normal(90, 3), normal(80, 3, seed=1, shift=0.7, scale=0.8)
    mean, axes = metrics.principal_axes(real)
    a, b = ((points - mean) @ axes for points in (real, fake))
    a = a[np.sort(np.random.default_rng(0).permutation(90)[:80])]

    def share(points, centres, k):
        radii = [sorted(np.linalg.norm(c - centres, axis=1))[k] for c in centres]
        inside = [
            any(np.linalg.norm(p - c) <= r for c, r in zip(centres, radii, strict=True))
            for p in points
        ]
        return np.mean(inside)

    for k in (1, 3):
        expected = share(b, a, k), share(a, b, k)
        assert metrics.precision_recall(real, fake, k=k) == pytest.approx(expected)


def test_precision_recall_extremes(monkeypatch):
    real = normal(50, 4)
    assert metrics.precision_recall(real, real) == (1, 1)
    assert metrics.precision_recall(real, real + 100) == (0, 0)
    inside = metrics.precision_recall(real, normal(50, 4, seed=1))
    monkeypatch.setattr("gan.metrics.distances._BLOCK", 7)
    assert metrics.precision_recall(real, normal(50, 4, seed=1)) == inside


def test_a_narrow_mode_is_precise_but_misses_reals():
    precision, recall = metrics.precision_recall(
        normal(400, 2), normal(400, 2, seed=1, scale=0.05)
    )
    assert precision > 0.95
    assert recall < 0.2


def test_density_coverage_brute_force():
    real, fake = normal(80, 3), normal(80, 3, seed=1, shift=0.7, scale=0.8)
    mean, axes = metrics.principal_axes(real)
    a, b = ((points - mean) @ axes for points in (real, fake))
    for k in (1, 5):
        radii = [sorted(np.linalg.norm(c - a, axis=1))[k] for c in a]
        far = np.linalg.norm(a[:, None] - b, axis=2)
        inside = far <= np.array(radii)[:, None]
        expected = inside.sum() / (k * len(b)), inside.any(axis=1).mean()
        assert metrics.density_coverage(real, fake, k=k) == pytest.approx(expected)


@pytest.mark.slow
def test_density_coverage_extremes():
    real = normal(2000, 4)
    assert metrics.density_coverage(real, real + 100) == (0, 0)
    density, coverage = metrics.density_coverage(real, normal(2000, 4, seed=1))
    assert abs(density - 1) < 0.05 and abs(coverage - (1 - 1 / 2**5)) < 0.02
    # An outlier among the reals has a large ball, which raises only the precision.
    outlier = np.concatenate([real, [[30, 0, 0, 0]]])
    around = normal(2001, 4, seed=2) + [20, 0, 0, 0]
    precision, _ = metrics.precision_recall(outlier, around)
    density, coverage = metrics.density_coverage(outlier, around)
    assert precision > 0.9 and density < 0.3 and coverage < 0.01


# --- squared length ----------------------------------------------------------------


@pytest.mark.parametrize("rows", [70, 200])
def test_chi2_gap_matches_scipy(rows):
    real, fake = normal(200, 60), normal(rows, 60, seed=1, scale=0.9)
    pca = PCA(49, whiten=True, svd_solver="full").fit(real)
    lengths = [(pca.transform(points) ** 2).sum(axis=1) for points in (real, fake)]
    assert metrics.chi2_gap(real, fake) == pytest.approx(ks_2samp(*lengths).statistic)
    assert metrics.chi2_gap(real, real) == 0


# --- copying -----------------------------------------------------------------------


def test_neighbour_ratio_matches_sklearn():
    train, fake = normal(150, 6), normal(90, 6, seed=1, scale=1.3)
    tree = NearestNeighbors(n_neighbors=2).fit(train)
    to_train = tree.kneighbors(fake, n_neighbors=1)[0][:, 0]
    # The median is that of the squares: the mean of its middle pair differs.
    expected = np.median(to_train**2) / np.median(tree.kneighbors()[0][:, 0] ** 2)
    value = metrics.neighbour_ratio(train, fake)
    assert value == pytest.approx(np.sqrt(expected))


def test_neighbour_ratio_tells_copies_from_new_reals():
    train = normal(800, 4)
    assert metrics.neighbour_ratio(train, train[:100]) < 1e-6
    assert metrics.neighbour_ratio(train, normal(800, 4, seed=1)) == pytest.approx(
        1, 0.1
    )
    assert metrics.neighbour_ratio(train, normal(99, 4, seed=1, shift=9)) > 3


# --- classifier --------------------------------------------------------------------


def test_two_sample_score_of_equal_and_of_far_sets():
    real = normal(600, 5)
    equal = metrics.two_sample_score(real, normal(600, 5, seed=1))
    assert equal == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(600))
    assert metrics.two_sample_score(real, normal(600, 5, seed=1, shift=5)) > 0.99


def test_two_sample_score_sees_what_two_moments_do_not():
    rng = np.random.default_rng(0)
    signs = rng.choice([-1.0, 1.0], (1000, 2))
    assert metrics.two_sample_score(normal(1000, 2), signs) > 0.85


def test_two_sample_score_is_near_the_best_possible():
    # The best possible accuracy for N(0, 1) and N(2, 1) is Φ(1) = 0.841.
    value = metrics.two_sample_score(normal(2000, 1), normal(2000, 1, seed=1, shift=2))
    assert value == pytest.approx(0.841, abs=0.03)


# --- all together ------------------------------------------------------------------


def test_measures_by_name_are_the_functions():
    real, fake = normal(60, 3, 1), normal(50, 3, 2)
    white = [
        metrics.whitened_coordinates(some, metrics.principal_axes(real))
        for some in (real, fake)
    ]
    precision, recall = metrics.precision_recall(real, fake)
    density, coverage = metrics.density_coverage(real, fake)
    expected = {
        "two_sample": metrics.two_sample_score(real, fake),
        "sw2": metrics.sliced_wasserstein(real, fake),
        "fd": metrics.frechet_distance(real, fake),
        "fd49": metrics.frechet_distance(*white),
        "kid": metrics.kernel_distance(real, fake)[0],
        "precision": precision,
        "recall": recall,
        "density": density,
        "coverage": coverage,
        "chi2": metrics.chi2_gap(real, fake),
        "neighbour_ratio": metrics.neighbour_ratio(real, fake),
    }
    assert {*expected} == {*metrics.NAMES}
    found = metrics.measures(real, fake, expected)
    assert found == expected and [*found] == [*expected]
    assert metrics.measures(real, fake, ["recall"]) == {"recall": recall}
    for names in [[], ["fid"], ["fd", "fd"], "fd", None, 3]:
        with refused("names"):
            metrics.measures(real, fake, names)


def test_evaluate_reports_every_measure():
    real, fake = normal(300, 3), normal(160, 3, seed=1, shift=2)
    report = metrics.evaluate(real, fake)
    assert list(report) == NAMES
    for row in report.values():
        assert list(row) == ["value", "low", "high", "floor"]
        assert all(type(number) is float for number in row.values())
        assert row["low"] <= row["value"] <= row["high"]
    for name in ("sw2", "fd", "fd49", "kid", "chi2", "two_sample"):
        assert report[name]["floor"] < report[name]["low"]
    for name in ("precision", "recall"):
        assert report[name]["floor"] > report[name]["high"]


def test_evaluate_splits_as_documented(quick):
    real, fake = normal(100, 3), normal(200, 3, seed=1)
    shuffled = np.random.default_rng(7).permutation(real)
    reference, floor = shuffled[:50], shuffled[50:]
    axes = metrics.principal_axes(shuffled)
    report = metrics.evaluate(real, fake, seed=7)
    assert report["fd"]["floor"] == metrics.frechet_distance(reference, floor)
    expected = metrics.precision_recall(reference, floor, axes=axes)
    assert (report["precision"]["floor"], report["recall"]["floor"]) == expected
    copies = metrics.evaluate(real, np.repeat(real, 2, axis=0))
    assert copies["neighbour_ratio"]["value"] < 1e-6


@pytest.mark.slow
def test_the_interval_is_as_wide_as_fresh_draws_spread(monkeypatch):
    monkeypatch.setattr(metrics, "two_sample_score", lambda *_, **__: 0.5)

    def fd(seed):
        real, fake = normal(800, 3, seed), normal(400, 3, seed + 1, shift=1)
        return metrics.evaluate(real, fake)["fd"]

    def fresh(seed):
        return metrics.frechet_distance(
            normal(400, 3, seed), normal(400, 3, seed + 1, shift=1)
        )

    rows = [fd(seed) for seed in range(0, 8, 2)]
    stated = np.mean([row["high"] - row["value"] for row in rows]) / 2.093
    spread = np.std([fresh(seed) for seed in range(100, 700, 2)])
    assert stated == pytest.approx(spread, rel=0.3)


@pytest.mark.slow
def test_same_seed_same_numbers(quick):
    real, fake = normal(60, 3), normal(40, 3, seed=1)
    first, again, other = (metrics.evaluate(real, fake, seed=s) for s in (0, 0, 1))
    assert first == again
    assert first != other


def test_pictures_vectors_and_dtypes_agree(quick):
    rng = np.random.default_rng(0)
    real, fake = rng.integers(0, 256, (2, 40, 4, 4), dtype=np.uint8)
    for measure in PAIRS:
        flat = measure(real.reshape(40, 16).astype(float), fake.reshape(40, 16) * 1.0)
        assert measure(real, fake[..., None]) == flat


# --- what is refused ---------------------------------------------------------------


@pytest.mark.parametrize("measure", PAIRS, ids=lambda measure: measure.__name__)
@pytest.mark.parametrize(
    "spoil",
    [
        lambda x: x[:, 0],
        lambda x: x[:0],
        lambda x: x[:, :2],
        lambda x: x * np.nan,
        lambda x: x / 1e-320,
        lambda x: x.astype(str),
        lambda x: x + 1j,
        lambda x: x > 0,
    ],
)
def test_unusable_points(measure, spoil):
    with np.errstate(over="ignore"):
        fake = spoil(normal(40, 3))
    with refused("fake"):
        measure(normal(40, 3), fake)


@pytest.mark.parametrize(
    "measure, rows",
    [
        (metrics.frechet_distance, 1),
        (metrics.kernel_distance, 3),
        (metrics.precision_recall, 3),
        (metrics.density_coverage, 5),
        (metrics.two_sample_score, 3),
        (metrics.evaluate, 11),
    ],
)
def test_too_few_rows(measure, rows):
    measure(normal(40, 3), normal(rows + 1, 3))
    with refused("fake"):
        measure(normal(40, 3), normal(rows, 3))


@pytest.mark.parametrize(
    "measure, argument, setting",
    [
        (metrics.sliced_wasserstein, "directions", {"directions": 0}),
        (metrics.kernel_distance, "points", {"points": -1}),
        (metrics.kernel_distance, "points", {"points": 3}),
        (metrics.precision_recall, "k", {"k": 0}),
        (metrics.precision_recall, "k", {"k": 1.5}),
        (metrics.precision_recall, "real", {"k": 40}),
        (metrics.precision_recall, "points", {"k": 5, "points": 5}),
        (metrics.neighbour_ratio, "points", {"points": 0}),
        (metrics.two_sample_score, "points", {"points": 2}),
        (metrics.two_sample_score, "seed", {"seed": -1}),
    ],
)
def test_unusable_settings(measure, argument, setting):
    with refused(argument):
        measure(normal(40, 3), normal(40, 3, seed=1), **setting)


def test_points_that_are_all_the_same_or_too_few():
    with refused("real"):
        metrics.principal_axes(np.ones((5, 2)))
    with refused("train"):
        metrics.neighbour_ratio(np.ones((5, 2)), np.zeros((5, 2)))
    with refused("train"):
        metrics.neighbour_ratio(np.ones((1, 2)), np.zeros((5, 2)))
    with refused("real"):
        metrics.evaluate(normal(23), normal(23))


def test_axes_of_another_dimension():
    axes = metrics.principal_axes(normal(40, 3))
    with refused("points"):
        metrics.whitened_coordinates(normal(40, 4), axes)


def test_the_table_says_what_each_measure_needs():
    table = metrics.MEASURES
    assert [*table] == NAMES == [*metrics.NAMES]
    real = np.random.default_rng(0).random((40, 3))
    for name, measure in table.items():
        better = metrics.measures(real, real, [name], seed=1)[name]
        worse = metrics.measures(real, real / 4 + 2, [name], seed=1)[name]
        if measure.larger_is_better is not None:
            assert (better > worse) == measure.larger_is_better, name


# --- the figures of the real faces -------------------------------------------------


@pytest.fixture(scope="module")
def faces():
    if not DATA.exists():
        pytest.skip("the real faces are not beside the repository")
    real = np.load(DATA).reshape(10_000, -1) / 255
    return np.random.default_rng(0).permutation(real)


def figures(real, fake, faces):
    axes = metrics.principal_axes(faces)
    found = [
        metrics.sliced_wasserstein(real, fake),
        metrics.frechet_distance(real, fake),
        metrics.frechet_distance(
            *(metrics.whitened_coordinates(p, axes) for p in (real, fake))
        ),
        *metrics.precision_recall(real[:4000], fake[:4000], axes=axes),
    ]
    return found, metrics.kernel_distance(real[:3000], fake[:3000])[0] * 1e3


@pytest.mark.slow
def test_real_faces_against_real_faces(faces):
    found, kid = figures(faces[:5000], faces[5000:], faces)
    np.testing.assert_allclose(found[1:], [0.113, 0.298, 0.649, 0.664], atol=6e-4)
    assert found[0] == pytest.approx(0.0112, rel=0.06)
    assert kid == pytest.approx(0.07, abs=0.005)


@pytest.mark.slow
def test_a_gaussian_of_depth_128_against_real_faces(faces):
    variances, axes = np.linalg.eigh(np.cov(faces, rowvar=False))
    z = normal(5000, 128, seed=1) * np.sqrt(variances[-128:])
    gaussian = faces.mean(axis=0) + z @ axes[:, -128:].T
    found, kid = figures(faces[:5000], gaussian, faces)
    np.testing.assert_allclose(found, [0.0230, 0.442, 0.202, 0.210, 0.624], rtol=0.15)
    assert kid == pytest.approx(0.08, abs=0.4)
