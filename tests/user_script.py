"""A script of a user, in which a type checker must find no error (.ci/run)."""

import keras
import numpy as np
import tensorflow as tf

import gan

real = gan.toys.circle(1000)
generator, discriminator, latents = gan.fully_connected_GenDiscr([2, 10, 10, 2], real)
model = gan.WGAN_GP(generator, discriminator, latents, real, batch_size=50, ema=0.99)
model.compile(steps_per_execution=10)
checkpoint = gan.callbacks.Checkpoint("run", keep=2)
grid = gan.callbacks.Metrics(real[:100], names=["sw2"])
history = model.fit(epochs=2, steps_per_epoch=10, callbacks=[checkpoint, grid])
losses: list[float] = history.history["gen_loss"]
fakes = np.asarray(model.get_fake_sample(100))
distance = gan.metrics.sliced_wasserstein(real, fakes)
figure = gan.plots.losses(history.history, title=f"{distance:.3f} {losses[-1]:.3f}")
gan.plots.save(figure, "losses.png")
model.save("model.keras")
loaded = gan.load_model("model.keras")
other = gan.WGAN_clip(generator, discriminator, latents, real, clip=0.1)
other.learning_rate = 1e-3


class HingeGAN(gan.AdversarialModel):
    @staticmethod
    def discriminator_loss(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(tf.nn.relu(1 - real) + tf.nn.relu(1 + fake))

    generator_loss = staticmethod(gan.losses.wasserstein_generator)


hinge = HingeGAN(generator, discriminator, latents, real)
hinge.fit(epochs=1, steps_per_epoch=10)
try:
    gan.Simple_GAN(keras.Sequential(), discriminator, latents, real)
except gan.InvalidInput as error:
    print(error)
for finding in gan.diagnose(hinge):
    print(finding.name, finding.cure)
