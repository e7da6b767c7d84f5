"""What real examples come from: arrays, pictures, the demo set, toys."""

from gan.data.demo import PixelFaces, pixel_faces

__all__ = ["PixelFaces", "pixel_faces"]
