import pytest
from conftest import refused
from PIL import Image
from scipy import stats

import gan
from gan import toys
from gan.recipes import gaussian
from gan.recipes.record import note_settings
from gan.recipes.run import Run


def test_its_loss_pairs_are_those_of_the_library_before_2018():
    classes = {name for name in gan.__all__ if name.endswith(("GAN", "_clip", "_GP"))}
    assert {cls.__name__ for cls in gaussian.PAIRS.values()} == classes - {
        "AC_GAN",
        "CaptionGAN",
        "CycleGAN",
        "HingeGAN",
        "R3GAN",
        "TranslationGAN",
    }


def test_the_networks_are_the_documented_ones(layer_table):
    hidden = [("Dense", (32,), 32 * 33)]
    assert layer_table(gaussian.make_generator()) == [
        ("Dense", (32,), 288),
        *hidden,
        ("Dense", (1,), 33),
    ]
    assert layer_table(gaussian.make_discriminator(2)) == [
        ("Dense", (32,), 64),
        *hidden,
        ("Dense", (2,), 66),
    ]
    assert gaussian.make_generator().count_params() == 1_377
    assert gaussian.make_discriminator().count_params() == 1_153
    assert gaussian.make_discriminator(2).count_params() == 1_186


def test_judge_is_the_moments_and_scipys_distance():
    real, fake = toys.gaussian(500, seed=0), toys.gaussian(500, 5, 2, seed=1)
    mean, std, distance = gaussian.measure(real, fake)
    assert (mean, std) == pytest.approx((fake.mean(), fake.std()))
    expected = stats.wasserstein_distance(real[:, 0], fake[:, 0])
    assert distance == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
def test_one_pair_comes_near_in_seconds():
    real = toys.gaussian(2000)
    model = gaussian.make_model("least_squares", real, seed=0)
    model.fit(epochs=1, steps_per_epoch=500, verbose=0)
    mean, std, distance = gaussian.measure(real, model.get_fake_sample(2000))
    assert abs(mean - 4) < 0.3 and abs(std - 1.25) < 0.3 and distance < 0.3


@pytest.mark.slow
def test_a_run_writes_table_picture_and_models(tmp_path, monkeypatch, capsys):
    two = {k: gaussian.PAIRS[k] for k in ("wasserstein_gp", "two_class")}
    monkeypatch.setattr(gaussian, "PAIRS", two)
    paths = gaussian.train(Run("gaussian", tmp_path, epochs=1, steps=1, verbose=0))
    assert all(path.is_file() for path in paths)
    names = ["gaussian.png", "training_wasserstein_gp.gif", "model.keras"]
    names += ["training_two_class.gif", "model.keras"]
    assert [path.name for path in paths] == names
    assert paths[1].stat().st_size > 1000
    for pair in two:
        assert (tmp_path / pair / "image_at_epoch_0001.png").is_file()
    head, real, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["mean", "std", "W1"] and len(rows) == 2
    assert [float(value) for value in real.split()[2:]] == pytest.approx(
        [4, 1.25, 0.025], abs=0.03
    )
    assert isinstance(gan.load_model(paths[-1]), gan.TwoClassGAN)


def test_data_are_refused(tmp_path):
    with refused("data"):
        gaussian.train(Run("gaussian", tmp_path, "mnist.npz"))


def test_other_recipes_keep_out_of_the_folder_and_it_of_theirs(tmp_path, monkeypatch):
    def stop(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(Run, "fit", stop)
    with pytest.raises(KeyboardInterrupt):
        gaussian.train(Run("gaussian", tmp_path, seed=3))
    with refused("recipe"):
        note_settings(tmp_path, {"recipe": "lfw", "seed": 3})
    (tmp_path / "run.json").write_text('{"recipe": "lfw", "seed": 3}')
    with refused("recipe"):
        gaussian.train(Run("gaussian", tmp_path, seed=3))
    with pytest.raises(KeyboardInterrupt):
        gaussian.train(Run("gaussian", tmp_path, seed=3, restart=True))


@pytest.mark.slow
def test_a_restart_that_is_stopped_goes_on_with_none_of_the_old_run(
    tmp_path, monkeypatch, capsys
):
    two = {k: gaussian.PAIRS[k] for k in ("least_squares", "minimax")}
    monkeypatch.setattr(gaussian, "PAIRS", two)
    gaussian.train(Run("gaussian", tmp_path, epochs=1, steps=1, verbose=0))
    usual = Run.fit

    def stop(self, model, *arguments, **options):
        if isinstance(model, gan.MinimaxGAN):
            raise KeyboardInterrupt
        return usual(self, model, *arguments, **options)

    again = {"epochs": 2, "steps": 1, "verbose": 0}
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Run, "fit", stop)
        gaussian.train(Run("gaussian", tmp_path, restart=True, **again))
    assert not [*tmp_path.glob("minimax/*.json"), *tmp_path.glob("*.png")]
    gaussian.train(Run("gaussian", tmp_path, **again))
    with Image.open(tmp_path / "training_minimax.gif") as gif:
        assert gif.n_frames == 2
