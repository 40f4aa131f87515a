"""A city to try it in: vehicles, docks, cameras, a river, a crowd, a CAD."""
