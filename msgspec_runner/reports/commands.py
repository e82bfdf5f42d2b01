"""What can be typed about a run that is over, with the flags that lead to its ledger and its API."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Commands:
    """The commands about one run, to be typed as they stand.

    Attributes:
        run: its id.
        ledger: ``--ledger PLACE``, quoted for a shell; empty for the project's own.
        api: ``--base-url URL``, quoted, or ``--sandbox``; empty for the real API.
        key_digits: characters of a key that say which message is meant.
    """

    run: str
    ledger: str = ""
    api: str = ""
    key_digits: int = 12

    def messages(self) -> str:
        """List the messages, for a program."""
        return _typed("status", self.run, "--output json", self.ledger)

    def doubts(self) -> str:
        """List all that is in doubt."""
        return _typed("status", self.run, "--state in_doubt", self.ledger)

    def ask(self) -> str:
        """Ask the API about what is in doubt."""
        return _typed("reconcile", self.run, self.api, self.ledger)

    def release(self, key: str) -> str:
        """Give one message up, to be sent again."""
        return _typed("reconcile", f"--release {self.short(key)}", '--reason "…"', self.api, self.ledger)

    def retry(self) -> str:
        """Send again what was rejected or released."""
        return _typed("retry", self.run, self.api, self.ledger)

    def cancel(self) -> str:
        """Take back what is still scheduled."""
        return _typed("cancel", self.run, self.api, self.ledger)

    def short(self, key: str) -> str:
        """Return as much of a key as says which message is meant."""
        return key[: self.key_digits]


def _typed(command: str, *words: str) -> str:
    return " ".join(filter(None, ("msgspec-runner", command, *words)))
