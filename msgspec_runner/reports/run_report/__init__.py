"""``report``: one run as people read it afterwards.

:mod:`.gathering` reads the run's messages once and keeps only counts, in bounded memory; :mod:`.figures` are what it
comes to. :mod:`.page` draws them as HTML (:mod:`.charts`, ``page.html.jinja``, ``page.css``), :mod:`.markdown` as the
summary of a CI job. Junit and CSV are lists of messages, see :mod:`~msgspec_runner.reports.run_junit` and
:mod:`~msgspec_runner.reports.results`. Nothing here opens a ledger.
"""
