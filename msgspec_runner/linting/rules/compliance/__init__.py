"""Family 7xx: what law and carriers ask for. Off unless selected."""
