"""The demo's page: sliders with names, which change classes as well as latents."""

import base64
import time

import numpy as np
import pytest
from browser import browser
from PIL import Image

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


@pytest.mark.slow
def test_a_dropped_picture_is_found_and_a_text_refused(tab, tmp_path):
    """The page finds latents that draw the picture well, without any request."""
    path = tmp_path / "demo.html"
    assert cli.main(["page", "demo", "--output", str(path)]) == 0
    generator = gan.load_generator("demo")
    face = gan.data.pixel_faces("test").pictures[10]
    # This picture is wider than those of the page, so its middle is taken.
    wide = Image.new("RGB", (480, 320), "red")
    wide.paste(Image.fromarray(face).resize((320, 320), 0), (80, 0))
    wide.save(tmp_path / "me.png")
    (tmp_path / "text.png").write_text("no picture")
    tab.open(path)
    before = len(tab.requests)

    def drop(name):
        content = base64.b64encode((tmp_path / name).read_bytes()).decode()
        tab.evaluate(
            f"(() => {{ const bytes = Uint8Array.from(atob('{content}'), (c) =>"
            f" c.charCodeAt(0)), files = new DataTransfer();"
            f"files.items.add(new File([bytes], '{name}'));"
            "document.dispatchEvent(new DragEvent('drop', { dataTransfer: files,"
            " bubbles: true, cancelable: true })); })()"
        )
        for _ in range(4500):
            told = tab.evaluate("byId('found').textContent")
            if told and not told.startswith("Searching"):
                return told
            time.sleep(0.2)
        return told

    assert drop("text.png") == "Your browser cannot read this file as a picture."
    tab.evaluate("byId('found').textContent = ''")
    told = drop("me.png")
    assert told.startswith("Found"), told
    z = np.float32(tab.evaluate("Array.from(state.z)"))[None]
    label = tab.evaluate("state.label")
    shown = generator.draw(z, label)[0].clip(0, 1)
    error = np.sqrt(np.mean((shown - face / 255) ** 2))
    assert error < 0.1 and tab.errors == []
    # The page's weights are half floats, so its error differs a little.
    assert abs(float(told.split("%")[0].split()[-1]) - 100 * error) < 1.5
    assert all(one.startswith(("data:", "blob:")) for one in tab.requests[before:])
