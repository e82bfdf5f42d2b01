"""The linter: rules, the walk over specs and rows, and what it says. Imports nothing that sends."""
