"""Finds the known mistakes of a model, with evidence and cure."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from gan import metrics
from gan.base import AdversarialModel
from gan.data.examples import Sample
from gan.errors import (
    InvalidInput,
    StrPath,
    expect_number,
    expect_positive_int,
    expect_seed,
    require,
    shown,
)
from gan.generators.gap import projection_gap
from gan.generators.trained import TrainedGenerator
from gan.latent import Stream
from gan.training.evidence import (
    Evidence,
    NotMade,
    flat,
    lengths,
    paired,
    spread,
    unchanged,
    values_and_slopes,
)
from gan.training.networks import bounds, out_of_reach, reach
from gan.wgan_clip import WGAN_clip
from gan.wgan_gp import WGAN_GP


@dataclasses.dataclass(frozen=True)
class Finding:
    """One mistake that a model shows.

    Attributes:
        name: str, the mistake in a few words.
        evidence: str, what was measured, with the number.
        cure: str, what to change.
    """

    name: str
    evidence: str
    cure: str

    def __str__(self) -> str:
        return f"{self.name}: {self.evidence}\n    cure: {self.cure}"


class Diagnosis(list[Finding]):
    """A list of `Finding`s, empty for a healthy model; prints readably.

    Attributes:
        checked: dict from the name of each check that was made to what it measured.
        not_made: dict from the name of each other check to the reason.
    """

    def __init__(self) -> None:
        super().__init__()
        self.checked: dict[str, str] = {}
        self.not_made: dict[str, str] = {}

    def __str__(self) -> str:
        found = {finding.name for finding in self}
        fine = {name: of for name, of in self.checked.items() if name not in found}
        lines = [str(finding) for finding in self] or ["nothing found"]
        for title, named in (("fine", fine), ("not checked", self.not_made)):
            lines += [f"{title}: {name} ({text})" for name, text in named.items()]
        return "\n".join(lines)

    __repr__ = __str__


def diagnose(
    model: AdversarialModel,
    count: int = 1000,
    seed: int = 0,
    withheld: npt.ArrayLike | StrPath | None = None,
) -> Diagnosis:
    """Looks for known mistakes in a model, during or after training.

    Everything is measured on the model in its present state. Afterwards its weights,
    optimizers, statistics and random states are restored. The thresholds were chosen
    between the values measured in healthy models (faces, with the weights of this
    library and with those of the course; points with 2 or 3 coordinates, after 300 to
    3,000 steps) and in faulty models (untrained; `lambda_gp` of .001; `clip` of .01 or
    .03; a frozen generator; a fault made on purpose). The list gives these values in
    brackets. The findings are:

    - non-finite numbers: weights, examples, fakes or D(fakes) contain one;
    - clipped weights: more than 15% of the weights are at the bound (healthy: up to 6%;
      with a `clip` of .03: 23%);
    - dead layer: at least half of the units of a layer give the same number for every
      example (healthy, with ReLU: up to 44%; critic with a `clip` of .01: 94%). It is
      not checked after clipped weights, which explain it;
    - saturated layer: at least 90% of a hidden layer's activations are at a bound,
      which means within .5% of the whole range (healthy: up to 18%);
    - bounded outputs: the last activation keeps the discriminator's outputs from the
      targets of the losses, for example a sigmoid if the loss applies one itself;
    - flat output: more than 90% of the discriminator's outputs on fakes are at a bound
      of its last activation, a tanh or sigmoid (healthy: none);
    - coupled samples: with a gradient penalty, more than 1% of the gradient of D(x_i)
      belongs to other examples than x_i (healthy: 0; with batch normalisation: 70%);
    - gradient norm: at random points between real and fake examples, the mean norm of
      the critic's gradient differs from 1 by more than .3, or the standard deviation of
      the norm is above .5 (healthy: means of .96 to 1.07, deviations of .06 to .28;
      means with a `lambda_gp` of .001: .65; untrained: .09 and .7);
    - discriminator far ahead: the area under its ROC curve is above .99, and its pull
      is below .3 (healthy: 1.3 to 15; frozen generator: .17, and .0001 behind a tanh).
      Such an area alone is healthy in a critic (ours on faces: .997). The pull is the
      gradient of the generator's loss at the fakes, relative to the gradient that would
      bring them to the reals. It is not checked if the generator cannot reach the
      reals;
    - output range: more than 2% of the real values are beyond what the generator can
      reach with any weights (healthy: none), or more than half of the fake values are
      beyond the real ones (healthy: up to 35%);
    - discriminator asleep: the area under its ROC curve is below .6, although
      `metrics.two_sample_score` is above .9, and it is still below .6 after 30 updates,
      which are then undone (oscillating models: .91 and more; dead critic: .5);
    - collapsed variety: the variance of the fakes is below .1 times that of the reals
      (healthy: .4 to 2 times), their effective rank is below .25 times that of the
      reals (healthy: .6 to 1.2 times), or recall is below .05 while precision is at
      least .5 (healthy recall: .1 to .96; untrained faces: 0). Half of the modes may be
      lost without a finding;
    - far from the data: precision is below 1/3 (pictures: .4 to .7), and
      `metrics.neighbour_ratio` is above 1.5 (faces: .97 to 1.16; noise: 1.6 and more)
      and above half of the ratio of normal noise with the mean and covariance of the
      reals (points on a circle: .1 to .35 times that ratio after 300 steps and more;
      1.1 times before a WGAN_GP has learnt anything);
    - copied examples: `metrics.neighbour_ratio` is below .5 (healthy: .88 and more;
      copies: 0);
    - learnt by heart: the projection errors of held-out pictures are larger than those
      of training pictures by more than a quarter, and the whole 95% interval of the
      difference is above 0.

    Args:
        model: `gan.AdversarialModel`.
        count: int >= 16, number of fakes and of reals, rounded up to whole batches.
        seed: int >= 0, seed of every draw.
        withheld: held-out pictures of the same kind, as `TrainedGenerator.project`
            takes them, or `None`.

    Returns:
        `Diagnosis`: a list of `Finding`, empty for a healthy model. Its `not_made`
        names the checks that do not apply to the model or its data, or that an earlier
        finding makes pointless.

    Raises:
        InvalidInput: if an argument is unusable, or the model makes pictures from
            pictures or has no latent generator.

    Formula:
        pull = mean ‖∂l(D(f))/∂f‖ · mean ‖x − f‖ / (mean l(D(f)) − mean l(D(x))),
        x real, f fake, l the generator's loss of an example

    Reference:
        Arjovsky & Bottou 2017, Towards Principled Methods for Training GANs, theorem
        2.4 (far ahead); Gulrajani et al. 2017, Improved Training of Wasserstein GANs,
        section 4 (no batch normalisation) and figure 1b (clipped weights).
    """
    known = isinstance(model, AdversarialModel)
    said = "The argument model must be a GAN of this library, but it is "
    require(known, f"{said}{shown(model)}.", "model")
    expect_positive_int(count=count)
    expect_number(16, count=count)
    expect_seed(seed=seed)
    said = "The function diagnose cannot check a model that makes pictures from "
    said += "pictures: use model.evaluate(), which compares it with simple baselines."
    require(not model.takes_pictures, said, "model")
    said = "The model has no latent generator: set model.latent_generator."
    require(model.latent_generator is not None, said, "model")
    diagnosis = Diagnosis()
    with unchanged(model):
        model.stream.state.assign(Stream(seed).state)
        evidence = Evidence(model, count)
        evidence.withheld = withheld
        for check in _CHECKS:
            known = [finding.name for finding in diagnosis]
            first = [cause.name for cause in check.causes if cause.name in known]
            try:
                if first:
                    raise NotMade(f"cure {first[0]} first")
                sick, measured = check.measure(evidence)
            except (NotMade, InvalidInput) as reason:
                diagnosis.not_made[check.name] = str(reason)
                continue
            diagnosis.checked[check.name] = measured
            if sick:
                diagnosis.append(Finding(check.name, measured, check.cure))
    return diagnosis


# -- the checks: each returns whether there is a mistake, and the evidence -------


@dataclasses.dataclass(frozen=True)
class _Check:
    name: str
    cure: str
    # Checks whose findings would explain this one.
    causes: tuple[_Check, ...]
    measure: Callable[[Evidence], tuple[bool, str]]


_CHECKS: list[_Check] = []


def _check(name, cure, causes=()):
    """Decorator that makes a check; checks run in the order of definition."""
    # Nothing can be measured if numbers are not finite.
    causes = (*_CHECKS[:1], *causes)

    def register(measure):
        _CHECKS.append(_Check(name, cure, causes, measure))
        return _CHECKS[-1]

    return register


@_check(
    "non-finite numbers",
    "go back to the last good checkpoint and lower the learning rates; look for a "
    "root or logarithm of 0, or a division by 0, in your losses and data",
)
def _finite(s):
    networks = [s.model.generator, s.model.discriminator, s.model.averaged_generator]
    arrays = {w.path: w for network in networks if network for w in network.weights}
    arrays |= {"the fakes": s.fake.examples, "played fakes": s.played.examples}
    arrays["D(fakes)"] = [s.verdict(batch) for batch in s.batches(s.played)]
    if s.model.real_examples is not None:
        arrays["the real examples"] = s.real.examples
    shares = {name: np.mean(~np.isfinite(array)) for name, array in arrays.items()}
    bad = [f"{share:.1%} of {name}" for name, share in shares.items() if share > 0]
    return bool(bad), ", ".join(bad[:3]) or "none in weights and outputs"


@_check(
    "clipped weights",
    "use WGAN_GP, a larger clip, or a lower learning rate",
)
def _clipped(s):
    if not isinstance(s.model, WGAN_clip):
        raise NotMade("the model does not clip weights")
    weights = [np.ravel(w) for w in s.model.discriminator.trainable_variables]
    share = np.mean(np.abs(np.concatenate(weights)) >= s.model.clip * (1 - 1e-6))
    text = f"{share:.0%} of the critic's weights are at the clip {s.model.clip:g}"
    return share > 0.15, text


def _worst(shares, bound, text):
    name, share = max(shares.items(), key=lambda item: item[1], default=("none", 0.0))
    sick = [name for name, share in shares.items() if share >= bound]
    more = f"; {len(sick)} layers are affected" if len(sick) > 1 else ""
    return bool(sick), f"{share:.0%} {text} in {name}{more}"


@_check(
    "dead layer",
    "build the network again, because dead units do not recover; use a lower learning "
    "rate, leaky activations, or smaller initial weights",
    causes=(_clipped,),
)
def _dead(s):
    shares = {
        name: np.mean(np.ptp(values, axis=0) == 0)
        for name, (_, values) in s.hidden.items()
    }
    return _worst(shares, 0.5, "of the units never change")


@_check(
    "saturated layer",
    "scale the inputs to about [-1, 1], or use a lower learning rate, smaller "
    "initial weights, or an activation without bounds",
)
def _saturated(s):
    shares = {}
    for name, (layer, values) in s.hidden.items():
        low, high = bounds(layer)
        near = np.abs(values - (low + high) / 2) > 0.495 * (high - low)
        shares[name] = np.mean(near) if np.isfinite(high - low) else 0.0
    return _worst(shares, 0.9, "of the activations are at their bounds")


@_check(
    "bounded outputs",
    "remove the discriminator's last activation: losses that need a sigmoid apply it "
    "themselves",
)
def _bounded(s):
    if s.model.targets is None:
        raise NotMade("the losses have no target outputs")
    missing = out_of_reach(s.model.discriminator, s.model.targets)
    return bool(missing), missing or "the discriminator can reach the losses' targets"


@_check(
    "flat output",
    "remove the discriminator's last activation: only the losses of `Simple_GAN` have "
    "targets at its bounds; use a lower learning rate for the discriminator, or a "
    "gradient penalty",
    causes=(_bounded,),
)
def _flat_output(s):
    low, high = reach(s.model.discriminator)
    if not np.isfinite(high - low):
        raise NotMade("the discriminator's output has no bounds")
    said = np.concatenate([s.verdict(batch) for batch in s.batches(s.played)])
    near = np.mean(np.abs(said - (low + high) / 2) > 0.495 * (high - low))
    return near > 0.9, (
        f"{near:.0%} of its outputs for fakes are at the bounds {low:.0f} and "
        f"{high:.0f} of the last activation, where the generator gets no gradient"
    )


@_check(
    "coupled samples",
    "replace the batch normalisation of the discriminator by layer normalisation, or "
    "remove it: the penalty is meant for each example by itself",
)
def _coupled(s):
    if not s.model.penalises_slopes:
        raise NotMade("the model has no gradient penalty")
    batch = s.batches(s.played)[0]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(batch.examples)
        verdicts = tf.unstack(s.verdict(batch))[:8]
    norms = [lengths(tape.gradient(one, batch.examples)) for one in verdicts]
    share = 1 - np.trace(norms) / max(np.sum(norms), 1e-30)
    text = f"{share:.0%} of the gradient of D(x) belongs to other examples than x"
    return np.sum(norms) > 0 and share > 0.01, text


@_check(
    "gradient norm",
    "train longer, with more discriminator updates per step or a larger lambda_gp; if "
    "the norm stays low, scale the data up, or remove a tanh from the discriminator's "
    "output",
    causes=(_coupled, _dead),
)
def _norms(s):
    if not isinstance(s.model, WGAN_GP) or not s.model.lambda_gp:
        raise NotMade("the model has no penalty that seeks the norm 1")
    norms = []
    for real, fake in zip(s.batches(s.real), s.batches(s.played), strict=False):
        points = s.model.get_interpolated_sample(real.examples, fake.examples)
        _, slopes = values_and_slopes(s.verdict, Sample(points, real.condition))
        norms.append(slopes)
    mean, deviation = np.mean(norms), np.std(norms)
    text = f"{mean:.2f} ± {deviation:.2f} (mean ± standard deviation) on interpolates"
    return abs(mean - 1) > 0.3 or deviation > 0.5, text


def _out_of_reach(s):
    """Share of the real values that the generator cannot reach with any weights."""
    real, (low, high) = np.array(s.real.examples), reach(s.model.generator)
    slack = 0.01 * (high - low) if np.isfinite(high) else 0.0
    return np.mean((real < low - slack) | (real > high + slack))


@_check(
    "discriminator far ahead",
    "use the non-saturating loss instead of the zero-sum one, fewer discriminator "
    "updates per step or a lower learning rate for it, or a gradient penalty; remove a "
    "tanh from its output, which is flat where the fakes are",
    causes=(_flat_output,),
)
def _ahead(s):
    # If the generator cannot reach the reals, the discriminator is always ahead.
    if _out_of_reach(s) > 0.02:
        raise NotMade("cure output range first")
    pull = s.pull() if s.separation > 0.99 else math.inf
    pulled = f", pull on the generator {pull:.2g}" if s.separation > 0.99 else ""
    return pull < 0.3, f"area under the ROC curve {s.separation:.3f}{pulled}"


@_check(
    "output range",
    "scale the data to the range of the generator's last activation (tanh: [-1, 1], "
    "sigmoid: [0, 1]), or change the activation; if the range fits, train longer",
    causes=(_ahead,),
)
def _range(s):
    real, fake = np.array(s.real.examples), np.array(s.fake.examples)
    out, (low, high) = _out_of_reach(s), reach(s.model.generator)
    least, most = real.min(), real.max()
    strayed = np.mean((fake < least) | (fake > most))
    return (
        out > 0.02 or strayed > 0.5,
        f"{out:.0%} of the real values, in [{least:.3g}, {most:.3g}], are outside of "
        f"the generator's reach [{low:.3g}, {high:.3g}]; {strayed:.0%} of the fake "
        f"values, in [{fake.min():.3g}, {fake.max():.3g}], are outside of the "
        "range of the reals",
    )


@_check(
    "discriminator asleep",
    "use a higher learning rate for the discriminator, more of its updates per step, "
    "or more units; build it again if its outputs no longer change",
    causes=(_range, _dead),
)
def _asleep(s):
    score, area = metrics.two_sample_score(*paired(s.real, s.played)), s.separation
    after = ""
    if area < 0.6 and score > 0.9:
        area, updates = s.woken()
        after = f" and {area:.3f} after {updates} more updates"
    return (
        bool(after) and area < 0.6,
        f"area under the ROC curve {s.separation:.3f}{after}; a simple classifier is "
        f"right about {score:.0%} of reals and fakes",
    )


@_check(
    "collapsed variety",
    "go back to a checkpoint with variety; use a gradient penalty (WGAN_GP), a lower "
    "learning rate for the generator, larger batches, or more latent dimensions",
    causes=(_range,),
)
def _variety(s):
    pair = paired(s.real, s.fake)
    (variance, rank), (fake_variance, fake_rank) = map(spread, pair)
    if variance == 0:
        raise NotMade("all real examples that were checked are the same")
    precision, recall = metrics.precision_recall(*pair)
    variance, rank = fake_variance / variance, fake_rank / rank
    narrow = precision >= 0.5 and recall < 0.05
    return (
        variance < 0.1 or rank < 0.25 or narrow,
        f"variance {variance:.2f} and effective rank {rank:.2f} times that of the "
        f"reals, recall {recall:.2f} at precision {precision:.2f}",
    )


@_check(
    "far from the data",
    "train longer; if that does not help, use a larger discriminator, more of its "
    "updates per step, a gradient penalty, or a generator with more units",
    causes=(_range, _ahead, _asleep, _variety),
)
def _far(s):
    real, fake = paired(s.real, s.fake)
    centred = real - real.mean(axis=0)
    mixed = np.random.default_rng(0).standard_normal((len(real),) * 2, "float32")
    cloud = real.mean(axis=0) + mixed @ centred / np.float32(math.sqrt(len(real)))
    far, usual = (metrics.neighbour_ratio(real, some) for some in (fake, cloud))
    precision, _ = metrics.precision_recall(real, fake)
    return precision < 1 / 3 and far > max(1.5, usual / 2), (
        f"fakes are {far:.2f} times as far from their nearest real example as real "
        f"examples are from theirs (normal noise with the same mean and "
        f"covariance: {usual:.2f} times); precision {precision:.2f}"
    )


@_check(
    "copied examples",
    "use more training examples, smaller networks, or fewer steps",
    causes=(_range, _variety, _far),
)
def _copied(s):
    ratio = metrics.neighbour_ratio(s.trained_on, flat(s.fake.examples), points=500)
    text = f"fakes are {ratio:.2f} times as far from their nearest training example "
    return ratio < 0.5, text + "as training examples are from theirs"


@_check(
    "learnt by heart",
    "use more training examples, augmentation, smaller networks, or fewer steps",
    causes=(_range, _variety, _far),
)
def _by_heart(s):
    if s.withheld is None:
        raise NotMade("no held-out pictures were given")
    data = s.model.examples
    if data is None or data.streams:
        raise NotMade("the training examples are not all available")
    generator = TrainedGenerator.of(s.model)
    some = np.random.default_rng(0).permutation(len(data))[:100]
    trained = generator.pictures(data.draw(np.sort(some)).examples)
    gap = projection_gap(generator, trained, s.withheld)
    return gap.copies, str(gap)
