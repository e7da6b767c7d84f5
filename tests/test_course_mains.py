"""The course's main programs, as a student would run them; only imports differ.

Epochs and steps are fewer than in the course, except for task 3.
"""

import random

import matplotlib.pyplot as plt
import numpy as np
import pytest
import tensorflow as tf
from conftest import slow_but_first

from gan import (
    WGAN_GP,
    Simple_GAN,
    WGAN_clip,
    convolutional_GenDiscr,
    fully_connected_GenDiscr,
    normal_generator,
    plots,
    spheric_generator,
    toys,
)

CLASSES = [Simple_GAN, WGAN_clip, WGAN_GP]


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def set_seed(seed):
    random.seed(seed)
    np.random.seed(seed)
    tf.random.set_seed(seed)


def check_history(G, epochs):
    history = G.history.history
    names = ["discr_loss", "gen_loss"] + (["gp"] if isinstance(G, WGAN_GP) else [])
    assert list(history) == names
    for values in history.values():
        assert len(values) == epochs and np.isfinite(values).all()
    # Discriminators end in tanh, which bounds every loss of every class.
    bounds = {"discr_loss": (0, 8), "gen_loss": (0, 4)}
    if not isinstance(G, Simple_GAN):
        bounds = {"discr_loss": (-2, 2), "gen_loss": (-1, 1), "gp": (0, np.inf)}
    for name, values in history.items():
        assert bounds[name][0] <= min(values) and max(values) <= bounds[name][1]


def pixels(figure):
    return np.asarray(figure.axes[0].images[0].get_array())


def tiles(image, rows, columns):
    """The pictures of 16×16 in a mosaic with one white pixel between them."""
    padded = np.ones((17 * rows, 17 * columns))
    padded[:-1, :-1] = image
    parts = padded.reshape(rows, 17, columns, 17).swapaxes(1, 2)
    return parts.reshape(-1, 17, 17)[:, :16, :16]


# -- task 0 ---------------------------------------------------------------------


def real_circle(kind):
    real_examples = spheric_generator(1000, 2) * 0.3 + 0.5
    return {
        "float32 tensor": real_examples,
        "float64 tensor": tf.cast(real_examples, tf.float64),
        "float32 array": real_examples.numpy(),
        "float64 array": real_examples.numpy().astype(np.float64),
    }[kind]


@pytest.mark.parametrize(
    "kind",
    slow_but_first(
        "float32 tensor", "float64 tensor", "float32 array", "float64 array"
    ),
)
def test_task_0_main_1_circle(kind, capsys):
    set_seed(0)
    real_examples = real_circle(kind)
    generator, discriminator, _ = fully_connected_GenDiscr(
        [2, 10, 10, 2], real_examples
    )
    G = Simple_GAN(
        generator,
        discriminator,
        lambda nb: spheric_generator(nb, 2),
        real_examples,
        learning_rate=0.001,
    )
    G.compile()
    G.fit(real_examples, epochs=3, steps_per_epoch=8, verbose=1)

    printed = capsys.readouterr().out
    assert "Epoch 3/3" in printed and "8/8" in printed and "gen_loss: " in printed
    check_history(G, 3)
    assert generator.optimizer.iterations == 24
    assert discriminator.optimizer.iterations == 48
    sample = G.get_fake_sample(500).numpy()
    assert sample.shape == (500, 2) and 0 < sample.min() and sample.max() < 1
    real = G.real_examples.numpy()
    np.testing.assert_allclose(np.linalg.norm(real - 0.5, axis=1), 0.3, rtol=1e-4)
    drawn = {tuple(point) for point in G.get_real_sample(200).numpy()}
    assert len(drawn) == 200 and drawn <= {tuple(point) for point in real}

    values = G.discriminator(plots.grid(16)).numpy().reshape(16, 16)
    figure = plots.points_and_values(real, sample, values, G.history.history)
    left, right = figure.axes[:2]
    clouds = [points.get_offsets() for points in left.collections]
    np.testing.assert_allclose(clouds[0], real)
    np.testing.assert_allclose(clouds[1], sample)
    np.testing.assert_allclose(pixels(figure), values)
    assert [len(line.get_ydata()) for line in right.lines] == [3, 3]


@pytest.mark.slow
def test_task_0_builder_and_latent_types_of_the_course():
    """The other network of the course's text, with its own latent generator."""
    set_seed(0)
    real_examples = spheric_generator(1000, 2) * 0.3 + 0.5
    G = Simple_GAN(
        *fully_connected_GenDiscr([1, 10, 10, 2], real_examples, "uniform"),
        real_examples,
        200,
        2,
        0.001,
    )
    G.compile()
    history = G.fit(real_examples, epochs=2, steps_per_epoch=5, verbose=0)
    assert history is G.history
    check_history(G, 2)
    latents = G.latent_generator(300).numpy()
    assert latents.shape == (300, 1) and 0 <= latents.min() and latents.max() < 1


def real_clouds(N):
    """Four clouds as the course makes them, in float64."""
    x = np.concatenate([np.random.normal(c, 0.05, N // 4) for c in (0.25, 0.75)] * 2)
    y = np.concatenate([np.random.normal(c, 0.05, N // 2) for c in (0.25, 0.75)])
    r = np.minimum(x**2, 1)
    g = np.minimum(y**2, 1)
    b = np.maximum(1 - r - g, 0)
    return np.stack([x, y, r, g, b], axis=1)


@pytest.mark.slow
@pytest.mark.parametrize(
    "convert", slow_but_first(lambda array: array, tf.constant, np.float32)
)
def test_task_0_main_2_four_clouds(convert):
    set_seed(1)
    real_examples = convert(real_clouds(1000))
    generator, discriminator, _ = fully_connected_GenDiscr(
        [2, 10, 10, 5], real_examples
    )
    G = Simple_GAN(
        generator,
        discriminator,
        lambda nb: normal_generator(nb, 2),
        real_examples,
        learning_rate=0.001,
    )
    G.compile()
    G.fit(real_examples, epochs=2, steps_per_epoch=8, verbose=1)

    check_history(G, 2)
    sample = G.get_fake_sample(400).numpy()
    assert sample.shape == (400, 5) and np.isfinite(sample).all()
    real = G.real_examples.numpy()
    assert real.shape == (1000, 5) and real.dtype == np.float32
    # Our own toy has the same means, within four standard errors.
    twin = toys.four_clouds(1000)
    error = 4 * np.sqrt((real.var(axis=0) + twin.var(axis=0)) / 1000)
    assert (np.abs(real.mean(axis=0) - twin.mean(axis=0)) < error).all()

    figure = plots.coloured_points(real, sample, G.history.history)
    left, middle, right = figure.axes
    np.testing.assert_allclose(left.collections[0].get_offsets(), real[:, :2])
    np.testing.assert_allclose(middle.collections[0].get_offsets(), sample[:, :2])
    colours = middle.collections[0].get_facecolors()[:, :3]
    np.testing.assert_allclose(colours, sample[:, 2:])
    assert len(right.lines) == 2


@pytest.mark.slow
def test_a_repeated_main_gives_the_same_numbers():
    histories, samples = [], []
    for _ in range(2):
        set_seed(7)
        real_examples = tf.constant(real_clouds(200))
        generator, discriminator, _ = fully_connected_GenDiscr(
            [2, 10, 10, 5], real_examples
        )
        G = WGAN_GP(
            generator, discriminator, lambda nb: normal_generator(nb, 2), real_examples
        )
        G.compile()
        G.fit(real_examples, epochs=2, steps_per_epoch=3, verbose=0)
        histories.append(G.history.history)
        samples.append(G.get_fake_sample(5).numpy())
    assert histories[0] == histories[1]
    np.testing.assert_array_equal(*samples)


# -- tasks 1 and 2 --------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("GAN", slow_but_first(*CLASSES, single=True))
@pytest.mark.parametrize(
    "learning_rate, steps",
    [(0.003, 60), pytest.param(0.00003, 4, marks=pytest.mark.slow)],
)
def test_tasks_1_and_2_cloud_in_the_corner(GAN, learning_rate, steps):
    set_seed(0)
    N, sigma, S = 49, 0.05, 500
    real_examples = 0.8 + sigma * tf.random.normal((10000, N), dtype=tf.float64)
    if learning_rate == 0.003:
        real_examples = tf.cast(real_examples, tf.float32)
    generator, discriminator, _ = fully_connected_GenDiscr(
        [N, 98, 98, N], real_examples
    )
    before = generator(normal_generator(S, N)).numpy()
    G = GAN(
        generator,
        discriminator,
        lambda nb: normal_generator(nb, N),
        real_examples,
        learning_rate=learning_rate,
    )
    G.compile()
    G.fit(real_examples, epochs=2, steps_per_epoch=steps // 2, verbose=1)

    check_history(G, 2)
    real = G.real_examples.numpy()
    assert real.shape == (10000, N)
    np.testing.assert_allclose(toys.msdcc(real), N * sigma**2, rtol=0.01)
    sample = G.get_fake_sample(S).numpy()
    assert sample.shape == (S, N)
    # The course's two indicators, written out.
    msdcc = np.mean(np.sum((sample - 0.8) ** 2, axis=1))
    dbc = np.sum((np.mean(sample, axis=0) - 0.8) ** 2)
    indicators = toys.msdcc(sample), toys.dbc(sample)
    np.testing.assert_allclose(indicators, [msdcc, dbc], rtol=1e-4)
    assert 0 < dbc < msdcc
    if learning_rate == 0.003:
        # At a hundred times the course's rate, the fakes approach the corner.
        assert dbc < 0.85 * toys.dbc(before)
    if GAN is WGAN_clip:
        weights = G.discriminator.get_weights()
        assert max(np.abs(weight).max() for weight in weights) <= 1
    figure = plots.losses(G.history.history, "losses")
    curves = [line.get_ydata() for line in figure.axes[0].lines]
    np.testing.assert_array_equal(curves, [*G.history.history.values()])


# -- task 3 ---------------------------------------------------------------------


@pytest.fixture
def faces(shared):
    """The faces as the course prepares them: in float64, without a channel axis."""
    pictures = np.load(shared("small_res_faces_10000.npy")) / 255
    mean_face = np.mean(pictures, axis=0)
    multiplier = np.max(np.abs(pictures), axis=0)
    return pictures, mean_face, multiplier


def train_on_faces(real_examples):
    set_seed(0)
    generator, discriminator = convolutional_GenDiscr()
    G = Simple_GAN(
        generator,
        discriminator,
        lambda nb: spheric_generator(nb, 16) * 0.3 + 0.5,
        real_examples,
        batch_size=10,
        disc_iter=1,
        learning_rate=0.001,
    )
    G.compile()
    G.fit(real_examples, epochs=5, steps_per_epoch=5, verbose=1)
    return G


@pytest.mark.slow
def test_task_3_main_faces(faces):
    pictures, mean_face, multiplier = faces
    G = train_on_faces((pictures - mean_face) / multiplier)
    check_history(G, 5)
    assert G.generator.optimizer.iterations == 25
    assert G.discriminator.optimizer.iterations == 25
    assert G.real_examples.numpy().shape == (10000, 16, 16, 1)

    sample = G.get_fake_sample(10).numpy()
    assert sample.shape == (10, 16, 16, 1) and np.abs(sample).max() <= 1
    values_real = G.discriminator(G.get_real_sample(400)).numpy()
    values_fake = G.discriminator(G.get_fake_sample(400)).numpy()
    assert values_real.shape == values_fake.shape == (400, 1)
    recovered = sample[..., 0] * multiplier + mean_face
    figure = plots.faces_and_values(
        recovered, values_real, values_fake, G.history.history
    )
    assert len(figure.axes) == 3
    drawn = tiles(pixels(figure), 1, 10)
    np.testing.assert_allclose(drawn, recovered.clip(0, 1), atol=1e-6)


@pytest.mark.slow
def test_task_3_main_with_the_courses_own_plotting(faces, tmp_path):
    pictures, mean_face, multiplier = faces
    real_examples = tf.constant((pictures - mean_face) / multiplier)
    G = train_on_faces(real_examples)

    def recover(picture):
        return picture.reshape(16, 16) * multiplier + mean_face

    sample = G.get_fake_sample(10)
    fig = plt.figure(figsize=(8, 8))
    for i in range(10):
        plt.subplot(4, 5, i + 1)
        plt.imshow(recover(sample[i].numpy()), cmap="gray")
        plt.axis("off")
    plt.subplot(4, 5, 11)
    plt.imshow(sample[0].numpy(), cmap="gray")
    plt.subplot(4, 5, 12)
    plt.imshow(G.real_examples[3].numpy(), cmap="gray", vmin=-1, vmax=1)
    plt.subplot(4, 2, 7)
    counts = []
    for source in (G.get_real_sample(400), G.get_fake_sample(400)):
        values = G.discriminator(source).numpy()
        counts.append(plt.hist(values[:, 0], bins=20, alpha=0.5)[0].sum())
    plt.subplot(4, 2, 8)
    for name in ("discr_loss", "gen_loss"):
        plt.plot(G.history.history[name], label=name)
    plt.legend()
    plt.savefig(tmp_path / "faces.png")

    assert counts == [400, 400]
    shown = [axes.images[0].get_array() for axes in fig.axes[:12]]
    assert all(image.shape == (16, 16) for image in shown)
    original = recover(np.asarray(shown[11]))
    np.testing.assert_allclose(original, pictures[3], atol=1e-5)
    assert [len(line.get_ydata()) for line in plt.gca().lines] == [5, 5]
    assert plt.imread(tmp_path / "faces.png").std() > 0.1


# -- task 4 ---------------------------------------------------------------------


@pytest.fixture
def pretrained(faces, shared):
    def make(seed):
        set_seed(seed)
        pictures, mean_face, multiplier = faces
        real_examples = tf.constant((pictures - mean_face) / multiplier, tf.float32)
        generator, discriminator = convolutional_GenDiscr()
        G = WGAN_GP(
            generator, discriminator, lambda nb: normal_generator(nb, 16), real_examples
        )
        G.replace_weights(
            str(shared("seed_generator.h5")), str(shared("seed_discriminator.h5"))
        )
        return G

    return make


@pytest.mark.slow
def test_task_4_main_1_four_hundred_faces(pretrained, faces, tmp_path):
    G = pretrained(0)
    sample = G.get_fake_sample(400)
    values = G.discriminator(sample).numpy()[:, 0]
    order = np.argsort(-values)
    sample = sample.numpy()[order]
    figure = plots.mosaic(sample, columns=20, title="fake faces")
    plots.save(figure, tmp_path / "fake_faces.png")

    assert (tmp_path / "fake_faces.png").stat().st_size > 10_000
    assert figure.axes[0].get_title() == "fake faces"
    image = figure.axes[0].images[0]
    assert image.get_clim() == (0, 1)
    mosaic = pixels(figure)
    assert mosaic.shape == (20 * 17 - 1, 20 * 17 - 1)
    assert mosaic.min() >= 0 and mosaic.max() <= 1
    drawn = tiles(mosaic, 20, 20)
    assert abs(drawn.mean() - 0.463) < 0.02
    # The outputs are in [0, 1], so that the fixed scale clips almost nothing.
    # If the mean face were added again, 46% of the pixels would be outside.
    assert np.mean((sample < 0) | (sample > 1)) < 0.1
    assert np.abs(sample[..., 0] - drawn).mean() < 0.005
    np.testing.assert_allclose(drawn, sample[..., 0].clip(0, 1), atol=1e-6)
    again = G.discriminator(sample).numpy()[:, 0]
    assert (np.diff(again) < 1e-5).all() and again[0] > again[-1] + 0.01
    # They look like the reals, and no two are the same face.
    reals = faces[0][:400]
    assert np.corrcoef(drawn.mean(0).ravel(), reals.mean(0).ravel())[0, 1] > 0.9
    assert abs(drawn.std() - reals.std()) < 0.05
    assert len(np.unique(drawn.reshape(400, -1), axis=0)) == 400


@pytest.mark.slow
def test_task_4_main_1_with_the_courses_own_plotting(pretrained):
    """Sixteen axes need the same calls as four hundred, which take seconds."""
    G = pretrained(0)
    sample = G.get_fake_sample(16)
    discr = G.discriminator(sample)
    order = tf.argsort(discr[:, 0], direction="DESCENDING")
    sample = tf.gather(sample, order)
    fig = plt.figure(figsize=(4, 4))
    fig.suptitle("fake faces")
    for i in range(16):
        plt.subplot(4, 4, i + 1)
        plt.imshow(sample[i].numpy(), cmap="gray", vmin=0, vmax=1)
        plt.axis("off")
    fig.canvas.draw()
    best = np.asarray(fig.axes[0].images[0].get_array())
    np.testing.assert_array_equal(best, sample[0, :, :, 0])
    value = G.discriminator(best[None, ..., None])
    np.testing.assert_allclose(value, [[np.max(discr)]], atol=1e-5)


def test_task_4_main_2_from_face_to_face(pretrained):
    G = pretrained(18)
    start, end = normal_generator(2, 16)
    t = tf.linspace(0.0, 1.0, 20)[:, None]
    latents = (1 - t) * start + t * end
    walk = G.generator(latents).numpy()
    figure = plots.strip(walk, "from face to face")

    drawn = tiles(pixels(figure), 1, 20)
    assert drawn.shape == (20, 16, 16)
    for face, latent in ((drawn[0], start), (drawn[-1], end)):
        alone = G.generator(latent[None]).numpy()[0, ..., 0]
        np.testing.assert_allclose(face, alone.clip(0, 1), atol=1e-5)
    steps = np.sqrt(np.mean(np.diff(drawn, axis=0) ** 2, axis=(1, 2)))
    whole = np.sqrt(np.mean((drawn[0] - drawn[-1]) ** 2))
    assert 0 < steps.min() and steps.max() < whole / 2


@pytest.mark.slow
def test_training_goes_on_from_the_pretrained_weights(pretrained):
    G = pretrained(0)
    G.batch_size = 10
    G.compile()
    G.fit(G.real_examples, epochs=1, steps_per_epoch=2, verbose=1)
    check_history(G, 1)
