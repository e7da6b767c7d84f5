import gan

GENERATOR = """
InputLayer 16 0 | Dense 2048 34816 | Reshape 2,2,512 0
UpSampling2D 4,4,512 0 | Conv2D 4,4,64 294976
BatchNormalization 4,4,64 256 | Activation 4,4,64 0
UpSampling2D 8,8,64 0 | Conv2D 8,8,16 9232
BatchNormalization 8,8,16 64 | Activation 8,8,16 0
UpSampling2D 16,16,16 0 | Conv2D 16,16,1 145
BatchNormalization 16,16,1 4 | Activation 16,16,1 0
"""
DISCRIMINATOR = """
InputLayer 16,16,1 0
Conv2D 16,16,32 320 | MaxPooling2D 8,8,32 0 | Activation 8,8,32 0
Conv2D 8,8,64 18496 | MaxPooling2D 4,4,64 0 | Activation 4,4,64 0
Conv2D 4,4,128 73856 | MaxPooling2D 2,2,128 0 | Activation 2,2,128 0
Conv2D 2,2,256 295168 | MaxPooling2D 1,1,256 0 | Activation 1,1,256 0
Flatten 256 0 | Dense 1 257
"""


def table(network):
    rows = []
    for layer in network.layers:
        shape = ",".join(map(str, layer.output.shape[1:]))
        rows.append(f"{type(layer).__name__} {shape} {layer.count_params()}")
    return rows


def expected(text):
    return [row.strip() for line in text.split("\n") for row in line.split("|") if row]


def test_summaries_are_the_contract():
    generator, discriminator = gan.convolutional_GenDiscr()
    assert (generator.name, discriminator.name) == ("generator", "discriminator")
    assert table(generator) == expected(GENERATOR)
    assert table(discriminator) == expected(DISCRIMINATOR)
    assert generator.count_params() == 339_493
    assert sum(w.shape.num_elements() for w in generator.trainable_weights) == 339_331
    assert discriminator.count_params() == 388_097


def test_details_that_no_summary_shows():
    for network in gan.convolutional_GenDiscr():
        for layer in network.layers:
            kind = type(layer).__name__
            if kind == "Conv2D":
                assert layer.kernel_size == (3, 3) and layer.padding == "same"
                assert layer.activation.__name__ == "linear"
            if kind in ("Dense", "Activation"):
                assert layer.activation.__name__ == "tanh"
            if kind == "UpSampling2D":
                assert layer.interpolation == "nearest"
