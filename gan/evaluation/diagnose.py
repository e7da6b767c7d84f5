"""The known mistakes of a model: each measured, named, with its evidence and cure."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import math
import numbers

import keras
import numpy as np
import tensorflow as tf

from gan.base import AdversarialModel
from gan.data.examples import count_rows
from gan.errors import InvalidInput, expect, expect_positive_int
from gan.evaluation import metrics
from gan.latent import Stream
from gan.saving.model_file import state_of
from gan.wgan_clip import WGAN_clip
from gan.wgan_gp import WGAN_GP

# Between what healthy and sick models showed; the figures are in `diagnose`.
_DEAD = 0.5
_SATURATED = 0.9
_LEAK = 0.01
_AT_BOUND = 0.15
_NORM, _NORM_SPREAD = 0.3, 0.5
_OUT_OF_REACH, _STRAYED = 0.02, 0.5
_SEPARATED, _PULL = 0.99, 0.3
_NOT_SEPARATED, _PLAINLY_DIFFERENT, _UPDATES = 0.6, 0.9, 30
_VARIANCE, _RANK, _RECALL, _PRECISION = 0.1, 0.25, 0.05, 0.5
_NEAR = 0.5

_COORDINATES = 256  # more numbers a row than these are projected
_SOME = 256  # rows, for the checks of layers
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

    def __str__(self):
        return f"{self.name}: {self.evidence}\n    cure: {self.cure}"


class Diagnosis(list):
    """A list of `Finding`s, empty for a healthy model; prints readably.

    Attributes:
        checked: dict from the names of the checks made to what each measured.
        not_made: dict from the names of the others to the reasons.
    """

    def __init__(self) -> None:
        super().__init__()
        self.checked, self.not_made = {}, {}

    def __str__(self):
        fine = {finding.name for finding in self}
        fine = {name: of for name, of in self.checked.items() if name not in fine}
        lines = [str(finding) for finding in self] or ["nothing found"]
        for title, named in (("fine", fine), ("not made", self.not_made)):
            lines += [f"{title}: {name} ({text})" for name, text in named.items()]
        return "\n".join(lines)


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
    - coupled samples: under a penalty, .01 of the slope of D(x_i) goes to rows other
      than x_i (0; with batch normalisation .7);
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
    whole = isinstance(seed, numbers.Integral)
    expect(whole and seed >= 0, "seed to be an integer of at least 0", seed=seed)
    shape = model.discriminator.output_shape
    first = shape[0] if isinstance(shape[0], tuple) else shape
    one = first[1:] in [(1,), (2,)]
    expect(one, "a discriminator of 1 or 2 outputs a row", output_shape=shape)
    sampler = model.latent_generator
    expect(
        sampler is not None, "a model with a latent_generator", latent_generator=None
    )
    diagnosis = Diagnosis()
    with _unchanged(model):
        model.stream.state.assign(Stream(seed).state)
        subject = _Subject(model, count)
        for name, check in _CHECKS.items():
            _make(name, check, subject, diagnosis)
    return diagnosis


@contextlib.contextmanager
def _unchanged(model):
    before = [(variable, np.array(variable)) for variable in state_of(model)]
    try:
        yield
    finally:
        for variable, value in before:
            variable.assign(value)


def _make(name, check, subject, diagnosis):
    found = {finding.name for finding in diagnosis}
    first = [cause for cause in _FIRST.get(name, []) if cause in found]
    try:
        if first:
            raise _NotMade(f"first cure: {first[0]}")
        sick, evidence, cure = check(subject)
    except (_NotMade, InvalidInput) as reason:
        diagnosis.not_made[name] = str(reason)
        return
    diagnosis.checked[name] = evidence
    if sick:
        diagnosis.append(Finding(name, evidence, cure))


class _NotMade(Exception):
    """Why a check cannot be made of this model or these data."""


class _Subject:
    """What the checks look at, each made when it is first asked for.

    A sample is what the model plays with: rows, or a tuple of rows and labels.
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
        most = self.draws * size
        if isinstance(data, tf.data.Dataset):
            some = data.unbatch().take(most)
            rows = int(some.reduce(0, lambda number, *_: number + 1))
        else:
            rows = min(most, count_rows(data))
        if rows < size:
            raise _NotMade(f"{rows} real examples, fewer than a batch")
        return self.model.get_real_sample(rows)

    @functools.cached_property
    def fake(self):
        """Sample as the model draws pictures."""
        return self._draw()

    @functools.cached_property
    def played(self):
        """Sample as the discriminator meets it in training."""
        return self._draw(training=self.model.batch_statistics, averaged=False)

    @functools.cached_property
    def latents(self):
        """A batch of what the generator takes."""
        size = self.model.batch_size
        with self.model.stream.feeds():
            latents = self.model.latent_generator(size)
        if not isinstance(self.model.generator.input_shape, list):
            return latents
        return [latents, tf.range(size) % self.model.classes]

    @functools.cached_property
    def some(self):
        """A few whole batches: fakes, and reals if there are."""
        samples = [self.played]
        if self.model.real_examples is not None:
            samples.append(self.real)
        most = math.ceil(_SOME / self.model.batch_size)
        return [batch for sample in samples for batch in self.batches(sample)[:most]]

    @functools.cached_property
    def pair(self):
        """As many real as fake rows, `(n, d)`."""
        return _paired(self.real, self.fake)

    @functools.cached_property
    def separation(self):
        """How well the discriminator tells reals from fakes, see `_separation`."""
        return _separation(self)

    def batches(self, sample):
        """Whole batches of a sample."""
        size = self.model.batch_size
        starts = range(0, len(_rows(sample)) - size + 1, size)
        return [
            tf.nest.map_structure(lambda part, at=start: part[at : at + size], sample)
            for start in starts
        ]

    def verdict(self, sample):
        """How real the discriminator, in training mode, finds each row: `(n,)`."""
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


def _rows(sample):
    return sample[0] if isinstance(sample, tuple) else sample


def _numbers(sample):
    return np.array(_rows(sample), "float32")


def _paired(real, fake):
    n = min(len(_rows(real)), len(_rows(fake)))
    return _flat(_numbers(real)[:n]), _flat(_numbers(fake)[:n])


def _flat(rows):
    """Rows as vectors of at most `_COORDINATES` numbers, distances kept.

    Reference:
        Johnson & Lindenstrauss 1984, Extensions of Lipschitz mappings into a Hilbert
        space, Lemma 1: a random projection.
    """
    rows = rows.reshape(len(rows), -1)
    if rows.shape[1] <= _COORDINATES:
        return rows
    shape = rows.shape[1], _COORDINATES
    projection = np.random.default_rng(0).standard_normal(shape, "float32")
    return rows @ projection / np.float32(math.sqrt(_COORDINATES))


def _separation(s):
    """Area under the ROC curve of D(real) against D(fake), ties counted half."""
    real, fake = (
        np.concatenate([s.verdict(batch) for batch in s.batches(sample)])
        for sample in (s.real, s.played)
    )
    fake = np.sort(fake)
    below = [np.searchsorted(fake, real, side) for side in ("left", "right")]
    return float(np.mean(below) / len(fake))


def _lengths(rows):
    return np.linalg.norm(np.reshape(rows, (len(rows), -1)), axis=1)


# -- the checks: each gives (whether it is sick, evidence, cure) ----------------


def _finite(s):
    networks = [s.model.generator, s.model.discriminator, s.model.averaged_generator]
    arrays = {w.path: w for network in networks if network for w in network.weights}
    arrays |= {"the fakes": _rows(s.fake), "the fakes in training": _rows(s.played)}
    arrays["D(fakes)"] = [s.verdict(batch) for batch in s.batches(s.played)]
    if s.model.real_examples is not None:
        arrays["the real examples"] = _rows(s.real)
    shares = {name: np.mean(~np.isfinite(array)) for name, array in arrays.items()}
    bad = [f"{share:.1%} of {name}" for name, share in shares.items() if share > 0]
    return (
        bool(bad),
        ", ".join(bad[:3]) or "none in weights and outputs",
        "go back to the last good checkpoint with lower learning rates; look for a "
        "root, logarithm or division that meets a 0 in your losses and data",
    )


def _dead(s):
    size, mode = s.model.batch_size, s.model.batch_statistics
    draw = functools.partial(s.model.get_fake_sample, size, mode, averaged=False)
    made = [lambda: _rows(draw())] * min(math.ceil(_SOME / size), s.draws)
    judged = [functools.partial(s.model.judge, batch) for batch in s.some]
    shares = {}
    for network, calls in ((s.model.generator, made), (s.model.discriminator, judged)):
        kernels = [w for w in network.trainable_variables if len(w.shape) > 1]
        alive = [np.zeros(w.shape[-1], bool) for w in kernels]
        for call in calls:
            with tf.GradientTape() as tape:
                mixture = _mixture(call())
            gradients = tape.gradient(mixture, kernels, unconnected_gradients="zero")
            for units, gradient in zip(alive, gradients, strict=True):
                gradient = tf.reshape(gradient, (-1, len(units)))
                units |= np.any(gradient != 0, axis=0)
        pairs = zip(kernels, alive, strict=True)
        shares |= {f"{network.name}: {w.path}": 1 - u.mean() for w, u in pairs}
    return (
        *_worst(shares, _DEAD, "of the units never change"),
        "make the network anew: dead units do not come back; then a lower learning "
        "rate, leaky activations, smaller initial weights",
    )


def _mixture(outputs):
    """Sum with random weights; plain sums could cancel, as after a softmax."""
    parts = [part for part in tf.nest.flatten(outputs) if part.dtype.is_floating]
    weights = [tf.random.stateless_normal(part.shape, (0, 0)) for part in parts]
    pairs = zip(parts, weights, strict=True)
    return tf.add_n([tf.reduce_sum(part * weight) for part, weight in pairs])


def _saturated(s):
    judged = [_rows(batch) for batch in s.some]
    shares = {}
    for network, inputs in (
        (s.model.generator, [s.latents]),
        (s.model.discriminator, judged),
    ):
        near = {}
        for given in inputs:
            for layer, share in _at_bounds(network, given):
                near.setdefault(f"{network.name}: {layer.name}", []).append(share)
        shares |= {name: np.mean(some) for name, some in near.items()}
    return (
        *_worst(shares, _SATURATED, "of the activations are at their bounds"),
        "scale the inputs to about [-1, 1], use a lower learning rate or smaller "
        "initial weights, or an activation without bounds",
    )


def _at_bounds(network, given):
    """Hidden layers with a bounded activation, and how much of it is at the bounds."""
    bounded = [(layer, _bounds(layer)) for layer in network._flatten_layers()]
    noted = []
    with contextlib.ExitStack() as after:
        for layer, bounds in bounded:
            if bounds:
                activation = layer.activation
                after.callback(setattr, layer, "activation", activation)
                layer.activation = _noting(activation, layer, bounds, noted)
        outputs = tf.nest.flatten(network(given, training=True))
    for layer, values, (low, high) in noted:
        # What the network ends with may well be at its bounds, as black and white.
        if not any(np.array_equal(np.ravel(values), np.ravel(o)) for o in outputs):
            near = np.abs(values - (low + high) / 2) > 0.495 * (high - low)
            yield layer, np.mean(near)


def _noting(activation, layer, bounds, noted):
    def call(x):
        values = activation(x)
        noted.append((layer, values, bounds))
        return values

    return call


def _bounds(layer):
    """Limits of a layer's activation, found by asking it; None without two."""
    activation = getattr(layer, "activation", None)
    # A softmax has bounds, but at all of them together no slope to lose.
    if not callable(activation) or activation is keras.activations.softmax:
        return None
    low, high = np.ravel(activation(tf.constant([[-1e6, 1e6]])))
    return (low, high) if 0 < high - low < 1e3 else None


def _worst(shares, bound, text):
    name, share = max(shares.items(), key=lambda item: item[1], default=("none", 0.0))
    sick = [name for name, share in shares.items() if share >= bound]
    more = f", and {len(sick) - 1} further layers" if len(sick) > 1 else ""
    return bool(sick), f"{share:.0%} {text} in {name}{more}"


def _coupled(s):
    batch = s.batches(s.played)[0]
    known = s.model.real_examples is not None
    real = s.batches(s.real)[0] if known else batch
    rows = [_rows(real), _rows(batch)]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(rows)
        verdicts = tf.unstack(s.verdict(batch))[:8]
        extra, _ = s.model.discriminator_extra(real, batch)
    norms = [_lengths(tape.gradient(verdict, rows[1])) for verdict in verdicts]
    own, total = np.trace(norms), np.sum(norms)
    share = 1 - own / total if total > 0 else 0.0
    slopes = tape.gradient(extra, rows) if tf.is_tensor(extra) else []
    penalised = any(slope is not None and np.any(slope) for slope in slopes)
    return (
        share > _LEAK and penalised,
        f"{share:.0%} of the slope of D at a row goes to the other rows of its batch"
        + ("" if penalised else ", and no penalty depends on the rows"),
        "replace batch normalisation in the discriminator by layer normalisation or "
        "nothing: the penalty is meant for each row by itself",
    )


def _clipped(s):
    if not isinstance(s.model, WGAN_clip):
        raise _NotMade("no clipping")
    weights = [np.ravel(w) for w in s.model.discriminator.trainable_variables]
    share = np.mean(np.abs(np.concatenate(weights)) >= s.model.clip * (1 - 1e-6))
    return (
        share > _AT_BOUND,
        f"{share:.0%} of the critic's weights lie at the bound {s.model.clip:g}",
        "use WGAN_GP; else a wider bound or a lower learning rate",
    )


def _norms(s):
    if not isinstance(s.model, WGAN_GP) or not s.model.lambda_gp:
        raise _NotMade("no penalty of norms other than 1")
    norms = []
    batches = zip(s.batches(s.real), s.batches(s.played), strict=False)
    for batch in batches:
        points = s.model.get_interpolated_sample(*batch)
        with tf.GradientTape() as tape:
            tape.watch(points)
            verdicts = s.verdict(points)
        norms.append(_lengths(tape.gradient(verdicts, points)))
    mean, spread = np.mean(norms), np.std(norms)
    return (
        abs(mean - 1) > _NORM or spread > _NORM_SPREAD,
        f"{mean:.2f} ± {spread:.2f} (mean ± standard deviation) on interpolates",
        "train longer, with more discriminator updates a step or a larger lambda_gp; "
        "where the norm stays low, scale the data up or take a bound (tanh) off the "
        "discriminator's output",
    )


def _range(s):
    real, fake = _numbers(s.real), _numbers(s.fake)
    low, high = _reach(s.model.generator, s.latents)
    slack = 0.01 * (high - low)
    out = np.mean((real < low - slack) | (real > high + slack))
    least, most = real.min(), real.max()
    strayed = np.mean((fake < least) | (fake > most))
    return (
        out > _OUT_OF_REACH or strayed > _STRAYED,
        f"{out:.0%} of the real values, in [{least:.3g}, {most:.3g}], lie outside of "
        f"the generator's reach [{low:.3g}, {high:.3g}]; {strayed:.0%} of the fake "
        f"values, in [{fake.min():.3g}, {fake.max():.3g}], outside of theirs",
        "scale the data to the range of the generator's last activation (tanh: "
        "[-1, 1], sigmoid: [0, 1]), or change that; where the range fits, train on",
    )


def _reach(generator, latents):
    """Least and largest output under large random weights, which are not set."""
    outputs = []
    for seed in range(4):
        weights = [
            10 * tf.random.stateless_normal(w.shape, (seed // 2, number))
            for number, w in enumerate(generator.trainable_variables)
        ]
        signed = [w if seed % 2 else -w for w in weights]
        state = [w.value for w in generator.non_trainable_variables]
        values, _ = generator.stateless_call(signed, state, latents, training=False)
        # An overflow shows that there is no bound.
        outputs.append(np.nan_to_num(values, nan=np.inf))
    return float(np.min(outputs)), float(np.max(outputs))


def _ahead(s):
    pull = _pull(s) if s.separation > _SEPARATED else None
    pulled = "" if pull is None else f", pull on the generator {pull:.2g}"
    return (
        pull is not None and pull < _PULL,
        f"area under the ROC curve {s.separation:.3f}{pulled}",
        "fewer discriminator updates a step or a lower learning rate for it, a "
        "gradient penalty, or no tanh at its end: it is flat where the fakes are",
    )


def _pull(s):
    loss, size = s.model.generator_loss, s.model.batch_size
    slopes, here = [], []
    for batch in s.batches(s.played):
        with tf.GradientTape() as tape:
            tape.watch(_rows(batch))
            value = loss(s.model.judge(batch))
        slopes.append(size * _lengths(tape.gradient(value, _rows(batch))))
        here.append(value)
    there = [loss(s.model.judge(batch)) for batch in s.batches(s.real)]
    way = _lengths(np.subtract(*_paired(s.real, s.played))).mean()
    return float(np.mean(slopes) * way / (np.mean(here) - np.mean(there)))


def _asleep(s):
    score = metrics.two_sample_score(*_paired(s.real, s.played))
    area, after = s.separation, ""
    if area < _NOT_SEPARATED and score > _PLAINLY_DIFFERENT:
        area = _woken(s)
        after = f" and {area:.3f} after {_UPDATES} more updates"
    return (
        bool(after) and area < _NOT_SEPARATED,
        f"area under the ROC curve {s.separation:.3f}{after}; a simple classifier "
        f"tells {score:.0%} of reals and fakes right",
        "a higher learning rate for the discriminator or more of its updates a step; "
        "a network with more units, made anew if its outputs no longer change",
    )


def _woken(s):
    """The separation after some updates of the discriminator alone, then undone."""
    model, batches = s.model, s.batches(s.played)
    with _unchanged(model):
        for number in range(_UPDATES):
            fake = batches[number % len(batches)]
            model._update_discriminator(model.get_real_sample(), fake)
        return _separation(s)


def _variety(s):
    (variance, rank), (fake_variance, fake_rank) = (_spread(rows) for rows in s.pair)
    if variance == 0:
        raise _NotMade("all real examples looked at are the same")
    precision, recall = metrics.precision_recall(*s.pair)
    variance, rank = fake_variance / variance, fake_rank / rank
    narrow = precision >= _PRECISION and recall < _RECALL
    return (
        variance < _VARIANCE or rank < _RANK or narrow,
        f"variance {variance:.2f} and effective rank {rank:.2f} times that of the "
        f"reals, recall {recall:.2f} at precision {precision:.2f}",
        "go back to a checkpoint with variety; a gradient penalty (WGAN_GP), a lower "
        "learning rate for the generator, larger batches, more latent dimensions",
    )


def _spread(rows):
    """Total variance and effective rank (Roy & Vetterli 2007, definition 1)."""
    rows = rows.astype("float64")
    squares = np.linalg.svd(rows - rows.mean(axis=0), compute_uv=False) ** 2
    shares = squares[squares > 0] / squares.sum()
    return squares.sum() / len(rows), np.exp(-(shares * np.log(shares)).sum())


def _copied(s):
    data = s.model.real_examples
    if data is None or isinstance(data, tf.data.Dataset):
        raise _NotMade("the training examples are not all at hand")
    rows = count_rows(data)
    if rows * math.prod(s.model.discriminator.input_shape[1:]) > _MOST_NUMBERS:
        raise _NotMade(f"more than {_MOST_NUMBERS:.0e} numbers to compare with")
    train = _flat(_numbers(s.model.get_real_sample(rows)))
    ratio = metrics.neighbour_ratio(train, _flat(_numbers(s.fake)), points=500)
    return (
        ratio < _NEAR,
        f"the fakes are {ratio:.2f} times as far from their nearest training example "
        "as that is from its own",
        "more training examples, smaller networks, fewer steps",
    )


_CHECKS = {
    "non-finite numbers": _finite,
    "dead layer": _dead,
    "saturated layer": _saturated,
    "coupled samples": _coupled,
    "clipped weights": _clipped,
    "gradient norm": _norms,
    "output range": _range,
    "discriminator far ahead": _ahead,
    "discriminator asleep": _asleep,
    "collapsed variety": _variety,
    "copied examples": _copied,
}

# What a check would show anyway because of an earlier finding.
_FIRST = {name: ["non-finite numbers"] for name in [*_CHECKS][1:]}
_FIRST["gradient norm"] += ["coupled samples", "dead layer"]
for _name in [*_CHECKS][-4:]:
    _FIRST[_name] += ["output range"]
_FIRST["discriminator asleep"] += ["dead layer"]
_FIRST["copied examples"] += ["collapsed variety"]
