"""Several devices or machines update like one device on the joint batch."""

import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import tensorflow as tf

import gan
from gan import distribute
from gan.errors import InvalidInput

ROOT = pathlib.Path(__file__).resolve().parents[1]

# The code that both kinds of script below share: networks with two kinds of batch
# normalisation and with dropout, and the distance of two models.
COMMON = """
import contextlib, json, os, pathlib, sys, warnings
warnings.filterwarnings("ignore", "__array__ implementation")
import numpy as np, tensorflow as tf, keras, gan
from gan.saving import model_file as saving
from gan.errors import InvalidInput
from gan.callbacks import Checkpoint

real = np.random.default_rng(0).normal(0.5, 0.1, (64, 2)).astype("float32")

def plain_networks():
    return gan.fully_connected_GenDiscr([2, 4, 2], real)

def make(scope, cls=gan.WGAN_GP, norm=None, data=real, eager=False,
         networks=plain_networks, **options):
    keras.utils.set_random_seed(0)
    with scope:
        generator, discriminator, latent = networks()
        if norm is not None:
            generator = keras.Sequential([
                keras.Input((2,)), keras.layers.Dense(3, use_bias=False), norm(),
                keras.layers.Activation("tanh"), keras.layers.Dense(2)])
        options = {"batch_size": 8, "ema": 0.9, "seed": 1, **options}
        model = cls(generator, discriminator, latent, data, **options)
        model.compile(run_eagerly=eager)
    return model

def plain():
    return keras.layers.BatchNormalization()

def synchronized():
    return keras.layers.BatchNormalization(synchronized=True)

def mine(joint):
    "This replica's part of a joint batch."
    replica = tf.distribute.get_replica_context()
    count = 1 if replica is None else replica.num_replicas_in_sync
    number = 0 if count == 1 else replica.replica_id_in_sync_group
    return tf.reshape(joint, (count, -1, 2))[number]

draws = np.random.default_rng(1).normal(size=(8, 2)).astype("float32")

@keras.saving.register_keras_serializable()
class Given(gan.WGAN_GP):
    "Plays with given examples, latents and interpolates."
    def get_real_sample(self, size=None):
        return mine(real[:8])
    def get_interpolated_sample(self, real_sample, fake_sample):
        return (real_sample + 3 * fake_sample) / 4

@keras.saving.register_keras_serializable()
class Latents(gan.latent.LatentGenerator):
    def __call__(self, size):
        return mine(draws)[:size] + 0 * super().__call__(size)

def given_networks():
    return (*plain_networks()[:2], Latents(2))

def copies(variable):
    return getattr(variable.value, "values", [variable.value])

def state(model):
    return [np.array(copies(v)[0]) for v in saving.state_of(model)]

def distance(model, other):
    pairs = zip(state(model), state(other), strict=True)
    return max(float(np.abs(a - b).max()) for a, b in pairs)

def refused(function):
    try:
        function()
    except InvalidInput as error:
        return [str(error), error.argument]
"""

# -- one process, two devices ---------------------------------------------------

MIRRORED = (
    COMMON
    + """
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:1"])
folder = pathlib.Path(sys.argv[1])
found = {}

def differ(model):
    "How far the devices' copies are apart."
    variables = saving.state_of(model)
    return max(float(np.ptp([np.array(c) for c in copies(v)], axis=0).max())
               for v in variables)

def pair(steps=2, **options):
    "The same run on two devices and on one."
    parts = []
    for scope in (strategy.scope(), contextlib.nullcontext()):
        parts.append(
            make(scope, cls=Given, networks=given_networks, eager=True, **options))
    two, one = parts
    logs = [m.fit(epochs=1, steps_per_epoch=steps, verbose=0).history for m in parts]
    gap = max(abs(logs[0][name][0] - logs[1][name][0]) for name in logs[0])
    return two, distance(two, one), gap, differ(two)

found["given"] = pair()[1:]
found["given, synchronized"] = pair(norm=synchronized)[1:]
found["plain"] = pair(norm=plain)[1:]

# Each replica's own draws, and other ways to give examples.
model = make(strategy.scope())
own = strategy.run(lambda: (model.get_real_sample(), model.get_fake_sample()))
parts = [strategy.experimental_local_results(some) for some in own]
found["own draws"] = [[np.array(one).tolist() for one in some] for some in parts]

class Noise(keras.layers.Layer):
    "Draws from Keras's global generator."
    def call(self, x, training=False):
        return x + keras.random.normal((tf.shape(x)[0], 1, 1, 1))

layers = keras.layers
found["random layers"] = {}
with strategy.scope():
    for layer in (layers.RandomFlip("vertical"), layers.Dropout(0.5), Noise(),
                  layers.Pipeline([layers.GaussianNoise(1.0)]),
                  keras.Sequential([layers.RandomRotation(0.5)])):
        class Codes(gan.Simple_GAN):
            "Logs what each replica's layer makes of the same numbers."
            log_names = (*gan.Simple_GAN.log_names, "first", "second")
            def output_logs(self, real, fake):
                x = tf.reshape(tf.range(16.0), (4, 4, 1, 1))
                code = tf.reduce_sum(x * layer(x, training=True))
                replica = tf.distribute.get_replica_context()
                number = replica.replica_id_in_sync_group
                return {name: tf.where(number == n, code, 0.0)
                        for n, name in enumerate(self.log_names[2:])}
        layer.build((4, 4, 1, 1))
        spy = make(strategy.scope(), cls=Codes, eager=isinstance(layer, Noise))
        logs = spy.fit(epochs=4, steps_per_epoch=1, verbose=0).history
        found["random layers"][layer.name] = logs["first"], logs["second"]

def conditional():
    latents, labels = keras.Input((2,)), keras.Input((), dtype="int32")
    wishes = keras.layers.Embedding(3, 2, "glorot_normal")(labels)
    x = keras.layers.Concatenate()([latents, wishes])
    generator = keras.Model([latents, labels], keras.layers.Dense(2)(x))
    rows = keras.Input((2,))
    heads = [keras.layers.Dense(1, "sigmoid"), keras.layers.Dense(3, "softmax")]
    discriminator = keras.Model(rows, [head(rows) for head in heads])
    return generator, discriminator, gan.latent.LatentGenerator(2)

np.save(folder / "real.npy", real)
mapped = np.load(folder / "real.npy", mmap_mode="r")
batches = tf.data.Dataset.from_tensor_slices(real).batch(8)
labelled = (real, np.arange(64) % 3)
others = {
    "AC_GAN": dict(cls=gan.AC_GAN, networks=conditional, data=labelled),
    "memmap": dict(cls=gan.WGAN_clip, data=mapped),
    "Dataset": dict(data=batches, norm=synchronized),
}
for name, options in others.items():
    other = make(strategy.scope(), **options)
    history = other.fit(epochs=2, steps_per_epoch=3, verbose=0).history
    finite = all(np.isfinite(values).all() for values in history.values())
    updates = int(copies(other.generator.optimizer.iterations)[0])
    found[name] = [finite, differ(other), updates]

# The graph, checkpoints, files; and from two devices to one.
class Stop(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = epoch == 1

def run(model, epochs, callbacks=()):
    model.fit(epochs=epochs, steps_per_epoch=3, verbose=0, callbacks=[*callbacks])
    return model

def fill(model, values):
    for variable, value in zip(saving.state_of(model), values, strict=True):
        variable.assign(value)

model = make(strategy.scope(), norm=plain)
start = state(model)
checkpoint = folder / "checkpoints"
run(model, 4, [Checkpoint(checkpoint), Stop()])
model.save(folder / "half.keras")
half = state(model)
with strategy.scope():
    loaded = gan.load_model(folder / "half.keras")
found["loaded"] = distance(model, loaded)
found["loaded differ"] = differ(loaded)
fill(model, start)
run(model, 4)
whole = state(model)
found["moved"] = float(np.abs(whole[0] - half[0]).max())
fill(model, start)
run(model, 4, [Checkpoint(checkpoint)])
pairs = list(zip(state(model), whole, strict=True))
found["resumed"] = max(float(np.abs(a - b).max()) for a, b in pairs)
fill(model, [np.array(copies(v)[0]) for v in saving.state_of(loaded)])
model.fit(epochs=4, initial_epoch=2, steps_per_epoch=3, verbose=0)
pairs = list(zip(state(model), whole, strict=True))
found["went on"] = max(float(np.abs(a - b).max()) for a, b in pairs)
one = gan.load_model(folder / "half.keras")
found["on one device"] = distance(one, loaded)
found["sample"] = [list(model.get_fake_sample(5).shape),
                   list(model.get_real_sample(5).shape)]
model.discriminator.layers[1].kernel.assign(np.full((2, 4), np.nan))
try:
    run(model, 5)
except gan.Diverged as error:
    found["diverged"] = str(error)

# What is refused, and before anything is changed.
parts = plain_networks()
def networks():
    with strategy.scope():
        gan.WGAN_GP(*parts, real, batch_size=8)
def optimizer():
    adam = keras.optimizers.Adam()
    with strategy.scope():
        gan.WGAN_GP(*plain_networks(), real, batch_size=8, generator_optimizer=adam)
def clipping():
    with strategy.scope():
        sgd = keras.optimizers.SGD(clipnorm=1.0)
        gan.WGAN_GP(*plain_networks(), real, batch_size=8, generator_optimizer=sgd)
def scope():
    alone = gan.WGAN_GP(*plain_networks(), real, batch_size=8)
    alone.compile()
    with strategy.scope():
        alone.fit(steps_per_epoch=1, verbose=0)
def hung():
    with strategy.scope():
        model.generator.optimizer = keras.optimizers.SGD(clipvalue=1.0)
    model.compile()
    run(model, 5)
refusals = {
    "batch": lambda: make(strategy.scope(), batch_size=9),
    "batch in fit": lambda: model.fit(batch_size=7, steps_per_epoch=1, verbose=0),
    "clipping in compile": hung,
    "networks": networks, "optimizer": optimizer, "clipping": clipping, "scope": scope,
    "jit": lambda: model.compile(jit_compile=True),
}
found["refused"] = {name: refused(call) for name, call in refusals.items()}
print("FOUND" + json.dumps(found))
"""
)


def start(code, *arguments, out=subprocess.PIPE, cwd=None, **environment):
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment |= {"PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **environment},
        stdout=out,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """The results of one process with two devices, which sets up TensorFlow once."""
    with start(MIRRORED, tmp_path_factory.mktemp("mirrored")) as process:
        out = process.communicate(timeout=900)[0]
    assert process.returncode == 0, out
    return json.loads(out.split("FOUND")[1])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["given", "given, synchronized"])
def test_an_update_is_that_of_one_device_on_the_joint_batch(found, name):
    """Adam's first steps divide by numbers close to 0, which magnifies rounding."""
    state, logs, devices = found[name]
    assert state < 5e-6 and logs < 1e-6
    assert devices == 0


@pytest.mark.slow
def test_plain_batch_normalisation_takes_each_part_and_averages_statistics(found):
    apart, _, devices = found["plain"]
    assert apart > 1e-4 and devices == 0


@pytest.mark.slow
def test_each_replica_draws_its_own(found):
    for one, other in found["own draws"]:
        assert np.shape(one) == np.shape(other) == (4, 2) and one != other


@pytest.mark.slow
def test_random_layers_of_keras_draw_anew_on_each_replica(found):
    for name, (first, second) in found["random layers"].items():
        # With so few random bits, some draws are equal by chance, but not all.
        assert first != second and len({*first}) > 1, name


@pytest.mark.slow
@pytest.mark.parametrize("name", ["AC_GAN", "memmap", "Dataset"])
def test_two_devices_train_on(found, name):
    assert found[name] == [True, 0, 6]


@pytest.mark.slow
def test_two_devices_save_load_and_resume_exactly(found):
    assert found["moved"] > 1e-3
    for name in ("loaded", "loaded differ", "resumed", "went on", "on one device"):
        assert found[name] == 0, name


@pytest.mark.slow
def test_two_devices_sample_and_diverge_as_one(found):
    assert found["sample"] == [[5, 2], [5, 2]]
    assert found["diverged"].startswith("A loss or a weight became infinite or NaN")


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, argument",
    [
        ("batch", "batch_size"),
        ("batch in fit", "batch_size"),
        ("networks", "generator"),
        ("optimizer", "generator_optimizer"),
        ("clipping", "generator_optimizer"),
        ("clipping in compile", "generator.optimizer"),
        ("scope", "generator"),
        ("jit", "jit_compile"),
    ],
)
def test_refused(found, name, argument):
    assert found["refused"][name][1] == argument


# -- without several devices ----------------------------------------------------


def test_one_device_is_all_of_the_joint_batch():
    loss, seed = tf.ones(()), tf.constant((1, 2))
    assert distribute.replicas() == 1
    assert distribute.part(loss) is loss and distribute.own_seed(seed) is seed
    distribute.average([keras.Variable(1.0)])
    strategy = tf.distribute.get_strategy()
    assert distribute.is_chief(strategy) and not distribute.many_workers(strategy)
    assert distribute.agree(strategy, 3)


def test_errors_of_one_device_stay_what_they_are():
    error = tf.errors.UnavailableError(None, None, "Collective ops is aborted")
    with pytest.raises(tf.errors.UnavailableError):
        with distribute.worker_lost(tf.distribute.get_strategy()):
            raise error


def test_networks_of_a_strategy_are_refused_outside_it():
    with tf.distribute.MirroredStrategy(["/cpu:0"]).scope():
        parts = gan.fully_connected_GenDiscr([2, 3, 2], np.zeros((9, 2)))
    with pytest.raises(InvalidInput, match="scope"):
        gan.Simple_GAN(*parts)


WRITE, TRAIN = re.findall(r"```python\n(.*?)```", distribute.__doc__, re.DOTALL)


@pytest.mark.slow
def test_the_docstring_runs_on_one_machine(tmp_path, monkeypatch):
    """The strategy is made in this process, whose TensorFlow runs already."""
    monkeypatch.chdir(tmp_path)
    exec(WRITE, {})
    shards = sorted(tmp_path.glob("circle-*.tfrecord"))
    records = [r.numpy() for r in tf.data.TFRecordDataset(list(map(str, shards)))]
    assert len(shards) == 4 and len(set(records)) == 1000
    exec(TRAIN.replace("MultiWorkerMirroredStrategy", "MirroredStrategy"), {})
    assert gan.load_model("model.keras").generator.optimizer.iterations == 80
    assert list((tmp_path / "run").glob("epoch-000004.keras"))


# -- several processes ----------------------------------------------------------


@contextlib.contextmanager
def workers(code, folder, *arguments):
    """Start two workers that connect on the loopback, and write to `folder`."""
    with contextlib.ExitStack() as sockets:
        made = [sockets.enter_context(socket.socket()) for _ in range(2)]
        for port in made:
            port.bind(("127.0.0.1", 0))
        cluster = [f"127.0.0.1:{port.getsockname()[1]}" for port in made]
    processes = []
    try:
        for index in range(2):
            task = {"type": "worker", "index": index}
            config = json.dumps({"cluster": {"worker": cluster}, "task": task})
            with open(folder / f"{index}.txt", "w") as out:
                process = start(code, *arguments, out=out, TF_CONFIG=config)
            processes.append(process)
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def printed(folder, index):
    return (folder / f"{index}.txt").read_text()


def finish(processes, folder):
    for index, process in enumerate(processes):
        assert process.wait(900) == 0, printed(folder, index)
    return [json.loads(printed(folder, i).split("FOUND")[1]) for i in range(2)]


WORKER = (
    """
import tensorflow as tf
strategy = tf.distribute.MultiWorkerMirroredStrategy()
"""
    + COMMON
    + """
rank, folder = strategy.cluster_resolver.task_id, pathlib.Path(sys.argv[1])
found = {}

def keep(name, model):
    np.savez(folder / f"{name}-{rank}.npz", *state(model))
"""
)

TOGETHER = (
    WORKER
    + """
mapped = np.load(folder / "real.npy", mmap_mode="r")
given = dict(cls=Given, networks=given_networks, norm=synchronized, data=mapped)
model = make(strategy.scope(), **given)
found["history"] = model.fit(epochs=2, steps_per_epoch=3).history
keep("half", model)
model.save(folder / f"model-{rank}.keras")
model.save_weights(folder / f"model-{rank}.weights.h5")
model.fit(epochs=4, initial_epoch=2, steps_per_epoch=3)
keep("whole", model)
with strategy.scope():
    loaded = gan.load_model(folder / "model-0.keras")
loaded.fit(mapped, epochs=4, initial_epoch=2, steps_per_epoch=3)
found["went on"] = distance(model, loaded)

plain_model = make(strategy.scope(), norm=plain)
checkpoint = folder / "run"
plain_model.fit(epochs=1, steps_per_epoch=5, callbacks=[Checkpoint(checkpoint)])
found["files"] = sorted(path.name for path in checkpoint.glob("*.keras"))
plain_model.fit(epochs=2, steps_per_epoch=5, callbacks=[Checkpoint(checkpoint)])
keep("plain", plain_model)
found["then"] = int(copies(plain_model.generator.optimizer.iterations)[0])
found["disagreement"] = refused(
    lambda: plain_model.fit(epochs=5 + rank, steps_per_epoch=2))
try:
    found["no shared folder"] = refused(lambda: plain_model.fit(
        epochs=5, steps_per_epoch=2, callbacks=[Checkpoint(folder / f"own-{rank}")]))
except gan.distribute.WorkerLost:
    found["no shared folder"] = "lost"
print("FOUND" + json.dumps(found))
"""
)


@pytest.mark.slow
def test_two_workers(tmp_path):
    names = {"np": np, "tf": tf, "keras": keras, "gan": gan}
    exec(COMMON, names)
    np.save(tmp_path / "real.npy", names["real"])
    with workers(TOGETHER, tmp_path, tmp_path) as processes:
        found = finish(processes, tmp_path)
    given = {"cls": names["Given"], "networks": names["given_networks"]}
    norm = names["synchronized"]
    model = names["make"](contextlib.nullcontext(), norm=norm, **given)
    states = {}
    for name in ("half", "whole", "plain"):
        one, other = (np.load(tmp_path / f"{name}-{rank}.npz") for rank in range(2))
        states[name] = [one[array] for array in one.files]
        for array in one.files:
            np.testing.assert_array_equal(one[array], other[array])
    for end, name in ((2, "half"), (4, "whole")):
        history = model.fit(
            epochs=end, initial_epoch=end - 2, steps_per_epoch=3, verbose=0
        ).history
        if name == "half":
            for log, values in history.items():
                np.testing.assert_allclose(found[0]["history"][log], values, atol=1e-6)
        for a, b in zip(states[name], names["state"](model), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5)
    assert found[0]["history"] == found[1]["history"]
    assert [f["went on"] for f in found] == [0, 0]
    written = sorted(path.name for path in tmp_path.glob("model-*"))
    assert written == ["model-0.keras", "model-0.weights.h5"]
    assert found[0]["files"] == found[1]["files"] == ["epoch-000001.keras"]
    assert [f["then"] for f in found] == [10, 10]
    for one in found:
        assert one["disagreement"][0].startswith("The workers must be given")
    assert found[0]["no shared folder"] == "lost"
    assert "all workers share" in found[1]["no shared folder"][0]
    assert "Epoch 1/2" in printed(tmp_path, 0)
    assert "Epoch" not in printed(tmp_path, 1)


LONG = (
    WORKER
    + """
class Report(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        print("epoch", epoch + 1, flush=True)

model = make(strategy.scope(), norm=plain)
try:
    model.fit(epochs=12, steps_per_epoch=20,
              callbacks=[Checkpoint(folder / "run", every=2), Report()], verbose=0)
except gan.distribute.WorkerLost as error:
    print("LOST", error)
    sys.exit(3)
keep("end", model)
print("FOUND{}")
"""
)


def end(folder):
    """The state after an uninterrupted, or a resumed, run of two workers."""
    with workers(LONG, folder, folder) as processes:
        finish(processes, folder)
    with np.load(folder / "end-0.npz") as arrays:
        return [arrays[name] for name in arrays.files]


@pytest.mark.slow
def test_a_killed_worker_ends_the_others_and_the_run_goes_on(tmp_path):
    folders = [tmp_path / name for name in ("calm", "chief", "other")]
    for folder in folders:
        folder.mkdir()
    calm = end(folders[0])
    for victim, folder in enumerate(folders[1:]):
        with workers(LONG, folder, folder) as processes:
            while "epoch 5\n" not in printed(folder, 1 - victim):
                assert [p.poll() for p in processes] == [None, None]
                time.sleep(0.01)
            processes[victim].send_signal(signal.SIGKILL)
            assert processes[1 - victim].wait(1800) == 3, printed(folder, 1 - victim)
        said = printed(folder, 1 - victim).split("LOST ")[1]
        assert said.startswith("A worker died")
        assert "epoch 12" not in printed(folder, 1 - victim)
    for one, other in zip(end(folders[1]), calm, strict=True):
        np.testing.assert_array_equal(one, other)
    assert "Going on from" in printed(folders[1], 0)


@pytest.mark.slow
def test_the_docstring_runs_on_two_workers(tmp_path):
    script = f"import os, sys\nos.chdir(sys.argv[1])\n{TRAIN}\nprint('FOUND[]')"
    with start(WRITE, cwd=tmp_path) as process:
        assert process.wait(1800) == 0
    with workers(script, tmp_path, tmp_path) as processes:
        finish(processes, tmp_path)
    assert gan.load_model(tmp_path / "model.keras").generator.optimizer.iterations == 80
