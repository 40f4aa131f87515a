"""A day in the city without flying it: a discrete-event run of planner, energy and responder."""
