"""A Gaussian of mean 4 and standard deviation 1.25 from uniform noise.

Each of six loss pairs trains small dense networks on 10,000 numbers for 3,000 steps,
with batches of 200, five discriminator updates per step and Adam(1e-3, 0, .9). The
average of the generator (`ema=0.995`) draws the fakes. A gradient penalty is hard in
1-D: the gradient of the optimal critic is ±1 however near the fakes are, so that the
generator oscillates around the mean. A faster critic (3e-3), a slower generator (3e-4)
and a penalty of weight .1 damp this.

`python main.py train --recipe gaussian --output run` takes 38 s on one core; `lesson
gaussian` does the same without pictures during training. W1 is the Wasserstein-1
distance to 10,000 fresh reals; faces/gallery/gaussian.png shows the histograms:

                     mean     std      W1
other reals         4.008   1.248   0.025
least squares       4.000   1.243   0.027
wasserstein clip    4.002   1.274   0.083
wasserstein gp      3.987   1.243   0.026
minimax             4.001   1.246   0.030
non saturating      3.999   1.243   0.026
two class           4.000   1.244   0.025

Reference:
    Goodfellow et al. 2014, Generative Adversarial Nets, figure 1.
"""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from gan import plots, toys
from gan.base import AdversarialModel
from gan.callbacks import SampleGrid
from gan.errors import require
from gan.latent import LatentGenerator, seeded
from gan.simple_gan import Simple_GAN
from gan.variants.minimax_gan import MinimaxGAN
from gan.variants.non_saturating_gan import NonSaturatingGAN
from gan.variants.two_class_gan import TwoClassGAN
from gan.wgan_clip import WGAN_clip
from gan.wgan_gp import WGAN_GP

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gan.recipes.run import Run

EPOCHS, STEPS = 12, 250
PAIRS = {
    "least_squares": Simple_GAN,
    "wasserstein_clip": WGAN_clip,
    "wasserstein_gp": WGAN_GP,
    "minimax": MinimaxGAN,
    "non_saturating": NonSaturatingGAN,
    "two_class": TwoClassGAN,
}


def make_generator() -> keras.Model:
    """Generator: latents `(batch, 8)` in [0, 1) -> numbers `(batch, 1)`.

    Returns:
        `keras.Model` of 1,377 parameters.
    """
    return _dense("generator", 8, layers.Dense(1))


def make_discriminator(classes: int = 1) -> keras.Model:
    """Discriminator: numbers `(batch, 1)` -> `(batch, classes)`.

    Args:
        classes: int, 1 for an output of any range, 2 for log-probabilities.

    Returns:
        `keras.Model` of 1,153 parameters, 1,186 with two classes.
    """
    activation = "log_softmax" if classes == 2 else None
    return _dense("discriminator", 1, layers.Dense(classes, activation=activation))


def _dense(name, size, last):
    hidden = [layers.Dense(32, activation="elu") for _ in range(2)]
    return keras.Sequential([keras.Input((size,)), *hidden, last], name=name)


def make_model(pair: str, real: np.ndarray, seed: int = 0) -> AdversarialModel:
    """Makes the model of a loss pair.

    Args:
        pair: str, one of `PAIRS`.
        real: float32 array `(N, 1)`, N at least 200.
        seed: int; the same seed gives the same run.

    Returns:
        `gan.AdversarialModel` of the pair's class.
    """
    options = {"beta_1": 0.0, "ema": 0.995}
    if pair == "wasserstein_gp":
        rates = {"generator_optimizer": 3e-4, "discriminator_optimizer": 3e-3}
        adams = {k: keras.optimizers.Adam(v, 0.0, 0.9) for k, v in rates.items()}
        options |= {"lambda_gp": 0.1, **adams}
    with seeded(seed):
        return PAIRS[pair](
            make_generator(),
            make_discriminator(2 if pair == "two_class" else 1),
            LatentGenerator(8, "uniform"),
            real,
            batch_size=200,
            disc_iter=5,
            learning_rate=1e-3,
            **options,
        )


def measure(real: npt.ArrayLike, fake: npt.ArrayLike) -> tuple[float, float, float]:
    """Mean, standard deviation and distance of fakes.

    Args:
        real: float array `(n, 1)`.
        fake: float array of the same shape.

    Returns:
        Tuple of floats; the third is the Wasserstein-1 distance of the two sets.

    Formula:
        W₁ = mean |real₍ᵢ₎ − fake₍ᵢ₎| over the sorted sets
    """
    real, fake = np.sort(np.ravel(real)), np.sort(np.ravel(fake))
    return fake.mean(), fake.std(), np.abs(real - fake).mean()


def train(run: Run) -> list[pathlib.Path]:
    """Train every loss pair with the settings of `run`; write pictures and models."""
    sentence = "The argument data (--pictures) must be left out: the Gaussian is drawn."
    require(run.data is None, sentence, "data")
    real, fresh = reals(), reals(seed=1)
    panels, paths = {}, []
    run.begin_parts(*PAIRS)
    for pair in PAIRS:
        model = make_model(pair, real, run.seed)

        def draw(model, pair=pair):
            return plots.histograms(panel(model, pair, fresh))

        paths.append(run.output / f"training_{pair}.gif")
        pictures = SampleGrid(run.output / pair, draw=draw, gif=paths[-1])
        run.fit(model, EPOCHS, STEPS, [pictures], folder=pair)
        with model.stream.restarted(0):
            panels |= panel(model, pair, fresh)
        paths.append(run.path("model.keras", pair))
        model.save(paths[-1])
    print(table(panels, real, fresh))
    return [plots.save(picture(panels), run.path("gaussian.png")), *paths]


def reals(seed: int = 0) -> np.ndarray:
    """Draw real examples, float32 `(10000, 1)`."""
    return toys.gaussian(10_000, seed=seed)


def panel(
    model: AdversarialModel, pair: str, real: np.ndarray
) -> dict[str, dict[str, np.ndarray]]:
    """A panel of `gan.plots.histograms`: the reals and as many fakes."""
    fake = model.get_fake_sample(len(real)).numpy()
    return {pair.replace("_", " "): {"real": real, "fake": fake}}


def table(
    panels: dict[str, dict[str, np.ndarray]], real: np.ndarray, fresh: np.ndarray
) -> str:
    """A table of the results of `measure` for the reals and for each panel's fakes."""
    lines = [f"{'':17}{'mean':>8}{'std':>8}{'W1':>8}"]
    sets = {name: panel["fake"] for name, panel in panels.items()}
    for name, fake in {"other reals": real, **sets}.items():
        values = "".join(f"{value:8.3f}" for value in measure(fresh, fake))
        lines.append(f"{name:17}{values}")
    return "\n".join(lines)


def picture(panels: dict[str, dict[str, np.ndarray]]) -> Figure:
    """The histograms of all panels."""
    title = "a Gaussian of mean 4 and standard deviation 1.25, by loss pair"
    return plots.histograms(panels, title=title)
