"""Water level read from a picture of a structure whose marks are known."""
