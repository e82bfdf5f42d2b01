"""The crash promise, proved on this machine: ``send`` is killed again and again, and then everybody is counted."""
