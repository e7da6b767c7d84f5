import os
import pathlib
import subprocess
import sys

import numpy as np
import PIL.Image
import pytest
from conftest import refused, slow_but_first

from gan import plots

HISTORY = {"discr_loss": [1.0, 0.5, 0.25], "gen_loss": [0.1, 0.2, 0.4]}
HISTORY_GP = HISTORY | {"gp": [0.3, 0.2, 0.1]}
RNG = np.random.default_rng(0)


def image(figure):
    return figure.axes[0].images[0]


def rendered(figure):
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3]


def python(code, **environment):
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=pathlib.Path(__file__).parents[1],
        env={k: v for k, v in os.environ.items() if "DISPLAY" not in k} | environment,
        capture_output=True,
        text=True,
    )


def every_figure():
    points, faces = RNG.uniform(size=(20, 2)), RNG.uniform(size=(10, 16, 16))
    clouds = RNG.uniform(size=(20, 5))
    values = RNG.normal(size=(2, 40, 1))
    return {
        "mosaic": plots.mosaic(faces, title="fake faces"),
        "strip": plots.strip(faces),
        "panels": plots.panels({"a": faces, "b": faces}, 5, [*"abcde"]),
        "losses": plots.losses(HISTORY_GP, "losses"),
        "points": plots.points_and_values(
            points, points, RNG.normal(size=(9, 9)), HISTORY
        ),
        "clouds": plots.coloured_points(clouds, clouds, HISTORY_GP, "clouds"),
        "density": plots.histograms_and_density(
            {"a": points[:, 0]}, [[0, 1], [1, 1]], "flat"
        ),
        "theory": plots.discriminator_and_value(
            [0, 1], [[1, 1], [2, 0]], [0.3, 0.9], [1 / 3, 1], [-1, -0.8], -0.7
        ),
        "faces": plots.faces_and_values(faces, *values, HISTORY, "faces"),
    }


FIGURES = every_figure()


@pytest.mark.parametrize("shape", [(7, 4, 5), (7, 4, 5, 1), (7, 4, 5, 3)])
def test_mosaic_holds_the_pictures_in_order(shape):
    pictures = RNG.uniform(size=shape).astype(np.float32)
    drawn = np.asarray(image(plots.mosaic(pictures, columns=3)).get_array())
    channels = (3,) if shape[3:] == (3,) else ()
    assert drawn.shape == (3 * 5 - 1, 3 * 6 - 1, *channels)
    # The same mosaic, made slowly: one picture after another is put on white.
    wall = np.ones_like(drawn)
    for i, picture in enumerate(pictures.reshape(7, 4, 5, *channels)):
        top, left = 5 * (i // 3), 6 * (i % 3)
        wall[top : top + 4, left : left + 5] = picture
    np.testing.assert_array_equal(drawn, wall)


@pytest.mark.parametrize("channels", [(), (1,), (3,)])
def test_tile_is_what_mosaic_shows_enlarged(channels):
    pictures = RNG.uniform(-0.5, 1.5, size=(7, 4, 5, *channels))
    drawn = np.asarray(image(plots.mosaic(pictures, columns=3)).get_array())
    tiled = plots.tile(pictures, columns=3)
    assert tiled.dtype == np.float32
    np.testing.assert_array_equal(tiled, drawn)
    large = plots.tile(pictures, columns=3, scale=3)
    block = np.ones((3, 3, *[1] * (drawn.ndim - 2)))
    np.testing.assert_array_equal(large, np.kron(drawn, block))
    for scale in (0, 1.5, "2", None):
        with refused("scale"):
            plots.tile(pictures, scale=scale)


def test_curves_are_drawn_panel_by_panel():
    panels = {
        "estimate": {"training": ([1, 2, 5], [3.0, 2, 1]), "held out": ([2], [1.5])},
        "penalty": {"gp": (range(1, 61), np.arange(60))},
    }
    axes = plots.curves(panels, title="run").axes
    assert [a.get_ylabel() for a in axes] == ["estimate", "penalty"]
    assert {a.get_xlabel() for a in axes} == {"epoch"}
    for drawn, named in zip(axes, panels.values(), strict=True):
        labels = [line.get_label() for line in drawn.lines]
        assert labels == [*named] and (drawn.get_legend() is None) == (len(named) == 1)
        for line, curve in zip(drawn.lines, named.values(), strict=True):
            np.testing.assert_array_equal(line.get_data(), [[*c] for c in curve])
            assert (line.get_marker() == ".") == (len(curve[0]) < 50)
    with refused("panels"):
        plots.curves({})
    with pytest.raises(ValueError, match="same first dimension"):
        plots.curves({"a": {"b": ([1, 2], [3])}})


@pytest.mark.slow
def test_without_a_history_the_losses_are_left_out():
    cloud, values = RNG.random((9, 5)), RNG.random((9, 1))
    arguments = {
        plots.points_and_values: (cloud[:, :2], cloud[:, :2], np.eye(3)),
        plots.coloured_points: (cloud, cloud),
        plots.faces_and_values: (RNG.random((9, 3, 3)), values, values),
    }
    for draw, arrays in arguments.items():
        without, with_losses = draw(*arrays), draw(*arrays, HISTORY)
        assert len(with_losses.axes) == len(without.axes) + 1
        labels = [axes.get_xlabel() for axes in without.axes]
        assert "epoch" not in labels
        assert [axes.get_xlabel() for axes in with_losses.axes].count("epoch") == 1


def test_pixels_are_those_of_the_saved_figure(tmp_path):
    figure = plots.losses({"discr_loss": [1, 2], "gen_loss": [3, 1]}, title="x")
    drawn = plots.pixels(figure)
    with PIL.Image.open(plots.save(figure, tmp_path / "a.png")) as file:
        np.testing.assert_array_equal(drawn, np.asarray(file.convert("RGB")))


@pytest.mark.parametrize(
    ("n", "rows", "columns"), [(1, 1, 1), (2, 1, 2), (7, 3, 3), (400, 20, 20)]
)
def test_mosaic_is_nearly_square_by_default(n, rows, columns):
    drawn = image(plots.mosaic(np.zeros((n, 16, 16)))).get_array()
    assert drawn.shape == (17 * rows - 1, 17 * columns - 1)


def test_strip_is_one_row():
    drawn = image(plots.strip(np.zeros((20, 16, 16, 1)))).get_array()
    assert drawn.shape == (16, 17 * 20 - 1)


@pytest.mark.parametrize("pictures", [np.full((4, 3, 3), 0.4), RNG.random((4, 3, 3))])
def test_the_grey_scale_is_fixed(pictures):
    assert image(plots.mosaic(pictures)).get_clim() == (0, 1)
    assert image(plots.mosaic(pictures)).cmap.name == "gray"


@pytest.mark.parametrize("channels", [(), (3,)])
def test_each_pixel_is_a_true_square_on_the_screen(channels):
    """The rendered picture is the array: values are repeated and not blended."""
    pictures = RNG.uniform(-0.5, 1.5, size=(9, 16, 16, *channels)).astype(np.float32)
    figure = plots.mosaic(pictures)
    drawn = np.asarray(image(figure).get_array())
    pixels = rendered(figure)
    scale = (pixels.shape[1] - 20) // drawn.shape[1]
    wanted = np.repeat(np.repeat(drawn, scale, axis=0), scale, axis=1)
    wanted = wanted if channels else wanted[..., None]
    # Matplotlib rounds twice: values to 256 entries of a table, entries to bytes.
    difference = pixels[10:-10, 10:-10] / 255 - wanted
    assert abs(difference).max() < 2 / 255


def test_a_face_is_as_large_as_a_thumb_nail():
    pixels = rendered(plots.mosaic(np.zeros((400, 16, 16)), title="fake faces"))
    assert 20 * 32 <= pixels.shape[1] <= 20 * 40


def test_out_of_range_is_clipped():
    pictures = np.array([[[-3.0, 0.5, 7.0]]])
    np.testing.assert_array_equal(
        image(plots.mosaic(pictures)).get_array(), [[0, 0.5, 1]]
    )


def test_titles():
    assert plots.mosaic(np.zeros((4, 2, 2)), title="a").axes[0].get_title() == "a"
    assert plots.strip(np.zeros((4, 2, 2)), "b").axes[0].get_title() == "b"
    assert plots.losses(HISTORY, "c").get_suptitle() == "c"
    assert plots.losses(HISTORY).get_suptitle() == ""


@pytest.mark.parametrize(
    "pictures",
    [
        np.zeros((0, 4, 4)),
        np.zeros((4, 4)),
        np.zeros((2, 4, 4, 2)),
        np.zeros((2, 4, 4, 1, 1)),
        [],
        3,
        np.full((1, 2, 2), np.nan),
        np.full((1, 2, 2), np.inf),
        np.full((1, 2, 2), "a"),
        np.full((1, 2, 2), 255, np.uint8),
        np.full((1, 2, 2), 1j),
    ],
)
def test_wrong_pictures(pictures):
    for draw in [plots.mosaic, plots.strip]:
        with refused("pictures"):
            draw(pictures)
    with refused("pictures"):
        plots.faces_and_values(pictures, [0.0], [1.0], HISTORY)


@pytest.mark.parametrize("columns", [0, -1, 2.5, "3"])
def test_wrong_columns(columns):
    with refused("columns"):
        plots.mosaic(np.zeros((4, 2, 2)), columns)


def test_loss_curves():
    (axes,) = plots.losses(HISTORY_GP).axes
    curves = {line.get_label(): line.get_ydata() for line in axes.lines}
    assert list(curves) == [
        "discriminator loss",
        "generator loss",
        "gradient penalty",
    ]
    np.testing.assert_array_equal(curves["generator loss"], HISTORY["gen_loss"])
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), [1, 2, 3])
    assert len(plots.losses(HISTORY | {"accuracy": [1, 2, 3]}).axes[0].lines) == 2


def test_epochs_are_whole():
    for epochs in [1, 2, 5, 1000]:
        curve = np.linspace(1, 0, epochs)
        (axes,) = plots.losses({"discr_loss": curve, "gen_loss": curve}).axes
        ticks = axes.get_xticks()
        assert (ticks == ticks.round()).all()


@pytest.mark.parametrize("curve", [[1.0], [np.nan], [1.0, np.inf, -np.inf, 2.0]])
def test_a_run_that_went_wrong_can_still_be_drawn(curve):
    rendered(plots.losses({"discr_loss": curve, "gen_loss": curve}))


@pytest.mark.parametrize(
    "history",
    [
        [],
        {},
        {"discr_loss": [1.0]},
    ],
)
def test_wrong_history(history):
    points, clouds = np.zeros((1, 2)), np.zeros((1, 5))
    for draw in [
        lambda: plots.losses(history),
        lambda: plots.points_and_values(points, points, [[0.0]], history),
        lambda: plots.coloured_points(clouds, clouds, history),
        lambda: plots.faces_and_values(np.zeros((1, 2, 2)), [0.0], [0.0], history),
    ]:
        with refused("history"):
            draw()


def test_grid_gives_the_middles_of_the_cells():
    np.testing.assert_array_equal(
        plots.grid(2), [[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]]
    )
    assert plots.grid().shape == (64 * 64, 2)
    assert plots.grid().dtype == np.float32
    with refused("size"):
        plots.grid(0)


def test_points_and_values():
    real, fake = RNG.uniform(size=(2, 30, 2))
    fake[0] = [1.5, -0.5]
    # A discriminator that is x + 10 y, so that a transposition would be seen.
    values = (plots.grid(8) @ [1, 10]).reshape(8, 8)
    figure = plots.points_and_values(real, fake, values, HISTORY, "circle")
    left, right = figure.axes[0], figure.axes[1]
    drawn = left.images[0]
    np.testing.assert_allclose(drawn.get_array(), values)
    assert drawn.get_extent() == [0, 1, 0, 1] and drawn.origin == "lower"
    np.testing.assert_array_equal(left.collections[0].get_offsets(), real)
    np.testing.assert_array_equal(left.collections[1].get_offsets(), fake)
    labels = [text.get_text() for text in left.get_legend().get_texts()]
    assert labels == ["real", "fake"]
    assert len(right.lines) == 2
    # The axes contain all points, and the whole unit square.
    assert left.get_xlim()[0] <= 0 and left.get_xlim()[1] >= 1.5
    assert left.get_ylim()[0] <= -0.5 and left.get_ylim()[1] >= 1


def test_coloured_points():
    real, fake = RNG.uniform(-0.5, 1.5, size=(2, 30, 5))
    figure = plots.coloured_points(real, fake, HISTORY_GP, "clouds")
    for axes, name, cloud in zip(
        figure.axes, ["real", "fake"], [real, fake], strict=False
    ):
        (drawn,) = axes.collections
        np.testing.assert_array_equal(drawn.get_offsets(), cloud[:, :2])
        np.testing.assert_array_equal(
            drawn.get_facecolors()[:, :3], cloud[:, 2:].clip(0, 1)
        )
        assert axes.get_title() == name
    assert figure.axes[0].get_xlim() == figure.axes[1].get_xlim()
    assert len(figure.axes[2].lines) == 3
    limits = [figure.axes[0].get_xlim(), figure.axes[0].get_ylim()]
    both = np.concatenate([real, fake, np.eye(2, 5)])[:, :2]
    assert (both.min(axis=0) >= np.transpose(limits)[0]).all()
    assert (both.max(axis=0) <= np.transpose(limits)[1]).all()


@pytest.mark.parametrize(
    "points",
    [
        np.zeros((0, 2)),
        np.zeros((4, 3)),
        np.zeros(4),
        np.full((4, 2), np.nan),
        [["a", "b"]],
        None,
    ],
)
def test_wrong_points(points):
    good, values = np.zeros((4, 2)), np.zeros((3, 3))
    with refused("real"):
        plots.points_and_values(points, good, values, HISTORY)
    with refused("fake"):
        plots.points_and_values(good, points, values, HISTORY)
    with refused("fake"):
        plots.coloured_points(np.zeros((4, 5)), points, HISTORY)


@pytest.mark.parametrize("values", [np.zeros(9), np.zeros((0, 0))])
def test_wrong_values(values):
    points = np.zeros((4, 2))
    with refused("values"):
        plots.points_and_values(points, points, values, HISTORY)


def test_faces_and_values():
    pictures = RNG.uniform(size=(10, 16, 16, 1))
    real, fake = RNG.normal(1, 1, (400, 1)), RNG.normal(-1, 1, 300)
    figure = plots.faces_and_values(pictures, real, fake, HISTORY_GP, "faces")
    row, histograms, curves = figure.axes
    assert row.images[0].get_array().shape == (16, 17 * 10 - 1)
    assert row.images[0].get_clim() == (0, 1)
    edges = np.linspace(min(real.min(), fake.min()), max(real.max(), fake.max()), 31)
    for polygon, values in zip(histograms.patches, [real, fake], strict=True):
        heights = polygon.get_xy()[1:61:2, 1]
        np.testing.assert_array_equal(heights, np.histogram(values, edges)[0])
    assert len(curves.lines) == 3


def test_faces_and_values_of_a_constant_discriminator():
    rendered(plots.faces_and_values(np.zeros((1, 2, 2)), [1.0], [1.0], HISTORY))


@pytest.mark.parametrize(
    "values",
    [
        [],
        np.zeros((4, 2)),
        np.zeros((4, 1, 1)),
        0.5,
        [np.nan],
        ["a"],
    ],
)
def test_wrong_discriminator_values(values):
    pictures = np.zeros((10, 16, 16))
    with refused("values_real"):
        plots.faces_and_values(pictures, values, [0.0], HISTORY)
    with refused("values_fake"):
        plots.faces_and_values(pictures, [0.0], values, HISTORY)


def test_histograms_are_densities_under_the_given_one():
    samples = {"wide": RNG.normal(0, 3, 500), "narrow": RNG.normal(0, 0.5, (300, 1))}
    samples |= {"third": RNG.normal(size=100)}
    x = np.linspace(-2, 2, 41)
    figure = plots.histograms_and_density(samples, (x, x**2), "a parabola", "three")
    assert len(figure.axes) == 4 and not figure.axes[3].axison
    for axes, (name, sample) in zip(figure.axes, samples.items(), strict=False):
        assert axes.get_title() == name
        heights = [bar.get_height() for bar in axes.patches]
        width = axes.patches[0].get_width()
        counts = np.histogram(sample, 60, (-2, 2))[0]
        np.testing.assert_allclose(heights, counts / len(sample) / width)
        np.testing.assert_array_equal(axes.lines[0].get_ydata(), x**2)
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["histogram", "a parabola"]


@pytest.mark.slow
def test_many_histograms_are_small():
    samples = {str(i): RNG.normal(size=50) for i in range(16)}
    figure = plots.histograms_and_density(samples, ([-4, 4], [0, 1]), "density")
    assert len(figure.axes) == 16 and max(figure.get_size_inches()) < 12


@pytest.mark.parametrize(
    "samples, density, argument",
    [
        ({}, ([0, 1], [0, 1]), "samples"),
        ({"a": [[1.0, 2.0]]}, ([0, 1], [0, 1]), "samples"),
        ({"a": [1.0]}, ([0, np.nan], [1, 1]), "density"),
    ],
)
def test_wrong_histograms(samples, density, argument):
    with refused(argument):
        plots.histograms_and_density(samples, density, "density")


def test_discriminator_and_value():
    x, curves = np.linspace(0, 1, 9), RNG.random((4, 9))
    value = [-1.3, -1.1, -1.0]
    figure = plots.discriminator_and_value(x, curves[:2], *curves[2:], value, -0.9)
    left, right = figure.axes
    drawn = {line.get_label(): line.get_ydata() for line in left.lines}
    np.testing.assert_array_equal(drawn["discriminator, trained"], curves[2])
    np.testing.assert_array_equal(drawn["best, p / (p + q)"], curves[3])
    curve, limit = right.lines
    np.testing.assert_array_equal(curve.get_ydata(), value)
    assert set(limit.get_ydata()) == {-0.9}


@pytest.mark.parametrize("suffix", [".png", ".pdf", ".svg"])
@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.slow
def test_the_same_figure_gives_the_same_bytes(tmp_path, name, suffix):
    first = plots.save(FIGURES[name], tmp_path / f"first{suffix}")
    second = plots.save(FIGURES[name], str(tmp_path / f"second{suffix}"))
    assert first == tmp_path / f"first{suffix}"
    assert first.read_bytes() == second.read_bytes()
    start = {".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<?xml"}[suffix]
    assert first.read_bytes().startswith(start)


@pytest.mark.slow
def test_figures_of_the_same_arrays_give_the_same_bytes(tmp_path):
    for suffix in [".png", ".pdf", ".svg"]:
        files = [
            plots.save(plots.losses(HISTORY, "losses"), tmp_path / f"{i}{suffix}")
            for i in range(2)
        ]
        assert files[0].read_bytes() == files[1].read_bytes()


def test_png_is_the_default(tmp_path):
    path = plots.save(FIGURES["losses"], tmp_path / "curves")
    assert path == tmp_path / "curves.png"
    assert path.read_bytes().startswith(b"\x89PNG")
    assert plots.save(FIGURES["losses"], tmp_path / "a.PNG").exists()


def test_save_refuses(tmp_path):
    for path in (tmp_path / "a.bmp", tmp_path / "none" / "a.png", tmp_path, None):
        with refused("path"):
            plots.save(FIGURES["losses"], path)
    assert not list(tmp_path.iterdir())


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = plots.save(FIGURES["losses"], tmp_path / "a.png")
    before = path.read_bytes()
    figure = plots.losses(HISTORY)

    def fail(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(figure, "savefig", fail)
    with pytest.raises(OSError, match="disk full"):
        plots.save(figure, path)
    assert [path] == list(tmp_path.iterdir())
    assert path.read_bytes() == before


def test_import_is_light():
    done = python(
        "import sys, gan.plots, gan.faces, gan.toys\n"
        "heavy = {'matplotlib', 'tensorflow', 'keras'} & sys.modules.keys()\n"
        "assert not heavy, heavy"
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_no_pyplot_is_needed_to_draw_and_save(tmp_path):
    done = python(
        "import sys, numpy, gan.plots as plots\n"
        "figure = plots.mosaic(numpy.zeros((4, 16, 16)))\n"
        f"plots.save(figure, {str(tmp_path / 'a.png')!r})\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("backend", slow_but_first("agg", "tkagg", single=True))
def test_show_without_a_screen(backend):
    done = python(
        "import gan.plots as plots\n"
        "plots.show(plots.losses({'discr_loss': [1], 'gen_loss': [1]}))",
        MPLBACKEND=backend,
    )
    assert "InvalidInput: There is no screen to show the figure on" in done.stderr


def test_show_hands_the_figure_to_pyplot(monkeypatch):
    import matplotlib.pyplot as plt

    plt.switch_backend("agg")
    figure, shown = plots.losses(HISTORY), []
    monkeypatch.setattr(plt, "get_backend", lambda: "TkAgg")
    monkeypatch.setattr(plt, "show", lambda: shown.append(plots.pixels(plt.gcf())))
    plots.show(figure)
    plt.close("all")
    np.testing.assert_array_equal(*shown, plots.pixels(figure))
    with refused("figure"):
        plots.show(None)


def test_four_hundred_faces_are_one_image_of_one_axes():
    """400 axes would take more than ten seconds, and one takes 0.05 seconds."""
    figure = plots.mosaic(np.ones((400, 16, 16)), title="fake faces")
    assert len(figure.axes) == 1 and len(figure.axes[0].images) == 1


def test_rows_are_named_and_in_order():
    sets = {"real": np.zeros((5, 4, 4)), "ours": np.ones((5, 4, 4))}
    figure = plots.rows(sets, title="faces")
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == ["real", "ours"]
    image = np.asarray(axes.images[0].get_array())
    middle = image.shape[0] // 4
    assert image[middle, 2].max() == 0 and image[3 * middle, 2].min() == 1
    with refused("pictures"):
        plots.rows({"a": np.zeros((5, 4, 4)), "b": np.zeros((4, 4, 4))})
    with refused("pictures"):
        plots.rows({})


def test_histograms_of_several_sets():
    sets = {"real": RNG.normal(size=(300, 1)), "fake": RNG.normal(2, 1, 200)}
    panels = {name: sets for name in "abcd"}
    figure = plots.histograms(panels, "value", "title")
    assert [axes.get_title() for axes in figure.axes] == [*"abcd", "", ""]
    assert [axes.axison for axes in figure.axes] == [True] * 4 + [False] * 2
    axes = figure.axes[0]
    edges = np.histogram_bin_edges(np.concatenate([*map(np.ravel, sets.values())]), 50)
    for polygon, values in zip(axes.patches, sets.values(), strict=True):
        heights = polygon.get_xy()[1:101:2, 1]
        expected = np.histogram(values, edges, density=True)[0]
        np.testing.assert_allclose(heights, expected)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [*sets]
    rendered(figure)
    with refused("panels"):
        plots.histograms({})
    with refused("panels"):
        plots.histograms({"a": {}})
    with refused("fake"):
        plots.histograms({"a": {"fake": [np.nan]}})


def test_losses_side_by_side():
    history = {"discr_loss": [1.0, 2.0], "gen_loss": [3.0, 4.0]}
    figure = plots.compare_losses({"A": history, "B": {**history, "gp": [5.0, 6.0]}})
    assert [axes.get_title() for axes in figure.axes] == ["A", "B"]
    assert [len(axes.lines) for axes in figure.axes] == [2, 3]
    with refused("histories"):
        plots.compare_losses({})


@pytest.mark.parametrize(("name", "upright"), [("a", False), (30 * "$", True)])
def test_panels_have_whole_pixels_and_names_above_their_columns(name, upright):
    faces = RNG.uniform(size=(6, 16, 16))
    figure = plots.panels({"fakes": faces, "real": faces[::-1]}, 3, 3 * [name])
    tiles = [axes.images[0].get_array() for axes in figure.axes]
    np.testing.assert_allclose(tiles[0], plots.tile(faces, 3))
    np.testing.assert_allclose(tiles[1], plots.tile(faces[::-1], 3))
    picture = rendered(figure)
    for axes in figure.axes:
        box = axes.get_window_extent()
        scale = round(box.width / 50)
        np.testing.assert_allclose([box.width, box.height], [50 * scale, 33 * scale])
    assert (picture[:, :10] == 255).all()
    titles, names = figure.texts[::4], [t for t in figure.texts if t.get_size() == 8]
    assert [text.get_text() for text in titles] == ["fakes", "real"]
    assert {text.get_text() for text in names} == {name[:19] + "…" * upright}
    boxes = [text.get_window_extent() for text in names[:3]]
    middles = [box.x0 + box.width / 2 for box in boxes]
    np.testing.assert_allclose(np.diff(middles), 17 * scale, atol=1)
    assert all(box.y1 < figure.bbox.height - 20 for box in boxes)


def test_panels_of_unequal_heights_are_refused():
    faces = RNG.uniform(size=(6, 16, 16))
    with refused("pictures"):
        plots.panels({"a": faces, "b": faces[:3]}, 3)


def test_classes_stand_after_their_names_near_a_square():
    rng = np.random.default_rng(0)
    for count, names in ((64, [*"0123456789"]), (50, ["a", "b"]), (30, [*"x" * 200])):
        labels = np.arange(count) % len(names)
        pictures = rng.random((count, 8, 8), "float32")
        figure = plots.by_class(pictures, labels, names, "title")
        width, height = figure.get_size_inches()
        assert 0.5 < width / height < 2
        shown = np.unique(labels)
        texts = [text.get_text() for text in figure.texts if text.get_text()]
        assert texts[: len(shown)] == [names[label] for label in shown]
        for label, axes in zip(shown, figure.axes, strict=True):
            (image,) = axes.images
            own = pictures[labels == label]
            np.testing.assert_array_equal(image.get_array()[:8, :8], own[0])
    for labels in ([0], [0, 2], [[0, 1]]):
        with refused("labels"):
            plots.by_class(np.zeros((2, 8, 8)), labels, ["a", "b"])
