"""Who flies and who is told: drones, docks, incidents, CAD, store, API, map."""
