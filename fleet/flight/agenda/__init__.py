"""What the drones have flown, fly and are to fly, and what of the city they have seen, for the map."""
