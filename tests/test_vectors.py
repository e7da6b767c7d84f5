"""Vectors of numbers as a condition: every objective, files, drawing, the commands."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import gan
from gan import cli
from gan.conditions import Words
from gan.data.examples import Sample
from gan.training.aside import draw_fakes

RNG = np.random.default_rng(0)
CAPTIONS = ["red circle", "blue circle", "red square", "blue square"] * 8


def networks(bounded=False, outputs=1, size=3):
    """Networks of points in the plane, with a condition of `size` numbers."""
    latents, condition = keras.Input((2,)), keras.Input((size,))
    x = layers.Dense(4, "tanh")(layers.Concatenate()([latents, condition]))
    generator = keras.Model([latents, condition], layers.Dense(2)(x))
    points, condition = keras.Input((2,)), keras.Input((size,))
    x = layers.Dense(4, "tanh")(layers.Concatenate()([points, condition]))
    ends = {2: "log_softmax"}.get(outputs, "tanh" if bounded else None)
    discriminator = keras.Model([points, condition], layers.Dense(outputs, ends)(x))
    return generator, discriminator, gan.latent.LatentGenerator(2)


def data(count=32, size=3):
    rng = np.random.default_rng(0)
    vectors = rng.integers(0, 2, (count, size)).astype("float32")
    return rng.normal(size=(count, 2)).astype("float32"), vectors


def make(cls=gan.R3GAN, seed=0, real=None, **options):
    keras.utils.set_random_seed(seed)
    bounded = cls.targets in (None, (-1, 1))
    parts = networks(bounded, cls.outputs)
    options = {"batch_size": 8, "disc_iter": 1, "seed": 0} | options
    return cls(*parts, data() if real is None else real, **options)


OBJECTIVES = ["R3GAN", "WGAN_GP", "WGAN_clip", "Simple_GAN", "HingeGAN", "MinimaxGAN"]
OBJECTIVES += ["NonSaturatingGAN", "TwoClassGAN"]


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_objective_trains_on_them(name, moves_both_networks):
    model = make(getattr(gan, name))
    model.compile(run_eagerly=True)
    assert model.condition_shape == (3,) and model.classes is None
    assert moves_both_networks(model)


@pytest.mark.parametrize("integers", [True, False])
def test_of_a_dataset_too(integers):
    points, vectors = data()
    vectors = vectors.astype("int64") if integers else vectors
    batches = tf.data.Dataset.from_tensor_slices((points, vectors)).batch(8)
    model = make(real=batches)
    sample = model.as_sample(model.get_real_sample())
    assert sample.condition.shape == (8, 3) and sample.condition.dtype == tf.float32
    np.testing.assert_array_equal(sample.condition, vectors[:8])
    assert len(model.usual_conditions) == 8
    model.compile(run_eagerly=True)
    model.fit(epochs=1, steps_per_epoch=1, verbose=0)


def test_penalties_differentiate_the_examples_alone():
    """Of a linear discriminator w·x + v·c they depend on w, and not on v."""
    w, v = RNG.normal(size=(2, 1)), RNG.normal(size=(3, 1))
    points, condition = keras.Input((2,)), keras.Input((3,))
    parts = layers.Dense(1, use_bias=False), layers.Dense(1, use_bias=False)
    ends = layers.Add()([parts[0](points), parts[1](condition)])
    discriminator = keras.Model([points, condition], ends)
    discriminator.set_weights([w, v])
    generator, _, latents = networks()
    model = gan.R3GAN(generator, discriminator, latents, data(), batch_size=8)
    *_, logs = model.judge_both(*[Sample(*map(tf.constant, data(8)))] * 2)
    assert float(logs["r1"]) == pytest.approx((w**2).sum(), rel=1e-5)
    model = gan.WGAN_GP(generator, discriminator, latents, data(), batch_size=8)
    *_, logs = model.judge_both(*[Sample(*map(tf.constant, data(8)))] * 2)
    norm = np.sqrt((w**2).sum())
    assert float(logs["gp"]) == pytest.approx((norm - 1) ** 2, rel=1e-4)


def test_an_update_with_wrong_conditions_equals_one_in_plain_tensorflow():
    """Reed et al. 2016, Algorithm 1: real, fake, and real with a wrong caption."""
    optimizer = keras.optimizers.SGD(0.1)
    model = make(gamma=0.5, mismatch=0.25, discriminator_optimizer=optimizer)
    network = model.discriminator
    (real, c), (fake, _) = data(8), data(16)
    real, fake, c = (tf.constant(x) for x in (real, fake[8:], c))
    weights = [tf.Variable(weight) for weight in network.get_weights()]

    def judge(x, c):
        hidden = tf.tanh(tf.concat([x, c], 1) @ weights[0] + weights[1])
        return hidden @ weights[2] + weights[3]

    with tf.GradientTape() as tape:
        with tf.GradientTape(persistent=True) as inner:
            inner.watch([real, fake])
            on_real, on_fake = judge(real, c), judge(fake, c)
        r1, r2 = (
            tf.reduce_mean(tf.reduce_sum(inner.gradient(y, x) ** 2, axis=1))
            for x, y in ((real, on_real), (fake, on_fake))
        )
        on_wrong = judge(real, tf.gather(c, [7, 0, 1, 2, 3, 4, 5, 6]))
        loss = 0.75 * tf.reduce_mean(tf.nn.softplus(on_fake - on_real))
        loss += 0.25 * tf.reduce_mean(tf.nn.softplus(on_wrong - on_real))
        whole = loss + 0.5 / 2 * (r1 + r2)
    slopes = tape.gradient(whole, weights)
    logs = model.update_discriminator(Sample(real, c), Sample(fake, c))
    assert float(logs["discr_loss"]) == pytest.approx(float(loss), rel=1e-5)
    for found, weight, slope in zip(
        network.get_weights(), weights, slopes, strict=True
    ):
        np.testing.assert_allclose(found, weight - 0.1 * slope, atol=1e-6)


@pytest.mark.slow
def test_the_model_does_what_every_model_does():
    """Saved, loaded and resumed it ends with the same numbers."""
    gan.testing.check_model(lambda: make(mismatch=0.5))
    words = Words(CAPTIONS)
    keras.utils.set_random_seed(0)
    points = data()[0]

    def captioned():
        keras.utils.set_random_seed(0)
        parts = networks(size=len(words))
        real = points, CAPTIONS
        return gan.WGAN_GP(*parts, real, 8, 1, 0.01, words=words, seed=0, ema=0.9)

    model = captioned()
    model.fit(epochs=1, steps_per_epoch=2, verbose=0)
    assert isinstance(model.words, Words)


def test_what_can_be_asked_for():
    model = make()
    drawn, vectors = model.get_fake_sample(5)
    assert drawn.shape == (5, 2)
    known = {tuple(one) for one in data()[1]}
    assert {tuple(one) for one in vectors.numpy()} <= known
    one = [1.0, 0.0, 0.5]
    _, vectors = model.get_fake_sample(4, condition=one)
    np.testing.assert_array_equal(vectors, [one] * 4)
    _, vectors = model.get_fake_sample(condition=data()[1][:3])
    np.testing.assert_array_equal(vectors, data()[1][:3])


@pytest.mark.parametrize(
    "code, argument, said",
    [
        (
            lambda: make().get_fake_sample(2, condition=[[1.0, 2.0]]),
            "condition",
            "N, 3",
        ),
        (lambda: make().get_fake_sample(3, condition=np.zeros((2, 3))), "size", "be 2"),
        (
            lambda: make().get_fake_sample(1, condition=[np.nan, 0, 0]),
            "condition",
            "NaN",
        ),
        (lambda: make(real=data()[0]), "real_examples", "must be a pair"),
        (lambda: make(real=(data()[0], data(8)[1])), "real_examples", "There are 8"),
        (
            lambda: make(real=(data()[0], data(size=4)[1])),
            "real_examples",
            "numbers of the shape (N, 3)",
        ),
        (lambda: make(mismatch=1.0), "mismatch", "at most"),
        (lambda: make(words=Words(CAPTIONS)), "words", "condition=len(words)"),
        (lambda: make(words=["red"]), "words", "must be gan.conditions.Words"),
        (
            lambda: gan.R3GAN(networks()[0], networks(size=4)[1], networks()[2]),
            "generator",
            "the same condition as second input",
        ),
        (
            lambda: gan.strided_GenDiscr((8, 8, 1), classes=2, condition=3),
            "condition",
            "exclude each other",
        ),
        (
            lambda: gan.residual_GenDiscr((8, 8, 1), condition=0),
            "condition",
            "positive",
        ),
    ],
)
def test_what_is_refused(code, argument, said):
    with pytest.raises(gan.InvalidInput) as caught:
        code()
    assert caught.value.argument == argument and said in str(caught.value)


def test_mismatch_needs_a_discriminator_with_a_condition(vectors):
    with pytest.raises(gan.InvalidInput, match="takes no condition"):
        vectors(gan.R3GAN, mismatch=0.5)


@pytest.mark.parametrize("build", [gan.residual_GenDiscr, gan.strided_GenDiscr])
def test_the_builders_project_a_vector(build):
    """D(x, c) − D(x, 0) = φ(x)·V c is linear in c; the generator depends on c."""
    keras.utils.set_random_seed(0)
    generator, discriminator, latents = build((8, 8, 3), 4, 2, condition=3)
    x = RNG.random((2, 8, 8, 3), "float32")
    one, two = RNG.normal(size=(2, 2, 3)).astype("float32")
    judged = [
        discriminator([x, c]).numpy() for c in (one, two, one + two, np.zeros_like(one))
    ]
    np.testing.assert_allclose(
        judged[2] - judged[3], judged[0] + judged[1] - 2 * judged[3], atol=1e-5
    )
    assert np.abs(judged[0] - judged[3]).max() > 1e-4
    z = np.zeros((2, 4), "float32")
    drawn = generator([z, one]).numpy(), generator([z, two]).numpy()
    assert drawn[0].shape == (2, 8, 8, 3) and np.abs(np.subtract(*drawn)).max() > 1e-4


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Folder of a model of words, a model of numbers, and pictures with captions."""
    place = tmp_path_factory.mktemp("vectors")
    keras.utils.set_random_seed(0)
    words = Words(CAPTIONS)
    pictures = RNG.integers(0, 256, (32, 8, 8, 3), "uint8")
    parts = gan.strided_GenDiscr((8, 8, 3), 4, 2, condition=len(words))
    real = pictures, CAPTIONS
    model = gan.R3GAN(*parts, real, 8, words=words, seed=0)
    model.save(place / "words.keras")
    parts = gan.residual_GenDiscr((8, 8, 3), 4, 2, condition=2)
    real = pictures, RNG.normal(size=(32, 2))
    gan.R3GAN(*parts, real, 8, seed=0).save(place / "numbers.keras")
    np.savez(place / "pictures.npz", x=pictures, caption=CAPTIONS)
    return place


def test_a_trained_one_draws_what_the_words_say(folder):
    model = gan.load_model(folder / "words.keras")
    assert model.words.names == ["blue", "circle", "red", "square"]
    texts = np.array(["red circle", "blue square"] * 4)
    drawn = [draw_fakes(model, 8, conditions=x) for x in (texts, model.words(texts))]
    np.testing.assert_array_equal(*drawn)
    _, vectors = model.get_fake_sample(3, condition="red circle")
    np.testing.assert_array_equal(vectors, [[0, 1, 1, 0]] * 3)
    generator = gan.load_generator(folder / "words.keras")
    assert "4 words" in repr(generator)
    drawn = generator.draw(3, condition="red circle", seed=1)
    exact = generator.draw(3, condition=[0, 1, 1, 0], seed=1)
    np.testing.assert_array_equal(drawn, exact)
    # Words that are not named vary as in the captions.
    found = generator.conditions(4, condition="red")
    assert {generator.words.said(one) for one in found} == {
        "circle, red",
        "red, square",
    }
    usual = generator.conditions(4)
    assert [generator.words.said(one) for one in usual[:2]] == [
        "circle, red",
        "blue, circle",
    ]


def test_pictures_between_two_conditions(folder):
    generator = gan.load_generator(folder / "numbers.keras")
    ends = [0.0, 1.0], [2.0, -1.0]
    found = generator.interpolate(*ends, steps=3, latents=2, seed=4)
    assert found.shape == (6, 8, 8, 3)
    for place, vector in ((0, ends[0]), (1, [1.0, 0.0]), (2, ends[1])):
        drawn = generator.draw(2, seed=4, condition=vector)
        np.testing.assert_allclose(found[place::3], drawn, atol=1e-6)
    words = gan.load_generator(folder / "words.keras")
    found = words.interpolate("red circle", "blue", steps=2, latents=1)
    np.testing.assert_allclose(found[1:], words.draw(1, condition="blue circle"))
    with pytest.raises(gan.InvalidInput, match="takes vectors"):
        gan.load_generator().interpolate([1], [0])


@pytest.mark.parametrize(
    "command, wrong",
    [
        ("generate words.keras --words RED,circle --count 3 --output x.png", None),
        ("generate words.keras --count 3 --output x.npy", None),
        ("generate words.keras --from red --to blue --count 9 --output x.png", None),
        ("generate numbers.keras --condition 1,-2 --count 2 --output x.npy", None),
        ("generate numbers.keras --from 0,0 --to 1,1 --output x.npy --count 8", None),
        ("walk words.keras --shape segment --count 3 --output x.gif", None),
        ("page words.keras --output x.html", None),
        ("page numbers.keras --output x.html --discriminator own", None),
        ("export numbers.keras --output x.keras", None),
        ("generate words.keras --words green --output x.png", "does not know 'green'"),
        ("generate words.keras --from red --output x.png", "both of the options"),
        ("generate words.keras --words red --condition 1 --output x.png", "exclude"),
        ("generate words.keras --class 1 --output x.png", "give condition"),
        ("generate numbers.keras --words red --output x.png", "give --condition"),
        ("generate numbers.keras --condition 1 --output x.png", "must be 2 numbers"),
        ("generate --words red --output x.png", "takes neither"),
        ("diagnose numbers.keras --pictures pictures.npz", "in Python"),
    ],
)
def test_the_commands(command, wrong, folder, tmp_path, capsys):
    name, model, *options = command.split()
    known = (folder / model).exists()
    given = [str(folder / model) if known else model, *options]
    output = [i + 1 for i, one in enumerate(given) if one == "--output"]
    for place in output:
        given[place] = str(tmp_path / given[place])
    given = [str(folder / one) if one == "pictures.npz" else one for one in given]
    status = cli.main([name, *given])
    said = capsys.readouterr()
    assert status == (2 if wrong else 0), said.err
    if wrong:
        assert wrong in said.err and said.err.count("\n") == 1
        return
    assert all((tmp_path / given[place]).exists() for place in output)


def test_diagnose_and_evaluate_read_the_captions(folder, tmp_path, capsys):
    pictures = str(folder / "pictures.npz")
    cli.main(
        ["diagnose", str(folder / "words.keras"), "--pictures", pictures]
        + ["--count", "16"]
    )
    assert "R3GAN of" in capsys.readouterr().out


@pytest.mark.slow
def test_training_from_captions(folder, tmp_path, capsys):
    pictures, output = str(folder / "pictures.npz"), str(tmp_path / "run")
    command = ["train", "--pictures", pictures, "--output", output, "--quiet"]
    assert cli.main([*command, "--epochs", "1", "--steps", "2"]) == 0
    assert "with captions" in capsys.readouterr().out
    trained = gan.load_model(tmp_path / "run" / "model.keras")
    assert type(trained) is gan.CaptionGAN and trained.words.names[0] == "blue"
    assert cli.main([*command, "--epochs", "1", "--steps", "2"]) == 0


def test_fakes_are_compared_by_the_vectors_of_the_reals():
    """The generator copies its vector, also one that it was not trained on."""
    model = make()
    latents, condition = keras.Input((2,)), keras.Input((3,))
    weights = np.eye(5, 2, -2, dtype="float32"), np.zeros(2, "float32")
    last = layers.Dense(2)
    x = last(layers.Concatenate()([latents, condition]))
    generator = keras.Model([latents, condition], x)
    last.set_weights(weights)
    parts = generator, model.discriminator, model.latent_generator
    model = gan.R3GAN(*parts, data(), batch_size=8, seed=0)
    vectors = RNG.normal(5, 1, (64, 3)).astype("float32")
    found = model.evaluate((vectors[:, :2], vectors), names=["sw2"], count=64)
    assert found["sw2"] < 1e-6
