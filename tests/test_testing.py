"""Every class of the library passes check_model, and classes with faults do not."""

import functools
import re
import textwrap

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import slow_but_first
from test_ac_gan import make as make_ac_gan
from test_r3gan import conditional

import gan
from gan.errors import Option, expect_number

# Classes with networks of other kinds are checked in files of their own.
OTHERS = {"AC_GAN", "CaptionGAN", "CycleGAN", "TranslationGAN"}
NAMES = [name for name in gan.__all__ if "GAN" in name and name not in OTHERS]
CLASSES = [gan.R3GAN, *(getattr(gan, name) for name in NAMES if name != "R3GAN")]


@pytest.mark.parametrize("cls", slow_but_first(*CLASSES))
def test_every_class(cls):
    gan.testing.check_model(cls)


@pytest.mark.slow
def test_the_class_with_a_classifier():
    gan.testing.check_model(make_ac_gan)


@pytest.mark.slow
@pytest.mark.parametrize("cls", [gan.WGAN_GP, gan.WGAN_clip, gan.R3GAN])
def test_with_convolutions_batch_normalisation_and_dropout(pictures, cls):
    gan.testing.check_model(functools.partial(pictures, cls))


@pytest.mark.slow
@pytest.mark.parametrize("cls", [gan.Simple_GAN, gan.WGAN_GP, gan.R3GAN])
def test_with_labels(cls):
    gan.testing.check_model(functools.partial(conditional, cls.__name__))


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"ema": 0.9}, {"batch_statistics": False}])
def test_with_options(vectors, options):
    gan.testing.check_model(functools.partial(vectors, **options))


# -- classes with faults ----------------------------------------------------------


class Forgets(gan.Simple_GAN):
    """It counts its steps in an attribute that no file holds."""

    steps = 0

    def generator_extra(self, real, fake, condition):
        self.steps += 1
        return tf.reduce_mean(fake) * self.steps, {}


class ForgetsVariable(gan.Simple_GAN):
    """The same with a variable that the graph sees, but that no file holds."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        count = tf.Variable(0.0)
        # Keras finds what is an attribute, but does not look into a function.
        self.count = lambda: count

    def generator_extra(self, real, fake, condition):
        return tf.reduce_mean(fake) * self.count().assign_add(1.0), {}


class DrawsWithNumPy(gan.Simple_GAN):
    @staticmethod
    def generator_loss(fake):
        return gan.Simple_GAN.generator_loss(fake) * np.random.uniform(0.5, 1.5)


class IgnoresClip(gan.WGAN_clip):
    def after_discriminator_update(self):
        for weight in self.discriminator.trainable_variables:
            weight.assign(tf.clip_by_value(weight, -0.01, 0.01))


class OnceOnly(gan.Simple_GAN):
    """It ignores disc_iter."""

    def train_step(self, batches=None):
        real = self._next_real(batches, 0)
        logs = self.update_discriminator(real, self.fakes_for_training())
        return logs | self.update_generator(real)


class NoAverage(gan.Simple_GAN):
    def update_generator(self, real=None):
        variables = self.generator.trainable_variables
        with tf.GradientTape() as tape:
            fake = self.fakes_for_training().examples
            loss = self.generator_loss(self.judge(fake))
        gradients = tape.gradient(loss, variables)
        self.g_optimizer.apply(gradients, variables)
        return {"gen_loss": loss}


class NoAugmentation(gan.Simple_GAN):
    def judge(self, examples, condition=None, training=True):
        return self.discriminator(examples, training=training)


class OptionLost(gan.Simple_GAN):
    weight = Option(functools.partial(expect_number, 0))

    def __init__(self, *args, weight=1.0, **options):
        self.weight = 1.0
        super().__init__(*args, **options)


class NeedsMore(gan.Simple_GAN):
    def __init__(self, *args, weight, **options):
        super().__init__(*args, **options)


class OtherOrder(gan.Simple_GAN):
    def __init__(self, discriminator, generator, *args, **options):
        super().__init__(generator, discriminator, *args, **options)


class OtherRate(gan.Simple_GAN):
    def __init__(
        self,
        generator,
        discriminator,
        latent_generator,
        real_examples=None,
        batch_size=200,
        disc_iter=2,
        learning_rate=0.005,
        **options,
    ):
        parts = generator, discriminator, latent_generator, real_examples
        super().__init__(*parts, batch_size, disc_iter, **options)


class LogsWhatIsNotFinite(gan.Simple_GAN):
    log_names = (*gan.Simple_GAN.log_names, "margin")

    def output_logs(self, real, fake):
        return {"margin": tf.reduce_mean(fake) / 0.0}


class FreezesGenerator(gan.Simple_GAN):
    @staticmethod
    def generator_loss(fake):
        return tf.reduce_mean(tf.stop_gradient(fake) * 0.0 + 0.0 * fake)


FAULTS = {
    Forgets: "in the graph",
    ForgetsVariable: "exactly like the saved one",
    DrawsWithNumPy: "in the graph",
    IgnoresClip: "The option clip",
    OnceOnly: "disc_iter",
    NoAverage: "ema",
    NoAugmentation: "augment",
    OptionLost: "its option weight",
    NeedsMore: "'weight'",
    OtherOrder: "by position",
    OtherRate: "learning_rate",
    FreezesGenerator: "weights of the generator",
}


@pytest.mark.slow
@pytest.mark.parametrize("cls", FAULTS, ids=lambda cls: cls.__name__)
def test_a_fault_is_said_in_a_sentence(vectors, cls):
    with pytest.raises(AssertionError) as error:
        gan.testing.check_model(cls)
    said = str(error.value)
    assert FAULTS[cls] in said and said.endswith(".") and said[0].isupper(), said


@pytest.mark.slow
def test_the_example_of_the_base_class():
    """The example in the docstring of AdversarialModel is a class that passes."""
    (example,) = re.findall("```python\n(.*?)```", gan.AdversarialModel.__doc__, re.S)
    exec(textwrap.dedent(example), {"gan": gan, "keras": keras, "tf": tf})


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Simple_GAN", "WGAN_clip", "WGAN_GP"])
def test_the_example_of_a_class(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cls = getattr(gan, name)
    (example,) = re.findall("```python\n(.*?)```", cls.__doc__, re.S)
    usual = "epochs=10, steps_per_epoch=100"
    assert usual in example
    short = textwrap.dedent(example).replace(usual, "epochs=1, steps_per_epoch=1")
    names = {"gan": gan}
    exec(short, names)
    assert type(names["model"]) is cls and names["fakes"].shape == (500, 2)


def test_other_models_each_time(vectors):
    seeds = iter(range(9))
    with pytest.raises(AssertionError, match="set a seed"):
        gan.testing.check_model(lambda: vectors(seed=next(seeds)))


def test_what_makes_no_model():
    with pytest.raises(AssertionError, match="subclass of gan.AdversarialModel"):
        gan.testing.check_model(lambda: keras.Sequential())
