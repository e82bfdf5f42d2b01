"""Family 9xx: the runner's own."""
