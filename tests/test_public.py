"""The public names: they are there, they are documented, their parameters show."""

import inspect
import subprocess
import sys

import numpy as np
import pytest
from conftest import refused, slow_but_first

import gan
from gan.conditions import fit_reader
from gan.metrics import pairs


@pytest.mark.parametrize("name", gan.__all__)
def test_a_public_name(name):
    public = getattr(gan, name)
    assert inspect.getdoc(public) and name in dir(gan)


@pytest.mark.parametrize("name", [name for name in gan.__all__ if name[0].isupper()])
def test_classes_show_their_real_parameters(name):
    cls = getattr(gan, name)
    if not issubclass(cls, gan.AdversarialModel):
        return
    parameters = inspect.signature(cls).parameters
    kinds = {parameter.kind for parameter in parameters.values()}
    assert not kinds & {inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL}
    first = ["generator", "discriminator", "latent_generator", "real_examples"]
    assert [*parameters][:7] == [*first, "batch_size", "disc_iter", "learning_rate"]
    assert {"beta_1", "beta_2", "ema", "seed"} <= {*parameters}
    own = {"WGAN_clip": "clip", "WGAN_GP": "lambda_gp", "AC_GAN": "real_target"}
    own |= {"R3GAN": "gamma", "NonSaturatingGAN": "gamma"}
    assert own.get(name, "ema") in parameters
    usual = {"WGAN_GP": 0.3, "R3GAN": 0.0}
    assert parameters["beta_1"].default == usual.get(name, 0.5)


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="no attribute 'WGAN'"):
        gan.WGAN  # noqa: B018


@pytest.mark.parametrize(
    "code",
    slow_but_first(
        pytest.param(
            "import gan.plots, gan.callbacks, gan.faces; gan.plots.tile",
            marks=pytest.mark.slow,
        ),
        "from gan.metrics import measures",
        pytest.param(
            "from gan.penalties import gradient_penalty", marks=pytest.mark.slow
        ),
        "import gan.weights as weights; weights.load_weights",
        "from gan import toys; toys.circle()",
        single=True,
    ),
)
def test_modules_of_wings_are_found_by_their_public_names(code):
    run = [sys.executable, "-W", "error", "-c", f"{code}\nimport sys; print('ok')"]
    done = subprocess.run(run, capture_output=True, text=True)
    assert done.stdout == "ok\n", done.stderr


def test_import_is_light():
    code = "import sys, gan, gan.plots, gan.faces, gan.toys, gan.metrics\n"
    code += "print([m for m in ('tensorflow', 'keras') if m in sys.modules])"
    run = [sys.executable, "-W", "error", "-c", code]
    assert subprocess.run(run, capture_output=True, text=True).stdout == "[]\n"


SIX = {str(i): ([1], [1]) for i in range(6)}


@pytest.mark.parametrize(
    "call, argument",
    [
        (lambda path: gan.plots.curves({"loss": SIX}), "panels"),
        (lambda path: gan.plots.write_png([[0.5]], path / "x.jpg"), "path"),
        (lambda path: gan.plots.write_png([[np.nan]], path / "x.png"), "picture"),
        (lambda path: gan.plots.write_png([[[0.5]]], path / "x.png"), "picture"),
        (lambda path: pairs.crops(np.ones((1, 8, 8)), 0), "size"),
        (lambda path: pairs.crops(np.ones((1, 8, 8)), 9), "size"),
        (lambda path: gan.walks.star([1.0, 0.0], []), "directions"),
        (lambda path: gan.walks.star([1.0, 0.0], 3.0), "directions"),
        (
            lambda path: fit_reader(np.ones((9, 4, 8, 3)), np.ones((9, 2))),
            "pictures",
        ),
    ],
)
def test_what_a_function_cannot_use_is_refused(call, argument, tmp_path):
    with refused(argument):
        call(tmp_path)
    assert not any(tmp_path.iterdir())
