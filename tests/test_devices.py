"""Optimisations that are faster only on a CPU are not used if there is a GPU.

The tests need no GPU, because they replace TensorFlow's list of devices.
"""

import sys
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import gan
from gan.cli import shared
from gan.data.kept import KeptFile, as_tensor
from gan.support.devices import only_cpu
from gan.training.layers import accelerated
from gan.training.runtime import unfused


@pytest.fixture
def gpu(monkeypatch):
    """Add a GPU, or a device of another kind, to TensorFlow's list of devices."""

    def appear(kind="GPU"):
        found = [types.SimpleNamespace(device_type=one) for one in ("CPU", kind)]
        found = [one for one in found if one.device_type]
        monkeypatch.setattr(tf.config, "get_visible_devices", lambda: found)

    return appear


def test_devices_are_told_apart(gpu):
    assert only_cpu()
    for kind in ("GPU", "TPU", "NPU"):
        gpu(kind)
        assert not only_cpu()


def test_to_ask_does_not_start_tensorflow():
    code = "from gan.support.devices import only_cpu; import tensorflow as tf; "
    code += "assert only_cpu(); tf.config.set_visible_devices([], 'GPU'); "
    code += "tf.config.threading.set_inter_op_parallelism_threads(2)"
    import subprocess

    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_layers_stay_keras_s_own(gpu):
    parts = [layers.Conv2D(3, 3, padding="same"), layers.MaxPooling2D()]
    network = keras.Sequential([keras.Input((4, 4, 2)), *parts])

    def replaced():
        with accelerated(network):
            names = ("convolution_op", "call")
            return [name for one in parts for name in names if name in vars(one)]

    assert replaced() == ["convolution_op", "call"]
    gpu()
    assert replaced() == []


def test_operations_are_fused_as_usual(gpu):
    def remapping():
        options = tf.config.optimizer.get_experimental_options()
        return options.get("remapping", True)

    with unfused():
        assert not remapping()
    gpu()
    with unfused():
        assert remapping()


def test_commands_leave_the_threads_alone(gpu, monkeypatch):
    called = []
    monkeypatch.setattr(shared, "set_threads", lambda: called.append(1))
    shared.import_tensorflow(side_by_side=True)
    assert called == [1]
    gpu()
    shared.import_tensorflow(side_by_side=True)
    assert called == [1]


def test_kept_pictures_are_copied_to_the_device(gpu, tmp_path):
    room = KeptFile(tmp_path / "a.npz").room((9, 8, 8, 3))
    room[:] = np.random.default_rng(0).integers(0, 256, room.shape)
    assert np.shares_memory(np.asarray(as_tensor(room)), room)
    gpu()
    copy = as_tensor(room)
    np.testing.assert_array_equal(copy, room)
    assert not np.shares_memory(np.asarray(copy), room)


def test_channels_may_come_first(gpu):
    def make():
        conv = layers.Conv2D(2, 3, data_format="channels_first")
        network = keras.Sequential(
            [keras.Input((3, 8, 8)), conv, layers.Flatten(), layers.Dense(1)]
        )
        generator = keras.Sequential(
            [keras.Input((2,)), layers.Dense(192), layers.Reshape((3, 8, 8))]
        )
        return gan.R3GAN(generator, network, gan.latent.LatentGenerator(2))

    with pytest.raises(gan.InvalidInput, match="channels_last"):
        make()
    gpu()
    assert make().discriminator is not None


def test_a_step_trains_without_what_is_for_a_processor(gpu):
    def weights():
        networks = gan.residual_GenDiscr((8, 8, 3), width=4)
        real = np.random.default_rng(0).integers(0, 256, (16, 8, 8, 3), "uint8")
        model = gan.R3GAN(*networks, real, batch_size=4, seed=0)
        model.fit(epochs=1, steps_per_epoch=1, verbose=0)
        return model.weights

    keras.utils.set_random_seed(0)
    here = weights()
    gpu()
    keras.utils.set_random_seed(0)
    for one, other in zip(here, weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)
