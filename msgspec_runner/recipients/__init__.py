"""Who gets a message: rows from a file or from the spec itself, and what their cells mean.

``readers`` opens any kind of file as a stream of rows, one module a format; ``columns`` turns the cells of a row into
the values that templates see.
"""
