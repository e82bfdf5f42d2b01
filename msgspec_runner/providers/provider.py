"""What a provider is to the linter: facts, and one check of its template variables."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

Variables = Mapping[str, object]
"""``template.variables`` as written: keys are source text, values scalars' text or maps of them."""


class ShapeProblem(NamedTuple):
    """Something wrong with the shape of ``template.variables``.

    Attributes:
        path: keys from ``variables`` to the place; empty for the whole of it.
        message: what is wrong and what to write.
        at_key: whether the key is to be pointed at, rather than its value.
        component: True where a top-level key is no component of the provider (rule 304), else False (303).
    """

    path: tuple[str, ...]
    message: str
    at_key: bool = False
    component: bool = False


class Provider(NamedTuple):
    """One value of ``message.provider``.

    Attributes:
        id: as the API spells it.
        title: as people call it.
        is_whatsapp: whether it takes templates, and knows no segments.
        text_limit: most characters of ``text``; beyond it the provider refuses.
        template_id: what a template's id looks like; None where it has no templates.
        template_id_hint: the same in words.
        variables: the check of ``template.variables``.
        components: keys of ``template.variables`` whose value is a map of its own.
    """

    id: str
    title: str
    is_whatsapp: bool
    text_limit: int
    template_id: re.Pattern[str] | None
    template_id_hint: str
    variables: Callable[[Variables], tuple[ShapeProblem, ...]]
    components: tuple[str, ...] = ()
