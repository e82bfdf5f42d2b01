"""Family 5xx: recipients' data."""
