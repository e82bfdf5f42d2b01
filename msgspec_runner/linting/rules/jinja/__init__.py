"""Family 4xx: Jinja."""
