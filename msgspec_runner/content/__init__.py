"""Facts about what a phone receives: numbers that can be reached, and what a text costs in SMS segments.

Pure functions over strings; nothing here reads a file or knows what a spec is.
"""
