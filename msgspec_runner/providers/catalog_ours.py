"""Our own catalog: YAML that people read and review. Its shape is ``schemas/catalog.schema.json``."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec_runner.errors import ConfigError
from msgspec_runner.providers.catalog import CatalogTemplate, Variable
from msgspec_runner.providers.catalog_source import Listing, dict_of, list_of, text_of
from msgspec_runner.source.schema import Violation, fits, violations

SCHEMA = "catalog"
"""The name of its schema."""


def check(listing: Listing) -> None:
    """Refuse a catalog that the schema does not allow.

    Raises:
        ConfigError: with the place of the first violation.
    """
    value = listing.document.value if listing.document is not None else listing.value
    if fits(SCHEMA, value):
        return
    violation = violations(SCHEMA, value)[0]
    raise _error(listing, violation)


def from_ours(provider: str, template: Mapping[str, object]) -> CatalogTemplate:
    """Return what one item of ``templates`` describes; its place is the caller's to fill in.

    Raises:
        ValueError: its variables are written as another provider's are; says what to write.
    """
    variables = template.get("variables")
    for name in ("variables", "optional"):
        written = template.get(name)
        if written and isinstance(written, dict) != (provider == "gswa"):
            example = '{Body: ["1", "2"]}' if provider == "gswa" else '["1", "2"]'
            raise ValueError(f"its `{name}` are not written as {provider} takes them: {name}: {example}")
    return CatalogTemplate(
        provider=provider,
        id=text_of(template.get("id")),
        name=text_of(template.get("name")),
        language=text_of(template.get("language")),
        category=text_of(template.get("category")).upper(),
        status=text_of(template.get("status")).lower(),
        variables=None if variables is None else _variables(variables),
        optional=_variables(template.get("optional")),
        media=text_of(template.get("media")),
        media_url=text_of(template.get("media_url")),
        header=text_of(template.get("header")),
        body=text_of(template.get("body")),
        footer=text_of(template.get("footer")),
        buttons=tuple(map(text_of, list_of(template.get("buttons")))),
    )


def _variables(written: object) -> tuple[Variable, ...]:
    """``[1, 2]`` for Twilio, ``{Body: [1, 2]}`` for Gupshup."""
    if isinstance(written, list):
        return tuple((text_of(name),) for name in written)
    return tuple((part, text_of(name)) for part, names in dict_of(written).items() for name in list_of(names))


def _error(listing: Listing, violation: Violation) -> ConfigError:
    path: tuple[str | int, ...] = violation.path
    if violation.keyword == "additionalProperties":
        path = (*path, violation.name)
    line = 1
    if listing.document is not None:
        node = listing.document.node(path)
        line = listing.document.position(node.start).line if node is not None else 1
    where = "".join(f"[{step + 1}]" if isinstance(step, int) else f".{step}" for step in violation.path).lstrip(".")
    return listing.error(line, f"{_words(violation, where)}; `msgspec-runner schema catalog` prints what is allowed")


def _words(violation: Violation, where: str) -> str:
    place = f"`{where}`" if where else "a catalog"
    match violation.keyword:
        case "required":
            return f"{place} needs `{violation.name}`"
        case "additionalProperties":
            return f"{place} has no key `{violation.name}`; known keys: {', '.join(violation.known)}"
        case "type" | "anyOf":
            return f"{place} has a value of the wrong type"
        case "enum":
            assert isinstance(violation.expected, list)
            return f"{place} must be one of {', '.join(map(str, violation.expected))}"
        case _:
            return f"{place} has a value that is not allowed ({violation.keyword} {violation.expected})"
