"""What a project knows of its templates: lookup, and an id that is listed more than once."""

from __future__ import annotations

from msgspec_runner.providers.catalog import NO_CATALOGS, Catalogs, CatalogTemplate

ONE = CatalogTemplate("twlowa", "HX1", "a", "en", variables=(("1",), ("2",)), file="a.yaml", line=3)
SPANISH = CatalogTemplate("twlowa", "HX2", "a", "es", variables=())


def test_templates_are_found_by_provider_and_id_and_by_name() -> None:
    catalogs = Catalogs([ONE, SPANISH])
    assert catalogs.find("twlowa", "HX1") == (ONE,)
    assert catalogs.find("gswa", "HX1") == ()
    assert catalogs.named("twlowa", "a") == (ONE, SPANISH)
    assert catalogs.of("twlowa") == (ONE, SPANISH)
    assert catalogs.of("gswa") == ()


def test_an_empty_list_speaks_of_its_provider_too() -> None:
    assert Catalogs([], ["gswa"]).knows("gswa")
    assert not Catalogs([ONE]).knows("gswa")
    assert Catalogs([ONE]).knows("twlowa")
    assert not NO_CATALOGS.knows("twlowa")


def test_what_is_listed_twice_with_the_same_words_is_there_once_at_its_first_place() -> None:
    again = ONE._replace(file="b.yaml", line=9)
    other = ONE._replace(status="paused")
    assert Catalogs([ONE, again, other]).find("twlowa", "HX1") == (ONE, other)


def test_missing_and_surplus() -> None:
    given = (("1",), ("3",))
    assert ONE.missing(given) == (("2",),)
    assert ONE.surplus(given) == (("3",),)
    assert ONE._replace(optional=(("3",),)).surplus(given) == ()
    unknown = ONE._replace(variables=None)
    assert (unknown.missing(given), unknown.surplus(given)) == ((), ())


def test_it_is_called_by_its_name_or_by_its_id() -> None:
    assert (ONE.title, ONE._replace(name="").title) == ("a", "HX1")
