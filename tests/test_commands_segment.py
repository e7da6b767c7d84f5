import numpy as np

import gan.cli.segment
from gan import cli


def test_segment_is_straight_in_latent_space(files, tmp_path, monkeypatch):
    seen = []
    segment = gan.cli.segment
    generate = segment.generate
    monkeypatch.setattr(
        segment, "generate", lambda g, z: seen.append(np.array(z)) or generate(g, z)
    )
    options = [
        "--generator",
        str(files / "plain.h5"),
        "--output",
        str(tmp_path / "s.png"),
    ]
    assert cli.main(["segment", *options]) == 0
    (latents,) = seen
    assert latents.shape == (20, 16)
    np.testing.assert_allclose(np.diff(latents, 2, axis=0), 0, atol=1e-5)
