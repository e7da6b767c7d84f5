"""Published systems as data, one file each: networks, losses and lengths."""
