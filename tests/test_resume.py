"""Runs that stop, in whatever way, and go on in another process."""

import json
import os
import pathlib
import random
import select
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from test_base import CLASSES, assert_same

import gan
from gan import cli
from gan.errors import InvalidInput
from gan.recipes import faces as recipe_faces
from gan.recipes.faces import FacesRecipe
from gan.saving import model_file as saving
from gan.training.checkpoint import Checkpoint

TESTS = pathlib.Path(__file__).resolve().parent
MAIN = TESTS.parent / "main.py"


def start(code, *arguments, **options):
    """Start a Python program that can import `gan`."""
    path = os.pathsep.join([str(TESTS.parent), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"},
        text=True,
        **options,
    )


# -- whole models ---------------------------------------------------------------

GO_ON = """
import pathlib, sys
import numpy as np
import keras
from gan import latent, load_model
for number, path in enumerate(sorted(pathlib.Path(sys.argv[1]).glob("half-*.keras"))):
    load = [keras.models.load_model, load_model][number % 2]
    model = load(path)
    real = np.load(path.with_suffix(".npy"))
    model.fit(real, epochs=8, initial_epoch=4, steps_per_epoch=3, verbose=0)
    model.save(path.with_name(path.name.replace("half", "whole")))
"""


CROSS_ENTROPY = [gan.MinimaxGAN, gan.NonSaturatingGAN]
ALL = [("vectors", cls, 0.9) for cls in CLASSES + CROSS_ENTROPY]
ALL += [("vectors", gan.WGAN_GP, None), ("pictures", gan.WGAN_GP, None)]
ALL += [("pictures", cls, 0.9) for cls in (gan.WGAN_GP, gan.R3GAN)]


@pytest.mark.slow
def test_a_model_saved_and_loaded_in_a_new_process_goes_on(request, tmp_path):
    """Every class is tested on vectors, some also on pictures or without `ema`."""
    whole = {}
    for shape, cls, ema in ALL:
        name = f"{shape}-{cls.__name__}-{ema}"
        path = tmp_path / f"half-{name}.keras"
        make = request.getfixturevalue(shape)
        model = make(cls, ema=ema)
        model.fit(epochs=4, steps_per_epoch=3, verbose=0)
        model.save(path)
        np.save(path.with_suffix(".npy"), model.real_examples)
        # The same graph serves both runs, because tracing takes most of the time.
        fill(model, make(cls, ema=ema))
        model.fit(epochs=8, steps_per_epoch=3, verbose=0)
        whole[name] = model
    with start(GO_ON, tmp_path) as process:
        assert process.wait(1800) == 0
    for name, model in whole.items():
        assert model.generator.optimizer.iterations == 24
        assert_same(model, gan.load_model(tmp_path / f"whole-{name}.keras"))


@pytest.mark.slow
@pytest.mark.parametrize("line", ["import gan", "from gan import Simple_GAN"])
def test_keras_alone_finds_the_classes(vectors, tmp_path, line):
    vectors(gan.Simple_GAN).save(tmp_path / "g.keras")
    code = f"import sys, keras; {line}; keras.models.load_model(sys.argv[1])"
    with start(code, tmp_path / "g.keras", stderr=subprocess.PIPE) as process:
        _, err = process.communicate(timeout=900)
    assert process.returncode == 0, err


REGISTERED = """
import json, re, sys
import gan, keras, pathlib
known = keras.saving.get_custom_objects()
sources = [p.read_text() for p in pathlib.Path(gan.__file__).parent.rglob("*.py")]
line = r"@keras.saving.register_keras_serializable.*\\nclass (\\w+)"
names = {name for text in sources for name in re.findall(line, text)}
model = keras.models.load_model(sys.argv[1])
print(json.dumps([sorted(names), [n for n in names if f"gan>{n}" not in known]]))
print(type(model).__module__, type(model).__name__)
"""


@pytest.mark.slow
def test_a_new_process_knows_every_class_that_files_name(tmp_path, python):
    real = np.random.default_rng(0).random((8, 2), "float32")
    parts = gan.fully_connected_GenDiscr([2, 2], real)
    recipe_faces.Sorter(*parts).save(tmp_path / "g.keras")
    done = python("-c", REGISTERED, str(tmp_path / "g.keras"))
    assert done.returncode == 0, done.stderr
    names, unknown = json.loads(done.stdout.splitlines()[0])
    assert {"Sorter", "WGAN_GP", "LatentGenerator"} <= {*names} and not unknown
    assert done.stdout.splitlines()[1] == "gan.recipes.faces Sorter"


def fill(model, other):
    """Give a model the state of another, which was never saved."""
    pairs = zip(saving.state_of(model), saving.state_of(other), strict=True)
    for variable, value in pairs:
        variable.assign(value)


# -- kills ----------------------------------------------------------------------

RUN = """
import sys
import numpy as np, keras, gan
from gan.training.checkpoint import Checkpoint

class Report(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        print("batch", flush=True)
    def on_epoch_end(self, epoch, logs=None):
        print("saved", epoch + 1, flush=True)

print("ready", flush=True)
sys.stdin.readline()
keras.utils.set_random_seed(0)
real = np.random.default_rng(0).normal(0.5, 0.1, (64, 2)).astype("float32")
parts = gan.fully_connected_GenDiscr([2, 8, 2], real)
model = gan.WGAN_GP(*parts, real, batch_size=8, ema=0.9)
model.compile()
epochs = int(sys.argv[2])
model.fit(epochs=epochs, steps_per_epoch=4, verbose=0,
          callbacks=[Checkpoint(sys.argv[1]), Report()])
print("done", flush=True)
"""
# tests/benchmarks/kills.py kills more often, and kills other programs too.
KILLS, EPOCHS = 12, 120


@pytest.mark.slow
def test_a_dozen_kills_change_nothing(tmp_path):
    """One run, killed at random moments, many of them while it saves."""
    moments = random.Random(0)
    killed, calm = tmp_path / "killed", tmp_path / "calm"
    waiting = []

    def ready(directory):
        # The next process imports TensorFlow while this one trains.
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        waiting.append(start(RUN, directory, EPOCHS, **pipes))

    def go(process):
        while process.stdout.readline() != "ready\n":
            assert process.poll() is None
        process.stdin.write("go\n")
        process.stdin.flush()

    ready(calm)
    ready(killed)
    uninterrupted = waiting.pop(0)
    go(uninterrupted)
    saved, hits, writing, resumed = 0, 0, 0, 0
    try:
        for _ in range(KILLS):
            ready(killed)
            with waiting.pop(0) as process:
                go(process)
                while (line := process.stdout.readline()) != "batch\n":
                    assert line.startswith("Going on from"), line
                    resumed += 1
                time.sleep(moments.uniform(0, 0.4))
                process.kill()
                lines = process.stdout.read().split("\n")
            assert process.returncode == -signal.SIGKILL and "done" not in lines
            hits += 1
            # A half-written file has a hidden name until it is complete.
            left = {path.name for path in killed.glob(".gan-*")}
            writing += len(left) > 0
            for name in left:
                (killed / name).unlink()
            told = [int(line.split()[1]) for line in lines if line.startswith("saved")]
            newest = max(killed.glob("epoch-*.keras"), default=None)
            if newest is not None:
                place = saving.read_notes(newest)["epoch"]
                assert gan.load_model(newest).generator.optimizer.iterations == (
                    4 * place
                )
            else:
                place = 0
            # Nothing that was said to be saved is lost.
            assert place >= max(told, default=saved) >= saved
            saved = place
        with waiting.pop(0) as process:
            go(process)
            assert process.stdout.read().endswith("done\n")
        assert uninterrupted.wait(1800) == 0
    finally:
        for process in (*waiting, uninterrupted):
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()
    last = f"epoch-{EPOCHS:06d}.keras"
    print(f"{hits} kills, {resumed} resumes, {writing} half-written files", end=" ")
    assert hits == KILLS and resumed >= KILLS - 5 and writing >= 1
    assert_same(gan.load_model(killed / last), gan.load_model(calm / last))
    assert saving.read_notes(killed / last) == saving.read_notes(calm / last)


# -- training of faces ----------------------------------------------------------

TINY = FacesRecipe(3, 2, 4, 1, 1e-3, 0.0, 0.9, 0.5)
SIZES = ["--epochs", "10", "--steps", "1", "--seed", "3"]


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    path = tmp_path_factory.mktemp("faces") / "faces.npy"
    np.save(path, np.random.default_rng(0).integers(0, 256, (60, 16, 16), "uint8"))
    return path


def contents(folder):
    names = "generator.h5", "discriminator.h5"
    return [(folder / name).read_bytes() for name in names]


@pytest.fixture(scope="module")
def trained(train_faces, faces, tmp_path_factory):
    """A finished run of three epochs, and its pictures."""
    pictures = gan.faces.load_pictures(faces)
    folder = tmp_path_factory.mktemp("trained")
    train_faces(pictures, folder, TINY, 3, verbose=0)
    return pictures, folder


class Crash(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        raise RuntimeError("crash")


@pytest.mark.slow
def test_train_goes_on_by_itself(train_faces, trained, tmp_path, monkeypatch, capsys):
    pictures, folder = trained
    usual = recipe_faces.WGAN_GP.fit

    def crash(self, callbacks, **options):
        return usual(self, callbacks=[*callbacks, Crash()], **options)

    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="crash"):
        patch.setattr(recipe_faces.WGAN_GP, "fit", crash)
        train_faces(pictures, tmp_path, TINY, 3, verbose=0)
    assert not list(tmp_path.glob("*.h5"))
    capsys.readouterr()
    train_faces(pictures, tmp_path, TINY, 3, verbose=0)
    first = tmp_path / "checkpoints" / "epoch-000001.keras"
    assert capsys.readouterr().out == f"Going on from {first}\n"
    assert contents(tmp_path) == contents(folder)


def files(folder):
    return {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize(
    "recipe, seed, change, named",
    [
        (
            {"learning_rate": 2e-3},
            3,
            0,
            "learning_rate is 0.002 here and was 0.001 there",
        ),
        ({"epochs": 2}, 3, 0, "epochs is 2 here and was 3 there"),
        ({"hold": 0.4}, 3, 0, "hold is 0.4 here and was 0.5 there"),
        ({"ema": None}, 3, 0, "ema is None here and was 0.9 there"),
        ({}, 4, 0, "seed is 4 here and was 3 there"),
        ({}, 3, 0.5, "data is "),
    ],
)
@pytest.mark.slow
def test_train_refuses_other_settings(
    train_faces, trained, recipe, seed, change, named
):
    pictures, folder = trained
    before = files(folder)
    recipe = FacesRecipe(**{**vars(TINY), **recipe})
    with pytest.raises(InvalidInput, match="holds another run") as caught:
        train_faces(pictures * (1 - change), folder, recipe, seed, verbose=0)
    assert f" {named}" in str(caught.value)
    assert files(folder) == before


@pytest.mark.slow
@pytest.mark.parametrize("content", ["", "{", "\x00", "[1]", "3", "null"])
def test_train_refuses_a_damaged_run_json(train_faces, trained, content):
    pictures, folder = trained
    path = folder / "run.json"
    before = path.read_text()
    path.write_text(content)
    try:
        with pytest.raises(InvalidInput) as refused:
            train_faces(pictures, folder, TINY, 3, verbose=0)
        assert refused.value.argument == "output"
    finally:
        path.write_text(before)


@pytest.mark.slow
def test_train_restarts(train_faces, trained, tmp_path):
    pictures, folder = trained
    other = FacesRecipe(**{**vars(TINY), "epochs": 1, "hold": 0.1})
    train_faces(pictures, tmp_path, other, 5, verbose=0)
    train_faces(pictures, tmp_path, TINY, 3, restart=True, verbose=0)
    assert contents(tmp_path) == contents(folder)
    settings = json.loads((tmp_path / "run.json").read_text())
    assert (settings["seed"], settings["hold"]) == (3, TINY.hold)


@pytest.mark.slow
def test_a_restart_that_is_refused_changes_nothing(train_faces, trained):
    """Otherwise the old run would continue under the new settings."""
    pictures, folder = trained
    before = (folder / "run.json").read_text()
    other_run = Checkpoint(folder / "checkpoints")
    other_run.acquire()
    try:
        with pytest.raises(InvalidInput, match="Another run is using"):
            train_faces(pictures, folder, TINY, 9, restart=True, verbose=0)
        assert (folder / "run.json").read_text() == before
    finally:
        other_run.release()
        (folder / "run.json").write_text(before)


def command(faces, folder):
    return ["train", "--pictures", str(faces), "--output", str(folder), *SIZES]


@pytest.fixture(scope="module")
def whole(faces, tmp_path_factory):
    """An uninterrupted run of the command."""
    folder = tmp_path_factory.mktemp("whole")
    assert cli.main(command(faces, folder)) == 0
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name, status", [("INT", 130), ("TERM", 143)])
def test_the_command_line_stops_and_goes_on(
    faces, whole, tmp_path, capsys, name, status
):
    stopped = tmp_path / "stopped"
    with subprocess.Popen(
        [sys.executable, str(MAIN), *command(faces, stopped)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Programs that a shell runs in the background ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        while not list(stopped.glob("checkpoints/epoch-*")):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(getattr(signal, f"SIG{name}"))
        out, err = process.communicate(timeout=900)
    assert process.returncode == status and err == ""
    last = "Stopped and saved. Give the same command again, without --restart, to "
    last += "continue; with more --minutes or --epochs it trains for longer."
    assert out.splitlines()[-1] == last
    assert not list(stopped.glob("*.h5"))
    if name == "TERM":
        return
    capsys.readouterr()
    assert cli.main(command(faces, stopped)) == 0
    assert "Going on from" in capsys.readouterr().out
    assert contents(stopped) == contents(whole)
    other = cli.main([*command(faces, stopped)[:-1], "4"])
    assert other == 2 and "seed is 4 here and was 3 there" in capsys.readouterr().err


@pytest.mark.slow
def test_a_terminal_that_is_closed_ends_a_run_that_goes_on(faces, tmp_path):
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        ["setsid", "--ctty", "--wait", sys.executable, MAIN, *command(faces, tmp_path)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    while not list(tmp_path.glob("checkpoints/epoch-*")):
        assert process.poll() is None
        if select.select([ours], [], [], 0.01)[0]:
            os.read(ours, 4096)
    os.close(ours)
    assert process.wait(900) == 129
    assert cli.main(command(faces, tmp_path)) == 0
    assert (tmp_path / "generator.h5").is_file()


# -- checkpoints of others ------------------------------------------------------


@pytest.mark.slow
def test_a_model_file_that_is_no_checkpoint_changes_nothing(vectors, tmp_path):
    vectors(seed=5).save(tmp_path / "epoch-000001.keras")
    model, twin = vectors(), vectors()
    with pytest.raises(InvalidInput):
        model.fit(epochs=2, verbose=0, callbacks=[Checkpoint(tmp_path)])
    assert_same(model, twin)
