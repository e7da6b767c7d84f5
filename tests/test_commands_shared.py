import pytest

from gan.cli import shared


@pytest.mark.parametrize("screen, verbose", [(True, 1), (False, 2)])
def test_a_progress_bar_is_for_terminals(screen, verbose, monkeypatch, capsys):
    monkeypatch.setattr(shared.sys.stdout, "isatty", lambda: screen)
    assert shared.verbose() == verbose
