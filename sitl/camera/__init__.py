"""Cameras on the simulated drones: rendered, encoded, muxed and served."""
