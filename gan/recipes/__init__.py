"""Published systems, a file each: what a paper says of training, as data."""
