"""Family 2xx: the message contract of the API."""
