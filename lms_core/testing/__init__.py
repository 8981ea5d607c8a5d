"""What ships for tests: the pytest plugin, and the helpers its fixtures hand out."""
