"""The demo's page: sliders with names, which turn classes as well as latents."""

import numpy as np
import pytest
from browser import browser

import gan
from gan import cli


@pytest.fixture(scope="module")
def tab():
    with browser() as opened:
        yield opened


@pytest.mark.slow
def test_sliders_have_names_and_do_what_edit_does(tab, tmp_path):
    path = tmp_path / "demo.html"
    assert cli.main(["page", "demo", "--output", str(path)]) == 0
    generator = gan.load_generator("demo")
    tab.open(path)
    assert tab.errors == []
    names = tab.evaluate("[...document.querySelectorAll('#sliders span')]"
                         ".map((one) => one.textContent)")  # fmt: skip
    assert names == [*generator.directions]
    latents = np.float32(tab.evaluate("Array.from(latents())"))[None]
    for name, amount in {"smiling": 2, "glasses": 1.5, "hat": -1}.items():
        number = names.index(name)
        tab.evaluate(
            f"(() => {{ const move = byId('move{number}'); move.value = {amount};"
            "move.oninput({ target: move }); })()"
        )
        found = tab.evaluate("Array.from(picturesOf(outputs([latents()], [kind()])))")
        wanted = generator.edit(latents, name, amount, 0).ravel()
        np.testing.assert_allclose(found, wanted, atol=0.02)
        tab.evaluate("byId('reset').click()")
    assert tab.errors == []
