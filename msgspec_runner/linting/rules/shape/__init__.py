"""Family 1xx: YAML and the shape of a spec."""
