"""Lessons called from Python; test_commands_*.py tests the commands."""

import pytest

from gan import cli, plots
from gan.lessons import Lesson, gaussian
from gan.recipes import gaussian as recipe


def test_a_lesson_is_written_in_one_place(tmp_path):
    figure = plots.mosaic([[[0.0, 1.0]]])
    lesson = Lesson({"a": figure, "b": figure}, "said")
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    assert lesson.write(paths) == paths and all(path.is_file() for path in paths)
    page = Lesson(page=lambda path: path.write_text("page"))
    assert page.write([tmp_path / "x.html"]) == [tmp_path / "x.html"]
    assert (tmp_path / "x.html").read_text() == "page"


@pytest.mark.slow
def test_the_gaussian_is_the_recipe_without_its_folder(tmp_path, monkeypatch, capsys):
    two = {k: recipe.PAIRS[k] for k in ("least_squares", "two_class")}
    monkeypatch.setattr(recipe, "PAIRS", two)
    monkeypatch.setattr(recipe, "STEPS", 2)
    lesson = gaussian.run(epochs=1, seed=3)
    assert len(lesson.text.splitlines()) == 4 and [*lesson.figures] == ["gaussian"]
    line = ["lesson", "gaussian", "--epochs", "1", "--seed", "3"]
    assert cli.main([*line, "--output", str(tmp_path / "g.png")]) == 0
    assert capsys.readouterr().out == f"{lesson.text}\n{tmp_path / 'g.png'}\n"
    assert [*tmp_path.iterdir()] == [tmp_path / "g.png"]
