"""How TensorFlow shares the cores among its operations."""

import os
import subprocess
import sys
import types

import pytest
import tensorflow as tf
from conftest import refused
from test_callbacks import fit

import gan
from gan.support import threads

BEFORE = """
import gan
gan.set_threads()
import tensorflow as tf
tf.constant(1) + 1
gan.set_threads()
threading = tf.config.threading
print(threading.get_inter_op_parallelism_threads())
print(threading.get_intra_op_parallelism_threads())
"""
AFTER = """
import gan
import tensorflow as tf
tf.constant(1) + 1
try:
    gan.set_threads()
except gan.InvalidInput as error:
    print(error)
"""


@pytest.mark.slow
def test_threads_are_set_before_tensorflow_runs_or_never():
    def said(code):
        command = [sys.executable, "-W", "error", "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    cores = os.cpu_count()
    assert said(BEFORE) == [str(min(2, cores)), str(max(1, cores // 2))]
    (line,) = said(AFTER)
    assert line.startswith("TensorFlow has already") and "right after import" in line


@pytest.fixture
def usual(monkeypatch):
    """A process on two cores whose number of threads has not been set."""
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    monkeypatch.setattr(threads, "_told", False)
    monkeypatch.setattr(threads, "_threads", lambda threading: (0, 0))
    monkeypatch.setattr(os, "cpu_count", lambda: 2)


@pytest.mark.parametrize("verbose", [0, 2])
def test_a_script_is_told_of_them_once(pictures, usual, capsys, verbose):
    for _ in range(2):
        fit(pictures(), 1, verbose=verbose)
    told = capsys.readouterr().out.count("gan.set_threads()")
    assert told == (verbose != 0)


def gpu(kind=None):
    kinds = [kind] if kind else ["CPU", "GPU"]
    return [types.SimpleNamespace(device_type=kind) for kind in kinds]


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [
        (threads, "_threads", lambda threading: (2, 1)),
        (os, "cpu_count", lambda: 1),
        (tf.config, "get_visible_devices", gpu),
    ],
)
def test_nobody_is_told_whom_it_would_not_help(
    usual, monkeypatch, capsys, module, name, value
):
    monkeypatch.setattr(module, name, value)
    threads.tell_of_threads()
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "1")
    threads.tell_of_threads()
    assert capsys.readouterr().out == ""


def test_models_of_points_are_not_told(vectors, usual, capsys):
    fit(vectors(), 1, verbose=2)
    assert "set_threads" not in capsys.readouterr().out


def test_threads_that_cannot_be_set_are_refused(monkeypatch):
    def fixed(number):
        raise RuntimeError("Inter op parallelism cannot be modified")

    name = "set_inter_op_parallelism_threads"
    monkeypatch.setattr(tf.config.threading, name, fixed)
    with refused(None):
        gan.set_threads()
