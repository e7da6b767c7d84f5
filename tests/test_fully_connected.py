import numpy as np
import pytest
from conftest import refused

import gan

REAL = np.zeros((10, 2), "float32")


def layer_table(network):
    return [
        (layer.units, layer.activation.__name__, layer.count_params())
        for layer in network.layers[1:]
    ]


def test_layers_mirror_each_other():
    generator, discriminator, latent = gan.fully_connected_GenDiscr([3, 5, 7, 2], REAL)
    assert (generator.name, discriminator.name) == ("generator", "discriminator")
    assert layer_table(generator) == [
        (5, "tanh", 20),
        (7, "tanh", 42),
        (2, "sigmoid", 16),
    ]
    assert layer_table(discriminator) == [
        (7, "tanh", 21),
        (5, "tanh", 40),
        (1, "tanh", 6),
    ]
    assert latent(4).shape == (4, 3) and latent.latent_type == "normal"


@pytest.mark.parametrize(
    "shape, real", [(np.array([2, 4, 2]), REAL), ([2, 4, 2], None)]
)
def test_sizes_from_numpy_and_no_examples(shape, real):
    generator, discriminator, _ = gan.fully_connected_GenDiscr(shape, real)
    assert generator.output_shape == discriminator.input_shape == (None, 2)


def test_parameter_counts_of_the_course():
    generator, discriminator, _ = gan.fully_connected_GenDiscr([1, 100, 100, 2], REAL)
    assert generator.count_params() == 10_502
    assert discriminator.count_params() == 10_501


@pytest.mark.parametrize(
    "arguments, argument",
    [
        (([2], REAL), "gen_shape"),
        (([], REAL), "gen_shape"),
        ((7, REAL), "gen_shape"),
        (([2, 0, 2], REAL), "gen_shape"),
        (([2, 2.5, 2], REAL), "gen_shape"),
        (([2, 4, 3], REAL), "real_examples"),
        (([2, 4, 2], np.zeros((5, 4, 4))), "real_examples"),
        (([2, 4, 2], REAL, "cube"), "latent_type"),
    ],
)
def test_bad_input(arguments, argument):
    with refused(argument):
        gan.fully_connected_GenDiscr(*arguments)
