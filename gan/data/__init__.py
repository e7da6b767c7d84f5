"""Reading real examples: arrays, pictures, captions and the demo set."""

from gan.data.demo import PixelFaces, pixel_faces

__all__ = ["PixelFaces", "pixel_faces"]
