"""Mistakes that version 0.1.0 accepted silently, or told in TensorFlow's words."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import ROOT, refused, slow_but_first

import gan

L = keras.layers
REAL = np.random.default_rng(0).normal(0.5, 0.1, (64, 2)).astype("float32")


def nets(layers=(2, 4, 2)):
    keras.utils.set_random_seed(0)
    return gan.fully_connected_GenDiscr([*layers], None)


def make(cls=gan.Simple_GAN, parts=None, real=REAL, **options):
    model = cls(*(parts or nets()), real, batch_size=8, seed=0, **options)
    model.compile()
    return model


def fit(model, steps=3, **options):
    return model.fit(epochs=1, steps_per_epoch=steps, verbose=0, **options).history


def told_of_frozen(model):
    """Call `fit`, and expect a warning that the discriminator is frozen."""
    with pytest.warns(UserWarning, match="discriminator has no trainable weight"):
        return fit(model)


def weights(network):
    return np.concatenate([np.ravel(w) for w in network.get_weights()])


# -- wrong results --------------------------------------------------------------


class Dense(L.Embedding):
    """An embedding as a product with one-hot labels, whose gradient is dense."""

    def call(self, label):
        return keras.ops.one_hot(label, self.input_dim) @ self.embeddings


def test_embeddings_learn_as_the_products_that_they_are():
    """They do so under Adam, with labels that occur several times in a batch."""

    def networks(embedding):
        latents, label = keras.Input((2,)), keras.Input((), dtype="int32")
        x = L.Multiply()([latents, embedding(3, 2)(label)])
        generator = keras.Model([latents, label], L.Dense(2)(x))
        points, label = keras.Input((2,)), keras.Input((), dtype="int32")
        y = L.Add()([L.Dense(3, "tanh")(points), embedding(3, 3)(label)])
        return generator, keras.Model([points, label], L.Dense(1)(y))

    trained = []
    for embedding in (L.Embedding, Dense):
        keras.utils.set_random_seed(0)
        parts = (*networks(embedding), gan.latent.LatentGenerator(2))
        model = make(parts=parts, real=(REAL, np.arange(64) % 3), learning_rate=0.1)
        fit(model, steps=4)
        trained.append([weights(network) for network in parts[:2]])
    for embedded, dense in zip(*trained, strict=True):
        np.testing.assert_allclose(embedded, dense, rtol=1e-3, atol=1e-4)


def freeze_all(model):
    model.discriminator.trainable = False


def freeze_one(model):
    model.generator.layers[1].trainable = False


def freeze_and_thaw(model):
    model.discriminator.trainable = False
    model.discriminator.layers[-1].trainable = True


@pytest.mark.slow
@pytest.mark.parametrize(
    "change", slow_but_first(freeze_and_thaw, freeze_one, freeze_all)
)
def test_a_model_with_frozen_weights_comes_back_and_goes_on(change, tmp_path):
    model = make(ema=0.9)
    fit(model)
    change(model)
    model.save(tmp_path / "m.keras")
    loaded = gan.load_model(tmp_path / "m.keras")
    loaded.real_examples = REAL
    for name in ("generator", "discriminator"):
        ours, its = getattr(model, name), getattr(loaded, name)
        flags = [w.trainable for w in ours.variables]
        assert flags == [w.trainable for w in its.variables]
    before = weights(model.discriminator)
    go_on = fit if change is freeze_one else told_of_frozen
    go_on(model), go_on(loaded)
    np.testing.assert_array_equal(weights(model.generator), weights(loaded.generator))
    if change is freeze_all:
        np.testing.assert_array_equal(weights(loaded.discriminator), before)


def test_a_layer_that_both_networks_share_is_refused():
    inner = L.Dense(2)
    generator = keras.Sequential([keras.Input((2,)), inner])
    discriminator = keras.Sequential([keras.Input((2,)), inner, L.Dense(1)])
    with pytest.raises(gan.InvalidInput, match="share no weights"):
        make(parts=(generator, discriminator, gan.latent.LatentGenerator(2)))


def critic(*end):
    return keras.Sequential([keras.Input((2,)), L.Dense(4), *end])


def by_operations():
    inputs = keras.Input((2,))
    return keras.Model(inputs, keras.ops.sigmoid(L.Dense(1)(inputs)))


def by_a_product():
    one, other = keras.Input((2,)), L.Dense(2)
    product = L.Dot(-1)([L.Dense(2)(one), other(one)])
    return keras.Model(one, L.Activation("sigmoid")(product))


LOGITS = [gan.NonSaturatingGAN, gan.MinimaxGAN, gan.HingeGAN, gan.R3GAN]
BOUNDED = {
    "sigmoid": lambda: critic(L.Dense(1, "sigmoid")),
    "layer": lambda: critic(L.Dense(1), L.Activation("tanh")),
    "operation": by_operations,
    "product": by_a_product,
    "nested": lambda: critic(keras.Sequential([L.Dense(1, "hard_sigmoid")])),
    "reshaped": lambda: critic(L.Dense(1, "sigmoid"), L.Reshape((1, 1)), L.Flatten()),
    "scaled": lambda: critic(L.Dense(1, "sigmoid"), L.Rescaling(8.0, -4.0)),
    "wrapped": lambda: critic(L.SpectralNormalization(L.Dense(1, "sigmoid"))),
    "convolution": lambda: critic(
        L.Reshape((2, 2)), L.Conv1D(1, 2, activation="sigmoid"), L.Flatten()
    ),
    "softmax": lambda: critic(L.Dense(1), L.Softmax()),
    "relu": lambda: critic(L.Dense(1, "relu")),
}


@pytest.mark.slow
@pytest.mark.parametrize("cls", slow_but_first(*LOGITS, gan.Simple_GAN, single=True))
def test_outputs_that_the_losses_seek_and_the_discriminator_cannot_give(cls, tmp_path):
    generator, _, latents = nets()
    for name, bounded in BOUNDED.items():
        # 8 · sigmoid − 4 and tanh reach -1 and 1, so there is no warning.
        if cls is gan.Simple_GAN and name in ("layer", "scaled"):
            cls(generator, bounded(), latents)
            continue
        with pytest.warns(UserWarning, match="its last activation") as caught:
            model = cls(generator, bounded(), latents)
        assert [warning.filename for warning in caught] == [__file__], name
    # Loading the model does not repeat the warning.
    model.save(tmp_path / "m.keras")
    gan.load_model(tmp_path / "m.keras")


@pytest.mark.parametrize(
    "cls", slow_but_first(*LOGITS, gan.Simple_GAN, gan.WGAN_GP, single=True)
)
def test_outputs_that_can_be_any_are_not_warned_of(cls):
    generator, _, latents = nets()
    for end in (
        [L.Dense(1)],
        [L.Dense(1), L.LeakyReLU()],
        [L.Dense(1, "tanh"), L.Dense(1)],
        [L.Dense(1), L.BatchNormalization()],
        [keras.Sequential([L.Dense(3, "sigmoid"), L.Dense(1)]), L.Flatten()],
        [L.Dense(1), L.Rescaling(0.1), L.Dropout(0.5)],
    ):
        cls(generator, critic(*end), latents)


def test_a_class_of_other_losses_seeks_other_outputs():
    class Other(gan.NonSaturatingGAN):
        discriminator_loss = staticmethod(gan.losses.wasserstein_discriminator)

    class Same(gan.NonSaturatingGAN):
        pass

    assert Other.targets is None and Same.targets == gan.NonSaturatingGAN.targets
    generator, _, latents = nets()
    Other(generator, critic(L.Dense(1, "tanh")), latents)


@pytest.mark.slow
def test_loss_scaling_is_done_and_undone():
    def trained(**options):
        optimizers = [keras.optimizers.SGD(0.1, **options) for _ in range(2)]
        model = make(
            generator_optimizer=optimizers[0], discriminator_optimizer=optimizers[1]
        )
        fit(model)
        return weights(model.generator)

    scaled = trained(loss_scale_factor=1024.0)
    np.testing.assert_allclose(scaled, trained(), rtol=1e-5)


@pytest.mark.slow
def test_the_average_of_an_optimizer_reaches_the_weights():
    seen = []

    class Look(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(weights(self.model.generator))

    optimizer = keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.75)
    model = make(generator_optimizer=optimizer)
    model.compile(steps_per_execution=1)
    fit(model, callbacks=[Look()])
    first, second, third = seen
    average = 0.75 * (0.75 * first + 0.25 * second) + 0.25 * third
    np.testing.assert_allclose(weights(model.generator), average, rtol=1e-5)


@pytest.mark.slow
def test_two_models_of_the_same_networks_each_have_their_own_loss():
    parts = nets()
    alone = fit(make(parts=nets()))
    model = make(parts=parts)
    make(gan.WGAN_GP, parts=parts)
    assert fit(model) == alone
    one = tf.ones((1, 1))
    assert model.discriminator.loss(one, -one) == 0


def compiled(*optimizers):
    """Networks that the user compiled, as Keras's examples do."""
    generator, discriminator, latents = nets()
    for network, optimizer in zip((generator, discriminator), optimizers, strict=True):
        network.compile(optimizer, loss="binary_crossentropy")
    return generator, discriminator, latents


def test_networks_keep_the_optimizer_that_they_were_compiled_with(tmp_path):
    optimizers = keras.optimizers.SGD(0.25), keras.optimizers.RMSprop()
    parts = compiled(*optimizers)
    with pytest.raises(gan.InvalidInput):
        make(gan.WGAN_GP, parts, lambda_gp=-1)
    assert parts[1].loss == "binary_crossentropy"
    for _ in range(2):
        # The second model keeps it too, as if a notebook cell were run twice.
        model = make(parts=parts, ema=0.9)
        assert (model.g_optimizer, model.d_optimizer) == optimizers
    model.compile(run_eagerly=True)
    fit(model)
    assert (optimizers[0].iterations, optimizers[1].iterations) == (3, 6)
    model.save(tmp_path / "m.keras")
    loaded = gan.load_model(tmp_path / "m.keras")
    assert type(loaded.d_optimizer) is keras.optimizers.RMSprop
    other = keras.optimizers.SGD()
    model = make(parts=parts, generator_optimizer=other)
    assert (model.g_optimizer, model.d_optimizer) == (other, optimizers[1])


def test_a_network_s_own_optimizer_is_kept_only_if_it_knows_its_weights():
    parts = compiled("sgd", "sgd")
    parts[1].fit(REAL, np.ones((64, 1)), verbose=0)
    learnt = parts[1].optimizer
    assert make(parts=parts).d_optimizer is learnt
    for wrong in (learnt, make().d_optimizer):
        with pytest.raises(gan.InvalidInput) as refused:
            make(parts=compiled(wrong, "sgd"))
        assert refused.value.argument == "generator_optimizer"


def head(*layers):
    return keras.Sequential([keras.Input((2,)), *layers])


@pytest.mark.parametrize(
    "discriminator",
    [
        head(L.Dense(5)),
        head(L.Reshape((2, 1)), L.Dense(1)),
        head(L.Dense(1), L.Reshape(())),
    ],
)
def test_outputs_that_are_not_one_number_each_are_refused(discriminator):
    generator, _, latents = nets()
    for cls in (gan.Simple_GAN, gan.WGAN_clip, gan.WGAN_GP, gan.MinimaxGAN):
        with refused("discriminator"):
            make(cls, (generator, discriminator, latents))


@pytest.mark.slow
def test_a_network_frozen_between_two_fits_stays():
    model = make()
    fit(model)
    model.discriminator.trainable = False
    before, generator = weights(model.discriminator), weights(model.generator)
    told_of_frozen(model)
    np.testing.assert_array_equal(weights(model.discriminator), before)
    assert (weights(model.generator) != generator).any()


@pytest.mark.slow
def test_a_dropout_rate_changed_between_two_fits_acts():
    generator, _, latents = nets()
    critic = head(L.Dropout(0.9), L.Dense(1, use_bias=False))
    still = {"discriminator_optimizer": keras.optimizers.SGD(0.0)}
    model = make(gan.WGAN_GP, (generator, critic, latents), **still)
    linear = (np.linalg.norm(weights(critic)) - 1) ** 2
    assert abs(fit(model)["gp"][0] - linear) > 0.01
    critic.layers[0].rate = 0.0
    np.testing.assert_allclose(fit(model)["gp"][0], linear, rtol=1e-4)


def test_masked_values_are_not_trained_on():
    with pytest.raises(gan.InvalidInput, match="has a mask"):
        make(real=np.ma.masked_greater(REAL, 0.5))


def test_a_set_learning_rate_acts_and_a_set_average_is_refused():
    model = make(learning_rate=0.005)
    model.learning_rate = 0.25
    for network in (model.generator, model.discriminator):
        assert float(network.optimizer.learning_rate) == 0.25
    with pytest.raises(gan.InvalidInput, match="ema"):
        model.ema = 0.9


# -- a sentence instead of TensorFlow's words -------------------------------------


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16", "float64"])
def test_other_number_types_are_told_at_the_door(policy):
    _, *others = nets()
    keras.config.set_dtype_policy(policy)
    try:
        # Plain layers are needed: the library's own networks end in float32.
        layers = [keras.Input((2,)), keras.layers.Dense(2)]
        generator = keras.Sequential(layers)
    finally:
        keras.config.set_dtype_policy("float32")
    with pytest.raises(gan.InvalidInput, match="float32"):
        make(parts=(generator, *others))


def test_another_floatx_is_told_at_the_door():
    keras.config.set_floatx("float64")
    try:
        with pytest.raises(gan.InvalidInput, match="float32"):
            make()
    finally:
        keras.config.set_floatx("float32")


def loss(value):
    class Own(gan.Simple_GAN):
        discriminator_loss = staticmethod(lambda real, fake: value(real, fake))

    return lambda: fit(make(Own))


class UnknownLog(gan.Simple_GAN):
    log_names = ("discr_loss", "gen_loss", "other")


def weightless():
    generator = keras.Sequential([keras.Input((2,)), L.Activation("tanh")])
    fit(make(parts=(generator, *nets()[1:])))


def one_optimizer_for_both():
    optimizer = keras.optimizers.Adam()
    make(generator_optimizer=optimizer, discriminator_optimizer=optimizer)


def anothers_optimizer():
    make(generator_optimizer=make().discriminator.optimizer)


def channels_first():
    keras.utils.set_random_seed(0)
    generator = keras.Sequential([keras.Input((2,)), L.Dense(16), L.Reshape((1, 4, 4))])
    convolution = L.Conv2D(2, 3, data_format="channels_first")
    layers = [keras.Input((1, 4, 4)), convolution, L.Flatten(), L.Dense(1)]
    parts = generator, keras.Sequential(layers), gan.latent.LatentGenerator(2)
    fit(make(parts=parts, real=np.zeros((64, 1, 4, 4), "float32")))


def sparse():
    import scipy.sparse

    make(real=scipy.sparse.csr_matrix(REAL))


def sparse_tensor():
    make(real=tf.sparse.from_dense(REAL))


SENTENCES = {
    "weights": weightless,
    "callback": lambda: fit(make(), callbacks=[print]),
    "callbacks": lambda: fit(make(), callbacks=[keras.callbacks.TerminateOnNaN]),
    "two different optimizers": one_optimizer_for_both,
    "other weights": anothers_optimizer,
    "seed": lambda: gan.Simple_GAN(*nets(), REAL, seed=1.5),
    "seed must be a whole": lambda: gan.Simple_GAN(*nets(), REAL, seed=2**63),
    "must give a scalar": loss(lambda real, fake: tf.squeeze(real - fake, 1)),
    "a scalar tensor": loss(lambda real, fake: None),
    "tensor of floats": loss(
        lambda real, fake: tf.cast(tf.reduce_mean(fake), tf.complex64)
    ),
    "does not depend on": loss(lambda real, fake: tf.constant(1.0)),
    "other": lambda: fit(make(UnknownLog)),
    "disc_iter": lambda: setattr(make(), "disc_iter", 0),
    "batch_size": lambda: setattr(make(), "batch_size", "a"),
    "lambda_gp": lambda: setattr(make(gan.WGAN_GP), "lambda_gp", None),
    "real_examples": sparse,
    "real_examples must be": sparse_tensor,
    "channels_last": channels_first,
    "seed must be": lambda: gan.metrics.measures(REAL, REAL, seed=-1),
}


@pytest.mark.parametrize("words", SENTENCES)
def test_a_sentence_names_what_is_wrong(words):
    with pytest.raises(gan.InvalidInput, match=words):
        SENTENCES[words]()


@pytest.mark.slow
def test_labels_out_of_range_in_a_dataset():
    from test_ac_gan import make as make_ac_gan

    labels = np.arange(40) % 9
    data = tf.data.Dataset.from_tensor_slices((REAL[:40], labels)).batch(8)
    model = make_ac_gan(data)
    with pytest.raises(gan.InvalidInput, match="labels"):
        fit(model)


def test_a_train_step_of_ones_own_that_logs_nothing_is_told():
    class Silent(gan.Simple_GAN):
        def train_step(self, useless_argument=None):
            return {}

    with pytest.raises(gan.InvalidInput, match="must give the logs"):
        fit(make(Silent))


def test_modules_of_the_current_folder_do_not_shadow_the_librarys(tmp_path, python):
    for name in ("numpy", "losses", "gan"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(7)")
    said = python(str(ROOT / "main.py"), "--help", cwd=tmp_path, env={"PYTHONPATH": ""})
    assert said.returncode == 0 and "commands" in said.stdout
