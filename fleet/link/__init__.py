"""Vehicles: the DroneLink port, its mavsdk adapter, a fake, and sorties as mission items."""
