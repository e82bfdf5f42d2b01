"""``preview``: one page that shows every message as a phone would, beside what the linter says of it."""
