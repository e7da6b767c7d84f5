"""A field guide: common failures of GANs, each made on purpose and cured.

Every failure is shown by two runs of a few seconds on points in the plane: a sick one
and a cured one. `tests/test_guide.py` checks for three seeds that `gan.diagnose` names
the failure first, and that the cured run ends near the data.
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import html
import io
import warnings
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from gan import plots, toys
from gan.base import AdversarialModel
from gan.diagnosis import diagnose
from gan.fully_connected import fully_connected_GenDiscr
from gan.latent import seeded
from gan.lessons import Lesson
from gan.metrics.distances import sliced_wasserstein
from gan.pages import write_page
from gan.simple_gan import Simple_GAN
from gan.variants.hinge_gan import HingeGAN
from gan.variants.minimax_gan import MinimaxGAN
from gan.variants.non_saturating_gan import NonSaturatingGAN
from gan.wgan_clip import WGAN_clip
from gan.wgan_gp import WGAN_GP

_BETTER = {"epochs": 15, "disc_iter": 5, "learning_rate": 2e-3, "beta_1": 0.0}
_LEAKY = {"activation": "leaky_relu"}
_FAST = {"disc_iter": 1, "learning_rate": 3e-3, **_LEAKY}
_BATCH = {"lambda_gp": 0.1, "between": keras.layers.BatchNormalization, **_LEAKY}
_LAYER = {"lambda_gp": 0.1, "between": keras.layers.LayerNormalization, **_LEAKY}
_FAR_AWAY = {"start": 5.0, "disc_iter": 5, "epochs": 20, **_LEAKY}

# Healthy runs: the class, and options that differ from those of `train_on_circle`.
HEALTHY: dict[str, tuple[type[AdversarialModel], dict[str, Any]]] = {
    "Simple_GAN": (Simple_GAN, {}),
    "WGAN_clip": (WGAN_clip, {"clip": 0.4, **_BETTER}),
    "WGAN_GP": (WGAN_GP, {"lambda_gp": 0.1}),
}


@dataclasses.dataclass(frozen=True)
class Failure:
    """A failure and its cure.

    Attributes:
        name: str, the failure in a few words, which begin with its `finding`.
        finding: str, what `gan.diagnose` calls it.
        why: str, what happens and why.
        cure: str, what the second run does differently.
        sick: pair of the class and the options of `train_on_circle`.
        cured: the same, of the second run.
    """

    name: str
    finding: str
    why: str
    cure: str
    sick: tuple[type[AdversarialModel], dict[str, Any]]
    cured: tuple[type[AdversarialModel], dict[str, Any]]


FAILURES = [
    Failure(
        "Collapsed variety, or mode collapse",
        "collapsed variety",
        "The generator learns much faster than the discriminator. It moves all its "
        "points to the place where the discriminator's output is highest at the "
        "moment, and then to the next place.",
        "Use equal learning rates, and penalise the gradient of the critic (WGAN_GP), "
        "so that its output cannot be much higher at one place than elsewhere.",
        (NonSaturatingGAN, _FAST | {"slow": 1e-4}),
        (WGAN_GP, {"lambda_gp": 0.1, **_LEAKY}),
    ),
    Failure(
        "Discriminator far ahead, or vanishing gradient",
        "discriminator far ahead",
        "The fakes begin far from the data, and with five updates per step "
        "the discriminator is soon certain about them. The zero-sum loss log(1 - D) is "
        "then flat: its gradient is almost 0, and the generator does not move.",
        "Use the non-saturating loss -log D, which is steep where the discriminator is "
        "certain (Goodfellow et al. 2014, end of section 3).",
        (MinimaxGAN, _FAR_AWAY),
        (NonSaturatingGAN, _FAR_AWAY),
    ),
    Failure(
        "Clipped weights: a clip too small",
        "clipped weights",
        "With weights of at most .01, as in the paper (Arjovsky et al. 2017), this "
        "small critic is almost flat, and the generator gets almost no gradient. A "
        "clip that is too large is said to be as bad, but on these points clips of 3 "
        "and 30 did no harm.",
        "Use a clip of .4, or WGAN_GP, which needs no clip.",
        (WGAN_clip, {"clip": 0.01, **_BETTER}),
        HEALTHY["WGAN_clip"],
    ),
    Failure(
        "Far from the data: momentum under a clip",
        "far from the data",
        "Adam's momentum of .5 keeps moving the weights after the critic's gradient "
        "has changed its sign. The fakes oscillate around the data and never settle.",
        "Set beta_1=0 (Arjovsky et al. 2017 use RMSprop for this reason).",
        (WGAN_clip, {"clip": 0.4, **_BETTER, **_LEAKY, "beta_1": 0.5}),
        (WGAN_clip, {"clip": 0.4, **_BETTER, **_LEAKY}),
    ),
    Failure(
        "Coupled samples: batch normalisation under a gradient penalty",
        "coupled samples",
        "The penalty is meant for the gradient at each example alone, but with batch "
        "normalisation each output depends on the whole batch. So the penalty limits "
        "another gradient than the one that the generator follows.",
        "Use layer normalisation, or none (Gulrajani et al. 2017, section 4).",
        (WGAN_GP, _BATCH),
        (WGAN_GP, _LAYER),
    ),
    Failure(
        "Dead layer: learning rates too high",
        "dead layer",
        "A learning rate of .1 moves most ReLU units so far that they output 0 for "
        "every example. Such a unit has no gradient, so it never learns again.",
        "Use a learning rate of .001.",
        (Simple_GAN, {"learning_rate": 0.1}),
        HEALTHY["Simple_GAN"],
    ),
    Failure(
        "Bounded outputs: a tanh under hinge loss",
        "bounded outputs",
        "The hinge loss seeks outputs beyond -1 and 1, which a tanh never reaches. The "
        "tanh saturates, and the generator gets no gradient.",
        "Use a linear output.",
        (HingeGAN, {"start": 2.0, "end": "tanh", **_LEAKY}),
        (HingeGAN, {"start": 2.0, **_LEAKY}),
    ),
]


def train_on_circle(
    kind: tuple[type[AdversarialModel], dict[str, Any]], seed: int = 0
) -> AdversarialModel:
    """Train a model on points of a circle, by networks of three layers of 32 units.

    Args:
        kind: pair of a class and a dict of options: those of the model; `epochs`, the
            number of epochs of 100 steps (default: 12); `activation` of all hidden
            layers (default: "relu"); `start`, the value of both coordinates around
            which the first fakes lie (default: 0); and for the discriminator alone,
            `between`, a class of layers that follow each hidden dense layer, `end`, the
            last activation, and `slow`, the learning rate.
        seed: int.

    Returns:
        The trained `gan.AdversarialModel`.
    """
    cls, options = kind[0], dict(kind[1])
    epochs, start = options.pop("epochs", 12), options.pop("start", 0.0)
    activation = options.pop("activation", "relu")
    between, end = options.pop("between", None), options.pop("end", None)
    slow = options.pop("slow", None)
    real = toys.circle(1000, seed)
    with seeded(seed):
        generator, discriminator, latents = fully_connected_GenDiscr(
            [2, 32, 32, 32, 2], real, activation=activation, bounded=False
        )
        if between or end:
            x = inputs = keras.Input((2,))
            for _ in range(3):
                x = keras.layers.Dense(32, activation=activation)(x)
                x = between()(x) if between else x
            x = keras.layers.Dense(1, activation=end)(x)
            discriminator = keras.Model(inputs, x, name="discriminator")
    generator.layers[-1].bias.assign(np.full(2, start))
    if slow:
        options["discriminator_optimizer"] = keras.optimizers.Adam(slow)
    options = {"batch_size": 100, "learning_rate": 1e-3, "seed": seed} | options
    with warnings.catch_warnings(action="ignore"):
        # Some arguments are wrong on purpose, so warnings are expected.
        model = cls(generator, discriminator, latents, real, **options)
    model.fit(epochs=epochs, steps_per_epoch=100, verbose=0)
    return model


def distance(model: AdversarialModel) -> float:
    """Distance SW2 of 1,000 fakes to the points that a model was trained on."""
    real = np.asarray(model.real_examples)
    return sliced_wasserstein(real, np.asarray(model.get_fake_sample(1000)))


def healthy_histories(name: str, seeds: int = 3) -> list[dict[str, list[float]]]:
    """Losses of healthy runs, for `gan.plots.losses(history, healthy=…)`.

    Args:
        name: str, one of `HEALTHY`.
        seeds: int, number of runs.

    Returns:
        List of dicts of lists, one value an epoch.
    """
    runs = [train_on_circle(HEALTHY[name], seed) for seed in range(seeds)]
    return [run.history.history for run in runs]


def run(seed: int = 0, tell: Callable[[str], object] = print) -> Lesson:
    """Make every failure, and cure it.

    Args:
        seed: int.
        tell: callable that is given a line at the start of each part.

    Returns:
        `Lesson` of a page.
    """
    parts = []
    for failure in FAILURES:
        tell(f"{failure.name} ...")
        parts.append(_part(failure, seed))
    tell("healthy curves ...")
    body = "\n".join([*parts, _healthy()])
    title = "A field guide to failures of GANs"
    page = functools.partial(write_page, name="guide", title=title, BODY=body)
    return Lesson(page=page)


def _part(failure, seed):
    """The part of the page about a failure: text, and pictures of both runs."""
    sick, cured = (train_on_circle(k, seed) for k in (failure.sick, failure.cured))
    said = [str(finding) for finding in diagnose(sick)]
    cells = [
        f"<h2>{_text(failure.name)}</h2><p>{_text(failure.why)}</p>",
        _beside(_run(sick, "sick"), _run(cured, "cured")),
        f"<p>gan.diagnose prints:</p><pre>{_text(chr(10).join(said))}</pre>",
        f"<p>The cure: {_text(failure.cure)}</p>",
    ]
    return "".join(cells)


def _run(model, which):
    """The picture of a run: its points, and its losses below them."""
    title = f"{which}: {type(model).__name__}, SW2 {distance(model):.3f}"
    history = model.history.history
    drawn = {title: (model.real_examples, model.get_fake_sample(500), history)}
    return _image(plots.side_by_side(drawn), title)


def _healthy():
    call = "gan.plots.losses(history, healthy=healthy_histories('WGAN_GP'))"
    rows, images = [("class", "loss", "first epoch", "half-way", "last epoch")], []
    for name in HEALTHY:
        histories = healthy_histories(name)
        for loss in histories[0]:
            curves = np.array([history[loss] for history in histories])
            some = curves[:, [0, curves.shape[1] // 2, -1]]
            least, most = some.min(axis=0), some.max(axis=0)
            ranges = [f"{a:.3f} to {b:.3f}" for a, b in zip(least, most, strict=True)]
            rows.append((name, loss, *ranges))
        figure = plots.losses(histories[0], name, healthy=histories)
        images.append(_image(figure, f"healthy losses of {name}"))
    cells = "".join(f"<tr><td>{'<td>'.join(map(_text, row))}" for row in rows)
    return (
        "<h2>Is my loss normal?</h2><p>These are the losses of healthy runs: the "
        "smallest and the largest value of three seeds. To draw your own losses over "
        f"them, import healthy_histories from gan.lessons.guide and call "
        f"<code>{_text(call)}</code>.</p><div class='wide'><table>{cells}</table></div>"
        f"{_beside(*images)}"
    )


def _beside(*images):
    """Images in columns, below each other on a phone, where each is then legible."""
    return f"<div class='columns'>{''.join(images)}</div>"


def _text(text):
    return html.escape(text)


def _image(figure, name):
    file = io.BytesIO()
    # Twice as many pixels as the page shows: screens of phones have them.
    figure.savefig(file, format="png", dpi=200)
    data = base64.b64encode(file.getvalue()).decode()
    return f'<img alt="{_text(name)}" src="data:image/png;base64,{data}">'
