"""A field guide: the failures that everyone meets, each made on purpose, and cured.

Every failure is a pair of runs of a few seconds on points in the plane, which differ
in one thing. `tests/test_guide.py` holds that the sick run is worse in each of three
seeds.
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

# Runs that go well: the class, and what differs from `train_on_circle`.
HEALTHY: dict[str, tuple[type[AdversarialModel], dict[str, Any]]] = {
    "Simple_GAN": (Simple_GAN, {}),
    "WGAN_clip": (WGAN_clip, {"clip": 0.4, **_BETTER}),
    "WGAN_GP": (WGAN_GP, {"lambda_gp": 0.1}),
}


@dataclasses.dataclass(frozen=True)
class Failure:
    """A failure and its cure.

    Attributes:
        name: str, the failure in a few words.
        why: str, what happens and why.
        cure: str, what the second run does otherwise.
        sick: pair of the class and the options of `train_on_circle`.
        cured: the same, of the second run.
    """

    name: str
    why: str
    cure: str
    sick: tuple[type[AdversarialModel], dict[str, Any]]
    cured: tuple[type[AdversarialModel], dict[str, Any]]


FAILURES = [
    Failure(
        "Mode collapse",
        "The generator learns much faster than the discriminator: it runs to whatever "
        "place is liked best at the moment, with all its points, and on to the next.",
        "Equal learning rates, and a critic whose penalty keeps it from liking one "
        "place only (WGAN_GP).",
        (NonSaturatingGAN, {"disc_iter": 1, "learning_rate": 1e-2, "slow": 1e-4}),
        HEALTHY["WGAN_GP"],
    ),
    Failure(
        "A discriminator far ahead",
        "The fakes begin far from the data, and five updates a step make the "
        "discriminator sure of them. The zero-sum loss log(1 - D) is then flat: the "
        "generator learns nothing, its gradient has vanished.",
        "The non-saturating loss -log D, which is steep where D is sure "
        "(Goodfellow et al. 2014, end of section 3).",
        (MinimaxGAN, {"shift": 4.0, "disc_iter": 5}),
        (NonSaturatingGAN, {"shift": 4.0, "disc_iter": 5}),
    ),
    Failure(
        "A clip too small",
        "Weights of at most .01, the number in the paper, leave this small critic "
        "almost flat, so that the generator gets next to no direction. A clip too "
        "large is said to be as bad; on these points 3 and 30 did no harm.",
        "A clip of .4; or WGAN_GP, which has none.",
        (WGAN_clip, {"clip": 0.01, **_BETTER}),
        HEALTHY["WGAN_clip"],
    ),
    Failure(
        "Momentum under a clip",
        "Adam's momentum of .5 carries the weights on although the critic's slope has "
        "turned: the fakes swing around the data and do not settle.",
        "beta_1=0 (Arjovsky et al. 2017 take RMSprop for it).",
        (WGAN_clip, {"clip": 0.4, **_BETTER, "beta_1": 0.5}),
        HEALTHY["WGAN_clip"],
    ),
    Failure(
        "Batch normalisation under a gradient penalty",
        "The penalty holds each example's own slope, but batch normalisation lets each "
        "output depend on the whole batch: what is held is not what is used.",
        "Layer normalisation, or none (Gulrajani et al. 2017, section 4).",
        (WGAN_GP, {"lambda_gp": 0.1, "between": keras.layers.BatchNormalization}),
        (WGAN_GP, {"lambda_gp": 0.1, "between": keras.layers.LayerNormalization}),
    ),
    Failure(
        "Learning rates too high",
        "Steps of .1 throw the units out of the range in which they answer: they are "
        "dead, and what is dead does not learn.",
        "A learning rate of .001.",
        (Simple_GAN, {"learning_rate": 0.1}),
        HEALTHY["Simple_GAN"],
    ),
    Failure(
        "A tanh output under hinge loss",
        "The hinge loss is content beyond a margin of 1, which a tanh never reaches: "
        "it is driven to its flat ends, where the generator gets no direction.",
        "A linear output.",
        (HingeGAN, {"shift": 1.0, "end": "tanh"}),
        (HingeGAN, {"shift": 1.0}),
    ),
]


def train_on_circle(
    kind: tuple[type[AdversarialModel], dict[str, Any]], seed: int = 0
) -> AdversarialModel:
    """Train a model on points of a circle, by networks of three layers of 32 ReLU.

    Args:
        kind: pair of a class and its options; beside those of the model: `epochs`, of
            100 steps (default: 12), `shift`, of the data, `between`, a class of layers
            that follow each dense one of the discriminator, `end`, its last activation,
            and `slow`, its own learning rate.
        seed: int.

    Returns:
        The trained `gan.AdversarialModel`.
    """
    cls, options = kind[0], dict(kind[1])
    epochs, shift = options.pop("epochs", 12), options.pop("shift", 0.0)
    between, end = options.pop("between", None), options.pop("end", None)
    slow = options.pop("slow", None)
    real = toys.circle(1000, seed) + np.float32(shift)
    with seeded(seed):
        generator, discriminator, latents = fully_connected_GenDiscr(
            [2, 32, 32, 32, 2], real, activation="relu", bounded=False
        )
        if between or end:
            x = inputs = keras.Input((2,))
            for _ in range(3):
                x = keras.layers.Dense(32, activation="relu")(x)
                x = between()(x) if between else x
            x = keras.layers.Dense(1, activation=end)(x)
            discriminator = keras.Model(inputs, x, name="discriminator")
    if slow:
        options["discriminator_optimizer"] = keras.optimizers.Adam(slow)
    options = {"batch_size": 100, "learning_rate": 1e-3, "seed": seed} | options
    with warnings.catch_warnings(action="ignore"):
        # Some are wrong on purpose.
        model = cls(generator, discriminator, latents, real, **options)
    model.fit(epochs=epochs, steps_per_epoch=100, verbose=0)
    return model


def distance(model: AdversarialModel) -> float:
    """SW2 of 1,000 fakes to the points that a model was trained on."""
    real = np.asarray(model.real_examples)
    return sliced_wasserstein(real, np.asarray(model.get_fake_sample(1000)))


def healthy_histories(name: str, seeds: int = 3) -> list[dict[str, list[float]]]:
    """Losses of runs that go well, for `gan.plots.losses(history, healthy=…)`.

    Args:
        name: str, one of `HEALTHY`.
        seeds: int, runs.

    Returns:
        List of dicts of lists, one value an epoch.
    """
    runs = [train_on_circle(HEALTHY[name], seed) for seed in range(seeds)]
    return [run.history.history for run in runs]


def run(seed: int = 0, tell: Callable[[str], object] = print) -> Lesson:
    """Make every failure and its cure.

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
    """What the page says of a failure, and the pictures of it and of its cure."""
    runs = [train_on_circle(kind, seed) for kind in (failure.sick, failure.cured)]
    scores = [distance(run) for run in runs]
    columns = {
        f"{title}: {type(run).__name__}, SW2 {score:.3f}": run
        for title, run, score in zip(("sick", "cured"), runs, scores, strict=True)
    }
    drawn = {
        title: (run.real_examples, run.get_fake_sample(500), run.history.history)
        for title, run in columns.items()
    }
    said = [str(finding) for finding in diagnose(runs[0])] or ["nothing"]
    cells = [
        f"<h2>{_text(failure.name)}</h2><p>{_text(failure.why)}</p>",
        _image(plots.side_by_side(drawn), failure.name),
        f"<p>diagnose says:</p><pre>{_text(chr(10).join(said))}</pre>",
        f"<p>The cure: {_text(failure.cure)}</p>",
    ]
    return "".join(cells)


def _healthy():
    text = "<h2>Is my loss normal?</h2><p>Losses of runs that go well, the least and "
    text += "the greatest of three seeds. Draw yours against them: <code>gan.plots."
    text += "losses(history, healthy=healthy_histories('WGAN_GP'))</code>.</p><pre>"
    text += f"{'':12}{'loss':12}{'first epoch':>18}{'half-way':>18}{'last':>18}\n"
    images = []
    for name in HEALTHY:
        histories = healthy_histories(name)
        for loss in histories[0]:
            curves = np.array([history[loss] for history in histories])
            text += f"{name:12}{loss:12}"
            for epoch in (0, curves.shape[1] // 2, -1):
                low, high = curves[:, epoch].min(), curves[:, epoch].max()
                text += f"{f'{low:.3f} to {high:.3f}':>18}"
            text += "\n"
        figure = plots.losses(histories[0], name, healthy=histories)
        images.append(_image(figure, f"healthy losses of {name}"))
    return f"{text}</pre>{''.join(images)}"


def _text(text):
    return html.escape(text)


def _image(figure, name):
    file = io.BytesIO()
    figure.savefig(file, format="png")
    data = base64.b64encode(file.getvalue()).decode()
    return f'<img alt="{_text(name)}" src="data:image/png;base64,{data}">'
