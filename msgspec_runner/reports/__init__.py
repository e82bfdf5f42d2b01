"""How findings and runs are shown: one file per format. A report takes values and returns text."""
