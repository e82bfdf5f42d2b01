"""What changed since a commit: files, the specs that use them, and the version before.

``files``    which files are others than git had them
``before``   the version before, in a private folder, where the same code reads it
``specs``    which specs a change touches, and which version of each came before
"""
