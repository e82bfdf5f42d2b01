"""Family 3xx: providers and their templates."""
