"""Systems of the literature: one file each, with `train`; `guide` shows failures."""
