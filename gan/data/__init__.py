"""What real examples come from: arrays, pictures, toys."""
