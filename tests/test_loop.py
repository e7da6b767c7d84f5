import contextlib
import signal
import threading

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.eager import context
from test_base import assert_same, state

import gan
from gan.errors import InvalidInput
from gan.training import fit as loop
from gan.training.fit import Diverged, Position, _held_interrupt, _next_chunk


class Events(keras.callbacks.Callback):
    """Record what happens, with the model's position; `act` may add to it."""

    def __init__(self, act=None, when=None):
        super().__init__()
        self.act, self.when, self.seen, self.released = act, when, [], 0

    def note(self, name):
        self.seen.append((name, self.model.position))
        if name == self.when:
            self.act(self.model)

    def on_train_begin(self, logs=None):
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

    @property
    def names(self):
        return [name for name, _ in self.seen]


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


# -- where training stands ------------------------------------------------------


def test_position_follows_the_run(vectors):
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
    places = [p and (p.epoch, p.step) for _, p in events.seen]
    first, second = [(0, 0), (0, 2), (0, 3), (0, 3)], [(1, 0), (1, 2), (1, 3), (1, 3)]
    assert places == [None, *first, *second, (2, 0)]
    assert model.position == Position(2)
    position = events.seen[3][1]
    means = {name: total / 3 for name, total in position.totals.items()}
    assert means == {k: v[0] for k, v in model.history.history.items()}


def test_a_callback_may_set_the_position(vectors):
    """As Checkpoint does: the epoch's mean counts the steps before the stop."""

    def jump(model):
        model.position = Position(3, 4, {"discr_loss": 40.0, "gen_loss": -8.0})

    model, twin = vectors(gan.Simple_GAN), vectors(gan.Simple_GAN)
    events = Events(jump, "train_begin")
    history = model.fit(epochs=4, steps_per_epoch=6, verbose=0, callbacks=[events])
    logs = [twin.train_step(), twin.train_step()]
    assert model.history.epoch == [3]
    assert model.generator.optimizer.iterations == 2
    for name, before in (("discr_loss", 40), ("gen_loss", -8)):
        mean = (before + sum(float(step[name]) for step in logs)) / 6
        np.testing.assert_allclose(history.history[name], [mean], rtol=1e-5)


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
    with pytest.raises(InvalidInput, match="initial_epoch to be an integer of at"):
        model.fit(epochs=2, initial_epoch=initial_epoch, verbose=0)
    for a, b in zip(state(model), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_compile_takes_no_optimizer_by_mistake(vectors):
    with pytest.raises(TypeError, match="positional"):
        vectors().compile("adam")


def test_nothing_left_to_do(vectors):
    model = vectors(gan.Simple_GAN)
    before, events = state(model), Events()
    history = model.fit(epochs=2, initial_epoch=2, verbose=0, callbacks=[events])
    assert history.history == {} and events.names == ["train_begin", "train_end"]
    for a, b in zip(before, state(model), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_callback_list_is_used_as_it_is(vectors):
    events, model = Events(), vectors(gan.Simple_GAN)
    callbacks = keras.callbacks.CallbackList([events], add_history=True, model=model)
    model.fit(epochs=1, steps_per_epoch=1, callbacks=callbacks)
    assert events.names[-1] == "train_end" and events.released == 1


# -- the graph ------------------------------------------------------------------


def test_a_graph_is_traced_again_only_where_it_must_be(vectors):
    model = vectors(gan.Simple_GAN)
    traced = model.make_train_function()
    for rows in (None, model.real_examples.numpy()):
        model.fit(rows, epochs=1, steps_per_epoch=3, verbose=0)
        assert model.make_train_function() is traced
    assert traced.experimental_get_tracing_count() == 1
    assert model.make_train_function(force=True) is not traced
    traced = model.make_train_function()
    model.batch_size = 4
    assert model.make_train_function() is not traced
    traced = model.make_train_function()
    model.compile()
    assert model.make_train_function() is not traced


def test_next_chunk():
    assert _next_chunk(1, 0.001) == 2
    assert _next_chunk(8, 0.06) == 8
    assert _next_chunk(8, 0.15) == 8
    assert _next_chunk(8, 0.3) == 4
    assert _next_chunk(1, 9.0) == 1


def test_compile_options_round_trip(vectors):
    options = {"run_eagerly": True, "jit_compile": False, "steps_per_execution": 3}
    model = vectors(gan.Simple_GAN)
    model.compile(**options)
    assert model.get_compile_config() == options
    other = vectors(gan.Simple_GAN)
    other.compile_from_config(model.get_compile_config())
    assert other.get_compile_config() == options and other.run_eagerly
    for bad in (0, -1, 2.5, None, "all"):
        with pytest.raises(InvalidInput, match="steps_per_execution to be a positive"):
            other.compile(steps_per_execution=bad)
    assert other.get_compile_config() == options


def test_uncompiled_models_have_no_compile_config(vectors):
    model = vectors(gan.Simple_GAN)
    parts = model.generator, model.discriminator, model.latent_generator
    assert gan.Simple_GAN(*parts).get_compile_config() == {}


# -- divergence -----------------------------------------------------------------


class Breaks(gan.Simple_GAN):
    """Its loss is NaN in step 7."""

    def discriminator_extra(self, real, fake):
        return 0.0, {}

    def _update_generator(self):
        logs = super()._update_generator()
        bad = tf.equal(self.generator.optimizer.iterations, 7)
        return {"gen_loss": tf.where(bad, np.nan, logs["gen_loss"])}


@pytest.mark.parametrize("chunk, last", [(1, 6), (4, 7), (10, 9)])
def test_the_message_counts_steps_inside_a_graph_call(vectors, chunk, last):
    model, events = vectors(Breaks), Events()
    model.compile(steps_per_execution=chunk, run_eagerly=chunk == 1)
    said = "a loss that is not at step 7 of epoch 1. Usual causes: a learning rate"
    with pytest.raises(Diverged, match=f"Expected finite.*{said}"):
        model.fit(epochs=2, steps_per_epoch=10, verbose=0, callbacks=[events])
    # The callbacks hear of that graph call, and of nothing after it.
    assert events.names[-1] == f"batch_end {last}" and events.released == 1
    assert isinstance(Diverged(), ArithmeticError) and said in model.diverged


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
    model.real_examples = rows.filter(lambda x: tf.reduce_any(x > 1))
    with pytest.raises(InvalidInput, match="a Dataset that is not empty"):
        model.fit(epochs=1, steps_per_epoch=1, verbose=0)


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


def test_no_product_of_a_step_is_fused(vectors, monkeypatch):
    model = vectors(gan.Simple_GAN)

    def fit():
        model.fit(epochs=1, steps_per_epoch=1, verbose=0)

    assert fused(fit) == [] and fused(fit) == []
    monkeypatch.setattr(loop, "_unfused", contextlib.nullcontext)
    assert fused(fit)


def remapping():
    """TensorFlow's option for graphs that this thread runs; 0 is its default."""
    own = context.context().function_call_options.config_proto_serialized
    config = tf.compat.v1.ConfigProto.FromString(own)
    return config.graph_options.rewrite_options.remapping


def test_fusing_is_back_after_an_exception():
    with pytest.raises(RuntimeError), loop._unfused():
        assert remapping() == 2
        raise RuntimeError
    assert remapping() == 0


def test_other_threads_do_not_hear_of_it():
    """Neither of two that train at once, nor one that calls a graph meanwhile."""
    inside, first_left, both = threading.Event(), threading.Event(), []

    def second():
        both.append(remapping())
        with loop._unfused():
            inside.set()
            first_left.wait(60)
            both.append(remapping())
        both.append(remapping())

    thread = threading.Thread(target=second)
    with loop._unfused():
        thread.start()
        inside.wait(60)
    first_left.set()
    thread.join(60)
    assert both == [0, 2, 0] and remapping() == 0
    assert "remapping" not in tf.config.optimizer.get_experimental_options()


# -- Ctrl-C ---------------------------------------------------------------------


def test_interrupt_ends_the_call_then_the_callbacks_then_fit(vectors, handler):
    model = vectors(gan.Simple_GAN)
    model.compile(steps_per_execution=2)
    events = Events(interrupt, "batch_end 1")
    with pytest.raises(KeyboardInterrupt):
        model.fit(epochs=2, steps_per_epoch=6, verbose=0, callbacks=[events])
    assert events.names[-2:] == ["batch_end 1", "train_end"]
    assert (model.position.epoch, model.position.step) == (0, 2)
    assert events.released == 1
    assert signal.getsignal(signal.SIGINT) is handler and not handler.calls


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
    # It was not held until the end.
    assert "train_end" not in events.names and events.released == 1
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("when", ["train_begin", "batch_end 0", "train_end"])
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


def test_the_list_is_empty_without_an_interrupt(handler):
    with _held_interrupt() as held:
        assert held == []
        signal.raise_signal(signal.SIGINT)
        assert held == [True]
    assert signal.getsignal(signal.SIGINT) is handler and not handler.calls
