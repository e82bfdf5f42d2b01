"""YAML text to a tree of nodes with exact positions; problems in the text are data.

``document``     what a spec's text is: nodes, problems, comments, positions
``nodes``        the values of the tree
``tree``         parser events to nodes, with every bound
``core_schema``  what a plain scalar means: YAML 1.2, not 1.1
``scalars``      which characters of the file made which character of a value
``mistakes``     what a person did wrong where the parser gave up, and what to type next
"""
