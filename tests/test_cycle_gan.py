"""CycleGAN, for two kinds of pictures without pairs: class, data and commands."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import refused
from keras import layers
from PIL import Image

import gan
from gan import cli
from gan.data.examples import Sample
from gan.networks.cycle import joined

SHAPE = (2, 2, 1)


def networks(shape=SHAPE):
    """Generators of a convolution 1×1, discriminators of a dense layer."""
    makers, judges = [], []
    for number in range(2):
        x = keras.Input(shape)
        makers.append(keras.Model(x, layers.Conv2D(shape[-1], 1)(x)))
        x = keras.Input(shape)
        y = layers.Dense(3, "tanh")(layers.Flatten()(x))
        judges.append(keras.Model(x, layers.Dense(1)(y), name=f"judge_{number}"))
    return joined("generator", makers), joined("discriminator", judges), None


def pictures(counts=(12, 9), shape=SHAPE):
    rng = np.random.default_rng(0)
    return tuple(rng.random((count, *shape)).astype("float32") for count in counts)


def make(real=None, **options):
    keras.utils.set_random_seed(0)
    options = {"batch_size": 4, "seed": 0, "pixel_range": (0.0, 1.0)} | options
    return gan.CycleGAN(*networks(), pictures() if real is None else real, **options)


@pytest.mark.parametrize("objective", ["relativistic", "least_squares"])
def test_both_updates_equal_those_in_plain_tensorflow(objective):
    rules = {f"{name}_optimizer": keras.optimizers.SGD(0.1) for name in PLAYERS}
    weights = {"cycle_weight": 3.0, "identity_weight": 0.5, "gamma": 0.7}
    model = make(objective=objective, **weights, **rules)
    a, b = (tf.constant(x[:4]) for x in pictures())
    g, f = ([tf.Variable(w) for w in half] for half in halves(model.generator, 2))
    judges = [[tf.Variable(w) for w in half] for half in halves(model.discriminator, 4)]

    def make_of(x, weights):
        return x * weights[0][0, 0] + weights[1]

    def judge(x, weights):
        hidden = tf.tanh(tf.reshape(x, (4, 4)) @ weights[0] + weights[1])
        return hidden @ weights[2] + weights[3]

    def loss_of(real, fake, generator):
        if objective == "relativistic":
            return tf.reduce_mean(
                tf.nn.softplus(real - fake if generator else fake - real)
            )
        if generator:
            return tf.reduce_mean((fake - 1) ** 2)
        return tf.reduce_mean((real - 1) ** 2) + tf.reduce_mean((fake + 1) ** 2)

    made_b, made_a = make_of(a, g), make_of(b, f)
    flat = [w for judge in judges for w in judge]
    with tf.GradientTape() as tape:
        loss, penalty = 0.0, 0.0
        for weights, real, fake in zip(judges, (b, a), (made_b, made_a), strict=True):
            said = []
            for x in (real, tf.identity(fake)):
                with tf.GradientTape() as inner:
                    inner.watch(x)
                    said.append(judge(x, weights))
                slopes = inner.gradient(said[-1], x)
                penalty += tf.reduce_mean(tf.reduce_sum(slopes**2, axis=(1, 2, 3)))
            loss += loss_of(*said, False)
        whole = loss + 0.7 / 2 * penalty
    slopes = tape.gradient(whole, flat)
    real, fake = model.as_sample((a, b)), Sample((made_b, made_a), (a, b))
    logs = model.update_discriminator(real, fake)
    assert float(logs["discr_loss"]) == pytest.approx(float(loss), rel=1e-5)
    assert float(logs["r1"] + logs["r2"]) == pytest.approx(float(penalty), rel=1e-4)
    for weight, slope in zip(flat, slopes, strict=True):
        weight.assign_sub(0.1 * slope)
    same(model.discriminator, flat)

    with tf.GradientTape() as tape:
        made_b, made_a = make_of(a, g), make_of(b, f)
        loss = loss_of(judge(b, judges[0]), judge(made_b, judges[0]), True)
        loss += loss_of(judge(a, judges[1]), judge(made_a, judges[1]), True)
        cycle = tf.reduce_mean(tf.abs(make_of(made_a, g) - b))
        cycle += tf.reduce_mean(tf.abs(make_of(made_b, f) - a))
        identity = tf.reduce_mean(tf.abs(make_of(b, g) - b))
        identity += tf.reduce_mean(tf.abs(make_of(a, f) - a))
        whole = loss + 3.0 * cycle + 0.5 * identity
    slopes = tape.gradient(whole, g + f)
    logs = model.update_generator(real)
    found = [logs[name] for name in ("gen_loss", "cycle", "identity")]
    np.testing.assert_allclose(found, [loss, cycle, identity], rtol=1e-5)
    for weight, slope in zip(g + f, slopes, strict=True):
        weight.assign_sub(0.1 * slope)
    same(model.generator, g + f)


PLAYERS = ("generator", "discriminator")


def halves(network, size):
    weights = network.get_weights()
    return weights[:size], weights[size:]


def same(network, weights):
    for found, weight in zip(network.get_weights(), weights, strict=True):
        np.testing.assert_allclose(found, weight, atol=1e-6)


@pytest.mark.slow
def test_the_class_does_what_every_class_does():
    """The check includes that a resumed run ends with the same numbers."""
    gan.testing.check_model(make)


def test_each_kind_is_drawn_by_itself():
    """The numbers drawn of one kind do not depend on those of the other."""
    numbered = np.arange(40, dtype="float32")[:, None, None, None] / 40
    model = make((np.tile(numbered, (1, *SHAPE)), np.tile(numbered[:30], (1, *SHAPE))))
    drawn = [model.get_real_sample(20) for _ in range(20)]
    a, b = (np.rint(40 * np.array(x)[..., 0, 0, 0]) for x in zip(*drawn, strict=True))
    assert all(len({*row}) == 20 for row in [*a, *b])
    assert b.max() < 30 and np.mean(a == b) < 0.1
    with refused("condition"):
        model.get_fake_sample(condition=drawn[0][0])
    sample = model.as_sample(drawn[0])
    np.testing.assert_array_equal(sample.examples[0], drawn[0][1])
    np.testing.assert_array_equal(sample.condition[0], drawn[0][0])
    assert len(model.examples) == 30 and model.examples.steps(8) == 5


def test_data_of_one_form_need_one_trace_and_others_are_told_apart():
    first, second = make(), make((*pictures()[:1], pictures()[1] / 2))
    assert first.examples.fingerprint() != second.examples.fingerprint()
    assert not first.examples.equals(second.examples)
    assert first.examples.equals(make().examples)
    before = first.examples
    first.real_examples = second.real_examples
    assert first.examples is before and first.examples.equals(second.examples)


def test_the_way_there_and_the_way_back(tmp_path):
    a, b = pictures()
    model = make(ema=0.9)
    model.compile(run_eagerly=True)
    model.fit(epochs=1, steps_per_epoch=1, verbose=0)
    made_b, made_a = model.averaged_generator([a[:9], b])
    np.testing.assert_allclose(model.a_to_b(a[:9]), made_b, atol=1e-6)
    np.testing.assert_allclose(model.b_to_a(b), made_a, atol=1e-6)
    fakes = model.get_fake_sample(condition=(a[:9], b))
    np.testing.assert_allclose(fakes[0], made_a, atol=1e-6)
    np.testing.assert_allclose(fakes[1], made_b, atol=1e-6)
    found = model.evaluate((a, b), ["fd"])
    assert {*found} == {"a_to_b", "b_to_a"} and found["a_to_b"]["fd"] > 0


def test_the_builder_begins_as_the_identity():
    model = gan.CycleGAN(
        *gan.cycle_GenDiscr((8, 8, 3), (8, 8, 3), 4),
        pictures(shape=(8, 8, 3)),
        batch_size=4,
    )
    a = pictures(shape=(8, 8, 3))[0]
    np.testing.assert_array_equal(model.a_to_b(a), a)
    fake = model.fakes_for_training(model.as_sample(model.get_real_sample()).condition)
    real = (fake.examples[::-1], None, fake.condition)
    _, logs = model.generator_extra(real[0], fake.examples, fake.condition)
    assert float(logs["cycle"]) == 0


def test_kinds_of_different_shapes():
    parts = gan.cycle_GenDiscr((8, 8, 3), (8, 8, 1), 4)
    real = pictures(shape=(8, 8, 3))[0], pictures(shape=(8, 8, 1))[1]
    model = gan.CycleGAN(*parts, real, batch_size=4, identity_weight=0.0)
    model.compile(run_eagerly=True)
    model.fit(epochs=1, steps_per_epoch=1, verbose=0)
    assert model.b_to_a(real[1]).shape == (9, 8, 8, 3)
    with pytest.raises(gan.InvalidInput, match="must be 0") as caught:
        gan.CycleGAN(*parts, real, batch_size=4)
    assert caught.value.argument == "identity_weight"


def crossed():
    """Networks whose generator computes its first output from both inputs."""
    a, b = keras.Input(SHAPE), keras.Input(SHAPE)
    both = layers.Concatenate()([a, b])
    outputs = [layers.Conv2D(1, 1)(both), layers.Conv2D(1, 1)(b)]
    return keras.Model([a, b], outputs), *networks()[1:]


@pytest.mark.parametrize(
    "code, argument, said",
    [
        (
            lambda: gan.CycleGAN(*crossed()),
            "generator",
            "only on the input at the same place",
        ),
        (
            lambda: gan.CycleGAN(*gan.residual_GenDiscr((8, 8, 1), 4, 2)[:2]),
            "generator",
            "must make [G(a), F(b)]",
        ),
        (
            lambda: gan.CycleGAN(networks()[0], networks((4, 4, 1))[1]),
            "discriminator",
            "must take [b, a]",
        ),
        (
            lambda: gan.CycleGAN(*networks()[:2], gan.latent.LatentGenerator(3)),
            "latent_generator",
            "must be None",
        ),
        (lambda: make(pictures()[0]), "real_examples", "must be a pair"),
        (lambda: make(pictures((3, 9))), "real_examples[0]", "fewer than a batch"),
        (
            lambda: make((pictures()[0], tf.data.Dataset.from_tensors(pictures()[1]))),
            "real_examples",
            "two arrays",
        ),
        (lambda: make(objective="hinge"), "objective", "'least_squares'"),
        (lambda: make().get_real_sample(10), "size", "at most 9"),
        (lambda: make().get_fake_sample(labels=1), "labels", "no labels"),
        (lambda: gan.diagnose(make()), "model", "pictures from pictures"),
        (
            lambda: gan.TrainedGenerator.of(make()),
            "model",
            "makes pictures from pictures",
        ),
    ],
)
def test_what_is_refused(code, argument, said):
    with pytest.raises(gan.InvalidInput) as caught:
        code()
    assert caught.value.argument == argument and said in str(caught.value)


def folders(place, *names, count=20):
    rng = np.random.default_rng(0)
    for name in names:
        (place / name).mkdir(parents=True)
        for number in range(count):
            pixels = rng.integers(0, 256, (8, 8, 3), "uint8")
            Image.fromarray(pixels).save(place / name / f"{number}.png")
    return place


@pytest.mark.parametrize(
    "names, called",
    [
        (["trainA", "trainB", "testA", "testB"], ("trainA", "trainB")),
        (["A", "B", "others"], ("A", "B")),
        (["zebras", "horses"], ("horses", "zebras")),
        (["one"], None),
        (["one", "two", "three"], None),
    ],
)
def test_folders_as_people_have_them(tmp_path, names, called):
    from gan.data.unpaired import read_unpaired

    folders(tmp_path, *names, count=2)
    if called is None:
        with pytest.raises(gan.InvalidInput, match="trainA and trainB") as caught:
            read_unpaired(tmp_path, (8, 8))
        assert caught.value.argument == "path"
        return
    found = read_unpaired(tmp_path, (8, 8))
    assert found.called == called and len(found.a.pictures) == 2


@pytest.mark.slow
def test_the_commands(tmp_path, capsys):
    """Train, and translate in both directions."""
    folders(tmp_path / "kinds", "trainA", "trainB", count=80)
    run, kinds = str(tmp_path / "run"), str(tmp_path / "kinds")
    command = ["train", "--unpaired", kinds, "--size", "8", "--output", run, "--quiet"]
    assert cli.main([*command, "--epochs", "1", "--steps", "2"]) == 0
    said = capsys.readouterr().out
    assert "8 and 8 of them held out" in said and "b_to_a: sw2" in said
    for back in ([], ["--back"]):
        made = tmp_path / f"made{len(back)}"
        given = ["--pictures", f"{kinds}/trainB", "--output", str(made)]
        assert cli.main(["translate", run, *given, *back]) == 0
        assert len([*made.glob("*.png")]) == 80
    both = [(tmp_path / name / "0.png").read_bytes() for name in ("made0", "made1")]
    assert both[0] != both[1]
    assert cli.main(["generate", run, "--output", str(tmp_path / "x.png")]) == 2
    assert cli.main([*command, "--pictures", kinds]) == 2
    assert cli.main([*command, "--augment"]) == 2
    assert cli.main([*command, "--from", "grey"]) == 2
    assert "--augment does not apply to --unpaired" in (said := capsys.readouterr().err)
    assert "--from does not apply to --unpaired" in said
