"""TranslationGAN, which makes pictures from pictures: class, networks, layers."""

import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import slow_but_first

import gan
from gan.conditions import Edges, Grey, Hole, Shrunk

SHAPE = (8, 8, 3)


def targets(count=16, shape=SHAPE, seed=0):
    return np.random.default_rng(seed).uniform(size=(count, *shape)).astype("float32")


class Filling(gan.TranslationGAN):
    """Fills a hole at a random place; its layer need not be given."""

    def __init__(self, *args, condition=None, **options):
        condition = condition or Hole(3, anywhere=True)
        super().__init__(*args, condition=condition, **options)


def make(
    condition=None,
    shape=SHAPE,
    inputs=None,
    real=None,
    cls=gan.TranslationGAN,
    **options,
):
    keras.utils.set_random_seed(0)
    latent_dim = options.pop("latent_dim", None)
    networks = gan.unet_GenDiscr(condition or inputs, shape, 4, latent_dim)
    for network in networks[:2]:
        # Otherwise only the generator's last layer, which begins at zero, would learn.
        for number, weight in enumerate(network.trainable_variables):
            noise = np.random.default_rng(number).normal(size=weight.shape)
            weight.assign(weight + 0.05 * noise)
    options = {"batch_size": 4, "seed": 0, "pixel_range": (0.0, 1.0)} | options
    real = targets(shape=shape) if real is None else real
    return cls(*networks, real, condition=condition, **options)


@pytest.mark.slow
def test_the_class_does_what_every_class_does():
    """The check includes that a resumed run has the holes at the same places."""
    gan.testing.check_model(lambda: make(Hole(3, anywhere=True), cls=Filling))


@pytest.mark.slow
def test_one_with_latents_and_given_inputs_does_so_too():
    real = targets(), targets(shape=(4, 4, 1), seed=1)
    gan.testing.check_model(lambda: make(inputs=(4, 4, 1), real=real, latent_dim=3))


def test_an_update_equals_one_in_plain_tensorflow():
    model = make(Shrunk(2), gamma=0.7, l1_weight=3.0)
    rate = 0.1
    rules = {f"{name}_optimizer": keras.optimizers.SGD(rate) for name in "dg"}
    model.compile(run_eagerly=True, **rules)
    copies = [
        keras.models.clone_model(n) for n in (model.generator, model.discriminator)
    ]
    for copy, network in zip(
        copies, (model.generator, model.discriminator), strict=True
    ):
        copy.set_weights(network.get_weights())
    generator, discriminator = copies
    with model.stream.restarted(5):
        y, x = model.get_real_sample()
    state = model.stream.state.numpy()
    model.stream.state.assign((5, 0))
    logs = model.train_step()
    model.stream.state.assign(state)
    # The input is computed by hand: it is the mean over 2×2 pixels.
    np.testing.assert_allclose(
        x, np.reshape(y, (4, 4, 2, 4, 2, 3)).mean(axis=(2, 4)), atol=1e-6
    )
    with tf.GradientTape() as tape:
        fake = generator(x)
        slopes = []
        for points in (y, fake):
            with tf.GradientTape() as inner:
                inner.watch(points)
                values = discriminator([points, x])
            gradients = inner.gradient(values, points)
            slopes.append(tf.reduce_mean(tf.reduce_sum(gradients**2, axis=(1, 2, 3))))
        margin = discriminator([y, x]) - discriminator([fake, x])
        loss = -tf.reduce_mean(tf.math.log_sigmoid(margin))
        objective = loss + 0.7 / 2 * (slopes[0] + slopes[1])
    weights = discriminator.trainable_variables
    for weight, slope in zip(weights, tape.gradient(objective, weights), strict=True):
        weight.assign_sub(rate * slope)
    with tf.GradientTape() as tape:
        fake = generator(x)
        margin = discriminator([fake, x]) - discriminator([y, x])
        gen_loss = -tf.reduce_mean(tf.math.log_sigmoid(margin))
        l1 = tf.reduce_mean(tf.abs(y - fake))
        objective = gen_loss + 3.0 * l1
    weights = generator.trainable_variables
    for weight, slope in zip(weights, tape.gradient(objective, weights), strict=True):
        weight.assign_sub(rate * slope)
    wanted = {"discr_loss": loss, "gen_loss": gen_loss, "l1": l1}
    wanted |= {"r1": slopes[0], "r2": slopes[1]}
    assert {*logs} == {*wanted}
    for name, value in wanted.items():
        np.testing.assert_allclose(logs[name], value, rtol=1e-5, err_msg=name)
    for copy, network in zip(
        copies, (model.generator, model.discriminator), strict=True
    ):
        for a, b in zip(copy.get_weights(), network.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_without_the_discriminator_the_distance_alone_is_learnt():
    model = make(Grey(), adversarial=False)
    model.compile(run_eagerly=True)
    before = model.discriminator.get_weights()
    history = model.fit(epochs=3, steps_per_epoch=5, verbose=0).history
    for a, b in zip(before, model.discriminator.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert history["gen_loss"] == history["discr_loss"] == [0.0] * 3
    assert history["l1"][2] < history["l1"][0]
    model.adversarial = True
    assert model.fit(steps_per_epoch=1, verbose=0).history["gen_loss"][0] > 0


def test_outside_a_hole_the_output_is_the_input_to_the_last_bit():
    model = make(Hole(4, anywhere=True))
    with model.stream.sampling():
        inputs = model.inputs_of(targets(), training=True).numpy()
    mask = inputs[..., 3:] == 1
    assert (mask.sum(axis=(1, 2, 3)) == 16).all()
    # The holes are not all at the same place.
    assert len({m.tobytes() for m in mask}) > 3
    outputs = model.translate(inputs).numpy()
    outside = np.broadcast_to(~mask, outputs.shape)
    np.testing.assert_array_equal(outputs[outside], inputs[..., :3][outside])
    assert (outputs[~outside] != 0.5).all()
    # Only the pixels in the hole count in the L1 distance.
    l1 = model.generator_extra(targets(), outputs, inputs)[1]["l1"]
    wanted = np.abs(targets() - outputs)[~outside].mean()
    np.testing.assert_allclose(l1, wanted, rtol=1e-5)


def test_a_generator_begins_as_the_enlarged_input():
    x = targets(3, (4, 4, 1))
    generator, _, _ = gan.unet_GenDiscr((4, 4, 1), (16, 16, 1), 4)
    enlarged = tf.image.resize(x, (16, 16), "bicubic")
    np.testing.assert_allclose(generator(x), enlarged, atol=1e-6)


@pytest.mark.parametrize(
    ("inputs", "shape"),
    [((12, 20, 3), (24, 20, 1)), ((32, 24, 1), (32, 24, 3)), ((5, 5, 2), (8, 12, 1))],
)
def test_networks_of_any_sides(inputs, shape):
    generator, discriminator, latents = gan.unet_GenDiscr(inputs, shape, 2, 3)
    x, z = tf.constant(targets(2, inputs)), latents(2)
    made = generator([z, x])
    assert made.shape == (2, *shape)
    assert discriminator([made, x]).shape == (2, 1)


def test_the_mean_over_patches_is_taken_before_the_penalty():
    _, discriminator, _ = gan.unet_GenDiscr((16, 16, 1), (16, 16, 1), 4)
    y, x = targets(2, (16, 16, 1)), targets(2, (16, 16, 1), 1)
    inner = keras.Model(discriminator.inputs, discriminator.layers[-3].output)
    features = inner([y, x])
    assert features.shape[1:3] == (4, 4)
    kernel, bias = discriminator.layers[-1].get_weights()
    patches = features @ kernel + bias
    np.testing.assert_allclose(
        discriminator([y, x]), np.mean(patches, axis=(1, 2)), atol=1e-5
    )


def test_layers_of_conditions():
    pictures = targets(2, (8, 8, 3))
    small = Shrunk(4)(pictures)
    np.testing.assert_allclose(small[0, 0, 1], pictures[0, :4, 4:].mean((0, 1)), 1e-5)
    grey = Grey()(pictures)
    np.testing.assert_allclose(grey[..., 0], pictures @ [0.299, 0.587, 0.114], 1e-5)
    holes = np.array(Hole(0.5)(pictures))
    assert (holes[:, 2:6, 2:6, :3] == 0.5).all() and holes[..., 3].sum() == 32
    np.testing.assert_array_equal(holes[:, :2, :, :3], pictures[:, :2])
    step = np.repeat(np.float32([0, 0, 0, 0, 1, 1, 1, 1])[None, None, :, None], 8, 1)
    lines = np.array(Edges()(step))[0, 3, :, 0]
    np.testing.assert_allclose(lines, [1, 1, 1, 0, 0, 1, 1, 1], atol=1e-5)
    faint = np.array(Edges()(step * 0.25))[0, 3, 3, 0]
    np.testing.assert_allclose(faint, 0.5, atol=1e-5)
    for layer in (Shrunk(4), Hole(3), Hole(0.25, anywhere=True), Grey(), Edges()):
        twin = type(layer).from_config(layer.get_config())
        assert twin.compute_output_shape((None, 8, 8, 3)) == layer(pictures).shape[
            :0
        ] + (
            None,
            *layer(pictures).shape[1:],
        )
        np.testing.assert_array_equal(twin(pictures), layer(pictures))


def test_layers_of_conditions_by_their_names():
    assert gan.conditions.named("shrunk:4").factor == 4
    assert gan.conditions.named("hole:16").size == 16
    assert gan.conditions.named("hole:0.5").size == 0.5
    assert gan.conditions.named("hole:16:anywhere").anywhere
    assert isinstance(gan.conditions.named("grey"), Grey)
    assert isinstance(gan.conditions.named("edges"), Edges)
    for text in ("shrunk", "shrunk:x", "hole:1.5", "hole:nan", "grey:2", "", "blur:3"):
        with pytest.raises(gan.InvalidInput, match="must be shrunk:FACTOR") as caught:
            gan.conditions.named(text)
        assert caught.value.argument == "from"


@pytest.mark.parametrize(
    ("code", "argument", "words"),
    [
        (lambda: Shrunk(1), "factor", "at least 2"),
        (
            lambda: gan.unet_GenDiscr(Shrunk(3), SHAPE),
            "factor",
            "must divide the sides",
        ),
        (lambda: gan.unet_GenDiscr(Hole(8), SHAPE), "size", "smaller than the"),
        (lambda: Hole(True), "size", "positive integer"),
        (lambda: make(inputs=(8, 8, 3)), "real_examples", "must be a pair"),
        (
            lambda: make(Shrunk(2), real=(targets(), targets())),
            "real_examples",
            "leave the inputs out",
        ),
        (
            lambda: make(inputs=(8, 8, 3), real=(targets(), targets(8))),
            "real_examples",
            "There are 8 conditions for 16",
        ),
        (lambda: gan.unet_GenDiscr((8, 8), (8, 8, 1)), "inputs", r"must be \(h, w, c"),
        (
            lambda: gan.unet_GenDiscr((8, 8, 1), (8, 8, 1), masked=True),
            "inputs",
            "one channel more",
        ),
        (
            lambda: gan.TranslationGAN(*gan.residual_GenDiscr((8, 8, 1), 4, 2)),
            "discriminator",
            r"must take \[targets, inputs\]",
        ),
        (
            lambda: gan.TranslationGAN(
                *gan.unet_GenDiscr((8, 8, 1), (8, 8, 1), 2), condition=Hole(2)
            ),
            "condition",
            "makes inputs of the shape",
        ),
        (
            lambda: gan.TranslationGAN(
                *gan.unet_GenDiscr((8, 8, 1), (8, 8, 1), 2)[:2],
                gan.latent.LatentGenerator(3),
            ),
            "latent_generator",
            "takes only pictures",
        ),
        (
            lambda: make(Shrunk(2)).translate(targets()),
            "condition",
            "must be numbers of the",
        ),
    ],
)
def test_what_is_refused(code, argument, words):
    with pytest.raises(gan.InvalidInput, match=words) as caught:
        code()
    assert caught.value.argument == argument


def test_bytes_and_another_range():
    """What a model learns does not depend on what black and white are in its data."""
    bytes_ = np.rint(255 * targets()).astype(np.uint8)
    model = make(Hole(4), real=bytes_)
    other = make(Hole(4), real=bytes_, pixel_range=(-1.0, 1.0))
    y, x = model.get_real_sample(4)
    v, u = other.get_real_sample(4)
    np.testing.assert_allclose(v, 2 * y - 1, atol=1e-6)
    np.testing.assert_allclose(u[..., :3], 2 * x[..., :3] - 1, atol=1e-6)
    np.testing.assert_array_equal(u[..., 3], x[..., 3])
    pairs = make(inputs=SHAPE, real=(bytes_, bytes_[::-1]))
    y, x = pairs.get_real_sample(16)
    order = [int(np.argmin(np.abs(bytes_ / 255 - one).sum((1, 2, 3)))) for one in y]
    np.testing.assert_allclose(x, bytes_[::-1][order] / 255, atol=1e-6)
    made = [pairs.get_fake_sample(condition=x)[0] for x in (bytes_, bytes_ / 255)]
    np.testing.assert_allclose(*made, atol=1e-6)


def test_a_dataset_of_pairs_and_one_of_targets():
    batches = tf.data.Dataset.from_tensor_slices((targets(), targets(shape=(4, 4, 3))))
    model = make(inputs=(4, 4, 3), real=batches.batch(4))
    model.compile(run_eagerly=True)
    assert np.isfinite(model.fit(steps_per_epoch=1, verbose=0).history["l1"][0])
    alone = make(Shrunk(2), real=tf.data.Dataset.from_tensor_slices(targets()).batch(4))
    alone.compile(run_eagerly=True)
    assert np.isfinite(alone.fit(steps_per_epoch=1, verbose=0).history["l1"][0])


@pytest.mark.parametrize(
    "cls", slow_but_first(gan.WGAN_GP, gan.R3GAN, gan.Simple_GAN, single=True)
)
def test_other_classes_take_pictures_as_a_condition(cls):
    keras.utils.set_random_seed(0)
    generator, discriminator, latents = gan.unet_GenDiscr((4, 4, 1), (8, 8, 1), 2, 3)
    real = targets(shape=(8, 8, 1)), targets(shape=(4, 4, 1))
    model = cls(generator, discriminator, latents, real, batch_size=4, disc_iter=1)
    model.compile(run_eagerly=True)
    model.fit(steps_per_epoch=1, verbose=0)
    fakes, given = model.get_fake_sample(20)
    assert fakes.shape == (20, 8, 8, 1) and given.shape == (20, 4, 4, 1)
    fakes, same = model.get_fake_sample(condition=given[:3])
    assert len(fakes) == 3
    np.testing.assert_array_equal(same, given[:3])


def test_evaluation_stands_beside_trivial_answers():
    model = make(Shrunk(2), real=targets(40))
    found = model.evaluate()
    assert [*found] == ["model", "input", "mean", "linear"]
    made = np.clip(model.translate(model.inputs_of(targets(40))), 0, 1)
    wanted = gan.metrics.pairs.psnr(targets(40), made)
    np.testing.assert_allclose(found["model"]["psnr"], wanted, atol=1e-4)
    other = model.evaluate(targets(9, seed=3))
    assert [*other] == ["model"]
    with pytest.raises(gan.InvalidInput, match="has no argument names"):
        model.evaluate(names=["fd"])


@pytest.mark.slow
def test_callbacks_of_other_models_serve(tmp_path):
    model = make(Hole(2), real=targets(16))
    losses = gan.callbacks.Losses(tmp_path / "losses.png", targets(9, seed=4))
    metrics = gan.callbacks.Metrics(targets(16, seed=5), count=20)
    grid = gan.callbacks.SampleGrid(tmp_path, count=20)
    model.compile(run_eagerly=True)
    found = model.fit(
        steps_per_epoch=1, verbose=0, callbacks=[losses, metrics, grid]
    ).history
    assert {"held_out_loss", "fd", "sw2"} <= {*found}
    assert (tmp_path / "image_at_epoch_0001.png").exists()


def test_a_translator_of_a_file(tmp_path):
    model = make(Hole(2), pixel_range=(-1.0, 1.0), ema=0.9)
    model.save(tmp_path / "model.keras")
    translator = gan.load_translator(tmp_path / "model.keras")
    given = translator.inputs_of(targets())
    made = translator.translate(given)
    scaled = np.concatenate([2 * given[..., :3] - 1, given[..., 3:]], axis=3)
    wanted = np.clip((model.translate(scaled) + 1) / 2, 0, 1)
    np.testing.assert_allclose(made, wanted, atol=1e-6)
    mask = np.zeros((16, 8, 8, 1))
    mask[:, :3, :3] = 1
    own = translator.inputs_of(targets(), mask)
    assert (own[:, :3, :3, :3] == 0.5).all()
    outside = np.broadcast_to(mask == 0, (16, 8, 8, 3))
    np.testing.assert_allclose(
        translator.translate(own)[outside], targets()[outside], atol=1e-6
    )
    assert repr(translator) == "<Translator of 8×8×4 to 8×8×3>"
    with pytest.raises(gan.InvalidInput, match="makes pictures from pictures"):
        gan.load_generator(tmp_path / "model.keras")
    with pytest.raises(gan.InvalidInput, match="diagnose cannot check"):
        gan.diagnose(model)


def test_latents_make_several_pictures_of_one_input():
    real = targets(), targets(shape=(4, 4, 1), seed=1)
    model = make(inputs=(4, 4, 1), real=real, latent_dim=3)
    translator = gan.Translator.of(model)
    inputs = targets(2, (4, 4, 1))
    first, again, other = (translator.translate(inputs, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0


@pytest.mark.slow
def test_a_translator_is_saved_alone(tmp_path):
    model = make(Hole(2), ema=0.9, pixel_range=(-1.0, 1.0))
    model.compile(run_eagerly=True)
    model.fit(steps_per_epoch=1, verbose=0)
    translator = gan.Translator.of(model)
    model.save(tmp_path / "model.keras")
    translator.save(tmp_path / "alone.keras")
    again = gan.load_translator(tmp_path / "alone.keras")
    inputs = translator.inputs_of(targets())
    np.testing.assert_array_equal(again.inputs_of(targets()), inputs)
    np.testing.assert_array_equal(again.translate(inputs), translator.translate(inputs))
    sizes = [(tmp_path / f"{n}.keras").stat().st_size for n in ("alone", "model")]
    assert sizes[0] < 0.6 * sizes[1]


@pytest.mark.parametrize("name", slow_but_first("enlarge", "fill", single=True))
def test_the_weights_that_come_with_the_library(name):
    """They are tested on faces of our generator, which are not training pictures."""
    folder = pathlib.Path(gan.__file__).parents[1] / "faces"
    translator = gan.load_translator(folder / f"{name}.keras")
    faces = gan.load_generator().draw(200, seed=5)
    inputs = translator.inputs_of(faces)
    mask = inputs[..., -1:] if translator.masked else None
    answers = {"made": translator.translate(inputs), "mean": 0 * faces + faces.mean(0)}
    answers["input"] = translator.as_seen(inputs)[..., 0]
    found = gan.metrics.pairs.compare_pairs(np.clip(faces, 0, 1), answers, mask)
    assert found["made"]["psnr"] > max(found[n]["psnr"] for n in ("mean", "input")) + 2
    assert found["made"]["top_1"] > 0.95 and 0.8 < found["made"]["detail"] < 1.1
