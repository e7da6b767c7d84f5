import dataclasses
import inspect
import pathlib
import sys
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import refused, slow_but_first
from keras import layers
from test_ac_gan import make as make_ac_gan

import gan
from gan import metrics
from gan.diagnosis import Diagnosis, Finding, diagnose
from gan.latent import next_seed
from gan.saving.model_file import state_of
from gan.training.evidence import flat

DIM = 8
NORMAL = np.random.default_rng(0).standard_normal((600, DIM)).astype("float32")
DATA = {
    "output range",
    "discriminator far ahead",
    "discriminator asleep",
    "collapsed variety",
    "far from the data",
    "copied examples",
}


def affine(scale=1.0, shift=0.0, **options):
    """Generator that maps normal latents to normal rows."""
    network = keras.Sequential(
        [keras.Input((DIM,)), layers.Dense(DIM, **options)], name="generator"
    )
    network.set_weights([scale * np.eye(DIM), np.full(DIM, shift)])
    return network


def linear(norm=1.0):
    """Critic whose gradient has the norm `norm` everywhere."""
    network = keras.Sequential([keras.Input((DIM,)), layers.Dense(1)])
    network.set_weights([np.full((DIM, 1), norm / DIM**0.5), np.zeros(1)])
    return network


def dense(*middle):
    keras.utils.set_random_seed(3)
    return keras.Sequential([keras.Input((DIM,)), *middle, layers.Dense(1)])


def sound(
    cls=gan.Simple_GAN, generator=None, discriminator=None, real=NORMAL, **options
):
    """A model whose fakes have the distribution of the reals, unless changed."""
    networks = generator or affine(), discriminator or linear()
    sampler = options.pop("sampler", gan.latent.LatentGenerator(DIM))
    return cls(*networks, sampler, real, batch_size=100, seed=0, **options)


def state(model):
    return [np.array(variable) for variable in state_of(model)]


def assert_same(arrays, others):
    for a, b in zip(arrays, others, strict=True):
        np.testing.assert_array_equal(a, b)


def names(model, count=200):
    return [finding.name for finding in diagnose(model, count)]


# -- healthy --------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("cls", slow_but_first(gan.WGAN_GP, gan.Simple_GAN))
def test_nothing_in_a_trained_model(cls):
    rng = np.random.default_rng(1)
    real = np.float32(rng.normal(0, 1, (1000, 2)) @ [[0.5, 0.2], [0, 0.3]])
    keras.utils.set_random_seed(0)
    networks = []
    for name, last in (("generator", 2), ("discriminator", 1)):
        hidden = [layers.Dense(32, activation="elu") for _ in range(2)]
        parts = [keras.Input((2,)), *hidden, layers.Dense(last)]
        networks.append(keras.Sequential(parts, name=name))
    sampler = gan.latent.LatentGenerator(2)
    model = cls(*networks, sampler, real, 64, learning_rate=1e-3, ema=0.98)
    model.compile()
    model.fit(epochs=1, steps_per_epoch=500, verbose=0)
    found = diagnose(model)
    assert found == [], str(found)
    assert DATA <= {*found.checked}
    assert ("gradient norm" in found.checked) is (cls is gan.WGAN_GP)


@pytest.mark.slow
def test_nothing_in_the_committed_faces(shared):
    from gan.generators.weights import WEIGHTS
    from gan.recipes.faces import RECIPES, make_model

    pictures = gan.faces.load_faces(shared("small_res_faces_10000.npy")).pictures
    recipe = dataclasses.replace(RECIPES["gan"], teacher=False)
    model, _ = make_model(pictures[:2000], recipe)
    for network in (model.generator, model.averaged_generator):
        gan.weights.load_weights((network, WEIGHTS / "generator.h5"))
    gan.weights.load_weights((model.discriminator, WEIGHTS / "discriminator.h5"))
    found = diagnose(model, 200)
    assert found == [], str(found)
    # The losses of WGAN_GP have no target values.
    assert {*found.not_made} == {
        "clipped weights",
        "bounded outputs",
        "learnt by heart",
    }


def test_nothing_in_the_model_that_the_faults_are_planted_in():
    for cls in (gan.Simple_GAN, gan.WGAN_GP, gan.WGAN_clip):
        assert names(sound(cls)) == [], cls


# -- one fault each -------------------------------------------------------------


def not_finite():
    model = sound()
    weight = model.discriminator.trainable_variables[0]
    weight.assign(np.where(np.arange(DIM) == 2, np.nan, weight[:, 0])[:, None])
    return model, "12.5% of sequential"


def overflow():
    return sound(generator=affine(3e38)), "the fakes"


def dead():
    critic = dense(layers.Dense(16, "relu"), layers.Dense(8, "relu"))
    critic.trainable_variables[3].assign(np.full(8, -1e3))
    return sound(discriminator=critic), "100% of the units never change in sequential"


def half_dead():
    critic = dense(layers.Dense(16, "relu"))
    critic.trainable_variables[1].assign(np.repeat([-1e3, 0.5], 8))
    return sound(discriminator=critic), "50% of the units never change"


def saturated():
    critic = dense(layers.Dense(16, "tanh"))
    critic.trainable_variables[0].assign(80 * critic.trainable_variables[0])
    return sound(discriminator=critic), "at their bounds in sequential"


def flat_output():
    steep = [linear(40.0), layers.Rescaling(1.0, 300.0), layers.Activation("tanh")]
    critic = keras.Sequential([keras.Input((DIM,)), *steep])
    return sound(discriminator=critic), "at the bounds -1 and 1"


def two_sigmoids():
    critic = keras.Sequential([linear(), layers.Activation("sigmoid")])
    return sound(
        gan.NonSaturatingGAN, discriminator=critic
    ), "in [0, 1], but the losses push them to values of any size"


def no_minus_one():
    critic = keras.Sequential([linear(), layers.Activation("sigmoid")])
    return sound(discriminator=critic), "push them to values from -1 to 1"


def no_way_below_zero():
    critic = keras.Sequential([linear(), layers.ReLU()])
    return sound(gan.R3GAN, discriminator=critic), "in [0, inf]"


def coupled():
    critic = dense(layers.Dense(16, "tanh"), layers.BatchNormalization())
    return sound(gan.WGAN_GP, discriminator=critic), "belongs to other examples"


def clipped():
    model = sound(gan.WGAN_clip, clip=0.1)
    model.after_discriminator_update()
    # The 8 weights were 0.35 and are now at the clip; the bias is 0.
    return model, "89% of the critic's weights are at the clip 0.1"


def steep():
    return sound(gan.WGAN_GP, discriminator=linear(5.0)), "5.00 ± 0.00"


def uneven():
    critic = keras.Sequential([linear(), layers.ReLU(), layers.Rescaling(2.0)])
    return sound(gan.WGAN_GP, discriminator=critic), "± 1.00 (mean"


def out_of_reach():
    model = sound(generator=affine(activation="sigmoid"), real=0.2 * NORMAL + 0.6)
    model.real_examples = 255 * model.real_examples
    return model, "% of the real values"


def half_out_of_reach():
    generator = affine(activation="sigmoid")
    return sound(generator=generator, real=np.tanh(NORMAL)), "reach [0, 1]"


def strayed():
    return sound(generator=affine(shift=5.0)), "% of the fake values"


def far_ahead():
    """The zero-sum loss is flat where the discriminator is sure."""
    critic = keras.Sequential([linear(4.0), layers.Rescaling(-1.0, 14.0)])
    generator = affine(shift=2.5)
    return sound(gan.MinimaxGAN, generator, critic), "pull"


def asleep(rate=1e-9):
    """The critic's gradient is orthogonal to the error of the fakes."""
    critic = linear()
    critic.set_weights([DIM**-0.5 * (-1.0) ** np.arange(DIM)[:, None], np.zeros(1)])
    optimizer = keras.optimizers.Adam(rate)
    off = {"generator": affine(shift=1.5), "discriminator": critic}
    return sound(**off, discriminator_optimizer=optimizer), "after 30 more updates"


def collapsed(**options):
    """A model whose discriminator detects a collapse after some updates."""
    lively = {"discriminator": dense(layers.Dense(64, "tanh")), "learning_rate": 0.02}
    return sound(**lively, **options)


def narrow():
    return collapsed(generator=affine(0.2)), "variance 0.04"


def thin():
    generator = affine()
    line = np.zeros((DIM, DIM))
    line[0] = np.where(NORMAL[0] > 0, 0.6, -0.6)
    generator.set_weights([line, np.zeros(DIM)])
    return collapsed(generator=generator), "effective rank 0.13"


def picks(rows):
    """Sampler of given rows with a little noise."""

    def sampler(count):
        seed = next_seed()
        numbers = tf.random.stateless_uniform((count,), seed, 0, len(rows), tf.int32)
        noise = tf.random.stateless_normal((count, DIM), seed)
        return tf.gather(np.float32(rows), numbers) + 0.01 * noise

    return sampler


def few():
    """The fakes are always the same twelve pictures, none of the training set."""
    some = np.random.default_rng(5).standard_normal((12, DIM))
    return collapsed(sampler=picks(some)), "recall 0.00"


def noise():
    """The fakes have only the mean and the covariance of the reals."""
    angles = np.random.default_rng(2).uniform(0, 2 * np.pi, 600)
    real = np.zeros((600, DIM), "float32")
    real[:, :2] = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    generator = affine()
    generator.set_weights([np.diag([0.7, 0.7, *[0] * 6]), np.zeros(DIM)])
    return sound(generator=generator, real=real), "times as far"


def copied():
    return sound(sampler=picks(NORMAL)), "0.02 times as far"


FAULTS = {
    "non-finite numbers": [not_finite, overflow],
    "dead layer": [dead, half_dead],
    "saturated layer": [saturated],
    "bounded outputs": [two_sigmoids, no_way_below_zero, no_minus_one],
    "flat output": [flat_output],
    "coupled samples": [coupled],
    "clipped weights": [clipped],
    "gradient norm": [steep, uneven],
    "output range": [out_of_reach, half_out_of_reach, strayed],
    "discriminator far ahead": [far_ahead],
    "discriminator asleep": [asleep],
    "collapsed variety": [narrow, thin, few],
    "far from the data": [noise],
    "copied examples": [copied],
    "learnt by heart": [],  # with held-out pictures, see test_gap.py
}
CASES = [(name, plant) for name, plants in FAULTS.items() for plant in plants]


@pytest.mark.filterwarnings("ignore:The real examples lie")
@pytest.mark.filterwarnings("ignore:.* its last activation")
@pytest.mark.parametrize(("name", "plant"), slow_but_first(*CASES))
def test_a_planted_fault_is_found_and_no_other(name, plant):
    model, evidence = plant()
    found = diagnose(model, 300)
    assert [finding.name for finding in found] == [name], str(found)
    assert evidence in found[0].evidence
    assert found[0].cure


def test_every_check_has_its_fault():
    found = diagnose(sound(), 100)
    assert {*FAULTS} == {*found.checked, *found.not_made}


def test_a_critic_that_wakes_up_is_not_asleep_and_all_updates_are_undone():
    model, _ = asleep(0.05)
    before = state(model)
    found = diagnose(model, 200)
    assert [finding.name for finding in found] == ["far from the data"]
    assert "after 30 more updates" in found.checked["discriminator asleep"]
    assert_same(state(model), before)


@pytest.mark.parametrize(
    ("cls", "without", "weighted"),
    slow_but_first(
        (gan.Simple_GAN, {}, None),
        (gan.WGAN_GP, {"lambda_gp": 0}, {"lambda_gp": 0.1}),
        (gan.NonSaturatingGAN, {"gamma": 0}, {"gamma": 0.1}),
        (gan.R3GAN, {"gamma": 0, "penalty_every": 3}, {"penalty_every": 3}),
    ),
)
def test_batch_normalisation_is_a_fault_under_a_penalty_of_some_weight(
    cls, without, weighted
):
    critic = dense(layers.Dense(16, "tanh"), layers.BatchNormalization())
    found = diagnose(sound(cls, discriminator=critic, **without), 100)
    assert "no gradient penalty" in found.not_made["coupled samples"]
    if weighted:
        model = sound(cls, discriminator=critic, **weighted)
        assert "coupled samples" in names(model, 100)


def test_the_leak_is_that_of_the_layer():
    """D(x)_i = f(x_i − mean(x)) gives 1/n of the slope to each other row."""

    class Centre(layers.Layer):
        def call(self, x):
            return x - tf.reduce_mean(x, axis=0)

    critic = keras.Sequential(
        [keras.Input((DIM,)), Centre(), layers.Activation("tanh"), linear()]
    )
    found = diagnose(sound(gan.WGAN_GP, discriminator=critic), 300)
    # Slopes 1 − 1/100 at the row itself and 1/100 at each of 99 others.
    assert found[0].evidence.startswith("50% of the gradient")
    assert found.not_made["gradient norm"] == "cure coupled samples first"


def test_a_penalty_of_ones_own_counts():
    class Penalised(gan.Simple_GAN):
        def discriminator_extra(self, real, fake, condition):
            return gan.penalties.gradient_penalty(self.discriminator, real), {}

    critic = dense(layers.Dense(16, "tanh"), layers.BatchNormalization())
    assert names(sound(Penalised, discriminator=critic)) == ["coupled samples"]


def test_the_penalties_of_r3gan_count():
    critic = dense(layers.Dense(16, "tanh"), layers.BatchNormalization())
    assert "coupled samples" in names(sound(gan.R3GAN, discriminator=critic))


# -- what it does not do --------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cls", "options"),
    slow_but_first(
        (gan.Simple_GAN, {"ema": 0.9, "batch_statistics": False}), (gan.WGAN_GP, {})
    ),
)
def test_the_model_is_what_it_was(pictures, monkeypatch, cls, options):
    """The model has batch normalisation, dropout, moments and a random stream."""
    monkeypatch.setattr("gan.training.evidence.Evidence.woken", lambda s: (0.5, 2))
    model, twin = pictures(cls, **options), pictures(cls, **options)
    for one in (model, twin):
        one.train_step()
    before = state(model)
    first = diagnose(model, 16)
    assert_same(state(model), before)
    assert str(diagnose(model, 16)) == str(first)
    assert str(diagnose(model, 16, seed=1)) != str(first)
    logs, expected = model.train_step(), twin.train_step()
    assert all(logs[name] == expected[name] for name in expected)
    assert_same(state(model), state(twin))


def test_the_model_is_what_it_was_after_a_failure(monkeypatch):
    model = sound()
    before = state(model)

    def fail(*arguments, **options):
        raise ArithmeticError

    monkeypatch.setattr(metrics, "neighbour_ratio", fail)
    with pytest.raises(ArithmeticError):
        diagnose(model, 64)
    assert_same(state(model), before)


def test_what_cannot_be_checked_is_named():
    model = sound(gan.WGAN_GP, real=None)
    found = diagnose(model, 200)
    assert found == []
    others = {"clipped weights", "gradient norm", "flat output", "bounded outputs"}
    assert {*found.not_made} == DATA | others | {"learnt by heart"}
    assert found.not_made["output range"] == "the model has no real examples"
    model.discriminator.set_weights([np.full((DIM, 1), np.nan), np.zeros(1)])
    found = diagnose(model, 200)
    assert {*found.checked} == {"non-finite numbers"}
    assert found.not_made["dead layer"] == "cure non-finite numbers first"


def test_outputs_at_their_bounds_are_no_saturation():
    """All pixels are black or white, and the tanh comes before a reshape."""
    real = np.sign(NORMAL).reshape(-1, 4, 2)
    generator = keras.Sequential(
        [affine(1e3), layers.Activation("tanh"), layers.Reshape((4, 2, 1))]
    )
    critic = keras.Sequential([keras.Input((4, 2, 1)), layers.Flatten(), linear()])
    assert "saturated layer" not in names(sound(gan.WGAN_GP, generator, critic, real))


# -- data and classes -----------------------------------------------------------


def test_pictures_as_bytes_and_as_a_memory_map(tmp_path):
    pictures = np.uint8(np.clip(60 * NORMAL + 128, 0, 255)).reshape(-1, 4, 2)
    np.save(tmp_path / "x.npy", pictures)
    generator = keras.Sequential(
        [affine(60 / 255, 128 / 255), layers.Reshape((4, 2, 1))]
    )
    critic = keras.Sequential([keras.Input((4, 2, 1)), layers.Flatten(), linear()])
    for real in (pictures, np.load(tmp_path / "x.npy", mmap_mode="r")):
        found = diagnose(sound(gan.WGAN_GP, generator, critic, real), 300)
        assert found == [], str(found)
        assert "copied examples" in found.checked


def test_a_dataset():
    real = tf.data.Dataset.from_tensor_slices(NORMAL[:250]).batch(100)
    found = diagnose(sound(real=real), 400)
    assert found == [], str(found)
    reason = "the training examples are not all available"
    assert {*found.not_made} & DATA == {"copied examples"}
    assert found.not_made["copied examples"] == reason


@pytest.mark.slow
def test_two_columns_and_logits():
    column = keras.layers.Dense(2)
    critic = keras.Sequential([linear(), column, layers.Activation("log_softmax")])
    column.set_weights([np.float32([[-1, 1]]), np.zeros(2)])
    shifted = {"generator": affine(shift=-2.5), "discriminator": critic}
    found = diagnose(sound(gan.TwoClassGAN, **shifted), 300)
    assert "area under the ROC curve 1.000" in found.checked["discriminator far ahead"]
    steep = {**shifted, "discriminator": linear(30.0)}
    # The critics are the same, but the zero-sum loss is flat on such clear fakes.
    assert names(sound(gan.NonSaturatingGAN, **steep)) == ["far from the data"]
    assert names(sound(gan.MinimaxGAN, **steep)) == ["discriminator far ahead"]


def conditional(cls, shift):
    """A model with labels, whose fakes are moved away from the reals by `shift`."""
    latents, rows = keras.Input((DIM,)), keras.Input((DIM,))
    labels = [keras.Input((), dtype="int32") for _ in range(2)]
    embedded = [layers.Embedding(3, DIM)(label) for label in labels]
    networks = [affine(shift=shift)(layers.Add()([latents, embedded[0]]))]
    networks += [layers.Dense(1)(layers.Concatenate()([rows, embedded[1]]))]
    networks = [
        keras.Model([first, label], outputs)
        for first, label, outputs in zip((latents, rows), labels, networks, strict=True)
    ]
    kernel = np.repeat([-4.0, 0.0], DIM)[:, None]
    networks[1].layers[-1].set_weights([kernel, np.zeros(1)])
    real = NORMAL, np.arange(600) % 3
    sampler = gan.latent.LatentGenerator(DIM)
    return cls(*networks, sampler, real, batch_size=50, seed=0)


@pytest.mark.parametrize("shift", slow_but_first(0.0, 2.5, single=True))
@pytest.mark.parametrize(
    "cls",
    slow_but_first(
        gan.Simple_GAN,
        gan.WGAN_clip,
        gan.WGAN_GP,
        gan.NonSaturatingGAN,
        gan.MinimaxGAN,
        gan.HingeGAN,
        gan.R3GAN,
        single=True,
    ),
)
def test_every_class_is_judged_with_labels(cls, shift):
    found = diagnose(conditional(cls, shift), 100)
    made = {*found.checked, *found.not_made}
    assert made == {*FAULTS} and found.checked["discriminator far ahead"]
    if not shift:
        assert found.checked["copied examples"]
    assert ("gradient norm" in found.checked) is (cls is gan.WGAN_GP)
    assert ("pull" in found.checked["discriminator far ahead"]) is bool(shift)


def test_names_and_cures_are_there_without_docstrings(monkeypatch):
    """`python -OO` removes docstrings."""
    source = pathlib.Path(inspect.getfile(diagnose)).read_text(encoding="utf-8")
    module = types.ModuleType("without_docstrings")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(source, "diagnose.py", "exec", optimize=2), vars(module))
    assert module.diagnose.__doc__ is None
    model, _ = steep()
    assert str(module.diagnose(model, 100)) == str(diagnose(model, 100))


def test_labels():
    model = make_ac_gan()
    before = state(model)
    found = diagnose(model, 16)
    assert DATA <= {*found.checked, *found.not_made}
    assert "dead layer" in found.checked and "saturated layer" in found.checked
    assert_same(state(model), before)


def test_large_rows_keep_their_distances():
    rows = np.random.default_rng(0).standard_normal((50, 20, 20, 3), "float32")
    short = flat(rows)
    assert short.shape == (50, 256)
    before, after = (
        np.linalg.norm((r[:25] - r[25:]).reshape(25, -1), axis=1) for r in (rows, short)
    )
    # The ratio's standard deviation is 1/√512.
    np.testing.assert_allclose(after / before, 1, atol=5 / 512**0.5)
    np.testing.assert_array_equal(
        flat(rows[:, :8, :8, 0]), rows[:, :8, :8, 0].reshape(50, 64)
    )


# -- form -----------------------------------------------------------------------


def test_it_prints_readably():
    model, _ = steep()
    finding = diagnose(model, 300)[0]
    assert str(finding).startswith("gradient norm: 5.00 ± 0.00 (mean ± standard")
    assert "\n    cure: train longer" in str(finding)
    diagnosis = Diagnosis()
    assert str(diagnosis) == "nothing found"
    diagnosis.append(Finding("a", "b", "c"))
    diagnosis.checked = {"a": "b", "d": "e"}
    diagnosis.not_made = {"f": "g"}
    text = "a: b\n    cure: c\nfine: d (e)\nnot checked: f (g)"
    assert str(diagnosis) == text
    with pytest.raises(AttributeError):
        finding.name = "other"


def test_what_is_refused():
    model = sound()
    for count in (0, 2.5, True, 15):
        with refused("count"):
            diagnose(model, count)
    with refused("seed"):
        diagnose(model, seed="0")
    with refused("model"):
        diagnose(model.generator)
    model.latent_generator = None
    with refused("model"):
        diagnose(model)
