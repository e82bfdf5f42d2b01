"""The configuration: where it is found, what it may say, and how a profile lies over it."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from msgspec_runner.config import Config, load_config, project_root
from msgspec_runner.diagnostics import Severity
from msgspec_runner.errors import ConfigError
from msgspec_runner.settings import SETTINGS
from msgspec_runner.templates.filters import find_locale


def write(root: Path, text: str, name: str = "msgspec-runner.toml") -> Config:
    (root / name).write_text(text, encoding="utf-8")
    return load_config(root)


def test_defaults_without_a_file(tmp_path: Path) -> None:
    config = load_config(tmp_path)
    assert config.specs == ("specs/",)
    assert config.fail_level is Severity.ERROR
    assert config.server_errors == "in-doubt"


def test_own_file_wins_over_pyproject(tmp_path: Path) -> None:
    write(tmp_path, '[tool.msgspec-runner]\nlocale = "de_DE"\n', "pyproject.toml")
    assert load_config(tmp_path).locale == "de_DE"
    assert write(tmp_path, 'locale = "fr_FR"\n').locale == "fr_FR"


def test_every_key(tmp_path: Path) -> None:
    config = write(
        tmp_path,
        """
        specs = ["a/", "b/"]
        exclude = ["a/old/*"]
        select = ["MSG1"]
        ignore = ["MSG106"]
        severity = {MSG202 = "error"}
        per-file-ignores = {"a/*" = ["MSG104"]}
        fail-level = "warning"
        catalogs = ["catalog.yaml"]
        locale = "en_US"
        timezone = "Europe/Berlin"
        ledger = "l.db"
        rate = "20/s"
        concurrency = 5
        timeout = 2.5
        server-errors = "retry"
        suppressions = ["stop.csv"]
        [vars]
        clinic = "Elm"
        [profiles.staging]
        rate = "1/s"
        """,
    )
    assert config.specs == ("a/", "b/")
    assert config.severity == {"MSG202": Severity.ERROR}
    assert config.per_file_ignores == {"a/*": ("MSG104",)}
    assert (config.concurrency, config.timeout, config.server_errors) == (5, 2.5, "retry")


def test_a_profile_lies_over_it_and_merges_vars(tmp_path: Path) -> None:
    config = write(
        tmp_path,
        'rate = "20/s"\n[vars]\nchannel = "base"\nclinic = "Elm"\n[profiles.live]\nrate = "5/s"\nvars = {channel = "live"}\n',
    )
    live = config.with_profile("live")
    assert (live.profile, live.rate) == ("live", "5/s")
    assert live.vars == {"channel": "live", "clinic": "Elm"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("loclae = 'x'", "did you mean `locale`"),
        ("base-url = 'https://evil.example'", "must not redirect the key"),
        ("api_key = 'k'", "must not redirect the key"),
        ("concurrency = 0", "1 to 1000"),
        ("concurrency = true", "1 to 1000"),
        ("timeout = -1", "seconds above 0"),
        ("specs = [1]", "list of strings"),
        ("severity = {MSG101 = 'fatal'}", "error, warning, info"),
        ("fail-level = 'never'", "error, warning, info"),
        ("server-errors = 'ignore'", "in-doubt"),
        ("vars = 3", "table"),
        ("profiles = {a = 1}", "table"),
        ("locale = ''", "a string"),
        ("locale = 'xx_YY'", 'such as "en_US" or "de_DE", not "xx_YY"'),
        ("locale = 3", 'such as "en_US" or "de_DE", not 3'),
        ("timezone = 'Nope/X'", 'such as "America/New_York", not "Nope/X"'),
        ("timezone = '../zoneinfo/UTC'", 'such as "America/New_York"'),
        ("timezone = 'leapseconds'", 'such as "America/New_York"'),
        ("rate = 'x'", 'such as "20/s" or "300/min", not "x"'),
        ("rate = '0/s'", 'not "0/s"'),
        ("rate = 20", "not 20"),
        ("specs = ['../']", '`specs` names "../", outside the project'),
        ("specs = ['specs', '/etc']", '`specs` names "/etc", outside the project'),
        ("specs = ['specs/*.yaml']", "a pattern is no place here. Write a folder or a file"),
        ('specs = ["a\\u0000"]', "can be no path"),
        ("suppressions = ['../never.txt']", '`suppressions` names "../never.txt", outside the project'),
        ("= broken", "not valid TOML"),
    ],
)
def test_a_wrong_value_says_what_to_write(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        write(tmp_path, text)
    assert "msgspec-runner.toml" in str(caught.value)
    if not text.startswith("= "):
        with pytest.raises(ConfigError, match=words) as caught:
            write(tmp_path, f"[profiles.live]\n{text}\n").with_profile("live")
        assert "msgspec-runner.toml: " in str(caught.value)


def test_an_unknown_profile_lists_those_there_are(tmp_path: Path) -> None:
    config = write(tmp_path, "[profiles.live]\n")
    with pytest.raises(ConfigError, match="profiles: live"):
        config.with_profile("stagign")


def test_a_wrong_value_in_a_profile_is_told_with_its_profile(tmp_path: Path) -> None:
    config = write(tmp_path, "[profiles.live]\nconcurrency = 'many'\n")
    with pytest.raises(ConfigError, match=r"profiles\.live"):
        config.with_profile("live")


class TestRoot:
    def test_configuration_above_the_paths_wins_over_git(self, tmp_path: Path) -> None:
        (tmp_path / ".git").mkdir()
        inner = tmp_path / "team" / "specs"
        inner.mkdir(parents=True)
        (tmp_path / "team" / "msgspec-runner.toml").touch()
        assert project_root(tmp_path, (inner,)) == tmp_path / "team"

    def test_git_without_configuration(self, tmp_path: Path) -> None:
        (tmp_path / ".git").mkdir()
        (tmp_path / "specs").mkdir()
        assert project_root(tmp_path / "specs") == tmp_path

    def test_without_either_the_working_folder(self, tmp_path: Path) -> None:
        (tmp_path / "x" / "specs").mkdir(parents=True)
        assert project_root(tmp_path, (tmp_path / "x" / "specs",)) == tmp_path

    def test_a_spec_elsewhere_has_the_folder_above_its_specs(self, tmp_path: Path) -> None:
        (tmp_path / "here").mkdir()
        (tmp_path / "there" / "specs" / "sub").mkdir(parents=True)
        spec = tmp_path / "there" / "specs" / "sub" / "a.yaml"
        spec.touch()
        assert project_root(tmp_path / "here", (spec,)) == tmp_path / "there"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("timeout = inf", "at most 3600"),
        ("timeout = nan", "at most 3600"),
        ("server-errors = []", "in-doubt"),
        ("a = " + "[" * 20_000, "nested too deeply|not valid TOML"),
    ],
)
def test_values_that_are_hard_to_digest(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        write(tmp_path, text)


@pytest.mark.parametrize("text", ['tool = "msgspec-runner"', "tool = 1 # msgspec-runner", "[tool]\nmsgspec-runner = 3"])
def test_a_pyproject_without_our_table(tmp_path: Path, text: str) -> None:
    assert write(tmp_path, text, "pyproject.toml") == Config(root=tmp_path)


@pytest.mark.parametrize(
    "misplaced",
    [
        'catalogs = ["catalogs/*.yaml"]',
        'suppressions = ["stop.csv"]',
        'specs = ["campaigns/"]',
        'fail-level = "warning"',
        'ledger = "team/ledger.db"',
        'severity = {MSG106 = "error"}',
    ],
)
def test_a_setting_that_became_a_var_is_refused(tmp_path: Path, misplaced: str) -> None:
    key = misplaced.split()[0]
    (tmp_path / "msgspec-runner.toml").write_text(f'[vars]\nclinic = "Elm"\n\n{misplaced}\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"msgspec-runner\.toml: `{key}` .* move it above the first \[table\]"):
        load_config(tmp_path)
    (tmp_path / "msgspec-runner.toml").write_text(f"[profiles.live.vars]\n{misplaced}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"profiles\.live: `{key}` .* move it above its vars"):
        load_config(tmp_path).with_profile("live")


def test_a_var_may_have_the_name_of_a_setting_where_it_is_a_value(tmp_path: Path) -> None:
    (tmp_path / "msgspec-runner.toml").write_text(
        '[vars]\nlocale = "en_GB"\ntimezone = "UTC"\nrate = "4 %"\ntimeout = 5\nspecs = "S, M"\nignore = true\n'
        'ledger = "Ann Lee"\nconcurrency = 2\n',
        encoding="utf-8",
    )
    assert len(load_config(tmp_path).vars) == 8


LINES = ['rate = "20/s"', 'ignore = ["MSG106"]', "concurrency = 5", 'catalogs = ["catalogs/*.yaml"]', "vars = {}"]


@pytest.mark.parametrize("misplaced", LINES)
@pytest.mark.parametrize(
    ("table", "said"), [("per-file-ignores", "per-file-ignores"), ("severity", "severities")], ids=lambda word: word
)
def test_a_setting_below_a_table_of_the_linter_is_refused(
    tmp_path: Path, table: str, said: str, misplaced: str
) -> None:
    key = misplaced.split()[0]
    words = rf"`{key}` stands among the {said}, where it sets nothing: move it above"
    (tmp_path / "msgspec-runner.toml").write_text(f"[{table}]\n{misplaced}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"msgspec-runner\.toml: {words} the first \[table\]"):
        load_config(tmp_path)
    (tmp_path / "msgspec-runner.toml").write_text(f"[profiles.live.{table}]\n{misplaced}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"profiles\.live: {words} its {said}"):
        load_config(tmp_path).with_profile("live")


@pytest.mark.parametrize(
    ("pattern", "cure"),
    [
        ("specs/old", r"end it in \.yaml or \.yml, or write `specs/old/\*` for a folder"),
        ("specs/old/", r"write `specs/old/\*`"),
        ("old.d", r"write `old\.d/\*`"),
        ("specs/*/drafts", r"write `specs/\*/drafts/\*`"),
        ("/specs/a.yaml", r"write `specs/a\.yaml`, relative to the project's root"),
        ("./specs/*", r"write `specs/\*`, relative"),
        ("../specs/*", r"write `specs/\*`, relative"),
        ("specs//a.yaml", r"write `specs/a\.yaml`"),
        ("", r"write `\*`"),
    ],
)
def test_a_pattern_that_matches_no_spec_is_refused(tmp_path: Path, pattern: str, cure: str) -> None:
    with pytest.raises(ConfigError, match=f"`{re.escape(pattern)}` can match no spec: .*{cure}"):
        write(tmp_path, f'per-file-ignores = {{"{pattern}" = ["MSG106"]}}')


@pytest.mark.parametrize("codes", ['"MSG106"', "[106]", "{}", "true"])
def test_what_is_no_list_of_codes_is_refused(tmp_path: Path, codes: str) -> None:
    with pytest.raises(ConfigError, match=r"a table of lists, such as .* `specs/a\.yaml` has no list of codes"):
        write(tmp_path, f'per-file-ignores = {{"specs/a.yaml" = {codes}}}')


def test_patterns_that_may_match_are_taken_as_they_are(tmp_path: Path) -> None:
    patterns = ["*", "a.yaml", "*.yml", "specs/*", "specs/**/*.yaml", "specs/[ab]*", "specs/?", "rate.yaml", "b/rate*"]
    written = ", ".join(f'"{pattern}" = ["MSG1", "106", "unknown-field"]' for pattern in patterns)
    config = write(tmp_path, f"per-file-ignores = {{{written}}}")
    assert list(config.per_file_ignores) == patterns


@pytest.mark.parametrize(
    "text",
    [
        *('locale = "en_US"', 'locale = "pt-BR"', 'locale = "zh_Hant_TW"', 'locale = "de"', 'locale = "fil"'),
        *('timezone = "UTC"', 'timezone = "America/Argentina/Ushuaia"', 'timezone = "Etc/GMT+5"'),
        *('rate = "0.5/s"', 'rate = "1000 / h"'),
        *('specs = ["."]', 'specs = ["not/here/yet"]', 'suppressions = ["not-in-git.txt"]'),
    ],
)
def test_values_that_are_right(tmp_path: Path, text: str) -> None:
    assert write(tmp_path, text).file is not None


def test_what_babel_has_a_file_for_is_a_locale() -> None:
    """The look at Babel's files says the same as Babel, which is not loaded for it."""
    from babel import localedata

    from msgspec_runner.settings import _is_locale

    names = [name for name in localedata.locale_identifiers() if len(name) <= 6]
    assert len(names) > 300
    for name in names:
        find_locale(name)
        assert _is_locale(name)


def test_settings_are_those_of_the_configuration() -> None:
    own = {"root", "file", "profile", "environment"}
    assert set(SETTINGS) == {item.name.replace("_", "-") for item in fields(Config) if item.name not in own}


class TestEnvironment:
    @pytest.mark.parametrize(
        ("variable", "text", "name", "value"),
        [
            ("FAIL_LEVEL", "warning", "fail_level", Severity.WARNING),
            ("SELECT", "MSG1,203", "select", ("MSG1", "203")),
            ("SELECT", " MSG1, 203 ", "select", ("MSG1", "203")),
            ("IGNORE", "MSG204", "ignore", ("MSG106", "MSG204")),
            ("LOCALE", "de_DE", "locale", "de_DE"),
            ("TIMEZONE", "Europe/Berlin", "timezone", "Europe/Berlin"),
            ("SERVER_ERRORS", "retry", "server_errors", "retry"),
        ],
    )
    def test_it_wins_over_profile_and_configuration(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, text: str, name: str, value: object
    ) -> None:
        settings = (
            'fail-level = "info"\nselect = ["MSG2"]\nignore = ["MSG106"]\nlocale = "en_GB"\ntimezone = "UTC"\n'
            'server-errors = "in-doubt"\n'
        )
        monkeypatch.setenv(f"MSGSPEC_RUNNER_{variable}", text)
        config = write(tmp_path, f"{settings}[profiles.live]\n{settings}")
        assert getattr(config, name) == value
        assert getattr(config.with_profile("live"), name) == value
        monkeypatch.setenv(f"MSGSPEC_RUNNER_{variable}", "")
        assert getattr(load_config(tmp_path), name) != value

    @pytest.mark.parametrize(
        ("variable", "text", "words"),
        [
            ("FAIL_LEVEL", "never", "error, warning, info"),
            ("LOCALE", "xx_YY", "such as"),
            ("TIMEZONE", "Nope/X", "such as"),
            ("SERVER_ERRORS", "ignore", "in-doubt"),
        ],
    )
    def test_a_wrong_value_names_the_variable(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, text: str, words: str
    ) -> None:
        monkeypatch.setenv(f"MSGSPEC_RUNNER_{variable}", text)
        with pytest.raises(ConfigError, match=f"MSGSPEC_RUNNER_{variable}: .*{words}"):
            load_config(tmp_path)
