"""What a row rule knows beside the row: the spec and what stands around it."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from msgspec_runner.config import Config
from msgspec_runner.linting.flows import Flows
from msgspec_runner.providers.catalog import Catalogs
from msgspec_runner.rendering import Renderer
from msgspec_runner.spec import Spec


class RowContext(NamedTuple):
    """One spec under one profile, before the rows of one source are read.

    Attributes:
        spec: the spec.
        renderer: what renders its rows; gives a row rule the pieces that a text was made of.
        config: the project's configuration, profile applied.
        catalogs: the templates that the project knows.
        flows: the types in its templates.
        now: the moment of the run, with a zone.
        invented: whether the rows are the spec's samples: their dates say nothing about when anybody is texted.
    """

    spec: Spec
    renderer: Renderer
    config: Config
    catalogs: Catalogs
    flows: Flows
    now: datetime
    invented: bool = False
