"""Files that version 0.1.0 wrote load, and training goes on from them."""

import json
import pathlib
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
from conftest import slow_but_first, unpack

import gan

ARCHIVE = pathlib.Path(__file__).parent / "data" / "version_0_1_0.tar.xz"
CLASSES = ["Simple_GAN", "WGAN_clip", "WGAN_GP", "MinimaxGAN", "NonSaturatingGAN"]
CLASSES += ["TwoClassGAN", "AC_GAN"]
NAMES = [f"{name}-dense" for name in CLASSES]
NAMES += [pytest.param(f"{name}-conv", marks=pytest.mark.slow) for name in CLASSES]


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    folder = tmp_path_factory.mktemp("old")
    unpack(ARCHIVE, folder)
    return folder


def examples(name):
    shape = (4,) if name.endswith("dense") else (4, 4, 1)
    real = np.random.default_rng(0).normal(0.2, 0.5, (64, *shape)).astype("float32")
    return (real, np.arange(64) % 3) if name.startswith("AC_GAN") else real


# The examples are normal, so some lie outside the tanh of the old generators.
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The real examples lie")
@pytest.mark.parametrize("name", slow_but_first(*NAMES, single=True))
def test_a_model_loads_draws_and_trains_on(old, name):
    expected = json.loads((old / "expected.json").read_text())[name]
    model = gan.load_model(old / f"{name}.keras")
    assert type(model).__name__ == name.split("-")[0]
    assert expected["options"].items() <= model.options().items()
    history = model.fit(examples(name), epochs=2, steps_per_epoch=3, verbose=0).history
    for log, values in expected["history"].items():
        # The gradient of a constant in a Wasserstein critic is only rounding, of which
        # Adam makes whole steps; only gen_loss shows them.
        if log == "gen_loss" and name in ("WGAN_clip-conv", "WGAN_GP-conv"):
            continue
        np.testing.assert_allclose(history[log], values, rtol=2e-3, atol=2e-5)
    model = gan.load_model(old / f"{name}.keras")
    fakes = model.get_fake_sample(3)
    fakes = fakes[0] if isinstance(fakes, tuple) else fakes
    np.testing.assert_allclose(np.ravel(fakes), expected["fakes"], atol=1e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The real examples lie")
def test_a_run_goes_on(old, tmp_path):
    shutil.copytree(old / "checkpoints", tmp_path / "run")
    newest = max((tmp_path / "run").glob("*.keras"))
    model = gan.load_model(newest)
    before = int(model.generator.optimizer.iterations)
    model.real_examples = examples("WGAN_GP-conv")
    model.compile(run_eagerly=True)
    checkpoint = gan.callbacks.Checkpoint(tmp_path / "run")
    model.fit(epochs=3, steps_per_epoch=1, verbose=0, callbacks=[checkpoint])
    assert len(checkpoint.history["discr_loss"]) == 3
    assert model.generator.optimizer.iterations == before + 1


def test_weights_files_load(old):
    model = gan.load_model(old / "checkpoints" / "epoch-000002-step-000000000.keras")
    wanted = model.averaged_generator.get_weights()
    trained = [np.array(v) for v in gan.saving.model_file.state_of(model)]
    for variable in gan.saving.model_file.state_of(model):
        variable.assign(np.zeros(variable.shape))
    model.load_weights(old / "state.weights.h5")
    for variable, value in zip(
        gan.saving.model_file.state_of(model), trained, strict=True
    ):
        np.testing.assert_array_equal(variable, value)
    gan.weights.load_weights((model.generator, old / "generator.h5"))
    assert len(wanted) == len(model.generator.get_weights())


@pytest.mark.parametrize(
    "imports",
    slow_but_first(
        "import gan, keras", "import keras, gan", "from gan import Simple_GAN, plots"
    ),
)
@pytest.mark.slow
def test_keras_itself_loads_them(old, imports):
    code = f"{imports}\nimport keras, sys, warnings\nwarnings.simplefilter('ignore')\n"
    code += "for path in sys.argv[1:]: print(type(keras.models.load_model(path)))"
    paths = [str(old / f"{name}.keras") for name in ("WGAN_GP-conv", "AC_GAN-dense")]
    command = [sys.executable, "-c", code, *paths]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "WGAN_GP" in done.stdout and "AC_GAN" in done.stdout, done.stderr


def test_the_module_in_a_file_does_not_matter(tmp_path, old):
    """Only registered names count, so that modules can move again."""
    import zipfile

    path = tmp_path / "moved.keras"
    shutil.copy(old / "WGAN_GP-dense.keras", path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = members["config.json"].replace(b"gan.wgan_gp", b"gan.gone.for_ever")
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in (members | {"config.json": config}).items():
            archive.writestr(name, data)
    assert type(keras.models.load_model(path)).__name__ == "WGAN_GP"
