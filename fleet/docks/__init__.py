"""Docks: the Dock port, its MQTT adapter and a fake."""
