"""Benchmarks: how fast we are beside others, measured in one run on one machine. ``make bench`` runs them all.

No test looks at these numbers, and a missed aim is no error: a time says as much about the machine as about
the code. Only ratios of two programs that ran by turns mean something, so that is what is printed.
"""
