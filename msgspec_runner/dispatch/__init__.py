"""Carry out a plan: retry, breaker and pace decide without I/O, the dispatcher does."""
