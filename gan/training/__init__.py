"""What `fit` stands on; nobody needs it to understand a GAN."""
