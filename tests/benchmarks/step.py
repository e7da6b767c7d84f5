"""Compares the time of a training step with that of a plain Keras model.

    python tests/benchmarks/step.py

The plain model computes the same, written as a Keras user would write it (one
`train_step`, samples drawn with `tf.random`, the layers of `keras.layers`). Both models
are trained by `fit` on the same array, and take turns in one process. Compare the
ratios only: the times depend on the machine.
"""

import functools
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

import gan  # noqa: E402


class PlainWGAN_GP(keras.Model):
    """WGAN-GP or least squares (`penalty=False`) the way tutorials write it."""

    def __init__(self, generator, discriminator, latent, real, batch_size, penalty):
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.latent, self.real = latent, tf.constant(real, tf.float32)
        self.batch_size, self.penalty = batch_size, penalty
        self.rows = tf.range(len(real))
        self.mse = keras.losses.MeanSquaredError()
        self.built = True

    def compile(self):
        super().compile(optimizer=None)
        self.adams = [keras.optimizers.Adam(0.005, 0.3, 0.9) for _ in range(2)]

    def real_sample(self):
        numbers = tf.random.shuffle(self.rows)[: self.batch_size]
        return tf.gather(self.real, numbers)

    def fake_sample(self):
        return self.generator(self.latent(self.batch_size), training=True)

    def train_step(self, data):
        for _ in range(2):
            real, fake = self.real_sample(), self.fake_sample()
            with tf.GradientTape() as tape:
                on_real = self.discriminator(real, training=True)
                on_fake = self.discriminator(fake, training=True)
                if self.penalty:
                    loss = tf.reduce_mean(on_fake) - tf.reduce_mean(on_real)
                    shape = (self.batch_size,) + (1,) * (len(real.shape) - 1)
                    u = tf.random.uniform(shape)
                    points = u * real + (1 - u) * fake
                    with tf.GradientTape() as inner:
                        inner.watch(points)
                        values = self.discriminator(points, training=True)
                    slopes = inner.gradient(values, points)
                    axes = range(1, len(real.shape))
                    norms = tf.sqrt(tf.reduce_sum(slopes**2, axes) + 1e-12)
                    penalty = tf.reduce_mean((norms - 1) ** 2)
                    objective = loss + 10 * penalty
                else:
                    loss = self.mse(tf.ones_like(on_real), on_real)
                    loss += self.mse(-tf.ones_like(on_fake), on_fake)
                    objective = loss
            weights = self.discriminator.trainable_variables
            self.adams[0].apply(tape.gradient(objective, weights), weights)
        with tf.GradientTape() as tape:
            on_fake = self.discriminator(self.fake_sample(), training=True)
            if self.penalty:
                generator_loss = -tf.reduce_mean(on_fake)
            else:
                generator_loss = self.mse(tf.ones_like(on_fake), on_fake)
        weights = self.generator.trainable_variables
        self.adams[1].apply(tape.gradient(generator_loss, weights), weights)
        logs = {"discr_loss": loss, "gen_loss": generator_loss}
        return {**logs, "gp": penalty} if self.penalty else logs


def normal(dim, size):
    return tf.random.normal((size, dim))


def milliseconds(model, real, steps):
    """Time of a step through `fit`, start of the call included."""
    start = time.perf_counter()
    model.fit(real, epochs=1, steps_per_epoch=steps, verbose=0)
    return (time.perf_counter() - start) / steps * 1e3


def toys():
    real = {5: gan.toys.four_clouds(20_000), 49: gan.toys.corner_cloud(10_000)}
    for shape in ([2, 10, 10, 5], [49, 98, 98, 49]):
        data = real[shape[-1]]
        for penalty, cls in ((False, gan.Simple_GAN), (True, gan.WGAN_GP)):
            ours = cls(*gan.fully_connected_GenDiscr(shape, data), data)
            networks = gan.fully_connected_GenDiscr(shape, data)[:2]
            latent = functools.partial(normal, shape[0])
            plain = PlainWGAN_GP(*networks, latent, data, 200, penalty)
            times = in_turns({"ours": ours, "plain": plain}, data, 250)
            line(f"{cls.__name__} {shape}", times["plain"], times["ours"])


def plain_layer(layer):
    kind = getattr(keras.layers, type(layer).__name__)
    return kind.from_config(layer.get_config())


def faces():
    data = np.random.default_rng(0).random((10_000, 16, 16, 1), "float32")
    latent = functools.partial(normal, 16)
    ours = gan.WGAN_GP(*gan.convolutional_GenDiscr(), latent, data)
    bare = gan.WGAN_GP(*gan.convolutional_GenDiscr(), latent, data)
    networks = [
        keras.models.clone_model(network, clone_function=plain_layer)
        for network in gan.convolutional_GenDiscr()
    ]
    plain = PlainWGAN_GP(*networks, latent, data, 200, True)
    step = tf.function(bare.train_step, autograph=False)

    def fit(x, epochs, steps_per_epoch, verbose):
        for _ in range(steps_per_epoch):
            step(None)

    bare.fit = fit
    times = in_turns({"ours": ours, "plain": plain, "bare": bare}, data, 40)
    line("WGAN_GP faces", times["plain"], times["ours"])
    print(f"{'  bare tf.function of our step':32} {times['bare']:7.2f}")


def in_turns(models, data, steps):
    """Best time of each model, measured in turns."""
    times = {name: [] for name in models}
    for model in models.values():
        model.compile()
        milliseconds(model, data, steps // 4)
    for _ in range(3):
        for name, model in models.items():
            times[name].append(milliseconds(model, data, steps))
    return {name: min(all_times) for name, all_times in times.items()}


def line(name, plain, ours):
    ratio = f"{plain / ours:.1f} times faster"
    print(f"{name:32} {ours:7.2f}   plain Keras {plain:7.2f}   {ratio}", flush=True)


if __name__ == "__main__":
    keras.utils.set_random_seed(0)
    print("milliseconds a step, batch 200, 2 + 1 updates, through fit (best of 3)")
    toys()
    faces()
