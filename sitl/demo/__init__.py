"""`skybeat demo`: a city, a controller and its workers as processes, and what really happened."""
