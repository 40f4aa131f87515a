"""What the camera sees: frames and poses in, measurements and detections out."""
