"""The page on which a network makes pictures from pictures, in a browser."""

import keras
import numpy as np
import pytest
from browser import browser
from conftest import slow_but_first

import gan
from gan import cli, pages
from gan.conditions import Edges, Grey, Hole, Shrunk


@pytest.fixture(scope="module")
def tab():
    with browser() as opened:
        yield opened


def translator_of(
    layer, shape=(8, 8, 3), latent_dim=None, pixel_range=(0.0, 1.0), smooth=False
):
    keras.utils.set_random_seed(0)
    inputs = layer or (shape[0], shape[1], 3)
    parts = gan.unet_GenDiscr(inputs, shape, 4, latent_dim, smooth=smooth)
    network, _, latents = parts
    for weight in network.trainable_variables:
        weight.assign(weight + 0.1 * keras.random.normal(weight.shape))
    return gan.Translator(network, layer, latents, pixel_range)


KINDS = {
    "hole": (Hole(3), (8, 12, 3)),
    "shrunk": (Shrunk(2), (8, 8, 1)),
    "grey": (Grey(), (8, 8, 3)),
    "edges": (Edges(), (8, 12, 3)),
    "none": (None, (8, 8, 1)),
    "smooth": (None, (8, 12, 3)),
}


@pytest.mark.parametrize("kind", slow_but_first(*KINDS, single=True))
def test_the_page_makes_what_keras_makes(tab, tmp_path, kind):
    layer, shape = KINDS[kind]
    options = {"pixel_range": (-1.0, 1.0), "smooth": kind == "smooth"}
    translator = translator_of(layer, shape, **options)
    given = (shape[0], shape[1], 3) if layer is None else shape
    examples = np.random.default_rng(0).integers(0, 256, (2, *given)) / 255
    pages.translator_page(tmp_path / "page.html", translator, "<b>", examples)
    tab.open(tmp_path / "page.html")
    assert tab.errors == [] and tab.requests == [(tmp_path / "page.html").as_uri()]
    assert tab.evaluate("document.querySelector('h1').textContent") == "<b>"
    inputs = examples if layer is None else translator.inputs_of(examples)
    for number in range(2):
        found = tab.evaluate("Array.from(state.input)")
        np.testing.assert_allclose(found, np.ravel(inputs[number]), atol=1e-5)
        made = tab.evaluate("Array.from(outputs(state.input))")
        wanted = np.ravel(translator.translate(inputs[number : number + 1]))
        assert np.abs(made - wanted).max() < 2 / 255
        tab.press("n")


def test_a_hole_is_wiped_and_a_picture_drawn_on(tab, tmp_path):
    examples = np.random.default_rng(0).uniform(size=(1, 16, 16, 1))
    pages.translator_page(
        tmp_path / "hole.html", translator_of(Hole(6), (16, 16, 1)), "", examples
    )
    tab.open(tmp_path / "hole.html")
    wipe = """(() => { const c = byId("given"), b = c.getBoundingClientRect();
      const at = (x, y) => ({ clientX: b.left + x * b.width, buttons: 1,
        clientY: b.top + y * b.height });
      c.onpointerdown({ type: "pointerdown", ...at(0.1, 0.1) });
      c.onpointermove({ type: "pointermove", ...at(0.3, 0.1) });
      return state.input.filter((_, i) => i % 2).reduce((a, b) => a + b); })()"""
    # The first hole is gone; the new one is two squares of 3×3 pixels.
    assert tab.evaluate(wipe) == 18
    tab.evaluate("byId('back').click()")
    inside = "state.input.filter((_, i) => i % 2).reduce((a, b) => a + b)"
    assert tab.evaluate(inside) == 36
    pages.translator_page(tmp_path / "draw.html", translator_of(None, (8, 8, 1)))
    tab.open(tmp_path / "draw.html")
    before = tab.evaluate("byId('made').toDataURL()")
    assert tab.evaluate("mark(2, 1), Array.from(state.input.slice(30, 33))") == [
        0,
        0,
        0,
    ]
    assert tab.evaluate("changed(), byId('made').toDataURL()") != before
    assert tab.errors == []


@pytest.mark.slow
def test_a_picture_of_a_file_and_another_of_the_same(tab, tmp_path):
    page = tmp_path / "page.html"
    pages.translator_page(page, translator_of(Shrunk(2), (8, 8, 3), latent_dim=2))
    tab.open(page)
    load = """(async () => { const c = new OffscreenCanvas(16, 8);
      const g = c.getContext("2d");
      g.fillStyle = "rgb(255, 0, 0)"; g.fillRect(0, 0, 16, 8);
      takeFile(new File([await c.convertToBlob()], "red.png"));
      await new Promise((d) => setTimeout(d, 300));
      return Array.from(state.input); })()"""
    np.testing.assert_allclose(tab.evaluate(load), [1, 0, 0] * 16, atol=1e-5)
    before = tab.evaluate("byId('made').toDataURL()")
    tab.press("a")
    assert tab.evaluate("byId('made').toDataURL()") != before
    told = """(async () => { takeFile(new File(["no"], "no.txt"));
      await new Promise((d) => setTimeout(d, 300));
      return byId("told").textContent; })()"""
    assert "cannot read no.txt as a picture" in tab.evaluate(told)


@pytest.mark.slow
def test_the_command_writes_it_with_faces_of_nobody(tab, tmp_path, capsys):
    keras.utils.set_random_seed(0)
    layer = Hole(8)
    networks = gan.unet_GenDiscr(layer, (16, 16, 1), 4)
    gan.TranslationGAN(*networks, condition=layer).save(tmp_path / "m.keras")
    told = ["page", str(tmp_path / "m.keras"), "--output", str(tmp_path / "p.html")]
    assert cli.main(told) == 0
    tab.open(tmp_path / "p.html")
    assert tab.errors == []
    first = tab.evaluate("byId('given').toDataURL()")
    tab.press("n")
    assert tab.evaluate("byId('given').toDataURL()") != first
    assert cli.main([*told, "--discriminator", "own"]) == 2
    assert "does not apply" in capsys.readouterr().err


def test_a_layer_of_a_user_s_own_is_refused(tmp_path):
    class Mirrored(gan.conditions.Condition):
        def call(self, pictures, training=False):
            return pictures[:, :, ::-1]

        def compute_output_shape(self, input_shape):
            return input_shape

    with pytest.raises(gan.InvalidInput, match="but it is Mirrored"):
        pages.translator_page(tmp_path / "page.html", translator_of(Mirrored()))
