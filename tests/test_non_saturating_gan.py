import numpy as np
import pytest
import tensorflow as tf
from conftest import refused

import gan
from gan.losses import cross_entropy_discriminator, non_saturating_generator


def test_loss_pair_with_its_smoothing(vectors):
    real, fake = tf.random.stateless_normal((2, 9, 1), (1, 2))
    for target in (1.0, 0.9):
        model = vectors(gan.NonSaturatingGAN, real_target=target)
        loss = model.discriminator.loss(real, fake)
        assert loss == cross_entropy_discriminator(real, fake, target)
        assert model.generator.loss(fake) == non_saturating_generator(fake)
    assert model.real_target == 0.9 and model.options()["real_target"] == 0.9


def test_logged_accuracy_is_that_before_the_update(vectors):
    models = [vectors(gan.NonSaturatingGAN, disc_iter=1) for _ in range(2)]
    model, twin = models
    for one in models:
        one.discriminator.layers[-1].bias.assign([-0.1])
    logs = model.train_step(None)
    assert list(logs) == ["discr_loss", "gen_loss", "discr_acc"]
    real, fake = twin.get_real_sample(), twin.get_fake_sample(training=True)
    said = [np.array(twin.discriminator(rows)) for rows in (real, fake)]
    expected = np.mean([said[0] > 0, said[1] <= 0])
    assert 0 < expected < 1 and logs["discr_acc"] == expected


def test_a_discriminator_that_does_not_know_is_half_right():
    model, zeros = gan.NonSaturatingGAN, tf.zeros((4, 1))
    assert model.output_logs(None, zeros, zeros)["discr_acc"] == 0.5


@pytest.mark.parametrize("target", [-0.1, 1.1, float("nan"), "1", None])
def test_bad_targets(vectors, target):
    with refused("real_target"):
        vectors(gan.NonSaturatingGAN, real_target=target)
