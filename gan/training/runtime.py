"""The surroundings of a graph call: signals, TensorFlow's settings and errors."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator

import tensorflow as tf

from gan.data.examples import WRONG_LABEL
from gan.errors import require
from gan.support.devices import only_cpu

# Messages of cross-entropies and embeddings about labels out of range.
_WRONG_LABEL = r"Received a label value .*?\)|indices\[.*?\] = .*? is not in \[.*?\)"
_WRONG_LABEL += rf"|{WRONG_LABEL}[^\n]*"
# XLA's message about operations that it cannot compile.
_NOT_FOR_XLA = r"unsupported operations when trying to compile.*?: (\w+)"


@contextlib.contextmanager
def held_interrupt() -> Iterator[threading.Event]:
    """In this context Ctrl-C sets the yielded event, and raises no exception.

    SIGTERM (from clusters) and SIGHUP (from a closed terminal) set the event too,
    unless the user has handlers for them. The program then exits when the context ends,
    with the usual status, 143 or 129.
    """
    interrupt, received, usual = threading.Event(), [], {}

    def hold(number, _):
        interrupt.set()
        received.append(number)
        # A second Ctrl-C has its usual effect.
        signal.signal(number, usual[number])

    if threading.current_thread() is threading.main_thread():
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            # SIGHUP does not exist on Windows.
            number = getattr(signal, name, None)
            handler = number and signal.getsignal(number)
            ours = callable(handler) if name == "SIGINT" else handler == signal.SIG_DFL
            if number and ours:
                usual[number] = signal.signal(number, hold)
    try:
        yield interrupt
    except (KeyboardInterrupt, OSError) as error:
        # Writing to a closed terminal raises errors.
        if isinstance(error, KeyboardInterrupt) or _hung_up(received):
            _exit_for(received)
        raise
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)
    _exit_for(received)


def _exit_for(received):
    """Exit with the status of the first signal, unless that was Ctrl-C."""
    if _hung_up(received):
        try:
            print(flush=True)
        except OSError:
            # Further output has nowhere to go.
            sys.stdout = sys.stderr = open(os.devnull, "w")
    if received and received[0] != signal.SIGINT:
        raise SystemExit(128 + received[0])


def _hung_up(received):
    return getattr(signal, "SIGHUP", None) in received


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """In this context TensorFlow's graph errors become `InvalidInput` sentences."""
    try:
        yield
    except tf.errors.OutOfRangeError:
        # A repeated Dataset ends only if it is empty, for example after a filter.
        require(False, "The Dataset of real examples is empty.", "x")
    except tf.errors.InvalidArgumentError as error:
        found = re.search(_NOT_FOR_XLA, str(error), re.DOTALL)
        require(
            found is None,
            "The argument jit_compile must be False here, because XLA cannot compile "
            f"the operation {found and found[1]}. Memory-mapped arrays and latents "
            "drawn with NumPy are read by Python (PyFunc).",
            "jit_compile",
        )
        found = re.search(_WRONG_LABEL, str(error))
        if found is None:
            raise
        said = "The labels must be whole numbers from 0 to the number of classes - 1: "
        require(False, said + found[0], "y")


@contextlib.contextmanager
def unfused() -> Iterator[None]:
    """In this context TensorFlow does not fuse products with biases and activations.

    oneDNN's fused operation is slower than its parts: by a quarter of the step for a
    small network, by a tenth for dense MNIST. No step here is faster with it. On a GPU
    nothing is changed.
    """
    if not only_cpu():
        yield
        return
    before = tf.config.optimizer.get_experimental_options().get("remapping", True)
    tf.config.optimizer.set_experimental_options({"remapping": False})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({"remapping": before})
