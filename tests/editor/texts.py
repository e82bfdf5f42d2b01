"""The files of a project with everything in it that an editor asks about."""

from __future__ import annotations

CONFIG = """\
locale = "en_US"
timezone = "America/New_York"
catalogs = ["catalog.yaml"]

[vars]
company = "Deer Park"
"""

CATALOG = """\
provider: twlowa
templates:
  - id: HX0123456789abcdef0123456789abcdef
    name: order_shipped
    language: en
    category: UTILITY
    status: approved
    body: Hi {{1}}, your order {{2}} is on its way.
    variables: ["1", "2"]
"""

PEOPLE = """\
phone,First name,Straße,starts_at,nick
+16175551212,Ann,Elm,2031-03-10T19:30,
+16175551213,Max,Oak,2031-03-11T19:30,Maxi
"""

SPEC = """\
spec: hello
message:
  provider: twlo
  channel_key: ch
  to: "{{ phone }}"
  text: |-
    Hi {{ first_name }}, see you at {{ clinic }} on {{ starts_at | date("d MMMM") }}.
    {% include "signature.txt" %}
recipients:
  columns:
    phone: {type: phone}
    first_name: {header: First name, description: What to call *them*}
    starts_at: {type: datetime}
    nick: {required: false}
  file: ../people.csv
  samples:
    - {phone: "+16175550100", First name: Eve, starts_at: "2031-03-10T19:30"}
vars:
  clinic: Elm Street
"""
