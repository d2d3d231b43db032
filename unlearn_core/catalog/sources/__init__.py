"""Sources of image sets: pictures, splits and classes."""
