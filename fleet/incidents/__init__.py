"""Incidents: the desk that takes detections and decisions, their pictures, and what sites report."""
