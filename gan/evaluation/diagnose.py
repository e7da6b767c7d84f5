"""The known mistakes of a model: each measured, named, with its evidence and cure."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gan.base import AdversarialModel
from gan.data.examples import count_rows
from gan.errors import InvalidInput, expect, expect_positive_int, expect_seed
from gan.evaluation import metrics
from gan.latent import Stream
from gan.saving.model_file import state_of
from gan.wgan_clip import WGAN_clip
from gan.wgan_gp import WGAN_GP

_SOME = 256  # examples, for the checks of layers
_COORDINATES = 256  # examples of more numbers than these are projected
_MOST_NUMBERS = 10**8  # of the training set, for the check of copies


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


class Diagnosis(list):
    """A list of `Finding`s, empty for a healthy model; prints readably.

    Attributes:
        checked: dict from the names of the checks made to what each measured.
        not_made: dict from the names of the others to the reasons.
    """

    def __init__(self) -> None:
        super().__init__()
        self.checked: dict[str, str] = {}
        self.not_made: dict[str, str] = {}

    def __str__(self) -> str:
        found = {finding.name for finding in self}
        fine = {name: of for name, of in self.checked.items() if name not in found}
        lines = [str(finding) for finding in self] or ["nothing found"]
        for title, named in (("fine", fine), ("not made", self.not_made)):
            lines += [f"{title}: {name} ({text})" for name, text in named.items()]
        return "\n".join(lines)

    __repr__ = __str__


@dataclasses.dataclass(frozen=True)
class _Check:
    """A check: what it looks for, which findings explain it, and the cure.

    `look` is given the samples and gives whether it is sick, and the evidence.
    """

    name: str
    look: Any
    cure: str
    after: tuple[str, ...] = ()


class _NotMade(Exception):
    """Why a check cannot be made of this model or these data."""


def diagnose(model: AdversarialModel, count: int = 1000, seed: int = 0) -> Diagnosis:
    """Look for the known mistakes in a model, in training or after it.

    All is measured on the model as it stands; weights, optimizers, statistics and
    random states are afterwards what they were. The bounds lie between healthy models
    (faces: our weights and the course's; clouds of 2 and 3 numbers after 300 to 3,000
    steps) and sick ones (untrained, λ of .001, clip of .01 and .03, a frozen
    generator, a planted fault). Found is:

    - non-finite numbers: in weights, examples, fakes or D(fakes);
    - dead layer: half of its units have no gradient on any row (healthy, with ReLU, up
      to .44; a critic clipped at .01: .94);
    - saturated layer: .9 of a hidden layer's activations are within .5% of the whole
      range from a bound (healthy up to .18);
    - coupled samples: under a penalty, .01 of the slope of D(x_i) goes to other
      examples than x_i (0; with batch normalisation .7);
    - clipped weights: .15 of them are at the bound (up to .06; clip of .03: .23);
    - gradient norm: its mean on interpolates is .3 from 1, or its standard deviation .5
      (.96 to 1.07 ± .06 to .28; λ of .001: .65; untrained: .09 and .7);
    - output range: .02 of the real values are beyond what the generator reaches under
      any weights (0), or half of the fake ones beyond the real ones (up to .35);
    - discriminator far ahead: the area under its ROC curve is above .99, which alone is
      healthy in a critic (ours on faces: .997), and its pull below .3 (1.3 to 15;
      frozen generator: .17, and .0001 behind a tanh). The pull is the generator's
      slope of loss at fakes, as a share of what would bring them to the reals;
    - discriminator asleep: the area is below .6 though `metrics.two_sample_score` is
      above .9, and stays there while a copy of it is updated 30 times (.91 and more in
      models that swing to and fro; a dead critic: .5);
    - collapsed variety: variance below .1 or effective rank below .25 of the reals'
      (.4 to 2 and .6 to 1.2), or recall below .05 at a precision above .5 (recall .1
      to .96; untrained faces: 0). Half of the modes may be lost unnoticed;
    - copied examples: `metrics.neighbour_ratio` below .5 (.88 and more; copies: 0).

    Args:
        model: `gan.AdversarialModel`.
        count: int >= 16, fakes drawn and reals looked at, rounded up to batches.
        seed: int >= 0, of every draw.

    Returns:
        `Diagnosis`: a list of `Finding`, empty for a healthy model. A check that the
        model or its data do not allow, or whose answer an earlier finding decides, is
        named in its `not_made`.

    Raises:
        InvalidInput: for unusable arguments, or a discriminator of other outputs.

    Formula:
        pull = mean ‖∂l(D(f))/∂f‖ · mean ‖x − f‖ / (mean l(D(f)) − mean l(D(x))),
        x real, f fake, l the generator's loss of a row

    Reference:
        Arjovsky & Bottou 2017, Towards Principled Methods for Training GANs, theorem
        2.4 (far ahead); Gulrajani et al. 2017, Improved Training of Wasserstein GANs,
        section 4 (no batch normalisation) and figure 1b (clipped weights).
    """
    expect(isinstance(model, AdversarialModel), "a GAN of this library", model=model)
    expect_positive_int(count=count)
    expect(count >= 16, "count of at least 16", count=count)
    expect_seed(seed=seed)
    shape = model.discriminator.output_shape
    first = shape[0] if isinstance(shape[0], tuple) else shape
    one = first[1:] in [(1,), (2,)]
    expect(one, "a discriminator of 1 or 2 outputs", output_shape=shape)
    sampler = model.latent_generator
    expected = "a model with a latent_generator"
    expect(sampler is not None, expected, latent_generator=None)
    diagnosis = Diagnosis()
    with _unchanged(model):
        model.stream.state.assign(Stream(seed).state)
        samples = _Samples(model, count)
        for check in _CHECKS:
            names = {finding.name for finding in diagnosis}
            causes = [cause for cause in check.after if cause in names]
            try:
                if causes:
                    raise _NotMade(f"first cure: {causes[0]}")
                sick, evidence = check.look(samples)
            except (_NotMade, InvalidInput) as reason:
                diagnosis.not_made[check.name] = str(reason)
                continue
            diagnosis.checked[check.name] = evidence
            if sick:
                diagnosis.append(Finding(check.name, evidence, check.cure))
    return diagnosis


@contextlib.contextmanager
def _unchanged(model):
    before = [(variable, np.array(variable)) for variable in state_of(model)]
    try:
        yield
    finally:
        for variable, value in before:
            variable.assign(value)


class _Samples:
    """What the checks look at, each made when it is first asked for.

    A sample is what the model plays with: examples, or a tuple of examples and labels.
    """

    def __init__(self, model, count):
        self.model = model
        self.draws = math.ceil(count / model.batch_size)

    @functools.cached_property
    def real(self):
        """Sample of the data."""
        data, size = self.model.real_examples, self.model.batch_size
        if data is None:
            raise _NotMade("the model has no real examples")
        found = self.draws * size
        if isinstance(data, tf.data.Dataset):
            found = int(data.unbatch().take(found).reduce(0, lambda n, *_: n + 1))
        else:
            found = min(found, count_rows(data))
        if found < size:
            raise _NotMade(f"{found} real examples, fewer than a batch")
        return self.model.get_real_sample(found)

    @functools.cached_property
    def fake(self):
        """Sample as the model draws pictures."""
        return self._draw()

    @functools.cached_property
    def played(self):
        """Sample as the discriminator meets it in training."""
        return self._draw(training=self.model.batch_statistics, averaged=False)

    @functools.cached_property
    def some(self):
        """A few whole batches: fakes, and reals if there are."""
        samples = [self.played]
        if self.model.real_examples is not None:
            samples.append(self.real)
        most = math.ceil(_SOME / self.model.batch_size)
        return [batch for sample in samples for batch in self.batches(sample)[:most]]

    @functools.cached_property
    def separation(self):
        """Area under the ROC curve of D(real) against D(fake), ties counted half."""
        real, fake = (
            np.concatenate([self.verdict(batch) for batch in self.batches(sample)])
            for sample in (self.real, self.played)
        )
        below = [np.searchsorted(np.sort(fake), real, s) for s in ("left", "right")]
        return float(np.mean(below) / len(fake))

    def batches(self, sample):
        """Whole batches of a sample."""
        size = self.model.batch_size
        starts = range(0, len(_examples(sample)) - size + 1, size)
        return [
            tf.nest.map_structure(lambda part, at=start: part[at : at + size], sample)
            for start in starts
        ]

    def verdict(self, sample):
        """How real the discriminator, in training mode, finds each example: `(n,)`."""
        judged = self.model.judge(sample)
        outputs = judged[0] if isinstance(judged, tuple) else judged
        if outputs.shape[1] == 1:
            return outputs[:, 0]
        return outputs[:, 1] - outputs[:, 0]

    def _draw(self, **options):
        size = self.model.batch_size
        draws = range(self.draws)
        parts = [self.model.get_fake_sample(size, **options) for _ in draws]
        return tf.nest.map_structure(lambda *some: tf.concat(some, axis=0), *parts)


def _examples(sample):
    return sample[0] if isinstance(sample, tuple) else sample


def _numbers(sample):
    return np.array(_examples(sample), "float32")


def _paired(real, fake):
    """As many of each, as vectors of at most `_COORDINATES` numbers, distances kept.

    Reference:
        Johnson & Lindenstrauss 1984, Extensions of Lipschitz mappings into a Hilbert
        space, Lemma 1: a random projection.
    """
    n = min(len(_examples(real)), len(_examples(fake)))
    return tuple(_flat(_numbers(sample)[:n]) for sample in (real, fake))


def _flat(examples):
    flat = examples.reshape(len(examples), -1)
    if flat.shape[1] <= _COORDINATES:
        return flat
    shape = flat.shape[1], _COORDINATES
    projection = np.random.default_rng(0).standard_normal(shape, "float32")
    return flat @ projection / np.float32(math.sqrt(_COORDINATES))


def _lengths(examples):
    return np.linalg.norm(np.reshape(examples, (len(examples), -1)), axis=1)


def _worst(shares, bound, text):
    name, share = max(shares.items(), key=lambda item: item[1], default=("none", 0.0))
    sick = [name for name, share in shares.items() if share >= bound]
    more = f", and {len(sick) - 1} further layers" if len(sick) > 1 else ""
    return bool(sick), f"{share:.0%} {text} in {name}{more}"


# -- the checks: each gives whether it is sick, and the evidence ----------------


def _finite(s):
    networks = [s.model.generator, s.model.discriminator, s.model.averaged_generator]
    arrays = {w.path: w for network in networks if network for w in network.weights}
    arrays |= {"the fakes": _examples(s.fake), "played fakes": _examples(s.played)}
    arrays["D(fakes)"] = [s.verdict(batch) for batch in s.batches(s.played)]
    if s.model.real_examples is not None:
        arrays["the real examples"] = _examples(s.real)
    shares = {name: np.mean(~np.isfinite(array)) for name, array in arrays.items()}
    bad = [f"{share:.1%} of {name}" for name, share in shares.items() if share > 0]
    return bool(bad), ", ".join(bad[:3]) or "none in weights and outputs"


def _dead(s):
    size, mode = s.model.batch_size, s.model.batch_statistics
    draw = functools.partial(s.model.get_fake_sample, size, mode, averaged=False)
    made = [lambda: _examples(draw())] * min(math.ceil(_SOME / size), s.draws)
    judged = [functools.partial(s.model.judge, batch) for batch in s.some]
    shares = {}
    for network, calls in ((s.model.generator, made), (s.model.discriminator, judged)):
        kernels = [w for w in network.trainable_variables if len(w.shape) > 1]
        alive = [np.zeros(w.shape[-1], bool) for w in kernels]
        for call in calls:
            with tf.GradientTape() as tape:
                outputs = [o for o in tf.nest.flatten(call()) if o.dtype.is_floating]
                # Plain sums could cancel, as after a softmax.
                weights = [tf.random.stateless_normal(o.shape, (0, 0)) for o in outputs]
                pairs = zip(outputs, weights, strict=True)
                mixture = tf.add_n([tf.reduce_sum(o * weight) for o, weight in pairs])
            gradients = tape.gradient(mixture, kernels, unconnected_gradients="zero")
            for units, gradient in zip(alive, gradients, strict=True):
                units |= np.any(tf.reshape(gradient, (-1, len(units))) != 0, axis=0)
        pairs = zip(kernels, alive, strict=True)
        shares |= {f"{network.name}: {w.path}": 1 - u.mean() for w, u in pairs}
    return _worst(shares, 0.5, "of the units never change")


def _saturated(s):
    model, size = s.model, s.model.batch_size
    with model.stream.feeds():
        latents = model.latent_generator(size)
    if isinstance(model.generator.input_shape, list):
        latents = [latents, tf.range(size) % model.classes]
    inputs = {model.generator: [latents]}
    inputs[model.discriminator] = [_examples(batch) for batch in s.some]
    shares = {}
    for network, given in inputs.items():
        hidden = [layer for layer in network.layers[:-1] if _bounds(layer)]
        if hidden:
            outputs = [layer.output for layer in hidden]
            inner = keras.Model(network.inputs, outputs)
            some = [tf.nest.flatten(inner(one, training=True)) for one in given]
            end = np.ravel(tf.nest.flatten(network(given[0], training=True))[0])
            for layer, values in zip(hidden, zip(*some, strict=True), strict=True):
                # What the network ends with may well be at its bounds: black, white.
                if np.array_equal(np.ravel(values[0]), end):
                    continue
                low, high = _bounds(layer)
                near = np.abs(np.concatenate(values) - (low + high) / 2)
                share = np.mean(near > 0.495 * (high - low))
                shares[f"{network.name}: {layer.name}"] = share
    return _worst(shares, 0.9, "of the activations are at their bounds")


def _bounds(layer):
    """Limits of a layer's activation, found by asking it; `None` without two."""
    activation = getattr(layer, "activation", None)
    # A softmax has bounds, but at all of them together no slope to lose.
    if not callable(activation) or activation is keras.activations.softmax:
        return None
    low, high = np.ravel(activation(tf.constant([[-1e6, 1e6]])))
    return (low, high) if 0 < high - low < 1e3 else None


def _coupled(s):
    batch = s.batches(s.played)[0]
    known = s.model.real_examples is not None
    real = s.batches(s.real)[0] if known else batch
    examples = [_examples(real), _examples(batch)]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(examples)
        verdicts = tf.unstack(s.verdict(batch))[:8]
        extra, _ = s.model.discriminator_extra(real, batch)
    norms = [_lengths(tape.gradient(verdict, examples[1])) for verdict in verdicts]
    own, total = np.trace(norms), np.sum(norms)
    share = 1 - own / total if total > 0 else 0.0
    slopes = tape.gradient(extra, examples) if tf.is_tensor(extra) else []
    penalised = any(slope is not None and np.any(slope) for slope in slopes)
    text = f"{share:.0%} of the slope of D at an example goes to others of its batch"
    without = "" if penalised else ", and no penalty depends on the examples"
    return share > 0.01 and penalised, text + without


def _clipped(s):
    if not isinstance(s.model, WGAN_clip):
        raise _NotMade("no clipping")
    weights = [np.ravel(w) for w in s.model.discriminator.trainable_variables]
    share = np.mean(np.abs(np.concatenate(weights)) >= s.model.clip * (1 - 1e-6))
    text = f"{share:.0%} of the critic's weights lie at the bound {s.model.clip:g}"
    return share > 0.15, text


def _norms(s):
    if not isinstance(s.model, WGAN_GP) or not s.model.lambda_gp:
        raise _NotMade("no penalty of norms other than 1")
    norms = []
    for batch in zip(s.batches(s.real), s.batches(s.played), strict=False):
        points = s.model.get_interpolated_sample(*batch)
        with tf.GradientTape() as tape:
            tape.watch(points)
            verdicts = s.verdict(points)
        norms.append(_lengths(tape.gradient(verdicts, points)))
    mean, spread = np.mean(norms), np.std(norms)
    text = f"{mean:.2f} ± {spread:.2f} (mean ± standard deviation) on interpolates"
    return abs(mean - 1) > 0.3 or spread > 0.5, text


def _range(s):
    real, fake = _numbers(s.real), _numbers(s.fake)
    shapers = (keras.layers.Reshape, keras.layers.Flatten)
    layers = [one for one in s.model.generator.layers if not isinstance(one, shapers)]
    low, high = _bounds(layers[-1]) or (-np.inf, np.inf)
    slack = 0.01 * (high - low) if np.isfinite(high) else 0.0
    out = np.mean((real < low - slack) | (real > high + slack))
    least, most = real.min(), real.max()
    strayed = np.mean((fake < least) | (fake > most))
    return (
        out > 0.02 or strayed > 0.5,
        f"{out:.0%} of the real values, in [{least:.3g}, {most:.3g}], lie outside of "
        f"the generator's reach [{low:.3g}, {high:.3g}]; {strayed:.0%} of the fake "
        f"values, in [{fake.min():.3g}, {fake.max():.3g}], outside of theirs",
    )


def _ahead(s):
    pull = _pull(s) if s.separation > 0.99 else None
    pulled = "" if pull is None else f", pull on the generator {pull:.2g}"
    text = f"area under the ROC curve {s.separation:.3f}{pulled}"
    return pull is not None and pull < 0.3, text


def _pull(s):
    loss, size = s.model.generator_loss, s.model.batch_size
    slopes, here = [], []
    for batch in s.batches(s.played):
        with tf.GradientTape() as tape:
            tape.watch(_examples(batch))
            value = loss(s.model.judge(batch))
        slopes.append(size * _lengths(tape.gradient(value, _examples(batch))))
        here.append(value)
    there = [loss(s.model.judge(batch)) for batch in s.batches(s.real)]
    way = _lengths(np.subtract(*_paired(s.real, s.played))).mean()
    return float(np.mean(slopes) * way / (np.mean(here) - np.mean(there)))


def _asleep(s):
    score, area = metrics.two_sample_score(*_paired(s.real, s.played)), s.separation
    after = ""
    if area < 0.6 and score > 0.9:
        area, updates = _woken(s)
        after = f" and {area:.3f} after {updates} more updates"
    return (
        bool(after) and area < 0.6,
        f"area under the ROC curve {s.separation:.3f}{after}; a simple classifier "
        f"tells {score:.0%} of reals and fakes right",
    )


def _woken(s, updates=30):
    """The separation after some updates of the discriminator alone, then undone."""
    model, batches = s.model, s.batches(s.played)
    with _unchanged(model):
        for number in range(updates):
            fake = batches[number % len(batches)]
            model.update_discriminator(model.get_real_sample(), fake)
        return _Samples.separation.func(s), updates


def _variety(s):
    pair = _paired(s.real, s.fake)
    (variance, rank), (fake_variance, fake_rank) = map(_spread, pair)
    if variance == 0:
        raise _NotMade("all real examples looked at are the same")
    precision, recall = metrics.precision_recall(*pair)
    variance, rank = fake_variance / variance, fake_rank / rank
    narrow = precision >= 0.5 and recall < 0.05
    return (
        variance < 0.1 or rank < 0.25 or narrow,
        f"variance {variance:.2f} and effective rank {rank:.2f} times that of the "
        f"reals, recall {recall:.2f} at precision {precision:.2f}",
    )


def _spread(examples):
    """Total variance and effective rank (Roy & Vetterli 2007, definition 1)."""
    examples = examples.astype("float64")
    centred = examples - examples.mean(axis=0)
    squares = np.linalg.svd(centred, compute_uv=False) ** 2
    shares = squares[squares > 0] / squares.sum()
    return squares.sum() / len(examples), np.exp(-(shares * np.log(shares)).sum())


def _copied(s):
    data = s.model.real_examples
    if data is None or isinstance(data, tf.data.Dataset):
        raise _NotMade("the training examples are not all at hand")
    size = count_rows(data)
    if size * math.prod(s.model.discriminator.input_shape[1:]) > _MOST_NUMBERS:
        raise _NotMade(f"more than {_MOST_NUMBERS:.0e} numbers to compare with")
    train = _flat(_numbers(s.model.get_real_sample(size)))
    ratio = metrics.neighbour_ratio(train, _flat(_numbers(s.fake)), points=500)
    text = f"the fakes are {ratio:.2f} times as far from their nearest training "
    return ratio < 0.5, text + "example as that is from its own"


# Causes stand before what they explain.
_CHECKS = [
    _Check(
        "non-finite numbers",
        _finite,
        "go back to the last good checkpoint with lower learning rates; look for a "
        "root, logarithm or division that meets a 0 in your losses and data",
    ),
    _Check(
        "dead layer",
        _dead,
        "make the network anew: dead units do not come back; then a lower learning "
        "rate, leaky activations, smaller initial weights",
        ("non-finite numbers",),
    ),
    _Check(
        "saturated layer",
        _saturated,
        "scale the inputs to about [-1, 1], use a lower learning rate or smaller "
        "initial weights, or an activation without bounds",
        ("non-finite numbers",),
    ),
    _Check(
        "coupled samples",
        _coupled,
        "replace batch normalisation in the discriminator by layer normalisation or "
        "nothing: the penalty is meant for each example by itself",
        ("non-finite numbers",),
    ),
    _Check(
        "clipped weights",
        _clipped,
        "use WGAN_GP; else a wider bound or a lower learning rate",
        ("non-finite numbers",),
    ),
    _Check(
        "gradient norm",
        _norms,
        "train longer, with more discriminator updates a step or a larger lambda_gp; "
        "where the norm stays low, scale the data up or take a bound (tanh) off the "
        "discriminator's output",
        ("non-finite numbers", "coupled samples", "dead layer"),
    ),
    _Check(
        "output range",
        _range,
        "scale the data to the range of the generator's last activation (tanh: "
        "[-1, 1], sigmoid: [0, 1]), or change that; where the range fits, train on",
        ("non-finite numbers",),
    ),
    _Check(
        "discriminator far ahead",
        _ahead,
        "fewer discriminator updates a step or a lower learning rate for it, a "
        "gradient penalty, or no tanh at its end: it is flat where the fakes are",
        ("non-finite numbers", "output range"),
    ),
    _Check(
        "discriminator asleep",
        _asleep,
        "a higher learning rate for the discriminator or more of its updates a step; "
        "a network with more units, made anew if its outputs no longer change",
        ("non-finite numbers", "output range", "dead layer"),
    ),
    _Check(
        "collapsed variety",
        _variety,
        "go back to a checkpoint with variety; a gradient penalty (WGAN_GP), a lower "
        "learning rate for the generator, larger batches, more latent dimensions",
        ("non-finite numbers", "output range"),
    ),
    _Check(
        "copied examples",
        _copied,
        "more training examples, smaller networks, fewer steps",
        ("non-finite numbers", "output range", "collapsed variety"),
    ),
]
