"""Where and how the networks run: devices, backends, tiles."""
