"""The shapes of template variables, provider by provider."""

from __future__ import annotations

import pytest

from msgspec_runner.providers import PROVIDERS


@pytest.mark.parametrize(
    ("provider", "variables"),
    [
        ("twlowa", {"1": "a", "name": "b"}),
        ("twlowa", {str(number): "x" for number in range(1, 101)}),
        ("gswa", {"MEDIA_URL": "https://e.org", "Header": {"1": "a"}, "Body": {"1": "a", "2": "b"}, "Buttons": {}}),
        ("gswa", {}),
        ("twlo", {"whatever": {"x": "y"}}),
    ],
)
def test_sound(provider: str, variables: dict[str, object]) -> None:
    assert PROVIDERS[provider].variables(variables) == ()


@pytest.mark.parametrize(
    ("provider", "variables", "path", "words"),
    [
        ("twlowa", {"Body": {"1": "a"}}, ("Body",), "gswa"),
        ("twlowa", {"x": {"1": "a"}}, ("x",), "flat"),
        ("twlowa", {"first name": "a"}, ("first name",), "letters or digits"),
        ("twlowa", {"a" * 17: "a"}, ("a" * 17,), "16"),
        ("twlowa", {str(number): "x" for number in range(101)}, (), "at most 100"),
        ("gswa", {"1": "a"}, ("1",), "Body"),
        ("gswa", {"body": {"1": "a"}}, ("body",), "`Body`"),
        ("gswa", {"Button": {"1": "a"}}, ("Button",), "`Buttons`"),
        ("gswa", {"Footer": {"1": "a"}}, ("Footer",), "MEDIA_URL, Header, Body, Buttons"),
        ("gswa", {"Body": "a"}, ("Body",), "map of variables"),
        ("gswa", {"Body": {"name": "a"}}, ("Body", "name"), "numbered"),
        ("gswa", {"Body": {"0": "a"}}, ("Body", "0"), "numbered"),
        ("gswa", {"MEDIA_URL": {"1": "a"}}, ("MEDIA_URL",), "one URL"),
    ],
)
def test_wrong(provider: str, variables: dict[str, object], path: tuple[str, ...], words: str) -> None:
    (problem,) = PROVIDERS[provider].variables(variables)
    assert problem.path == path
    assert words in problem.message
