"""The progress of a whole run, on a terminal and where there is none."""

import io
import sys

import pytest
from conftest import refused

from gan.callbacks import Progress, progress
from gan.callbacks.progress import duration, each
from gan.support.screen import shows_bars


@pytest.fixture
def run(monkeypatch):
    """Runs of two epochs of 100 steps, 10 at a time, that take a second a step."""

    def run(epochs=(0, 1), stop=None, **options):
        clock = [1000.0]
        monkeypatch.setattr(progress.time, "perf_counter", lambda: clock[0])
        callback = Progress(**options)
        callback.set_params({"epochs": 2, "steps": 100})
        callback.on_train_begin()
        for epoch in epochs:
            callback.on_epoch_begin(epoch)
            for batch in range(9, 100, 10):
                # The first graph call also traces the graph.
                clock[0] += 500 if clock[0] == 1000 else 10
                callback.on_train_batch_end(batch, {"loss": 0.5})
                if (epoch, batch) == stop:
                    callback.on_train_end()
                    return
        callback.on_train_end()

    return run


def test_lines_tell_how_long_the_run_takes_and_what_is_left(run, capsys):
    run(every=60)
    assert capsys.readouterr().out.splitlines() == [
        "200 steps, about 3 minutes on this machine (1.0 s a step)",
        "epoch 1 of 2, 40%, about 2 minutes left: loss 0.5",
        "epoch 2 of 2, 70%, about 60 seconds left: loss 0.5",
    ]


def test_a_run_that_goes_on_counts_what_is_left_of_it(run, capsys):
    run(epochs=(1,))
    first, second = capsys.readouterr().out.splitlines()[:2]
    assert first.startswith("100 steps, about 2 minutes on")
    assert second == "epoch 2 of 2, 50%, about 50 seconds left: loss 0.5"


@pytest.mark.parametrize("stop", [None, (1, 49)])
def test_a_terminal_shows_one_bar_over_all_epochs(run, capsys, monkeypatch, stop):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    run(stop=stop)
    out = capsys.readouterr().out
    # Keras's bar goes by its own clock, and shows the first and the last state.
    assert "10/200" in out and ("200/200" in out) == (stop is None)
    assert "loss: 0.5000" in out and out.endswith("\n") and out.count("\n") == 1


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "1 second"),
        (1.4, "1 second"),
        (40, "40 seconds"),
        (840, "14 minutes"),
        (9000, "2.5 hours"),
    ],
)
def test_times_as_people_say_them(seconds, said):
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(1.26, "1.3 s"), (0.0421, "42 ms"), (0.00071, "0.71 ms")]
)
def test_times_of_a_step(seconds, said):
    assert each(seconds) == said


@pytest.mark.parametrize("every", [-1, "30", float("nan")])
def test_unusable_options(every):
    with refused("every"):
        Progress(every=every)


@pytest.mark.parametrize("module", ["ipykernel.iostream", "io"])
def test_a_notebook_shows_a_bar_and_a_kernel_that_is_only_imported_does_not(
    monkeypatch, module
):
    stream = type("Stream", (io.StringIO,), {"__module__": module})()
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    monkeypatch.setattr(sys, "stdout", stream)
    assert shows_bars() == (module != "io")
