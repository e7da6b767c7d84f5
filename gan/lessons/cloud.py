"""Lesson: compares the three classes of the course on a cloud of points."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from gan import plots, toys
from gan.errors import expect_positive_int
from gan.fully_connected import fully_connected_GenDiscr
from gan.latent import seeded
from gan.lessons import Lesson
from gan.simple_gan import Simple_GAN
from gan.wgan_clip import WGAN_clip
from gan.wgan_gp import WGAN_GP


@dataclasses.dataclass(frozen=True)
class Verdict:
    """The results of one class on the cloud, one number for each seed.

    Attributes:
        msdcc: list of floats, mean squared distance of fakes to the centre.
        dbc: list of floats, squared distance of the fakes' barycentre to the centre.
        history: dict of lists, the logs of the first seed.
    """

    msdcc: list[float]
    dbc: list[float]
    history: dict[str, list[float]]


def run(
    epochs: int = 100,
    seeds: int = 3,
    seed: int = 0,
    tell: Callable[[str], object] = print,
    watch: Callable[[str], object] | None = None,
) -> Lesson:
    """Compare the classes, say whether the course's claim holds, and draw the losses.

    Args:
        epochs: as in `compare_classes`.
        seeds: as in `compare_classes`.
        seed: as in `compare_classes`.
        tell: as in `compare_classes`.
        watch: as in `compare_classes`.

    Returns:
        `Lesson` of one figure, whose data are the verdicts.
    """
    verdicts = compare_classes(epochs, seeds, seed, tell, watch)
    histories = {name: verdict.history for name, verdict in verdicts.items()}
    title = "cloud in the corner of [0, 1]^49"
    figure = plots.compare_losses(histories, title=title)
    data = {name: dataclasses.asdict(verdict) for name, verdict in verdicts.items()}
    return Lesson({"losses": figure}, conclude(verdicts), data=data)


def compare_classes(
    epochs: int = 100,
    seeds: int = 3,
    seed: int = 0,
    tell: Callable[[str], object] = print,
    watch: Callable[[str], object] | None = None,
) -> dict[str, Verdict]:
    """Train the three classes on the 49-dimensional cloud, as main 2.1 of the course.

    Args:
        epochs: int, number of epochs of 250 steps.
        seeds: int, number of runs of each class.
        seed: int, seed of the first run of each class; the next run has the next seed.
        tell: callable that is given each line of the table as soon as it is known.
        watch: callable that is given a line when a run begins, or `None`.

    Returns:
        dict from class names to `Verdict`.
    """
    expect_positive_int(epochs=epochs, seeds=seeds)
    shape, sample = [49, 98, 98, 49], 500
    real = toys.corner_cloud()
    tell(f"{'':12}{'msdcc':>24}{'dbc':>24}")
    expected = (49 * 0.05**2, 49 * 0.05**2 / sample)
    tell(f"{'cloud':12}{expected[0]:24.4f}{expected[1]:24.6f}")
    verdicts = {}
    for cls in (Simple_GAN, WGAN_clip, WGAN_GP):
        msdcc, dbc, history = [], [], None
        for run in range(seeds):
            if watch:
                watch(f"{cls.__name__}, run {run + 1} of {seeds} ...")
            with seeded(seed + run):
                parts = fully_connected_GenDiscr(shape, real)
                model = cls(*parts, real, learning_rate=3e-5)
            model.compile()
            model.fit(epochs=epochs, steps_per_epoch=250, verbose=0)
            fakes = model.get_fake_sample(sample).numpy()
            msdcc.append(float(toys.msdcc(fakes)))
            dbc.append(float(toys.dbc(fakes)))
            history = history or model.history.history
        verdicts[cls.__name__] = Verdict(msdcc, dbc, history)
        cells = [f"{np.mean(v):.6f} +- {np.std(v):.6f}" for v in (msdcc, dbc)]
        tell(f"{cls.__name__:12}{cells[0]:>24}{cells[1]:>24}")
    return verdicts


def conclude(verdicts: dict[str, Verdict]) -> str:
    """Say whether the course's claim holds.

    Args:
        verdicts: dict from `compare_classes`.

    Returns:
        str. The claim is that WGAN_GP comes closest to the cloud's spread, and that the
        others have too little.

    Formula:
        spread = msdcc − dbc: the mean squared distance to the fakes' own barycentre
    """
    cloud = 49 * 0.05**2
    spreads = {
        name: float(np.mean(v.msdcc) - np.mean(v.dbc)) for name, v in verdicts.items()
    }
    errors = {name: abs(spread - cloud) for name, spread in spreads.items()}
    best = min(errors, key=errors.get) == "WGAN_GP"
    others = [name for name in spreads if name != "WGAN_GP"]
    narrow = [name for name in others if spreads[name] < cloud]
    wide = [name for name in others if spreads[name] >= cloud]
    holds = "holds" if best and not wide else "does not hold"
    text = f"The course's claim {holds}: WGAN_GP is "
    text += f"{'closest' if best else 'not the closest'} to the cloud's spread"
    if narrow:
        text += f"; the spread is too small for {', '.join(narrow)}"
    if wide:
        text += f"; the spread is too large, not too small, for {', '.join(wide)}"
    return f"{text}."
