"""The machinery below `fit`, which is not needed to understand a GAN."""
