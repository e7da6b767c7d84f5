import contextlib
import signal
import threading

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import refused, slow_but_first
from tensorflow.python.eager import context
from test_base import assert_same, state

import gan
from gan.errors import InvalidInput
from gan.training import fit as fitting
from gan.training.fit import Diverged


class Events(keras.callbacks.Callback):
    """Records the events of a run, and calls `act` at the event `when`."""

    def __init__(self, act=None, when=None):
        super().__init__()
        self.act, self.when, self.names, self.released = act, when, [], 0

    def note(self, name):
        self.names.append(name)
        if name == self.when:
            self.act(self.model)

    def on_train_begin(self, logs=None):
        self.model.closing.callback(self.release)
        self.note("train_begin")

    def on_train_end(self, logs=None):
        self.note("train_end")

    def on_epoch_begin(self, epoch, logs=None):
        self.note(f"epoch_begin {epoch}")

    def on_epoch_end(self, epoch, logs=None):
        self.note(f"epoch_end {epoch}")

    def on_train_batch_end(self, batch, logs=None):
        self.note(f"batch_end {batch}")

    def release(self):
        self.released += 1


def fail(model):
    raise RuntimeError("crash")


def interrupt(model):
    signal.raise_signal(signal.SIGINT)


def interrupt_twice(model):
    signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGINT)


@pytest.fixture
def handler():
    """A handler of the user's own, which must be back after `fit`."""
    calls = []

    def own(*_):
        calls.append(True)

    before = signal.signal(signal.SIGINT, own)
    own.calls = calls
    yield own
    signal.signal(signal.SIGINT, before)


# -- the run ----------------------------------------------------------------------


def test_callbacks_hear_of_exactly_the_steps(vectors):
    model = vectors(gan.Simple_GAN)
    model.compile(steps_per_execution=2)
    events = Events()
    model.fit(epochs=2, steps_per_epoch=3, verbose=0, callbacks=[events])
    assert events.names == [
        "train_begin",
        *["epoch_begin 0", "batch_end 1", "batch_end 2", "epoch_end 0"],
        *["epoch_begin 1", "batch_end 1", "batch_end 2", "epoch_end 1"],
        "train_end",
    ]
    assert model.generator.optimizer.iterations == 6
    assert model.discriminator.optimizer.iterations == 6


def test_logs_are_means_over_their_epoch(vectors):
    model, twin = vectors(gan.Simple_GAN), vectors(gan.Simple_GAN)
    history = model.fit(epochs=2, steps_per_epoch=3, verbose=0).history
    steps = [twin.train_step() for _ in range(6)]
    for name in ("discr_loss", "gen_loss"):
        values = np.array([float(step[name]) for step in steps])
        np.testing.assert_allclose(history[name], values.reshape(2, 3).mean(1), 1e-5)


def test_stopping_in_the_middle_ends_the_epoch_there(vectors):
    def stop(model):
        model.stop_training = True

    model = vectors(gan.Simple_GAN)
    model.compile(steps_per_execution=2)
    events = Events(stop, "batch_end 1")
    model.fit(epochs=5, steps_per_epoch=6, verbose=0, callbacks=[events])
    assert model.generator.optimizer.iterations == 2
    assert events.names[-2:] == ["epoch_end 0", "train_end"]


@pytest.mark.slow
def test_what_a_callback_changes_acts_from_its_epoch_on(vectors):
    def change(model):
        model.lambda_gp = 0.0

    changed, plain, free = vectors(), vectors(), vectors(lambda_gp=0.0)
    changed.fit(
        epochs=2,
        steps_per_epoch=2,
        verbose=0,
        callbacks=[Events(change, "epoch_end 0")],
    )
    plain.fit(epochs=1, steps_per_epoch=2, verbose=0)
    plain.lambda_gp = 0.0
    plain.fit(epochs=2, initial_epoch=1, steps_per_epoch=2, verbose=0)
    assert_same(changed, plain)
    free.fit(epochs=2, steps_per_epoch=2, verbose=0)
    weights = changed.discriminator.weights, free.discriminator.weights
    assert any((a != b).numpy().any() for a, b in zip(*weights, strict=True))


@pytest.mark.parametrize("initial_epoch", [-1, 1.5, "a", None])
def test_initial_epoch_is_a_number_of_epochs(vectors, initial_epoch):
    model = vectors()
    before = state(model)
    with pytest.raises(InvalidInput, match="initial_epoch must be a whole number"):
        model.fit(epochs=2, initial_epoch=initial_epoch, verbose=0)
    for a, b in zip(state(model), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_nothing_left_to_do(vectors):
    model = vectors(gan.Simple_GAN)
    before, events = state(model), Events()
    history = model.fit(epochs=2, initial_epoch=2, verbose=0, callbacks=[events])
    assert history.history == {} and events.names == ["train_begin", "train_end"]
    for a, b in zip(before, state(model), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("wrong", [print, keras.callbacks.History, "history"])
def test_what_is_no_callback_is_refused(vectors, wrong):
    with refused("callbacks"):
        vectors(gan.Simple_GAN).fit(epochs=1, callbacks=[wrong])


class Refuses(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        raise InvalidInput("The folder is not free.", "directory")


OTHER = np.full((64, 2), 0.5, "float32")
ENDLESS = tf.data.Dataset.from_tensors(OTHER[:4]).repeat()
REFUSED = {
    "real_examples": {"batch_size": 5000},
    "y": {"y": np.zeros(64, "int32")},
    "steps_per_epoch": {"x": ENDLESS, "batch_size": 4},
    "verbose": {"x": OTHER, "batch_size": 4, "verbose": "loud"},
    "directory": {"x": OTHER, "batch_size": 4, "callbacks": [Refuses()]},
}


@pytest.mark.parametrize("argument", slow_but_first(*REFUSED, single=True))
def test_a_refused_fit_keeps_data_and_batch_size(vectors, argument):
    model = vectors(gan.Simple_GAN)
    before = state(model), model.real_examples
    with pytest.raises(InvalidInput) as refused:
        model.fit(**REFUSED[argument])
    assert refused.value.argument == argument
    assert model.batch_size == 8 and model.real_examples is before[1]
    for a, b in zip(state(model), before[0], strict=True):
        np.testing.assert_array_equal(a, b)


# -- the graph ------------------------------------------------------------------


def count_traces(function):
    """A function that counts its calls, which happen only while a graph is traced."""

    def spy(*arguments):
        spy.count += 1
        return function(*arguments)

    spy.count = 0
    return spy


def test_a_graph_is_traced_again_only_where_it_must_be(vectors):
    model = vectors(gan.Simple_GAN)
    traces = model.train_step = count_traces(model.train_step)
    options = {"epochs": 1, "steps_per_epoch": 3, "verbose": 0}
    for real in (None, model.real_examples.numpy()):
        model.fit(real, **options)
    assert traces.count == 1
    model.batch_size = 4
    model.fit(**options)
    assert traces.count == 2
    model.discriminator.layers[1].trainable = False
    model.fit(**options)
    assert traces.count == 3
    model.compile()
    model.fit(**options)
    assert traces.count == 4


def as_map(array, tmp_path):
    np.save(tmp_path / "x.npy", array)
    return np.load(tmp_path / "x.npy", mmap_mode="r")


FORMS = {
    "array": lambda array, _: array,
    "memory map": as_map,
    "Dataset": lambda array, _: tf.data.Dataset.from_tensor_slices(array).batch(8),
}


@pytest.mark.parametrize("form", slow_but_first(*FORMS, single=True))
def test_other_data_of_the_same_shape_need_no_new_trace(vectors, form, tmp_path):
    model, twin = vectors(gan.Simple_GAN), vectors(gan.Simple_GAN)
    traces, real = count_traces(model.update_generator), model.real_examples.numpy()
    model.update_generator = traces
    for part in (real[:16], real[16:32], real[32:48]):
        model.train_on_batch(FORMS[form](part, tmp_path))
    assert traces.count == 1
    if form != "Dataset":
        for part in (real[:16], real[16:32], real[32:48]):
            twin.real_examples = part
            twin.train_step()
        for a, b in zip(state(model), state(twin), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.slow
def test_how_steps_are_grouped_changes_nothing(vectors):
    models = [vectors(gan.Simple_GAN) for _ in range(3)]
    for model, chunk in zip(models, (1, 7, "auto"), strict=True):
        model.compile(steps_per_execution=chunk)
        model.fit(epochs=2, steps_per_epoch=9, verbose=0)
        assert model.history.history == models[0].history.history
        assert_same(model, models[0])


def test_compile_options_round_trip(vectors):
    options = {"run_eagerly": True, "jit_compile": False, "steps_per_execution": 3}
    model = vectors(gan.Simple_GAN)
    model.compile(**options)
    assert model.get_compile_config() == options
    other = vectors(gan.Simple_GAN)
    other.compile_from_config(model.get_compile_config())
    assert other.get_compile_config() == options and other.run_eagerly
    for bad in (0, -1, 2.5, None, "all"):
        with pytest.raises(
            InvalidInput, match="steps_per_execution must be a positive"
        ):
            other.compile(steps_per_execution=bad)
    assert other.get_compile_config() == options


@pytest.mark.slow
def test_compile_need_not_be_called(vectors):
    model = vectors(gan.Simple_GAN)
    parts = model.generator, model.discriminator, model.latent_generator
    other = gan.Simple_GAN(*parts, model.real_examples, batch_size=8)
    other.fit(epochs=1, steps_per_epoch=1, verbose=0)


# -- divergence -----------------------------------------------------------------


class Breaks(gan.Simple_GAN):
    """Its loss is NaN in step 7."""

    def discriminator_extra(self, real, fake, condition):
        return 0.0, {}

    def update_generator(self, real=None):
        logs = super().update_generator(real)
        bad = tf.equal(self.generator.optimizer.iterations, 7)
        return {"gen_loss": tf.where(bad, np.nan, logs["gen_loss"])}


@pytest.mark.parametrize("chunk, last", slow_but_first((1, 6), (4, 7), (10, 9)))
def test_a_loss_that_is_not_finite_ends_it(vectors, chunk, last):
    model, events = vectors(Breaks), Events()
    model.compile(steps_per_execution=chunk, run_eagerly=chunk == 1)
    with pytest.raises(Diverged, match="infinite or NaN .* learning rate too high"):
        model.fit(epochs=2, steps_per_epoch=10, verbose=0, callbacks=[events])
    # The callbacks are called for that graph call, and for nothing after it.
    assert events.names[-1] == f"batch_end {last}" and events.released == 1
    assert isinstance(Diverged(), ArithmeticError) and model.diverged


def test_a_later_fit_is_not_blamed(vectors):
    model = vectors(Breaks)
    model.compile(steps_per_execution=10)
    with pytest.raises(Diverged):
        model.fit(epochs=1, steps_per_epoch=10, verbose=0)
    model.fit(epochs=1, steps_per_epoch=3, verbose=0)
    assert model.diverged is None


def test_a_dataset_that_a_filter_empties_is_refused(vectors):
    rows = tf.data.Dataset.from_tensors(np.zeros((8, 2), "float32"))
    model = vectors()
    with refused("real_examples"):
        model.real_examples = rows.filter(lambda x: tf.reduce_any(x > 1))


# -- fusing ---------------------------------------------------------------------


def fused(fit):
    """Fused operations in the graphs that run during `fit()`."""
    here = context.context()
    here.ensure_initialized()
    here.enable_graph_collection()
    try:
        fit()
        graphs = here.export_run_metadata().function_graphs
    finally:
        here.disable_graph_collection()
    graphs = [graph.post_optimization_graph for graph in graphs]
    nodes = [node for graph in graphs for node in graph.node]
    nodes += [n for g in graphs for f in g.library.function for n in f.node_def]
    return [node.op for node in nodes if "Fused" in node.op]


@pytest.mark.slow
def test_no_product_of_a_step_is_fused(vectors, monkeypatch):
    model = vectors(gan.Simple_GAN)

    def fit():
        model.fit(epochs=1, steps_per_epoch=1, verbose=0)

    assert fused(fit) == [] and fused(fit) == []
    monkeypatch.setattr(fitting, "unfused", contextlib.nullcontext)
    assert fused(fit)


def remapping():
    """TensorFlow's option for graphs that this thread runs; 0 is its default."""
    own = context.context().function_call_options.config_proto_serialized
    config = tf.compat.v1.ConfigProto.FromString(own)
    return config.graph_options.rewrite_options.remapping


@pytest.mark.slow
def test_fusing_is_back_after_an_exception(vectors):
    events = Events(fail, "batch_end 0")
    events.note("x")
    with pytest.raises(RuntimeError):
        vectors().fit(epochs=1, steps_per_epoch=2, verbose=0, callbacks=[events])
    assert remapping() != 2


# -- Ctrl-C ---------------------------------------------------------------------


def test_interrupt_ends_the_call_then_the_callbacks_then_fit(vectors, handler):
    model = vectors(gan.Simple_GAN)
    model.compile(steps_per_execution=2)
    events = Events(interrupt, "batch_end 1")
    with pytest.raises(KeyboardInterrupt):
        model.fit(epochs=2, steps_per_epoch=6, verbose=0, callbacks=[events])
    assert events.names[-2:] == ["batch_end 1", "train_end"]
    assert model.generator.optimizer.iterations == 2
    assert events.released == 1
    assert signal.getsignal(signal.SIGINT) is handler and not handler.calls


@pytest.mark.slow
def test_a_second_interrupt_does_what_it_always_does(vectors, handler):
    model = vectors(gan.Simple_GAN)
    events = Events(interrupt_twice, "batch_end 0")
    with pytest.raises(KeyboardInterrupt):
        model.fit(epochs=1, steps_per_epoch=4, verbose=0, callbacks=[events])
    assert handler.calls == [True]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    events = Events(interrupt_twice, "batch_end 0")
    with pytest.raises(KeyboardInterrupt):
        model.fit(epochs=1, steps_per_epoch=4, verbose=0, callbacks=[events])
    assert events.names.count("batch_end 0") == 1 and events.released == 1
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize(
    "when", slow_but_first("epoch_begin 0", "batch_end 0", "train_end", single=True)
)
def test_an_exception_frees_callbacks_and_signal(vectors, handler, when):
    events, other = Events(fail, when), Events()
    model = vectors(gan.Simple_GAN)
    with pytest.raises(RuntimeError, match="crash"):
        model.fit(epochs=1, steps_per_epoch=2, verbose=0, callbacks=[events, other])
    assert events.released == other.released == 1
    assert signal.getsignal(signal.SIGINT) is handler
    model.fit(epochs=1, steps_per_epoch=1, verbose=0)


def test_the_handler_is_back_after_a_usual_end(vectors, handler):
    during = []
    events = Events(lambda m: during.append(signal.getsignal(signal.SIGINT)))
    events.when = "train_begin"
    vectors(gan.Simple_GAN).fit(
        epochs=1, steps_per_epoch=1, verbose=0, callbacks=[events]
    )
    assert during[0] is not handler
    assert signal.getsignal(signal.SIGINT) is handler and not handler.calls


@pytest.mark.slow
def test_fit_in_another_thread_leaves_signals_alone(vectors, handler):
    """Python lets no other thread set a handler."""
    model, twin, during = vectors(gan.Simple_GAN), vectors(gan.Simple_GAN), []
    events = Events(lambda m: during.append(signal.getsignal(signal.SIGINT)))
    events.when = "train_begin"
    options = {"epochs": 1, "steps_per_epoch": 3, "verbose": 0}
    thread = threading.Thread(
        target=model.fit, kwargs={**options, "callbacks": [events]}
    )
    thread.start()
    thread.join(60)
    assert not thread.is_alive() and during == [handler]
    twin.fit(**options)
    assert_same(model, twin)
