"""People counted in a picture, and how dense they stand on the ground."""
