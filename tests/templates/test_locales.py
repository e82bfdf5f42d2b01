"""What one locale's reader gets does not depend on whom else a message was rendered for before."""

from __future__ import annotations

from datetime import date

import pytest
from babel.dates import format_date

from msgspec_runner.templates.locales import OwnLocale

MARCH = date(2031, 3, 5)


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        (
            "LLLL",
            {"ja_JP": "3月", "de_DE": "März", "he_IL": "מרץ", "tr_TR": "Mart", "cs_CZ": "březen", "hi_IN": "मार्च"},
        ),
        ("LLL", {"ko_KR": "3월", "de_DE": "Mär", "ru_RU": "март", "vi_VN": "Tháng 3", "fr_FR": "mars"}),
        ("cccc", {"sw_KE": "Jumatano", "da_DK": "onsdag", "es_ES": "miércoles", "zh_Hant_TW": "星期三"}),
        ("qqqq", {"ja_JP": "第1四半期", "fr_FR": "1er trimestre", "de_DE": "1. Quartal"}),
    ],
)
def test_names_stay_at_home(pattern: str, names: dict[str, str]) -> None:
    for order in (list(names), list(names)[::-1]):
        written = {name: format_date(MARCH, pattern, locale=OwnLocale.parse(name)) for name in order}
        assert written == names


def test_a_locale_with_a_modifier_is_found() -> None:
    assert format_date(MARCH, "LLLL", locale=OwnLocale.parse("ca_ES_VALENCIA")) == "març"
