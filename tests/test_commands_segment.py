import numpy as np

from gan import cli
from gan.generators.trained import TrainedGenerator


def test_segment_is_straight_in_latent_space(files, tmp_path, monkeypatch):
    seen = []
    usual = TrainedGenerator.outputs

    def spy(generator, latents, *rest):
        seen.append(np.array(latents))
        return usual(generator, latents, *rest)

    monkeypatch.setattr(TrainedGenerator, "outputs", spy)
    options = [
        "--generator",
        str(files / "plain.h5"),
        "--output",
        str(tmp_path / "s.png"),
    ]
    assert cli.main(["walk", "--shape", "segment", *options]) == 0
    (latents,) = seen
    assert latents.shape == (20, 16)
    np.testing.assert_allclose(np.diff(latents, 2, axis=0), 0, atol=1e-5)
