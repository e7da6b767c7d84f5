import keras
import numpy as np
import pytest
from conftest import refused
from scipy import integrate, stats

from gan.lessons import theory

P, Q = (stats.norm(*law) for law in (theory.REAL, theory.FAKE))
X = np.linspace(-4, 12, 4001)


def jensen_shannon():
    """The divergence by adaptive quadrature, without code of the library."""

    def divergence(a, b):
        def inside(x):
            middle = np.logaddexp(a.logpdf(x), b.logpdf(x)) - np.log(2)
            return a.pdf(x) * (a.logpdf(x) - middle)

        return integrate.quad(inside, -10, 20, limit=200, points=[2.5, 4])[0]

    return (divergence(P, Q) + divergence(Q, P)) / 2


LIMIT = 2 * jensen_shannon() - np.log(4)


@pytest.fixture(scope="module")
def trained():
    return theory.train_against_fixed(epochs=8, seed=0)


def best(x):
    return P.pdf(x) / (P.pdf(x) + Q.pdf(x))


def probability(model, x):
    logits = model.discriminator(np.float32(x).reshape(-1, 1)).numpy()[:, 0]
    return 1 / (1 + np.exp(-logits.astype(np.float64)))


def allowed(model):
    """Expected excess loss after learning from n rows: weights / 2n (Wilks 1938)."""
    return model.discriminator.count_params() / (2 * len(model.real_examples))


def test_the_closed_forms():
    densities = theory.normal_density(X, *theory.REAL), Q.pdf(X)
    np.testing.assert_allclose(densities[0], P.pdf(X), rtol=1e-10)
    np.testing.assert_allclose(theory.best_discriminator(*densities), best(X))
    np.testing.assert_allclose(theory.value_of_best(X, *densities), LIMIT, atol=1e-6)
    same = theory.value_of_best(X, densities[0], densities[0])
    np.testing.assert_allclose(same, -np.log(4), atol=1e-6)


@pytest.mark.slow
def test_the_trained_discriminator_approaches_the_best(trained):
    """Excess loss is at least 4 E(D − D*)² over both halves (Pinsker)."""
    squares = (probability(trained, X) - best(X)) ** 2 * (P.pdf(X) + Q.pdf(X)) / 2
    distance = np.sqrt(integrate.trapezoid(squares, X))
    assert distance < np.sqrt(allowed(trained) / 4) < 0.03


@pytest.mark.slow
def test_the_value_approaches_that_of_theory(trained):
    rng, n = np.random.default_rng(1), 50_000
    real, fake = P.rvs(n, random_state=rng), Q.rvs(n, random_state=rng)
    parts = np.log(probability(trained, real)), np.log1p(-probability(trained, fake))
    value = sum(part.mean() for part in parts)
    error = np.sqrt(sum(part.var() for part in parts) / n)
    assert LIMIT - allowed(trained) - 4 * error < value < LIMIT + 4 * error
    logged = -trained.history.history["discr_loss"][-1]
    # An epoch has 100,000 rows of each kind, twice n, but the reals repeat.
    assert abs(logged - LIMIT) < allowed(trained) + 4 * error
    assert LIMIT > -np.log(4) + 0.4


def test_the_generator_stands_still(trained):
    kernel, bias = trained.generator.get_weights()
    assert (bias[0], kernel[0, 0]) == tuple(np.float32(theory.FAKE))
    assert isinstance(trained.generator.optimizer, keras.optimizers.SGD)


def test_bad_input():
    with refused("epochs"):
        theory.train_against_fixed(epochs=0)
