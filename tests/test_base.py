import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import refused, slow_but_first

import gan
from gan import losses
from gan.latent import next_seed

CLASSES = [gan.Simple_GAN, gan.WGAN_clip, gan.WGAN_GP]
PARTS = "generator", "discriminator"


def state(model):
    networks = [model.generator, model.discriminator]
    variables = [v for n in networks for v in n.variables + n.optimizer.variables]
    variables += model.averaged_generator.variables if model.ema else []
    return [np.array(v) for v in [*variables, model.stream.state]]


def assert_same(model, other):
    for a, b in zip(state(model), state(other), strict=True):
        np.testing.assert_array_equal(a, b)


class Count(keras.callbacks.Callback):
    """Records which steps each batch callback covers, and the logs that it gets."""

    def __init__(self):
        super().__init__()
        self.spans, self.epochs = [], []

    def on_train_batch_begin(self, batch, logs=None):
        self.begin = batch

    def on_train_batch_end(self, batch, logs=None):
        self.spans.append((self.begin, batch, logs))

    def on_epoch_begin(self, epoch, logs=None):
        self.epochs.append(epoch)


# -- construction ---------------------------------------------------------------


def networks(dim=2):
    return gan.fully_connected_GenDiscr([2, 4, dim], np.zeros((9, dim)))


@pytest.mark.parametrize("cls", CLASSES)
def test_positional_and_keyword_construction(cls):
    real = np.random.random((30, 2))
    generator, discriminator, latent = networks()
    model = cls(generator, discriminator, latent, real, 10, 3, 0.01)
    assert (model.batch_size, model.disc_iter, model.learning_rate) == (10, 3, 0.01)
    assert isinstance(model, keras.Model)
    assert model.generator is generator and model.latent_generator is latent
    np.testing.assert_allclose(model.real_examples.numpy(), real, rtol=1e-6)
    model = cls(
        discriminator=discriminator,
        generator=generator,
        real_examples=np.random.random((300, 2)),
        latent_generator=lambda k: gan.normal_generator(k, 2),
    )
    assert (model.batch_size, model.disc_iter, model.learning_rate) == (200, 2, 0.005)
    first = 0.3 if cls is gan.WGAN_GP else 0.5
    assert (model.beta_1, model.beta_2) == (first, 0.9)
    for network in (generator, discriminator):
        assert isinstance(network.optimizer, keras.optimizers.Adam)
        np.testing.assert_allclose(network.optimizer.learning_rate, 0.005)
        assert (network.optimizer.beta_1, network.optimizer.beta_2) == (first, 0.9)
    x = tf.constant([[0.5], [-0.5]])
    assert discriminator.loss(x, x) == cls.discriminator_loss(x, x)
    assert generator.loss(x) == cls.generator_loss(x)


def test_optimizers_by_argument():
    sgd, rms = keras.optimizers.SGD(0.1), keras.optimizers.RMSprop(0.2)
    model = gan.Simple_GAN(
        *networks(), generator_optimizer=sgd, discriminator_optimizer=rms
    )
    assert model.generator.optimizer is sgd and model.discriminator.optimizer is rms


@pytest.mark.parametrize("batch_statistics", [True, False])
def test_fakes_for_training_depend_on_each_other_only_by_batch_statistics(
    pictures, batch_statistics
):
    model = pictures(batch_statistics=batch_statistics)
    statistics = [
        w.numpy() for w in model.generator.non_trainable_variables if "moving" in w.path
    ]
    latents = tf.random.stateless_normal((8, 3), (0, 1))
    model.latent_generator = lambda k: latents[:k]
    fakes = model.fakes_for_training().examples.numpy()
    alone = [model.generator(latents[i : i + 1]).numpy()[0] for i in range(8)]
    same = np.allclose(fakes, alone, atol=1e-4)
    model.update_generator()
    after = [
        w.numpy() for w in model.generator.non_trainable_variables if "moving" in w.path
    ]
    moved = any((a != b).any() for a, b in zip(statistics, after, strict=True))
    assert same is not batch_statistics and moved is batch_statistics


# -- data -----------------------------------------------------------------------

ROWS = np.random.default_rng(0).random((32, 4, 4))


@pytest.mark.parametrize(
    "real",
    slow_but_first(
        ROWS,
        ROWS.astype("float32"),
        ROWS[..., None],
        tf.constant(ROWS),
        tf.constant(ROWS[..., None], tf.float32),
        np.round(ROWS * 255).astype("uint8"),
        single=True,
    ),
    ids=["float64", "float32", "rank 4", "tensor", "tensor rank 4", "uint8"],
)
def test_data_it_takes(pictures, real):
    model = pictures(real=real)
    sample = model.get_real_sample(32)
    assert sample.shape == (32, 4, 4, 1) and sample.dtype == tf.float32
    np.testing.assert_allclose(
        np.sort(sample, axis=None), np.sort(ROWS, axis=None), atol=1 / 255
    )


@pytest.mark.slow
def test_memmap_rows_are_read_as_drawn(tmp_path, pictures):
    np.save(tmp_path / "x.npy", ROWS)
    real = np.load(tmp_path / "x.npy", mmap_mode="r")
    model, twin = pictures(real=real), pictures(real=ROWS)
    assert model.real_examples is real
    for one in (model, twin):
        one.fit(epochs=1, steps_per_epoch=3, verbose=0)
    assert_same(model, twin)


@pytest.mark.slow
def test_dataset_batches_are_the_real_samples(vectors):
    seen = []

    class Spy(gan.Simple_GAN):
        def update_discriminator(self, real, fake):
            seen.append(real.examples.numpy()[:, 0])
            return super().update_discriminator(real, fake)

    rows = np.arange(24, dtype="float32")[:, None] * [1, 1] / 24
    dataset = tf.data.Dataset.from_tensor_slices(rows).batch(8)
    model = vectors(Spy, disc_iter=2)
    model.compile(run_eagerly=True)
    model.fit(dataset, epochs=1, steps_per_epoch=4, verbose=0)
    expected = np.concatenate([rows, rows, rows[:16]])[:, 0]
    np.testing.assert_allclose(np.concatenate(seen), expected)
    assert model.get_real_sample(5).shape == (5, 2)


@pytest.mark.slow
def test_dataset_of_odd_batches_is_regrouped_and_has_a_length(vectors):
    dataset = tf.data.Dataset.from_tensor_slices(np.random.random((30, 2))).batch(8)
    model = vectors(gan.WGAN_GP)
    model.fit(dataset, epochs=2, verbose=0)
    assert model.generator.optimizer.iterations == 8
    step = model.train_step(tf.random.uniform((8, 2)))
    assert list(step) == ["discr_loss", "gen_loss", "gp"]


# -- one step -------------------------------------------------------------------


@pytest.mark.parametrize("disc_iter", slow_but_first(1, 3, single=True))
def test_step_is_algorithm_1(vectors, disc_iter):
    """A twin makes the same updates, written out with public methods."""
    model = vectors(gan.WGAN_clip, disc_iter=disc_iter, clip=0.4)
    twin = vectors(gan.WGAN_clip, disc_iter=disc_iter, clip=0.4)
    logs = model.train_step(None)
    generator, discriminator = twin.generator, twin.discriminator
    for _ in range(disc_iter):
        real, fake = twin.get_real_sample(), twin.get_fake_sample(training=True)
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(discriminator(fake) - discriminator(real))
        weights = discriminator.trainable_variables
        gradients = tape.gradient(loss, weights)
        discriminator.optimizer.apply_gradients(zip(gradients, weights, strict=True))
        for weight in weights:
            weight.assign(tf.clip_by_value(weight, -0.4, 0.4))
    np.testing.assert_allclose(logs["discr_loss"], loss, rtol=1e-5)
    with tf.GradientTape() as tape:
        fake = generator(draw(twin))
        loss = -tf.reduce_mean(discriminator(fake))
    weights = generator.trainable_variables
    gradients = tape.gradient(loss, weights)
    generator.optimizer.apply_gradients(zip(gradients, weights, strict=True))
    np.testing.assert_allclose(logs["gen_loss"], loss, rtol=1e-5)
    for a, b in zip(state(model), state(twin), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def draw(model):
    with model.stream.sampling():
        return model.latent_generator(model.batch_size)


def test_every_round_draws_fresh_samples(vectors):
    seen = []

    class Spy(gan.Simple_GAN):
        def update_discriminator(self, real, fake):
            seen.extend([real.examples.numpy(), fake.examples.numpy()])
            return super().update_discriminator(real, fake)

    model = vectors(Spy, disc_iter=2)
    model.train_step(None)
    model.train_step(None)
    assert len({array.tobytes() for array in seen}) == 8


def test_fake_sample_is_the_generator_of_latents(vectors):
    model, twin = vectors(), vectors()
    expected = twin.generator(draw(twin))
    np.testing.assert_array_equal(model.get_fake_sample(), expected)
    assert model.get_fake_sample(3).shape == (3, 2)


# -- fit ------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("steps", slow_but_first(7, 1, 50, 63))
def test_exactly_the_steps_asked_for_whatever_n(vectors, steps):
    model = vectors(gan.Simple_GAN, rows=20, disc_iter=2)
    count = Count()
    model.compile(steps_per_execution=5)
    model.fit(epochs=2, steps_per_epoch=steps, verbose=0, callbacks=[count])
    assert model.generator.optimizer.iterations == 2 * steps
    assert model.discriminator.optimizer.iterations == 4 * steps
    begins, ends, _ = zip(*count.spans[: len(count.spans) // 2], strict=True)
    assert begins == tuple(range(0, steps, 5))
    assert ends[-1] == steps - 1


@pytest.mark.slow
@pytest.mark.parametrize("cls", slow_but_first(*CLASSES))
def test_weights_and_history_do_not_depend_on_how_steps_are_grouped(vectors, cls):
    models = [vectors(cls), vectors(cls), vectors(cls)]
    for model, setting in zip(models, [1, 4, "auto"], strict=True):
        model.compile(steps_per_execution=setting)
        model.fit(epochs=2, steps_per_epoch=9, verbose=0)
    for other in models[1:]:
        assert_same(models[0], other)
        assert models[0].history.history == other.history.history


def test_history_is_the_mean_over_the_epoch(vectors):
    model, twin = vectors(gan.WGAN_GP), vectors(gan.WGAN_GP)
    history = model.fit(epochs=2, steps_per_epoch=6, verbose=0).history
    assert list(history) == ["discr_loss", "gen_loss", "gp"]
    steps = [twin.train_step(None) for _ in range(12)]
    for name, values in history.items():
        by_hand = np.reshape([float(step[name]) for step in steps], (2, 6)).mean(1)
        np.testing.assert_allclose(values, by_hand, rtol=1e-3, atol=1e-5)


def whole_latents(k):
    """Latents made from integers, which XLA draws equally; it draws other floats."""
    whole = tf.random.stateless_uniform(
        (k, 2), next_seed(), -1000, 1000, tf.int64, alg="philox"
    )
    return tf.cast(whole, tf.float32) / 1000


@pytest.mark.slow
@pytest.mark.parametrize("how", [{"run_eagerly": True}, {"jit_compile": True}])
@pytest.mark.parametrize("cls", CLASSES)
def test_other_ways_to_run_agree(vectors, cls, how):
    models = []
    for options in (how, {}):
        # XLA's tanh differs in the last bits, which Adam's first steps would magnify.
        names = ("generator_optimizer", "discriminator_optimizer")
        model = vectors(cls, **{name: keras.optimizers.SGD(0.1) for name in names})
        model.latent_generator = whole_latents
        if cls is gan.WGAN_GP and "jit_compile" in how:
            model.lambda_gp = 0
        model.compile(**options)
        history = model.fit(epochs=1, steps_per_epoch=3, verbose=0).history
        assert np.isfinite(list(history.values())).all()
        models.append(model)
    for a, b in zip(*map(state, models), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_without_data_and_from_an_initial_epoch(vectors):
    model = vectors()
    count = Count()
    model.fit(
        epochs=5, initial_epoch=3, steps_per_epoch=2, verbose=0, callbacks=[count]
    )
    assert count.epochs == [3, 4] and model.history.epoch == [3, 4]
    assert model.generator.optimizer.iterations == 4


def test_default_epoch_is_once_through_the_data(vectors):
    model = vectors(rows=20)
    model.fit(epochs=1, verbose=0)
    assert model.generator.optimizer.iterations == 3


def test_progress_bar_counts_steps(vectors, capsys):
    vectors().fit(epochs=2, steps_per_epoch=12, verbose=1)
    printed = capsys.readouterr().out
    assert "Epoch 2/2" in printed and "12/12" in printed and "gp:" in printed


def test_stop_training_stops(vectors):
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch >= 3

    model = vectors()
    model.compile(steps_per_execution=2)
    model.fit(epochs=3, steps_per_epoch=10, verbose=0, callbacks=[Stop()])
    assert model.generator.optimizer.iterations == 4


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, value",
    [
        ("batch_size", 4),
        ("disc_iter", 1),
        ("lambda_gp", 0),
        ("latent_generator", lambda k: gan.uniform_generator(k, 2) + 3),
        ("real_examples", np.random.random((50, 2))),
    ],
)
def test_changed_attributes_are_not_ignored_by_the_traced_graph(vectors, name, value):
    models = [vectors(gan.WGAN_GP), vectors(gan.WGAN_GP)]
    for model, before in zip(models, (True, False), strict=True):
        model.fit(epochs=1, steps_per_epoch=2, verbose=0)
        if before:
            setattr(model, name, value)
            model.fit(epochs=1, steps_per_epoch=2, verbose=0)
        else:
            setattr(model, name, value)
            model.train_step(None)
            model.train_step(None)
    for a, b in zip(*map(state, models), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


# -- randomness -----------------------------------------------------------------


def course_seed(seed):
    import random

    random.seed(seed)
    np.random.seed(seed)
    tf.random.set_seed(seed)


@pytest.mark.slow
@pytest.mark.parametrize(
    "set_seed", slow_but_first(keras.utils.set_random_seed, course_seed, single=True)
)
@pytest.mark.parametrize("lambda_latent", slow_but_first(True, False))
def test_seeded_runs_agree_exactly(set_seed, lambda_latent):
    runs = []
    for _ in range(2):
        set_seed(4)
        generator, discriminator, latent = networks()
        if lambda_latent:
            latent = lambda k: gan.spheric_generator(k, 2) * 0.3 + 0.5  # noqa: E731
        model = gan.WGAN_GP(generator, discriminator, latent, ROWS[:, :2, 0], 8)
        model.compile()
        model.fit(epochs=2, steps_per_epoch=5, verbose=0)
        runs.append(model)
    assert_same(*runs)
    np.testing.assert_array_equal(*(m.get_fake_sample(5).numpy() for m in runs))


def test_a_draw_elsewhere_does_not_disturb_the_model(vectors):
    model, twin = vectors(), vectors()
    tf.random.normal((3,))
    gan.normal_generator(2, 2)
    keras.random.normal((2,))
    np.testing.assert_array_equal(model.get_real_sample(), twin.get_real_sample())


# -- regularisers ---------------------------------------------------------------


@pytest.mark.parametrize("name", ["generator", "discriminator"])
def test_a_weight_regulariser_counts_once_and_is_not_logged(vectors, name):
    """The term is added once, though the discriminator is called on three samples."""
    models = []
    for _ in range(2):
        slow = {f"{n}_optimizer": keras.optimizers.SGD(0.5) for n in PARTS}
        models.append(vectors(gan.WGAN_GP, disc_iter=1, **slow))
    model, twin = models
    kernel, other = (getattr(m, name).trainable_variables[2] for m in models)
    kernel.regularizer = keras.regularizers.L2(0.25)
    before = np.array(kernel)
    logs, without = model.train_step(None), twin.train_step(None)
    assert logs["discr_loss"] == without["discr_loss"]
    change = np.array(kernel) - np.array(other)
    np.testing.assert_allclose(change, -0.5 * 2 * 0.25 * before, atol=1e-6)


@pytest.mark.parametrize("name", PARTS)
def test_losses_of_activities_are_refused(name):
    parts = networks()
    layer = parts[PARTS.index(name)].layers[1]
    layer.activity_regularizer = keras.regularizers.L2(0.1)
    model = gan.Simple_GAN(*parts, np.zeros((9, 2)), batch_size=3)
    model.compile()
    with refused(name):
        model.fit(verbose=0)
    assert model.discriminator.optimizer.iterations == 0


# -- averaging ------------------------------------------------------------------


@pytest.mark.slow
def test_average_follows_its_formula_batch_norm_included(pictures):
    model = pictures(ema=0.6)
    average = [np.array(w) for w in model.generator.weights]
    for t in range(1, 7):
        model.train_step(None)
        decay = min(0.6, (1 + t) / (10 + t))
        for a, weight in zip(average, model.generator.weights, strict=True):
            a += (1 - decay) * (np.array(weight) - a)
    for a, weight in zip(average, model.averaged_generator.weights, strict=True):
        np.testing.assert_allclose(a, weight, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_the_averaged_generator_draws_unless_training(pictures):
    model, raw, latents = models = [pictures(ema=0.9) for _ in range(3)]
    for one in models:
        one.fit(epochs=1, steps_per_epoch=3, verbose=0)
    z = draw(latents)
    by_default, by_raw = model.get_fake_sample(), raw.get_fake_sample(averaged=False)
    np.testing.assert_array_equal(by_default, model.averaged_generator(z))
    np.testing.assert_array_equal(by_raw, raw.generator(z))
    assert not np.allclose(by_default, by_raw)
    with refused("averaged"):
        pictures().get_fake_sample(averaged=True)


# -- a new class ----------------------------------------------------------------


def test_a_new_class_states_one_idea(vectors):
    class HingeGAN(gan.AdversarialModel):
        @staticmethod
        def discriminator_loss(real, fake):
            return tf.reduce_mean(tf.nn.relu(1 - real) + tf.nn.relu(1 + fake))

        generator_loss = staticmethod(losses.wasserstein_generator)

    model = vectors(HingeGAN)
    history = model.fit(epochs=1, steps_per_epoch=2, verbose=0).history
    assert 0 < history["discr_loss"][0] < 4
    real, fake = tf.constant([[0.5], [3.0]]), tf.constant([[-2.0], [1.0]])
    np.testing.assert_allclose(model.discriminator_loss(real, fake), (0.5 + 2) / 2)


@pytest.mark.parametrize("missing", ["discriminator_loss", "generator_loss"])
def test_a_new_class_without_its_idea_is_told_so(vectors, missing):
    own = {"discriminator_loss": lambda a, b: tf.norm(b), "generator_loss": tf.norm}
    del own[missing]
    methods = {name: staticmethod(loss) for name, loss in own.items()}
    model = vectors(type("Half", (gan.AdversarialModel,), methods))
    with pytest.raises(NotImplementedError, match=f"must define {missing}"):
        model.train_step()


# -- bad input ------------------------------------------------------------------


RNG = np.random.default_rng(0)


def loose():
    """A built network that knows neither its input shape nor its output shape."""

    class Loose(keras.Model):
        def call(self, x):
            return x

    network = Loose()
    network(tf.zeros((1, 2)))
    return network


def bad_nan():
    rows = np.zeros((30, 2))
    rows[3, 1] = np.nan
    return rows


@pytest.mark.parametrize(
    "changes, argument",
    [
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": 2.5}, "batch_size"),
        ({"batch_size": True}, "batch_size"),
        ({"batch_size": 65}, "real_examples"),
        ({"disc_iter": -1}, "disc_iter"),
        ({"learning_rate": -0.1}, "learning_rate"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"beta_1": 1.0}, "beta_1"),
        ({"ema": 1}, "ema"),
        ({"lambda_gp": -1}, "lambda_gp"),
        ({"penalty_epsilon": "x"}, "penalty_epsilon"),
        ({"generator_optimizer": "adam"}, "generator_optimizer"),
        ({"latent_generator": 3}, "latent_generator"),
        (
            {"latent_generator": lambda k: gan.normal_generator(k, 3)},
            "latent_generator",
        ),
        (
            {"latent_generator": lambda k: np.zeros((k, 2), "float32")},
            "latent_generator",
        ),
        (
            {"latent_generator": lambda k: tf.random.stateless_normal((k, 2), (1, 2))},
            "latent_generator",
        ),
        ({"generator": "net"}, "generator"),
        ({"generator": loose()}, "generator"),
        (
            {"discriminator": networks(3)[1]},
            "generator",
        ),
        ({"real_examples": [[1, 2]]}, "real_examples"),
        ({"real_examples": np.zeros((0, 2))}, "real_examples"),
        ({"real_examples": np.zeros((30, 3))}, "real_examples"),
        ({"real_examples": np.zeros((30, 2, 1))}, "real_examples"),
        ({"real_examples": np.zeros(30)}, "real_examples"),
        ({"real_examples": np.float64(3)}, "real_examples"),
        ({"real_examples": np.full((30, 2), "a")}, "real_examples"),
        ({"real_examples": np.zeros((30, 2), complex)}, "real_examples"),
        ({"real_examples": tf.constant([["a", "b"]])}, "real_examples"),
        ({"real_examples": bad_nan()}, "real_examples"),
        ({"real_examples": np.full((30, 2), 1e300)}, "real_examples"),
        (
            {"real_examples": tf.data.Dataset.from_tensors(np.zeros((7, 2))).repeat(3)},
            "batch_size",
        ),
        (
            {"real_examples": tf.data.Dataset.from_tensors(np.zeros((8, 3)))},
            "real_examples",
        ),
        (
            {"real_examples": tf.data.Dataset.from_tensors((1, 2))},
            "real_examples",
        ),
        (
            {"real_examples": tf.data.Dataset.from_tensors([["a", "b"]])},
            "real_examples",
        ),
    ],
)
def test_bad_arguments(changes, argument):
    generator, discriminator, latent = networks()
    arguments = {
        "generator": generator,
        "discriminator": discriminator,
        "latent_generator": latent,
        "real_examples": np.zeros((64, 2)),
        "batch_size": 8,
        **changes,
    }
    with refused(argument):
        gan.WGAN_GP(**arguments)


@pytest.mark.parametrize(
    "argument, value",
    [
        ("generator_optimizer", "adam"),
        ("latent_generator", 3),
        ("latent_generator", lambda k, dim: gan.normal_generator(k, dim)),
    ],
)
def test_a_wrong_argument_is_named(argument, value):
    parts = dict(zip((*PARTS, "latent_generator"), networks(), strict=True))
    with refused(argument):
        gan.Simple_GAN(**parts | {argument: value})


@pytest.mark.parametrize(
    "use, argument",
    [
        (lambda m: m.fit(epochs=0), "epochs"),
        (lambda m: m.fit(steps_per_epoch=0), "steps_per_epoch"),
        (lambda m: m.fit(np.zeros((20, 3))), "x"),
        (lambda m: m.fit(np.zeros((3, 2))), "x"),
        (lambda m: m.get_real_sample(65), "size"),
        (lambda m: m.get_real_sample(0), "size"),
        (lambda m: m.get_fake_sample(-3), "size"),
        (lambda m: m.compile(steps_per_execution=0), "steps_per_execution"),
    ],
)
def test_bad_use_changes_nothing(vectors, use, argument):
    model = vectors()
    before = state(model)
    with refused(argument):
        use(model)
    for a, b in zip(before, state(model), strict=True):
        np.testing.assert_array_equal(a, b)
    assert model.real_examples.shape == (64, 2)


def test_what_is_missing_is_said():
    model = gan.Simple_GAN(*networks())
    with refused("x"):
        model.fit()
    with refused("real_examples"):
        model.get_real_sample()
    model.latent_generator = None
    with refused("latent_generator"):
        model.get_fake_sample()
    endless = tf.data.Dataset.from_tensors(np.zeros((200, 2))).repeat()
    with refused("steps_per_epoch"):
        model.fit(endless)


def test_decays_may_be_whole_numbers(vectors):
    whole, real = vectors(beta_1=0, beta_2=0), vectors(beta_1=0.0, beta_2=0.0)
    for model in (whole, real):
        model.train_step()
    assert_same(whole, real)
