import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import refused, slow_but_first
from keras import layers
from test_base import assert_same, state
from test_fit import count_traces

import gan
from gan.callbacks import Checkpoint

CORNERS = np.float32([[1, 1], [-1, 1], [-1, -1], [1, -1]])
LABELS = np.random.default_rng(0).integers(0, 4, 64)
ROWS = CORNERS[LABELS] + np.random.default_rng(1).normal(0, 0.1, (64, 2))


def networks(label_shape=(), heads=(1, 4), row=(2,)):
    latents = keras.Input((3,))
    labels = keras.Input(label_shape, dtype="int32")
    wishes = layers.Flatten()(layers.Embedding(4, 3, "glorot_normal")(labels))
    x = layers.Concatenate()([latents, wishes])
    x = layers.Dense(8, activation="tanh")(x)
    x = layers.BatchNormalization()(x)
    x = layers.Reshape(row)(layers.Dense(math.prod(row))(x))
    generator = keras.Model([latents, labels], x, name="generator")
    rows = keras.Input(row)
    x = layers.Dense(16, activation="tanh")(layers.Flatten()(rows))
    kinds = ("sigmoid", "softmax")
    outputs = [layers.Dense(n, kind)(x) for n, kind in zip(heads, kinds, strict=False)]
    discriminator = keras.Model(rows, outputs, name="discriminator")
    return generator, discriminator, gan.latent.LatentGenerator(3)


def make(real=(ROWS, LABELS), seed=0, row=(2,), **options):
    keras.utils.set_random_seed(seed)
    options = {"batch_size": 8, **options}
    model = gan.AC_GAN(*networks(row=row), real, **options)
    model.compile()
    return model


# -- the game -------------------------------------------------------------------


def bce(target, p):
    p = np.array(p, float)
    return -np.mean(target * np.log(p) + (1 - target) * np.log(1 - p))


def named(probabilities, labels):
    return np.array(probabilities)[np.arange(len(labels)), labels].astype(float)


def test_step_is_the_papers_with_the_auxiliary_loss_on_reals_only():
    """A twin makes the same updates by hand, with the loss in probabilities."""

    def sgd():
        names = ("generator_optimizer", "discriminator_optimizer")
        return {name: keras.optimizers.SGD(0.3) for name in names}

    def learn(network, tape, loss):
        weights = network.trainable_variables
        for weight, slope in zip(weights, tape.gradient(loss, weights), strict=True):
            weight.assign_sub(0.3 * tf.convert_to_tensor(slope))

    model, twin = (make(disc_iter=1, **sgd()) for _ in range(2))
    logs = model.train_step(None)
    rows, labels = twin.get_real_sample()
    fakes, asked = twin.get_fake_sample(training=True)
    assert rows.shape == fakes.shape == (8, 2) and asked.shape == labels.shape == (8,)
    with tf.GradientTape() as tape:
        (x, classes), (y, _) = twin.discriminator(rows), twin.discriminator(fakes)
        chosen = tf.gather(classes, labels, axis=1, batch_dims=1)
        loss = -tf.reduce_mean(0.95 * tf.math.log(x) + 0.05 * tf.math.log(1 - x))
        loss -= tf.reduce_mean(tf.math.log(1 - y)) + 2 * tf.reduce_mean(
            tf.math.log(chosen)
        )
    by_hand = bce(0.95, x) + bce(0, y) - 2 * np.log(named(classes, labels)).mean()
    np.testing.assert_allclose(logs["discr_loss"], by_hand, rtol=1e-5)
    right = np.mean(np.argmax(classes, axis=1) == labels)
    np.testing.assert_allclose(logs["real_class_acc"], right)
    learn(twin.discriminator, tape, loss)
    with tf.GradientTape() as tape:
        fakes, asked = twin.get_fake_sample(16, training=True)
        x, classes = twin.discriminator(fakes)
        chosen = tf.gather(classes, asked, axis=1, batch_dims=1)
        loss = -tf.reduce_mean(0.95 * tf.math.log(x) + 0.05 * tf.math.log(1 - x))
        loss -= tf.reduce_mean(tf.math.log(chosen))
    by_hand = bce(0.95, x) - np.log(named(classes, asked)).mean()
    np.testing.assert_allclose(logs["gen_loss"], by_hand, rtol=1e-5)
    learn(twin.generator, tape, loss)
    for a, b in zip(state(model)[:-1], state(twin)[:-1], strict=True):
        if a.dtype == np.float32:
            np.testing.assert_allclose(a, b, atol=1e-5)
    np.testing.assert_array_equal(model.stream.state, twin.stream.state)


@pytest.mark.slow
def test_it_learns_to_give_the_class_asked_for():
    model = make(batch_size=32, disc_iter=1, learning_rate=0.005, beta_2=0.99)
    history = model.fit(epochs=2, steps_per_epoch=400, verbose=0).history
    names = ["discr_loss", "fake_class_acc", "gen_loss", "real_class_acc"]
    assert sorted(history) == names
    wishes = np.repeat(np.arange(4), 50)
    rows, labels = model.get_fake_sample(labels=wishes)
    np.testing.assert_array_equal(labels, wishes)
    nearest = np.linalg.norm(rows[:, None] - CORNERS, axis=2).argmin(1)
    assert np.mean(nearest == wishes) > 0.9
    assert history["real_class_acc"][1] > 0.9


# -- samples --------------------------------------------------------------------


def test_rows_keep_their_labels():
    assert make().classes == 4
    rows, labels = make().get_real_sample(64)
    assert (rows.dtype, labels.dtype) == (tf.float32, tf.int32)
    np.testing.assert_array_equal(np.bincount(labels), np.bincount(LABELS))
    np.testing.assert_array_equal(np.sign(rows), CORNERS[labels])


def test_asked_and_drawn_labels():
    model, twin = make(ema=0.5), make(ema=0.5)
    rows, labels = model.get_fake_sample(labels=[3, 0, 1])
    with twin.stream.sampling():
        latents = twin.latent_generator(3)
    expected = twin.averaged_generator([latents, tf.constant([3, 0, 1])])
    np.testing.assert_array_equal(rows, expected)
    assert rows.shape == (3, 2) and labels.dtype == tf.int32
    drawn = np.bincount(model.get_fake_sample(4000)[1])
    # Four standard deviations of a binomial(4000, 1/4).
    assert len(drawn) == 4 and np.abs(drawn - 1000).max() < 4 * np.sqrt(750)
    assert model.get_fake_sample()[0].shape == (8, 2)


@pytest.mark.slow
def test_labels_as_a_column():
    keras.utils.set_random_seed(0)
    model = gan.AC_GAN(*networks((1,)), (ROWS, LABELS[:, None]), 8)
    model.compile()
    model.fit(epochs=1, steps_per_epoch=2, verbose=0)
    assert model.get_fake_sample(labels=[[1], [2]])[1].shape == (2,)


@pytest.mark.parametrize(
    "kind", slow_but_first("uint8", "memmap", "tensors", single=True)
)
def test_data_it_takes(tmp_path, kind):
    pictures = np.random.default_rng(0).integers(0, 256, (64, 2, 2), "uint8")
    scaled, twin_of = pictures / np.float32(255), (pictures, LABELS.astype("uint8"))
    if kind == "memmap":
        np.save(tmp_path / "x.npy", pictures)
        twin_of = np.load(tmp_path / "x.npy", mmap_mode="r"), LABELS
    elif kind == "tensors":
        twin_of = tf.constant(scaled[..., None]), tf.constant(LABELS)
    model, twin = make((scaled, LABELS), row=(2, 2, 1)), make(twin_of, row=(2, 2, 1))
    for a, b in zip(model.get_real_sample(), twin.get_real_sample(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    logs = twin.train_step(None)
    assert np.isfinite(list(logs.values())).all()


@pytest.mark.slow
def test_dataset_of_pairs():
    dataset = tf.data.Dataset.from_tensor_slices((ROWS, LABELS)).batch(8)
    seen = []

    class Spy(gan.AC_GAN):
        def judge(self, *sample):
            seen.append([np.array(part) for part in sample])
            return super().judge(*sample)

    model = Spy(*networks(), disc_iter=2)
    model.compile(run_eagerly=True)
    model.fit(dataset.shuffle(9, seed=0), epochs=1, steps_per_epoch=2, verbose=0)
    # Each step judges five samples, of which the first and the third are real.
    for rows, labels in (seen[i] for i in (0, 2, 5, 7)):
        assert rows.shape == (8, 2)
        np.testing.assert_array_equal(np.sign(rows), CORNERS[labels])
    model.fit(dataset, epochs=1, verbose=0)
    assert model.generator.optimizer.iterations == 2 + len(dataset)
    rows, labels = model.get_real_sample(3)
    np.testing.assert_array_equal(labels, LABELS[:3])
    np.testing.assert_allclose(rows, ROWS[:3], rtol=1e-6)
    logs = model.train_step((tf.constant(ROWS[:8]), tf.constant(LABELS[:8])))
    assert list(logs) == list(gan.AC_GAN.log_names)


@pytest.mark.slow
def test_other_labels_of_the_same_shape_act_and_are_not_traced_again():
    model, twin = make(), make()
    traces = model.update_generator = count_traces(model.update_generator)
    for labels in (LABELS, list(LABELS), (LABELS + 1) % 4):
        model.fit((ROWS.copy(), labels), epochs=1, steps_per_epoch=2, verbose=0)
        twin.compile()
        twin.fit((ROWS.copy(), labels), epochs=1, steps_per_epoch=2, verbose=0)
        assert_same(model, twin)
    assert traces.count == 1


# -- saving ---------------------------------------------------------------------


@pytest.mark.slow
def test_it_goes_on_from_a_file(tmp_path):
    model = make(ema=0.9, real_target=0.8, auxiliary_weight=1)
    model.train_step(None)
    model.save(tmp_path / "half.keras")
    other = gan.load_model(tmp_path / "half.keras")
    assert (other.real_target, other.auxiliary_weight) == (0.8, 1)
    other.real_examples = ROWS, LABELS
    for one in (model, other):
        one.train_step(None)
    assert_same(model, other)


@pytest.mark.slow
def test_it_goes_on_from_a_checkpoint(tmp_path):
    model, other = make(), make(seed=1)
    for one, epochs in ((model, 2), (other, 4)):
        folder = [Checkpoint(tmp_path)]
        one.fit(epochs=epochs, steps_per_epoch=3, verbose=0, callbacks=folder)
    model.fit(epochs=4, initial_epoch=2, steps_per_epoch=3, verbose=0)
    assert_same(model, other)


# -- bad input ------------------------------------------------------------------


def pairs(rows=ROWS, labels=LABELS, size=8):
    return tf.data.Dataset.from_tensor_slices((rows, labels)).batch(size)


@pytest.mark.parametrize(
    "changes, argument",
    [
        ({"real_target": 1.1}, "real_target"),
        ({"auxiliary_weight": -1}, "auxiliary_weight"),
        ({"real_examples": ROWS}, "real_examples"),
        ({"real_examples": (ROWS,)}, "real_examples"),
        ({"real_examples": (pairs(), LABELS)}, "real_examples"),
        ({"real_examples": (None, LABELS)}, "real_examples"),
        ({"real_examples": (ROWS, LABELS[1:])}, "real_examples"),
        ({"real_examples": (ROWS, LABELS + 0.5)}, "labels"),
        ({"real_examples": (ROWS, LABELS + 1)}, "labels"),
        ({"real_examples": (ROWS, LABELS - 1)}, "labels"),
        ({"real_examples": (ROWS, np.eye(4, dtype=int)[LABELS])}, "labels"),
        ({"real_examples": (ROWS, 3)}, "labels"),
        ({"real_examples": (ROWS[:, :1], LABELS)}, "real_examples"),
        ({"real_examples": (ROWS[:5], LABELS[:5])}, "real_examples"),
        ({"real_examples": pairs().map(lambda x, y: x)}, "real_examples"),
        ({"real_examples": pairs(labels=np.eye(4)[LABELS])}, "real_examples"),
        ({"real_examples": pairs(rows=ROWS[:, :1])}, "real_examples"),
        ({"generator": keras.Sequential([keras.Input((3,))])}, "generator"),
        ({"generator": networks((2,))[0]}, "generator"),
        ({"generator": "net"}, "generator"),
        ({"discriminator": networks(heads=(1,))[1]}, "discriminator"),
        ({"discriminator": networks(heads=(4, 1))[1]}, "discriminator"),
        ({"latent_generator": gan.latent.LatentGenerator(2)}, "latent_generator"),
    ],
)
def test_bad_arguments(changes, argument):
    names = ("generator", "discriminator", "latent_generator")
    arguments = dict(zip(names, networks(), strict=True))
    arguments |= {"real_examples": (ROWS, LABELS), "batch_size": 8, **changes}
    with refused(argument):
        gan.AC_GAN(**arguments)


@pytest.mark.parametrize(
    "use, argument",
    slow_but_first(
        (lambda m: m.fit(ROWS), "x"),
        (lambda m: m.fit((ROWS, LABELS + 1)), "labels"),
        (lambda m: m.get_real_sample(65), "size"),
        (lambda m: m.get_fake_sample(labels=[0, 4]), "labels"),
        (lambda m: m.get_fake_sample(labels=[]), "labels"),
        (lambda m: m.get_fake_sample(labels=[0.5]), "labels"),
        (lambda m: m.get_fake_sample(3, labels=[0, 1]), "size"),
        (lambda m: m.get_fake_sample(0), "size"),
        (lambda m: m.get_fake_sample(averaged=True), "averaged"),
    ),
)
def test_bad_use_changes_nothing(use, argument):
    model = make()
    before = state(model)
    with refused(argument):
        use(model)
    for a, b in zip(before, state(model), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(model.real_examples[1], LABELS)
