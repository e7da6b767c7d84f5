"""R3GAN, the hinge, R1, labels and augmentation: what variants add to the game."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import refused, slow_but_first

import gan
from gan import losses
from gan.data.examples import Sample
from gan.errors import InvalidInput
from gan.training.networks import reach

L = keras.layers
OBJECTIVES = ["Simple_GAN", "WGAN_clip", "WGAN_GP", "MinimaxGAN", "NonSaturatingGAN"]
OBJECTIVES += ["HingeGAN", "R3GAN"]
RNG = np.random.default_rng(0)
PICTURES = RNG.random((32, 8, 8, 1), "float32")
LABELS = np.arange(32) % 3


def conditional(name="R3GAN", seed=0, **options):
    keras.utils.set_random_seed(seed)
    parts = gan.residual_GenDiscr((8, 8, 1), 4, 2, classes=3)
    options = {"batch_size": 8, "disc_iter": 1, "seed": 0, **options}
    return getattr(gan, name)(*parts, (PICTURES, LABELS), **options)


def fit(model, **options):
    return model.fit(steps_per_epoch=2, verbose=0, **options).history


def test_losses_equal_their_formulas():
    real, fake = RNG.normal(size=(2, 50, 1))
    pairs = real - fake
    found = losses.relativistic_discriminator(real, fake)
    np.testing.assert_allclose(found, np.mean(np.log(1 + np.exp(-pairs))))
    found = losses.relativistic_generator(real, fake)
    np.testing.assert_allclose(found, np.mean(np.log(1 + np.exp(pairs))))
    found = losses.hinge_discriminator(real, fake)
    expected = np.maximum(0, 1 - real).mean() + np.maximum(0, 1 + fake).mean()
    np.testing.assert_allclose(found, expected)


def test_penalty_of_a_quadratic_function_is_known():
    """D(x) = a·x² has the gradient 2 a x."""
    points = RNG.normal(size=(7, 3))
    found = losses.zero_centred_penalty(
        lambda x, training: tf.reduce_sum(2.0 * x**2, axis=1, keepdims=True), points
    )
    np.testing.assert_allclose(found, (16 * points**2).sum(axis=1).mean())


def test_one_update_of_r3gan_is_the_papers(vectors):
    """SGD moves linear networks by gradients that are computed by hand."""
    generator = keras.Sequential([keras.Input((2,)), L.Dense(2, use_bias=False)])
    discriminator = keras.Sequential([keras.Input((2,)), L.Dense(1, use_bias=False)])
    start, slope = np.array([[1.0, 2.0], [0.5, -1.0]]), np.array([[0.3], [-0.7]])
    generator.set_weights([start])
    discriminator.set_weights([slope])
    z, real = RNG.normal(size=(2, 8, 2)).astype("float32")
    model = gan.R3GAN(
        generator,
        discriminator,
        lambda count: z[:count] + 0 * tf.random.normal((count, 2)),
        real,
        batch_size=8,
        gamma=0.5,
        generator_optimizer=keras.optimizers.SGD(0.1),
        discriminator_optimizer=keras.optimizers.SGD(0.1),
    )
    sigma = lambda x: 1 / (1 + np.exp(-x))  # noqa: E731
    fake = z @ start
    pairs = (real - fake) @ slope
    logs = model.update_discriminator(
        Sample(tf.constant(real)), Sample(tf.constant(fake, tf.float32))
    )
    # -log σ(w·(x - y)) + γ/2 · 2 |w|²
    gradient = -(sigma(-pairs) * (real - fake)).mean(axis=0)[:, None]
    gradient += 2 * 0.5 * slope
    moved = slope - 0.1 * gradient
    np.testing.assert_allclose(discriminator.get_weights()[0], moved, rtol=1e-5)
    np.testing.assert_allclose([logs["r1"], logs["r2"]], 2 * [(slope**2).sum()], 1e-5)
    model.update_generator(Sample(tf.constant(real)))
    pairs = (fake - real) @ moved
    gradient = -(z.T @ (sigma(-pairs) * moved.T)) / 8
    expected = start - 0.1 * gradient
    np.testing.assert_allclose(generator.get_weights()[0], expected, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("eagerly", [True, False])
def test_penalties_now_and_then_are_as_much_heavier(vectors, eagerly):
    def weights(*settings):
        model = vectors(gan.R3GAN)
        model.compile(run_eagerly=eagerly)
        for gamma, every in settings:
            model.gamma, model.penalty_every = gamma, every
            model.fit(steps_per_epoch=1, verbose=0)
        return model.history.history, np.concatenate(
            [np.ravel(weight) for weight in model.discriminator.get_weights()]
        )

    lazily = weights((0.5, 2), (0.5, 2), (0.5, 2))
    by_hand = weights((1.0, 1), (0.0, 1), (1.0, 1))
    np.testing.assert_allclose(lazily[1], by_hand[1], rtol=1e-5)
    assert lazily[0]["r1"][0] == pytest.approx(2 * by_hand[0]["r1"][0], rel=1e-5)
    assert weights((0.5, 2), (0.5, 2))[0]["r2"] == [0]


@pytest.mark.parametrize("every", [1, 2])
def test_a_further_term_of_ones_own_counts(vectors, every):
    class Heavier(gan.R3GAN):
        def discriminator_extra(self, real, fake, condition):
            return 3.0 * tf.reduce_sum(self.discriminator.trainable_variables[0]), {}

    moved = []
    for cls in (gan.R3GAN, Heavier):
        sgd = keras.optimizers.SGD(0.1)
        model = vectors(cls, penalty_every=every, discriminator_optimizer=sgd)
        sample = tf.zeros((4, *model.discriminator.input_shape[1:]))
        model.update_discriminator(Sample(sample), Sample(sample + 0.5))
        moved.append(model.discriminator.get_weights()[0])
    np.testing.assert_allclose(moved[0] - moved[1], 0.3, rtol=1e-4)


def test_r1_acts_with_its_weight_and_beside_a_term_of_ones_own(vectors):
    class Heavier(gan.NonSaturatingGAN):
        def discriminator_extra(self, real, fake, condition):
            return 3.0 * tf.reduce_sum(self.discriminator.trainable_variables[0]), {}

    def moved(cls, gamma):
        sgd = keras.optimizers.SGD(0.1)
        model = vectors(cls, gamma=gamma, discriminator_optimizer=sgd)
        real, weights = model.get_real_sample(), model.discriminator.trainable_variables
        with tf.GradientTape() as tape:
            r1 = losses.zero_centred_penalty(model.discriminator, real)
        slope = tape.gradient(r1, weights[0])
        logs = model.update_discriminator(Sample(real), Sample(1 - real))
        return weights[0].numpy(), logs, r1, slope

    plain, logs, *_ = moved(gan.NonSaturatingGAN, 0.0)
    assert "r1" not in logs
    penalised, logs, r1, slope = moved(gan.NonSaturatingGAN, 10.0)
    np.testing.assert_allclose(logs["r1"], r1, rtol=1e-5)
    np.testing.assert_allclose(plain - penalised, 0.1 * 5 * slope, atol=1e-5)
    np.testing.assert_allclose(penalised - moved(Heavier, 10.0)[0], 0.3, rtol=1e-4)


def test_a_weight_of_the_penalty_that_is_set_later_acts(vectors):
    moved = []
    for gamma, later in ((10.0, None), (0.0, 10.0), (0.0, None)):
        sgd = keras.optimizers.SGD(0.1)
        model = vectors(gan.NonSaturatingGAN, gamma=gamma, discriminator_optimizer=sgd)
        if later is not None:
            model.gamma = later
        real = model.get_real_sample()
        model.update_discriminator(Sample(real), Sample(1 - real))
        moved.append(model.discriminator.get_weights()[0])
    np.testing.assert_array_equal(moved[0], moved[1])
    assert (moved[1] != moved[2]).any()


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (12, 32, 3)])
def test_residual_networks_fit_any_sides_that_are_multiples_of_four(shape):
    generator, discriminator, latents = gan.residual_GenDiscr(shape, 5, 2)
    fakes = generator(latents(3))
    assert fakes.shape == (3, *shape) and 0 < tf.reduce_min(fakes)
    assert tf.reduce_max(fakes) < 1 and discriminator(fakes).shape == (3, 1)


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (12, 32, 3)])
@pytest.mark.parametrize("classes", [None, 4])
def test_strided_networks_fit_any_sides_that_are_multiples_of_four(shape, classes):
    parts = gan.strided_GenDiscr(shape, 5, 2, classes, bounded=True)
    generator, discriminator, latents = parts
    labels = [tf.constant([0, 1, 3])] if classes else []
    fakes = generator([latents(3), *labels] if classes else latents(3))
    assert fakes.shape == (3, *shape) and 0 < tf.reduce_min(fakes)
    logits = discriminator([fakes, *labels] if classes else fakes)
    assert tf.reduce_max(fakes) < 1 and logits.shape == (3, 1)


def test_a_strided_pair_draws_no_checkerboard():
    """Except at edges, the mean of alternating signs over 2×2 pixels is 0."""
    generator, _, latents = gan.strided_GenDiscr((16, 16, 3), 5, 2)
    (end,) = [one for one in generator.layers if isinstance(one, L.AveragePooling2D)]
    signs = np.indices((16, 16)).sum(0) % 2 * 2.0 - 1
    means = end(signs[None, :, :, None])
    np.testing.assert_allclose(means[0, :-1, :-1, 0], 0, atol=1e-7)
    # The four pixels that come from one place have different weights.
    fakes = generator(latents(2)).numpy()
    assert np.ptp(fakes[:, :, 1:] - fakes[:, :, :-1]) > 0


def test_an_unbounded_generator_goes_beyond_black_and_white():
    for bounded, limits in ((True, (0, 1)), (False, (-np.inf, np.inf))):
        generator = gan.residual_GenDiscr((8, 8, 3), 4, 2, bounded=bounded)[0]
        assert reach(generator) == limits


def test_a_residual_block_begins_as_the_identity():
    networks = gan.residual_GenDiscr((16, 16, 1), 5, 2)[:2]
    blocks = [
        layer
        for network in networks
        for layer in network.layers
        if isinstance(layer, L.Add)
    ]
    assert len(blocks) == 4
    for network in networks:
        adds = [layer for layer in network.layers if isinstance(layer, L.Add)]
        ends = [end for add in adds for end in (add.input[0], add.output)]
        found = keras.Model(network.input, ends)(
            RNG.random((2, *network.input_shape[1:]), "float32")
        )
        for before, after in zip(found[::2], found[1::2], strict=True):
            np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize(
    "arguments, argument",
    [
        (((28, 30, 1),), "shape"),
        (((4, 4, 1),), "shape"),
        (((8, 8, 2),), "shape"),
        (((8, 8),), "shape"),
        ((8,), "shape"),
        (((8, 8, 1), 0), "latent_dim"),
        (((8, 8, 1), 4, 0), "width"),
        (((8, 8, 1), 4, 4, 0), "classes"),
    ],
)
def test_bad_arguments_of_residual_networks(arguments, argument):
    with refused(argument):
        gan.residual_GenDiscr(*arguments)


@pytest.mark.parametrize("name", slow_but_first(*OBJECTIVES, single=True))
def test_labels_work_with_every_objective(name, moves_both_networks):
    assert moves_both_networks(conditional(name))


def test_fakes_in_training_have_the_labels_of_the_reals():
    model = conditional()
    real = model.get_real_sample()
    np.testing.assert_array_equal(model.fakes_for_training(real[1])[1], real[1])
    asked, labels = model.get_fake_sample(labels=[2, 0, 1])
    assert asked.shape == (3, 8, 8, 1) and [*labels.numpy()] == [2, 0, 1]
    assert {*model.get_fake_sample(100)[1].numpy()} == {0, 1, 2}


def test_a_penalty_of_labelled_samples_differentiates_the_examples_alone():
    model = conditional("WGAN_GP")
    for layer in model.discriminator.layers:
        if isinstance(layer, L.Embedding):
            layer.set_weights([RNG.normal(size=layer.get_weights()[0].shape)])
    points, labels = model.get_interpolated_sample(
        model.get_real_sample(), model.get_fake_sample()
    )
    with tf.GradientTape() as tape:
        tape.watch(points)
        values = model.discriminator([points, labels])
    slopes = tape.gradient(values, points).numpy().reshape(8, -1)
    expected = ((np.linalg.norm(slopes, axis=1) - 1) ** 2).mean()
    found = model.gradient_penalty((points, labels))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("augment", slow_but_first("ours", None, "keras"))
def test_a_conditional_model_resumes_exactly(augment, tmp_path):
    def make(seed):
        keras.utils.set_random_seed(seed)
        layers = {"ours": gan.DiffAugment(), "keras": L.RandomFlip("horizontal")}
        return conditional(seed=seed, ema=0.9, augment=layers.get(augment))

    whole, first = make(0), make(0)
    fit(whole, epochs=2)
    fit(first, epochs=1)
    first.save(tmp_path / "m.keras")
    second = gan.load_model(tmp_path / "m.keras")
    fit(second, x=(PICTURES, LABELS), epochs=2, initial_epoch=1)
    for one, other in zip(whole.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "change, message",
    slow_but_first(
        ({"labels": LABELS + 1}, "whole numbers from 0 to 2"),
        ({"labels": None}, "real_examples must be a pair"),
        ({"classes": (3, 4)}, "they know 3 and 4"),
        ({"classes": (3, None)}, "discriminator must take labels"),
        ({"classes": (None, 3)}, "Both networks must take"),
    ),
)
def test_labels_and_networks_that_do_not_fit(change, message):
    pairs = change.get("classes", (3, 3))
    made = [gan.residual_GenDiscr((8, 8, 1), 4, 2, classes=one) for one in pairs]
    labels = change.get("labels", LABELS)
    real = PICTURES if labels is None else (PICTURES, labels)
    with pytest.raises(InvalidInput, match=message):
        gan.R3GAN(made[0][0], made[1][1], made[0][2], real, batch_size=8)


@pytest.mark.slow
def test_labels_out_of_range_in_a_dataset_are_told():
    data = tf.data.Dataset.from_tensor_slices((PICTURES, LABELS + 5)).batch(8)
    with refused("y"):
        fit(conditional(), x=data)


@pytest.mark.slow
def test_an_augmentation_set_later_acts(pictures):
    models = [pictures(), pictures()]
    for model in models:
        fit(model)
    models[0].augment = gan.DiffAugment()
    for model in models:
        fit(model)
    one, other = (model.generator.get_weights()[0] for model in models)
    assert (one != other).any()


def test_labels_are_refused_where_networks_take_none(vectors):
    with refused("labels"):
        vectors().get_fake_sample(labels=[1])


# -- augmentation ---------------------------------------------------------------


def changed(name, pictures=PICTURES, seed=0):
    tf.random.set_seed(seed)
    return gan.DiffAugment([name])(pictures, training=True).numpy()


def test_translation_moves_pictures_and_lets_grey_in():
    pictures = 1 + RNG.random((40, 8, 8, 3), "float32")
    moved = set()
    for before, after in zip(pictures, changed("translation", pictures), strict=True):
        fits = []
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                wide = np.pad(before, [(1, 1), (1, 1), (0, 0)], constant_values=0.5)
                fits.append(wide[1 + down : 9 + down, 1 + right : 9 + right])
        same = [np.allclose(after, fit) for fit in fits]
        assert sum(same) == 1
        moved.add(same.index(True))
    assert moved == {*range(9)}


@pytest.mark.parametrize("side, half", [(8, 4), (16, 8), (7, 4), (9, 5)])
def test_cutout_is_a_square_of_half_the_side_anywhere(side, half):
    holes = changed("cutout", np.ones((400, side, side, 1), "float32")) == 0.5
    rows, columns = holes.any(axis=2)[..., 0], holes.any(axis=1)[..., 0]
    assert (holes[..., 0] == rows[:, :, None] & columns[:, None]).all()
    for line in (rows, columns):
        first, length = line.argmax(axis=1), line.sum(axis=1)
        whole = (first > 0) & (first + length < side)
        assert (length[whole] == half).all() and length.max() == half
        # The square is cut off at both edges equally often.
        assert length.min() == (half + 1) // 2 and 0 < whole.sum() < 400
        assert abs(line.mean(axis=0) - line.mean(axis=0)[::-1]).max() < 0.15


def test_flip_mirrors_some_pictures():
    flipped = changed("flip")
    mirrored = (flipped == PICTURES[:, :, ::-1]).all(axis=(1, 2, 3))
    kept = (flipped == PICTURES).all(axis=(1, 2, 3))
    assert (mirrored ^ kept).all() and mirrored.any() and kept.any()


def test_colour_is_affine_in_each_picture():
    pictures = RNG.random((5, 8, 8, 1), "float32")
    for before, after in zip(pictures, changed("colour", pictures), strict=True):
        slope, offset = np.polyfit(before.ravel(), after.ravel(), 1)
        np.testing.assert_allclose(slope * before + offset, after, atol=1e-5)
        assert 0.5 <= slope <= 1.5 and slope != 1


def test_augmentation_acts_in_training_alone():
    np.testing.assert_array_equal(gan.DiffAugment()(PICTURES), PICTURES)
    model = conditional(augment=gan.DiffAugment())
    sample = model.get_real_sample()
    calm = [model.judge(*sample, training=False).numpy() for _ in range(2)]
    np.testing.assert_array_equal(*calm)
    first, second = (model.judge(*sample).numpy() for _ in range(2))
    assert (first != second).any()


@pytest.mark.parametrize(
    "augment", ["flip", L.Flatten(), L.Lambda(tf.stop_gradient)], ids=str
)
def test_augmentations_that_cannot_work(augment):
    with refused("augment"):
        conditional(augment=augment)


def test_unknown_changes():
    for changes in (["blur"], "flip"):
        with refused("changes"):
            gan.DiffAugment(changes)


def test_changes_are_kept_whatever_brings_them():
    for some in (["flip"], ("flip",), iter(["flip"]), {"flip": 1}):
        assert gan.DiffAugment(some).changes == ["flip"]


def test_colour_changes_as_much_as_is_documented():
    white = np.ones((2000, 4, 4, 1), "float32")
    brightness = changed("colour", white)[:, 0, 0, 0] - 1
    red = np.zeros((2000, 1, 1, 3), "float32")
    red[..., 0] = 1
    after = changed("colour", red)[:, 0, 0]
    spread = after[:, 0] - after[:, 1]
    steps = np.linspace(0, 1, 16, dtype="float32").reshape(1, 4, 4, 1)
    contrast = np.ptp(changed("colour", np.repeat(steps, 2000, 0)), axis=(1, 2, 3))
    # The spread is saturation (0 to 2) times contrast (0.5 to 1.5).
    for drawn, low, high in ((brightness, -0.25, 0.25), (contrast, 0.5, 1.5)):
        assert low <= drawn.min() < low + 0.01 and high - 0.01 < drawn.max() <= high
    assert 0 <= spread.min() < 0.02 and 2.5 < spread.max() <= 3


@pytest.mark.slow
@pytest.mark.parametrize("name", ["HingeGAN", "WGAN_GP"])
def test_spectral_normalisation_by_keras_bounds_the_slope(name):
    keras.utils.set_random_seed(0)
    layers = [L.SpectralNormalization(L.Dense(n), 5) for n in (8, 1)]
    discriminator = keras.Sequential(
        [keras.Input((2,)), layers[0], L.ReLU(), layers[1]]
    )
    generator = gan.fully_connected_GenDiscr([2, 4, 2], None)[0]
    real = RNG.uniform(0.2, 0.8, (64, 2)).astype("float32")
    sampler = gan.latent.LatentGenerator(2)
    parts = generator, discriminator, sampler
    model = getattr(gan, name)(*parts, real, batch_size=16, learning_rate=0.01)
    history = model.fit(epochs=1, steps_per_epoch=20, verbose=0).history
    assert np.isfinite([*history.values()]).all()
    points = tf.constant(RNG.normal(size=(100, 2)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(points)
        values = discriminator(points, training=True)
    slopes = np.linalg.norm(tape.gradient(values, points), axis=1)
    assert slopes.max() < 1.05
