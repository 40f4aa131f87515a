"""``python -m sitl.camera``: the camera server's process."""

from sitl.camera.server import main

if __name__ == "__main__":
    main()
