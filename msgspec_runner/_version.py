"""The one home of the version: read by hatchling for the wheel and by ``--version``."""

__version__ = "0.1.0"
