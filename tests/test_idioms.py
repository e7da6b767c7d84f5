"""What users of Keras, pandas, NumPy and notebooks expect to work."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import slow_but_first

import gan

REAL = np.random.default_rng(0).normal(0.5, 0.1, (64, 2)).astype("float32")


def nets():
    keras.utils.set_random_seed(0)
    return gan.fully_connected_GenDiscr([2, 4, 2], None)


@pytest.fixture
def model():
    return gan.Simple_GAN(*nets(), REAL, batch_size=8, disc_iter=1, seed=0, ema=0.9)


def fit(model, x=None, **options):
    options = {"epochs": 1, "steps_per_epoch": 2, "verbose": 0, **options}
    return model.fit(x, **options).history


# -- the model as Keras's others ----------------------------------------------------


@pytest.mark.slow
def test_calling_and_predicting_draw_fakes_from_latents(model):
    fit(model)
    latents = np.zeros((3, 2), "float32")
    expected = model.averaged_generator(latents)
    np.testing.assert_array_equal(model(latents), expected)
    np.testing.assert_allclose(model.predict(latents, verbose=0), expected, atol=1e-6)


@pytest.mark.slow
def test_train_on_batch_is_one_step(model):
    twin = gan.Simple_GAN(*nets(), REAL, batch_size=8, disc_iter=1, seed=0, ema=0.9)
    logs = model.train_on_batch()
    assert logs == {k: v[0] for k, v in fit(twin, steps_per_epoch=1).items()}
    assert model.generator.optimizer.iterations == 1


def test_evaluate_gives_the_measures(model):
    found = model.evaluate(REAL, names=["sw2"], count=50, seed=3)
    with model.stream.restarted(3):
        fakes = model.get_fake_sample(50)
    assert found == gan.metrics.measures(REAL, fakes, ["sw2"])


def test_evaluate_takes_bytes_as_the_discriminator_does():
    bytes_ = np.uint8(255 * REAL.clip(0, 1))
    model = gan.Simple_GAN(*nets(), bytes_, batch_size=8, seed=0)
    expected = model.evaluate(np.float32(bytes_) / 255, count=50)
    assert model.evaluate(count=50) == model.evaluate(bytes_, count=50) == expected


def test_evaluate_takes_bright_examples_on_the_model_s_scale():
    """If the model's range is (-1, 1), reals that lie in [0, 1] are not rescaled."""
    bright = np.random.default_rng(0).uniform(0, 1, (40, 8, 8, 1)).astype("float32")
    layers = [keras.layers.Dense(64, "tanh"), keras.layers.Reshape((8, 8, 1))]
    generator = keras.Sequential([keras.Input((2,)), *layers])
    flat = [keras.layers.Flatten(), keras.layers.Dense(1)]
    critic = keras.Sequential([keras.Input((8, 8, 1)), *flat])
    latents = gan.latent.LatentGenerator(2)
    model = gan.WGAN_GP(generator, critic, latents, pixel_range=(-1, 1), seed=0)
    with model.stream.restarted(0):
        fakes = model.get_fake_sample(40)
    expected = gan.metrics.measures(bright, fakes, ["sw2"])
    assert model.evaluate(bright, names=["sw2"], count=40) == expected


@pytest.mark.slow
def test_the_exported_generator_is_plain_tensorflow_s(model, tmp_path, python):
    latents = np.random.default_rng(1).normal(size=(100, 2)).astype("float32")
    np.save(tmp_path / "z.npy", latents)
    model.export(tmp_path / "export", verbose=False)
    code = (
        "import numpy as np, sys, tensorflow as tf; z = np.load('z.npy');"
        "m = tf.saved_model.load('export'); np.save('x.npy', m.serve(tf.constant(z)));"
        "assert 'gan' not in sys.modules"
    )
    run = python("-c", code, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    expected = model(latents)
    np.testing.assert_allclose(np.load(tmp_path / "x.npy"), expected, atol=1e-6)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", ["dense", "convolutional"])
def test_onnx_computes_what_keras_does(kind, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime", reason="pip install '.[onnx]'")
    pytest.importorskip("tf2onnx", reason="pip install '.[onnx]'")
    model = gan.Simple_GAN(*nets(), REAL, batch_size=8)
    if kind == "convolutional":
        sampler = gan.latent.LatentGenerator(16)
        model = gan.WGAN_GP(*gan.convolutional_GenDiscr(), sampler, batch_size=2)
    latents = np.random.default_rng(0).normal(size=(100, model.latent_generator.dim))
    path, latents = tmp_path / "g.onnx", latents.astype("float32")
    model.export(str(path), format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(str(path))
    (found,) = session.run(None, {session.get_inputs()[0].name: latents})
    np.testing.assert_allclose(found, model(latents), atol=1e-5)


@pytest.mark.slow
def test_a_generator_s_file_opens_where_gan_is_not(python, tmp_path):
    generator, _ = gan.convolutional_GenDiscr()
    discriminator = gan.convolutional_GenDiscr()[1]
    latents = gan.latent.LatentGenerator(16)
    gan.WGAN_GP(generator, discriminator, latents, batch_size=2)
    generator.save(tmp_path / "g.keras")
    code = (
        "import keras, sys; print(keras.models.load_model('g.keras').output_shape);"
        "assert 'gan' not in sys.modules"
    )
    run = python("-c", code, cwd=tmp_path)
    assert "(None, 16, 16, 1)" in run.stdout, run.stderr


@pytest.mark.slow
def test_compile_takes_names_and_an_optimizer_for_each(model):
    model.compile("sgd")
    fit(model)
    networks = model.generator, model.discriminator
    assert all(isinstance(n.optimizer, keras.optimizers.SGD) for n in networks)
    adam = keras.optimizers.Adam(0.1)
    model.compile(d_optimizer=adam, g_optimizer="rmsprop")
    fit(model)
    assert model.discriminator.optimizer is adam and adam.iterations == 2
    assert isinstance(model.generator.optimizer, keras.optimizers.RMSprop)


def test_a_refused_compile_changes_nothing(model):
    networks = model.generator, model.discriminator
    before = [network.optimizer for network in networks]
    adam = keras.optimizers.Adam()
    for options in (
        {"d_optimizer": "sgd", "steps_per_execution": 0},
        {"d_optimizer": adam, "g_optimizer": adam},
        {"g_optimizer": "sgd", "d_optimizer": "nonsense"},
    ):
        with pytest.raises(ValueError):
            model.compile(**options)
    assert [network.optimizer for network in networks] == before


def by_position(model):
    model.compile(keras.optimizers.Adam(), keras.optimizers.Adam(), "mse")


def of_other_weights(model):
    other = gan.Simple_GAN(*nets())
    model.compile(g_optimizer=other.d_optimizer)


def over_a_schedule(model):
    model.compile(g_optimizer=keras.optimizers.SGD(gan.schedules.LinearDecay(0.1, 9)))
    model.learning_rate = 0.5


def of_another_network(model):
    kept, model.generator = model.generator, nets()[0]
    try:
        model.compile()
        fit(model)
    finally:
        model.generator = kept


SETTINGS = {
    "optimizer": by_position,
    "g_optimizer": of_other_weights,
    "jit_compile": lambda m: m.compile("sgd", jit_compile="yes"),
    "learning_rate": over_a_schedule,
    "latent_generator": lambda m: setattr(m, "latent_generator", lambda k, dim: None),
    "augment": lambda m: setattr(m, "augment", "flip"),
    "generator": of_another_network,
}


@pytest.mark.parametrize("argument", slow_but_first(*SETTINGS, single=True))
def test_a_refused_setting_changes_nothing(model, argument):
    def settings():
        return (
            model.discriminator.optimizer,
            model.learning_rate,
            model.latent_generator,
            model.augment,
            model.get_compile_config(),
        )

    before = settings()
    with pytest.raises(gan.InvalidInput) as refused:
        SETTINGS[argument](model)
    assert refused.value.argument == argument and settings() == before


def test_one_optimizer_stands_for_both(model, tmp_path):
    board = keras.callbacks.TensorBoard(tmp_path, write_steps_per_second=True)
    model.compile(run_eagerly=True)
    fit(model, callbacks=[board])
    one, both = model.optimizer, [model.g_optimizer, model.d_optimizer]
    assert both == [model.generator.optimizer, model.discriminator.optimizer]
    assert one.optimizers == both and one.iterations == 2
    one.learning_rate = 0.25
    assert [float(o.learning_rate) for o in [one, *both]] == [0.25] * 3
    assert model.latent_dim == 2
    lines = []
    model.summary(print_fn=lambda line, **_: lines.append(line))
    assert "Optimizer params" in "".join(lines)
    with pytest.raises(gan.InvalidInput) as refused:
        model.optimizer = keras.optimizers.Adam()
    assert refused.value.argument == "optimizer"


def test_fit_takes_a_batch_size_and_positions(model):
    model.fit(REAL, None, 16, 1, verbose=0)
    assert model.batch_size == 16 and model.generator.optimizer.iterations == 4


def test_callbacks_set_both_learning_rates(model):
    halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    plateau = keras.callbacks.ReduceLROnPlateau(
        "never", mode="min", patience=0, factor=0.1
    )
    keep = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: logs.update(never=1.0)
    )
    fit(model, epochs=3, callbacks=[keep, halve, plateau])
    rate = 0.005 / 8 / 100
    for network in (model.generator, model.discriminator):
        assert float(network.optimizer.learning_rate) == pytest.approx(rate)


SENTENCES = {
    "no loss": lambda m: m.compile(loss="mse"),
    "for metrics use callbacks.Metrics": lambda m: m.compile(metrics=["mae"]),
    "takes the optimizers by name": lambda m: m.compile(keras.optimizers.Adam()),
    "callbacks.Metrics or callbacks.Losses": lambda m: fit(m, validation_data=REAL),
    "Give the model": lambda m: fit(m, callbacks=[keras.callbacks.SwapEMAWeights()]),
    r"map\(lambda x, y: x\)": lambda m: fit(
        m, tf.data.Dataset.from_tensor_slices((REAL, REAL)).batch(8)
    ),
    "networks take no labels": lambda m: fit(m, REAL, y=REAL),
}


@pytest.mark.parametrize("words", SENTENCES)
def test_a_sentence_names_the_right_place(model, words):
    with pytest.raises(gan.InvalidInput, match=words):
        SENTENCES[words](model)
    with pytest.raises(TypeError, match="epoch"):
        model.fit(epoch=3)


# -- networks and classes -----------------------------------------------------------


def dense(name, size, wrap):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((2,))
    return keras.Model(inputs, wrap(keras.layers.Dense(size)(inputs)), name=name)


@pytest.mark.parametrize("name", ["generator", "discriminator"])
def test_networks_of_dicts_are_told_at_the_door(name):
    def wrap(x):
        return {"x": x}

    parts = {n: dense(n, s, lambda x: x) for n, s in SIZES.items()}
    parts[name] = dense(name, SIZES[name], wrap)
    with pytest.raises(gan.InvalidInput) as refused:
        gan.Simple_GAN(**parts, latent_generator=nets()[2])
    assert refused.value.argument == name


SIZES = {"generator": 2, "discriminator": 1}


@pytest.mark.parametrize("interpolation", ["bicubic", "lanczos3"])
def test_what_has_no_second_derivative_is_told_before_training(interpolation):
    layers = keras.layers
    generator = keras.Sequential([keras.Input((2,)), layers.Dense(4)])
    generator.add(layers.Reshape((2, 2, 1)))
    critic = [layers.UpSampling2D(interpolation=interpolation), layers.Flatten()]
    critic = [keras.Input((2, 2, 1)), *critic, layers.Dense(1)]
    critic = keras.Sequential(critic)
    real, latents = np.zeros((8, 2, 2, 1)), gan.latent.LatentGenerator(2)
    model = gan.WGAN_GP(generator, critic, latents, real, batch_size=4)
    model.compile(run_eagerly=True)
    before = generator.get_weights()
    with pytest.raises(gan.InvalidInput) as refused:
        fit(model)
    assert refused.value.argument == "discriminator"
    assert model.d_optimizer.iterations == 0
    np.testing.assert_array_equal(before[0], generator.get_weights()[0])


@pytest.mark.parametrize(
    "iterations, form", [(1, "array"), (2, "array"), (1, "batches")]
)
def test_an_own_train_step_is_given_real_samples(iterations, form):
    given = []

    class Own(gan.Simple_GAN):
        def train_step(self, real):
            given.append(real)
            return {"discr_loss": tf.zeros(()), "gen_loss": tf.zeros(())}

    batches = tf.data.Dataset.from_tensor_slices(REAL).batch(8)
    real = REAL if form == "array" else batches
    model = Own(*nets(), real, batch_size=8, disc_iter=iterations)
    model.compile(run_eagerly=True)
    fit(model, steps_per_epoch=1)
    samples = given[0] if iterations == 2 else given
    assert len(samples) == iterations
    for sample in samples:
        assert sample.shape == (8, 2) and np.isin(sample, REAL).all()


@pytest.mark.slow
@pytest.mark.parametrize("what", ["memory map", "latents"])
def test_what_python_reads_is_not_compiled(model, what, tmp_path):
    np.save(tmp_path / "x.npy", REAL)
    rng = np.random.default_rng(0)
    if what == "memory map":
        model.real_examples = np.load(tmp_path / "x.npy", mmap_mode="r")
    else:
        with pytest.warns(UserWarning, match="draws with NumPy"):
            model.latent_generator = lambda k: rng.normal(size=(k, 2))
    model.compile(jit_compile=True)
    with pytest.raises(gan.InvalidInput) as refused:
        fit(model)
    assert refused.value.argument == "jit_compile"
    assert model.generator.optimizer.iterations == 0


# -- data and latents ---------------------------------------------------------------


SAMPLERS = ["normal", "uniform", "spheric"]


@pytest.mark.parametrize("latent_type", SAMPLERS)
def test_the_generator_knows_the_dimension_of_its_latents(latent_type):
    sampler = getattr(gan, f"{latent_type}_generator")
    model = gan.Simple_GAN(*nets()[:2], sampler, REAL, batch_size=8)
    expected = {"dim": 2, "latent_type": latent_type}
    assert model.latent_generator.get_config() == expected


def test_a_sampler_that_is_set_is_checked_as_a_given_one(model):
    rng = np.random.default_rng(0)
    with pytest.warns(UserWarning, match="draws with NumPy") as told:
        model.latent_generator = lambda k: rng.normal(size=(k, 2))
    assert told[0].filename == __file__ and not model.draws_repeat
    first, second = (tf.function(model.latent_generator)(4) for _ in range(2))
    assert (first != second).numpy().any()


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 8

    def __getitem__(self, number):
        return REAL[8 * number : 8 * number + 8]


def test_a_py_dataset(model):
    fit(model, Batches(), steps_per_epoch=None)
    assert model.generator.optimizer.iterations == 8
    np.testing.assert_array_equal(model.get_real_sample(8), REAL[:8])


def test_a_data_frame(model):
    frame = type("Frame", (), {"to_numpy": lambda self: REAL.astype("float64")})
    model.real_examples = frame()
    np.testing.assert_array_equal(model.real_examples, REAL)


@pytest.mark.slow
def test_latents_drawn_with_numpy_are_drawn_anew_and_told_of():
    generator, discriminator, _ = nets()
    rng = np.random.default_rng(0)
    with pytest.warns(UserWarning, match="draws with NumPy"):
        model = gan.Simple_GAN(
            generator, discriminator, lambda k: rng.normal(size=(k, 2)), REAL, 8
        )
    model.compile()
    fit(model)
    first, second = model.get_fake_sample(4), model.get_fake_sample(4)
    assert first.shape == (4, 2) and (first != second).numpy().any()
    with pytest.raises(gan.InvalidInput, match="draw new latents"):
        gan.Simple_GAN(generator, discriminator, lambda k: np.zeros((k, 2)))


@pytest.mark.parametrize("real", [255 * REAL, (255 * REAL).astype("int32"), REAL - 2])
def test_data_beyond_the_generator_are_told_of(real):
    with pytest.warns(UserWarning, match=r"range of the generator, \[0, 1\]"):
        gan.Simple_GAN(*nets(), real, 8)


# -- the environment ----------------------------------------------------------------


@pytest.mark.slow
def test_another_backend_is_one_sentence(python):
    code = "import keras, gan; keras.backend.backend = lambda: 'jax'; gan.Simple_GAN"
    run = python("-c", code)
    assert "set KERAS_BACKEND=tensorflow" in run.stderr


@pytest.mark.slow
@pytest.mark.parametrize("use", slow_but_first("gan.WGAN_GP", "gan.load_model"))
def test_tensorflow_is_imported_without_its_chatter(use, python):
    run = python("-c", f"import gan; {use}", env={"TF_CPP_MIN_LOG_LEVEL": ""})
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


@pytest.mark.slow
@pytest.mark.parametrize("given, then", [(None, "1"), ("0", "0")])
def test_commands_ask_for_fast_convolutions_and_scripts_do_not(given, then, python):
    code = "import os, sys; from gan.cli.shared import import_tensorflow as go; {}; "
    code += "print(os.environ.get('TF_ENABLE_ONEDNN_OPTS'))"
    clear = "os.environ.pop('TF_ENABLE_ONEDNN_OPTS', None)"
    first = clear if given is None else "os.environ['TF_ENABLE_ONEDNN_OPTS'] = '0'"
    machine = "import platform; platform.machine = lambda: 'AMD64'"
    run = python("-c", code.format(f"{first}; {machine}; go()"))
    assert run.stdout.split() == [then]
    run = python("-c", code.format(f"{first}; import gan; gan.WGAN_GP"))
    assert run.stdout.split() == [str(given)]


@pytest.mark.slow
def test_what_a_notebook_shows(tmp_path, model):
    history = {"discr_loss": [1.0], "gen_loss": [2.0]}
    assert gan.plots.losses(history)._repr_png_().startswith(b"\x89PNG")
    assert repr(model.latent_generator) == "LatentGenerator(2, 'normal')"
    assert repr(gan.schedules.LinearDecay(0.1, 9)) == "LinearDecay(0.1, 9, 0.3)"
    animation = gan.callbacks.Animation(
        tmp_path / "a.gif", draw=lambda model: np.zeros((4, 4)) + 0.5
    )
    fit(model, callbacks=[animation])
    assert "data:image/gif;base64,R0lGOD" in animation._repr_html_()
