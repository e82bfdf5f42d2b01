"""Made-up specs and recipients: no two texts are alike, so that no cache flatters anybody."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from pathlib import Path

_FIRST = ("Ann", "Bob", "Chloé", "Dai", "Eve", "Femi", "Grace", "Hugo", "Inés", "Jo", "Kim", "Lea")
_LAST = ("Lee", "Okafor", "Martin", "Silva", "Novák", "Smith", "Tran", "Weber", "Young", "Ito")
_OPENING = ("Hi", "Hello", "Good morning", "Dear", "Welcome back,")
_NEWS = ("your order is on its way", "your table is ready", "your card was renewed", "your parcel arrived",
         "the results are in", "we moved your booking", "a seat is free again", "your invoice is ready")  # fmt: skip
_WHERE = ("Deer Park", "Elm Street", "Harbour Gate", "Mill Lane", "North Square", "Old Town")
_CLOSING = ("Reply YES to confirm.", "See you soon!", "Questions? Just reply.", "Thank you for your patience.")

_SPEC = """\
---
# {number}: written for {where}
spec: notice-{number}
edition: {edition}
description: {news} ({where})
message:
  provider: twlo
  channel_key: your_channel_key
  to: "{{{{ phone }}}}"
  name: "{{{{ first_name }}}} {{{{ last_name }}}}"
  text: |-
    {opening} {{{{ first_name }}}}, {news} at {where}.
    Number {{{{ order_{number} }}}} of {{{{ clinic }}}}, desk {desk}.
    {closing}
recipients:
  columns:
    phone: {{type: phone}}
    first_name: {{type: string}}
    last_name: {{type: string}}
    order_{number}: {{type: integer}}
  samples:
    - phone: "+1617555{last_digits}"
      first_name: {first}
      last_name: {last}
      order_{number}: {order}
vars: {{clinic: "{where} {desk}"}}
locale: en_US
"""


_CONDITION = "{{% if order_{number} > {desk} %}}Hurry, {{{{ first_name | upper }}}}!{{% endif %}}"
"""What every fourth spec says instead of its last line: most templates only name values, some do more."""


def write_specs(folder: Path, count: int) -> list[Path]:
    """Write specs of 27 lines with one sample each; every tool finds them clean, so that nobody pays for reports.

    Args:
        folder: where to; its last part is best called ``specs``.
        count: how many.
    """
    chance = random.Random(20)
    folder.mkdir(parents=True)
    files = []
    for number in range(count):
        desk, closing = chance.randint(1, 400), chance.choice(_CLOSING)
        if number % 4 == 3:
            closing = _CONDITION.format(number=number, desk=desk)
        text = _SPEC.format(
            number=number,
            edition=chance.randint(1, 9),
            opening=chance.choice(_OPENING),
            news=chance.choice(_NEWS),
            where=chance.choice(_WHERE),
            closing=closing,
            desk=desk,
            first=chance.choice(_FIRST),
            last=chance.choice(_LAST),
            last_digits=f"{number % 10_000:04}",
            order=chance.randint(1_000, 99_999),
        )
        file = folder / f"notice-{number}.yaml"
        file.write_text(text, encoding="utf-8")
        files.append(file)
    return files


REMINDER = """\
spec: reminder
message:
  provider: twlo
  channel_key: your_channel_key
  to: "{{ phone }}"
  name: "{{ first_name }} {{ last_name }}"
  text: |-
    Hi {{ first_name }}, see you on {{ day | date("EEEE d MMMM") }} at {{ clinic }}.
    {% if balance > 0 %}Please bring {{ balance | currency("USD") }}.{% endif %}
recipients:
  columns:
    phone: {type: phone}
    first_name: {}
    last_name: {}
    day: {type: date}
    balance: {type: number}
    appointment: {}
  file: people.csv
  key: "{{ appointment }}"
vars: {clinic: Deer Park}
locale: en_US
timezone: America/New_York
"""
"""A spec over the file that :func:`write_people` writes."""


def people(count: int) -> Iterator[dict[str, str]]:
    """Yield recipients for :data:`REMINDER`, as text cells, no two alike."""
    chance = random.Random(count)
    for number in range(count):
        yield {
            "phone": f"+1617{2_000_000 + number}",
            "first_name": chance.choice(_FIRST),
            "last_name": chance.choice(_LAST),
            "day": f"2031-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}",
            "balance": f"{chance.randint(0, 20_000) / 100:.2f}",
            "appointment": f"A{number}",
        }


def write_project(folder: Path, count: int) -> Path:
    """Write a project of one spec with a CSV of ``count`` recipients, one at a time; return the spec."""
    folder.mkdir(parents=True)
    (folder / "msgspec-runner.toml").write_text("", encoding="utf-8")
    spec = folder / "reminder.yaml"
    spec.write_text(REMINDER, encoding="utf-8")
    with (folder / "people.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, next(people(1)))
        writer.writeheader()
        writer.writerows(people(count))
    return spec
