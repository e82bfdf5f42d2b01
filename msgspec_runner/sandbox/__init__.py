"""A Sociocs-compatible server on this machine: it checks, keeps and lists messages, and never sends one.

It exists so that a spec can be tried, a send can be measured and a crash can be provoked without texting
anybody. It knows the API document only: it shares no code with the linter, so that a mistake in one of
them shows in the other.

The modules, from the bottom:

* :mod:`~msgspec_runner.sandbox.checks` decides whether a request body is what the API document allows;
* :mod:`~msgspec_runner.sandbox.faults` decides, reproducibly, which requests meet trouble;
* :mod:`~msgspec_runner.sandbox.guard` decides who may look and who may change something;
* :mod:`~msgspec_runner.sandbox.journal` says in which order things changed, to who follows them live;
* :mod:`~msgspec_runner.sandbox.store` remembers what arrived, :mod:`~msgspec_runner.sandbox.state` how to behave;
* :mod:`~msgspec_runner.sandbox.shown` shows and finds requests, :mod:`~msgspec_runner.sandbox.queries` reads what is
  looked for;
* :mod:`~msgspec_runner.sandbox.answers` holds the shapes of the answers;
* :mod:`~msgspec_runner.sandbox.handlers` has one handler for each call of the API,
  :mod:`~msgspec_runner.sandbox.inbox` and :mod:`~msgspec_runner.sandbox.live` those for the inbox and for tests,
  :mod:`~msgspec_runner.sandbox.front` the rest; :mod:`~msgspec_runner.sandbox.page` and ``assets`` are the page;
* :mod:`~msgspec_runner.sandbox.server` runs it all, in the foreground or in a thread.
"""
