"""Family 6xx: what a recipient would get."""
