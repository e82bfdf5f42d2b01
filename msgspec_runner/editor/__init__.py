"""The language server behind ``msgspec-runner lsp``: what the linter knows, while a spec is being typed.

Three processes, so that no text can make typing wait. The **server** holds the open texts and speaks the protocol; it
never looks into a spec. Two **helpers** do: one answers questions and lints specs as they are written, one renders the
recipients. A helper that takes too long, or whose answer nobody waits for any more, is ended and another one begun.

``server``, ``wire``, ``stdio``          the protocol (pygls); ``session`` decides when to lint and what to show
``helpers``, ``helper``, ``questions``   the processes, and what is asked of them
``checking``                             lint, in two steps
``completion``, ``in_template``          what may be typed here
``hover``, ``definition``, ``repairs``   what this is, where it comes from, how to mend it
``outline``, ``expressions``             where the cursor is, in a text that may be no YAML yet
``positions``                            lines and columns as the client counts them
"""
