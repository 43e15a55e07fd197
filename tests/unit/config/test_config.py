"""The YAML file: what is read from it, and what is said, with file, line and field, when it is wrong."""

from __future__ import annotations

import contextlib
import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptoetl.config.loading import json_schema, load, missing_files
from cryptoetl.config.models import Config, Currency
from cryptoetl.config.yaml_lines import MAX_CONFIG_BYTES
from cryptoetl.errors import ConfigError, ConfigProblem, UsageError
from tests.conftest import examples

GOOD = """\
pipeline: crypto
currencies:
  - ticker: BTC
    history: data/history.csv
    trend: data/trend.csv
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


def written(file: Path, content: str | bytes) -> Path:
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def refusal(file: Path, content: str | bytes) -> list[ConfigProblem]:
    with pytest.raises(ConfigError) as caught:
        load(written(file, content))
    assert caught.value.exit_code == 2
    return list(caught.value.problems)


def laughs(levels: int = 12) -> str:
    """Nine items, each of them nine times the level below."""
    names = ["x0", *(f"x{level}" for level in range(1, levels))]
    lines = [f"{names[0]}: &{names[0]} [ha, ha, ha, ha, ha, ha, ha, ha, ha]"]
    lines += [f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in itertools.pairwise(names)]
    return "\n".join(lines) + "\n"


# --- what is read -------------------------------------------------------------------------------------


def test_paths_are_relative_to_the_configuration_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(file, GOOD)
    monkeypatch.chdir(file.parent.parent)
    config = load(Path(file.parent.name) / file.name)
    assert config.currencies[0].history == file.parent / "data" / "history.csv"
    assert config.currencies[0].trend == file.parent / "data" / "trend.csv"
    assert config.local.home == file.parent / ".cryptoetl"


def test_what_is_not_written_has_its_default(file: Path) -> None:
    config = load(written(file, GOOD))
    currency = config.currencies[0]
    assert (config.pipeline, config.target) == ("crypto", "local")
    assert (currency.drop, currency.date_column, currency.price_column) == (False, "Date", "Price")
    assert (currency.date_format, currency.decimal, currency.table) == ("MM/dd/yyyy", ".", "btc")
    assert config.aws.redshift.schema_name == "market_data"


def test_a_credentials_file_is_relative_to_the_configuration_as_well(file: Path) -> None:
    assert load(written(file, GOOD)).aws.credentials_file is None
    config = load(written(file, GOOD + "aws: {credentials_file: secret.key}\n"))
    assert config.aws.credentials_file == file.parent / "secret.key"


def test_a_byte_order_mark_and_windows_line_ends_are_no_obstacle(file: Path) -> None:
    assert load(written(file, "\ufeff" + GOOD.replace("\n", "\r\n"))).currencies[0].ticker == "BTC"


@pytest.mark.parametrize("word", ["true", "True", "yes", "on", "Y", "y", '"yes"', "YES"])
def test_drop_takes_every_yes(file: Path, word: str) -> None:
    assert load(written(file, f"{GOOD}    drop: {word}\n")).currencies[0].drop is True


@pytest.mark.parametrize("word", ["false", "no", "off", "N", "n", '"No"'])
def test_drop_takes_every_no(file: Path, word: str) -> None:
    assert load(written(file, f"{GOOD}    drop: {word}\n")).currencies[0].drop is False


def test_a_merge_key_gives_defaults_that_a_currency_overrides(file: Path) -> None:
    config = load(
        written(
            file,
            "currencies:\n"
            "  - &btc {ticker: BTC, history: b.csv, trend: t.csv, drop: Y}\n"
            "  - <<: *btc\n"
            "    ticker: XMR\n",
        )
    )
    assert [(c.ticker, c.history.name, c.drop) for c in config.currencies] == [
        ("BTC", "b.csv", True),
        ("XMR", "b.csv", True),
    ]


def test_a_field_overriding_a_merged_one_is_reported_on_its_own_line(file: Path) -> None:
    (problem,) = refusal(
        file,
        "currencies:\n  - &btc {ticker: BTC, history: b.csv, trend: t.csv}\n  - <<: *btc\n    ticker: X-R\n",
    )
    assert (problem.line, problem.field) == (4, "currencies[1].ticker")


def test_a_home_folder_of_nobody_is_a_folder_of_that_name(file: Path) -> None:
    config = load(written(file, GOOD.replace("data/history.csv", "~nobody-at-all/h.csv")))
    assert config.currencies[0].history == file.parent / "~nobody-at-all" / "h.csv"


@pytest.mark.parametrize("ticker", ["A", "btc", "B_1", "A2345678901234_"])
def test_tickers_that_name_a_table_are_taken(file: Path, ticker: str) -> None:
    assert load(written(file, GOOD.replace("BTC", ticker))).currencies[0].table == ticker.lower()


@pytest.mark.parametrize("date_format", ["yyyy-MM-dd", "d.M.yyyy", "MMM dd, yyyy", "yyyyMMdd", "dd/MM/yyyy"])
def test_known_date_formats_are_taken(file: Path, date_format: str) -> None:
    config = load(written(file, f'{GOOD}    date_format: "{date_format}"\n'))
    assert config.currencies[0].date_format == date_format


# --- what is refused ----------------------------------------------------------------------------------

CURRENCY = "currencies[0]"

REFUSED = {
    "an unknown key, with the one that was meant": (
        f"{GOOD}piplines: x\n",
        6,
        "piplines",
        "unknown key, did you mean 'pipeline'?",
    ),
    "an unknown key in a currency": (
        f"{GOOD}    dropp: Y\n",
        6,
        f"{CURRENCY}.dropp",
        "unknown key, did you mean 'drop'?",
    ),
    "an unknown key far from any": (f"{GOOD}local: {{colour: 1}}\n", 6, "local.colour", "allowed here: home"),
    "an unknown key below aws": (
        f"{GOOD}aws:\n  glue:\n    wokers: 3\n",
        8,
        "aws.glue.wokers",
        "did you mean 'workers'",
    ),
    "redshift's schema by its inner name": (
        f"{GOOD}aws:\n  redshift:\n    schema_name: a\n",
        8,
        "aws.redshift.schema_name",
        "did you mean 'schema'",
    ),
    "a text where a number belongs": (
        f"{GOOD}aws:\n  glue:\n    workers: '3'\n",
        8,
        "aws.glue.workers",
        "valid integer",
    ),
    "too few workers": (f"{GOOD}aws: {{glue: {{workers: 1}}}}\n", 6, "aws.glue.workers", "equal to 2"),
    "a list where keys belong": (f"{GOOD}local: [1]\n", 6, "local", "must hold keys"),
    "nothing where keys belong": (f"{GOOD}local:\n", 6, "local", "must hold keys"),
    "a text where the list belongs": ("currencies: BTC\n", 1, "currencies", "must be a list"),
    "keys where the list belongs": ("currencies:\n  BTC: {}\n", 1, "currencies", "must be a list"),
    "a text where a currency belongs": ("currencies:\n  - BTC\n", 2, CURRENCY, "must hold keys"),
    "no currencies": ("pipeline: a\n", 1, "currencies", "is required"),
    "an empty list of currencies": ("currencies: []\n", 1, "currencies", "at least one currency"),
    "a currency without a trend": (
        "currencies:\n  - ticker: BTC\n    history: h\n",
        2,
        f"{CURRENCY}.trend",
        "is required",
    ),
    "a ticker given twice": (
        f"{GOOD}  - {{ticker: BTC, history: h, trend: t}}\n",
        6,
        "currencies[1].ticker",
        "'BTC' is the same as 'BTC' on line 3",
    ),
    "a ticker given twice in another case": (
        f"{GOOD}  - {{ticker: btc, history: h, trend: t}}\n",
        6,
        "currencies[1].ticker",
        "'btc' is the same as 'BTC' on line 3: tickers ignore case",
    ),
    "the ticker ON, which YAML takes for true": (
        GOOD.replace("BTC", "ON"),
        3,
        f"{CURRENCY}.ticker",
        "YAML reads it as True: put it in quotes",
    ),
    "a number as ticker": (GOOD.replace("BTC", "1e5"), 3, f"{CURRENCY}.ticker", "is not a ticker"),
    "a date as ticker": (
        GOOD.replace("BTC", "2024-01-01"),
        3,
        f"{CURRENCY}.ticker",
        "YAML reads it as 2024-01-01: put it in quotes",
    ),
    "no ticker": (GOOD.replace("BTC", ""), 3, f"{CURRENCY}.ticker", "must have a value"),
    "a list as ticker": (
        GOOD.replace("BTC", "[BTC]"),
        3,
        f"{CURRENCY}.ticker",
        "must be text, not a list or keys",
    ),
    "no history": (GOOD.replace("data/history.csv", ""), 4, f"{CURRENCY}.history", "must have a value"),
    "a NUL in a path": (
        GOOD.replace("data/history.csv", '"a\\0b"'),
        4,
        f"{CURRENCY}.history",
        "control characters",
    ),
    "half a character": (
        f'{GOOD}    date_column: "\\ud800"\n',
        6,
        f"{CURRENCY}.date_column",
        "control characters",
    ),
    "maybe as drop": (f"{GOOD}    drop: maybe\n", 6, f"{CURRENCY}.drop", "must be true or false (or Y or N)"),
    "1 as drop": (f"{GOOD}    drop: 1\n", 6, f"{CURRENCY}.drop", "must be true or false"),
    "nothing as drop": (f"{GOOD}    drop:\n", 6, f"{CURRENCY}.drop", "must be true or false"),
    "a letter that dates do not have": (
        f"{GOOD}    date_format: DD.MM.yyyy\n",
        6,
        f"{CURRENCY}.date_format",
        "'DD' is not one of yyyy",
    ),
    "a date without its day": (
        f"{GOOD}    date_format: MM/yyyy\n",
        6,
        f"{CURRENCY}.date_format",
        "must hold year, month and day once each",
    ),
    "a date with two days": (
        f"{GOOD}    date_format: yyyy-MM-dd-d\n",
        6,
        f"{CURRENCY}.date_format",
        "must hold year, month and day once each",
    ),
    "years of two digits": (f"{GOOD}    date_format: MM/dd/yy\n", 6, f"{CURRENCY}.date_format", "'yy'"),
    "a decimal sign that is none": (
        f'{GOOD}    decimal: ";"\n',
        6,
        f"{CURRENCY}.decimal",
        "must be '.' or ',', not ';'",
    ),
    "another cloud": (f"{GOOD}target: azure\n", 6, "target", "must be 'local' or 'aws', not 'azure'"),
    "a pipeline in capitals": (GOOD.replace("crypto", "Crypto"), 1, "pipeline", "is not a prefix"),
    "a pipeline without a name": (GOOD.replace("crypto", '""'), 1, "pipeline", "must not be empty"),
    "a long pipeline": (GOOD.replace("crypto", "c" * 25), 1, "pipeline", "at most 24 characters"),
    "a schema that needs quotes": (
        f"{GOOD}aws: {{redshift: {{schema: a b}}}}\n",
        6,
        "aws.redshift.schema",
        "is not a schema name",
    ),
    "an engine that is no Spark Connect": (
        f"{GOOD}local: {{engine: 'http://x'}}\n",
        6,
        "local.engine",
        "not a Spark Connect URL",
    ),
    "a key given twice": (f"{GOOD}    trend: other.csv\n", 6, "trend", "is given twice"),
    "a key given twice at the top": (f"{GOOD}pipeline: b\n", 6, "pipeline", "is given twice"),
    "invalid YAML": ("pipeline: [a\ncurrencies: }\n", 2, None, "is not valid YAML"),
    "a tab as indentation": ("local:\n\thome: x\n", 2, None, "is not valid YAML"),
    "a Python object": ("a: !!python/object/apply:os.getcwd []\n", 1, None, "is not valid YAML"),
    "two documents": (f"{GOOD}---\n{GOOD}", 6, None, "is not valid YAML: expected a single document"),
    "an unhashable key": (f"{GOOD}? [a]\n: 1\n", 6, None, "is not valid YAML"),
    "a date that no calendar has": (
        GOOD.replace("data/trend.csv", "2024-13-45"),
        5,
        None,
        "YAML cannot read the value '2024-13-45': put it in quotes",
    ),
    "a tag that does not fit": (f"{GOOD}local: !!bool perhaps\n", 6, None, "cannot read the value 'perhaps'"),
    "an endless number": (f"{GOOD}local: {'1' * 5000}\n", 6, None, "cannot read the value '1111"),
    "a control character": (f"{GOOD}local: \0", None, None, "is not valid YAML"),
    "bytes that are not UTF-8": (b"pipeline: caf\xe9\n", None, None, "is not UTF-8 text"),
    "UTF-16": (GOOD.encode("utf-16"), None, None, "is not UTF-8 text"),
    "an empty file": ("", None, None, "must hold keys such as pipeline, target and currencies"),
    "comments alone": ("# pipeline: crypto\n", None, None, "must hold keys"),
    "a list at the top": ("- ticker: BTC\n", None, None, "must hold keys"),
    "a text at the top": ("currencies\n", None, None, "must hold keys"),
    "deep nesting": (f"currencies: {'[' * 1000}{']' * 1000}\n", None, None, "is nested too deeply"),
    "deep nesting of keys": (f"local: {'{a: ' * 900}1{'}' * 900}\n", None, None, "is nested too deeply"),
    "a list that holds itself": ("&a [*a]\n", None, None, "must hold keys"),
    "a currency that is the list of currencies": (
        "currencies: &all\n  - *all\n",
        1,
        None,
        "contains itself, by an anchor and its alias",
    ),
    "a text that is an endless list": (
        f"{GOOD}pipelines: &all\n  - *all\n",
        6,
        None,
        "contains itself, by an anchor and its alias",
    ),
}


@pytest.mark.parametrize(("content", "line", "field", "message"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused(
    file: Path, content: str | bytes, line: int | None, field: str | None, message: str
) -> None:
    problems = refusal(file, content)
    assert all(problem.file == file for problem in problems)
    found = [problem for problem in problems if message in problem.message]
    assert [(problem.line, problem.field) for problem in found] == [(line, field)], problems


@pytest.mark.parametrize(
    "ticker", ["1BTC", "B-C", "B C", "B.C", "Ä", "B/../C", "_B", "A" * 16, "B;DROP", "${x}", "ſ", "😀"]
)
def test_a_ticker_that_cannot_name_a_table_is_refused(file: Path, ticker: str) -> None:
    (problem,) = refusal(file, GOOD.replace("BTC", f"'{ticker}'"))
    assert problem.line == 3
    assert problem.message.startswith(f"'{ticker}' is not a ticker: a letter, then letters")


@pytest.mark.parametrize("place", ["pipeline", "target", "ticker", "drop", "decimal", "currencies"])
def test_a_billion_laughs_are_refused_in_a_few_words(file: Path, place: str) -> None:
    last = "*x11"
    currency = {"ticker": "BTC", "history": "h", "trend": "t", "drop": "Y", "decimal": '"."'}
    top = {"pipeline": "crypto", "target": "local"}
    (currency if place in currency else top)[place] = last
    currencies = (
        last if place == "currencies" else f"[{{{', '.join(f'{k}: {v}' for k, v in currency.items())}}}]"
    )
    top["currencies"] = currencies
    (problem,) = refusal(file, laughs() + "\n".join(f"{key}: {value}" for key, value in top.items()))
    assert problem.line is not None
    assert problem.message == "expands to more than 1,000,000 values by its anchors and aliases"


def test_all_problems_are_told_at_once_in_the_order_of_the_lines(file: Path) -> None:
    problems = refusal(
        file, "target: azure\ncurrencies:\n  - ticker: B-C\n    history: h\n    trend: 7\nzebra: 1\n"
    )
    assert [(problem.line, problem.field) for problem in problems] == [
        (1, "target"),
        (3, "currencies[0].ticker"),
        (5, "currencies[0].trend"),
        (6, "zebra"),
    ]


def test_a_problem_reads_as_file_line_field_and_message(file: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(written(file, f"{GOOD}    drop: maybe\n"))
    assert caught.value.message == f"{file}:6: currencies[0].drop: must be true or false (or Y or N)"


def test_an_absent_configuration_says_how_to_name_one(file: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert caught.value.message == f"{file}: no such configuration file"
    assert "CRYPTOETL_CONFIG" in (caught.value.hint or "")


def test_a_folder_is_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a folder, not a file"):
        load(tmp_path)


def test_a_huge_file_is_not_read(file: Path) -> None:
    with file.open("wb") as sparse:
        sparse.truncate(MAX_CONFIG_BYTES + 1)
    with pytest.raises(ConfigError, match="is larger than 4,000,000 bytes"):
        load(file)


# --- the files that it names --------------------------------------------------------------------------


def test_missing_files_are_named_with_their_line(file: Path) -> None:
    config = load(written(file, GOOD))
    history, trend = missing_files(file, config.currencies)
    folder = file.parent / "data"
    assert str(history) == (f"{file}:4: currencies[BTC].history: {folder / 'history.csv'}: does not exist")
    assert (trend.line, trend.field) == (5, "currencies[BTC].trend")


def test_a_folder_instead_of_a_file_is_named(file: Path) -> None:
    (file.parent / "data" / "history.csv").mkdir(parents=True)
    (file.parent / "data" / "trend.csv").write_text("")
    (problem,) = missing_files(file, load(written(file, GOOD)).currencies)
    assert problem.line == 4
    assert problem.message.endswith("is a folder, not a file")


def test_only_the_chosen_currencies_need_their_files(file: Path) -> None:
    text = GOOD + "  - ticker: XMR\n    history: x.csv\n    trend: x.csv\n"
    config = load(written(file, text))
    problems = missing_files(file, config.select(["xmr"]))
    assert [problem.line for problem in problems] == [7, 8]


def test_a_path_longer_than_the_system_takes_is_a_missing_file(file: Path) -> None:
    config = load(written(file, GOOD.replace("data/history.csv", "x" * 5000)))
    problem = missing_files(file, config.currencies)[0]
    assert "cannot be read (File name too long)" in problem.message


# --- selecting and describing -------------------------------------------------------------------------


def test_currencies_are_selected_without_regard_to_case_in_the_order_of_the_file(file: Path) -> None:
    config = load(written(file, GOOD + "  - {ticker: Xmr, history: x, trend: y}\n"))
    assert [currency.ticker for currency in config.select(["xMR", "btc"])] == ["BTC", "Xmr"]
    assert config.select(None) == config.currencies


def test_an_unknown_currency_is_named_beside_the_known_ones(file: Path) -> None:
    config = load(written(file, GOOD))
    with pytest.raises(UsageError, match="DOGE, ETH: not a currency") as caught:
        config.select(["BTC", "DOGE", "ETH"])
    assert caught.value.hint == "It has BTC."


def test_the_schema_names_the_keys_as_the_file_does() -> None:
    schema = json_schema()
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert "schema" in schema["$defs"]["Redshift"]["properties"]
    assert schema["$defs"]["Currency"]["additionalProperties"] is False
    assert "description" in schema["$defs"]["Currency"]["properties"]["ticker"]


# --- anything at all ----------------------------------------------------------------------------------

SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20))
KEYS = st.sampled_from([*Config.model_fields, *Currency.model_fields, "schema", "home", "", "1", "<<", "ſ"])
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=6,
)
MARKS = [*"[]{},:-?!|>%@`#'\"\n\t\\=", "\n  ", "- ", ": ", "&a ", "*a", "<<: *a", "---\n"]
TAGS = ["!!int ", "!!float ", "!!bool ", "!!timestamp ", "!!binary ", "!!set ", "!!omap ", "!!null ", "!x "]
VALUES = [
    "currencies",
    "ticker",
    "BTC",
    "~x",
    "0x_",
    "._",
    "0b_",
    "2024-02-30",
    "1:99",
    '"\\ud800"',
    '"\\0"',
    "é",
]
WORDS = st.sampled_from([*MARKS, *TAGS, *VALUES])


def ends_well(folder: Path, content: str | bytes) -> None:
    """Either a configuration, whose files can be asked for, or a ConfigError."""
    file = written(folder / "any.yaml", content)
    with contextlib.suppress(ConfigError):
        config = load(file)
        config.model_dump_json()
        missing_files(file, config.currencies)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any")


@settings(max_examples=examples(50), deadline=None)
@given(tree=TREES)
def test_any_values_end_in_a_configuration_or_in_its_problems(folder: Path, tree: object) -> None:
    ends_well(folder, json.dumps(tree))


@settings(max_examples=examples(50), deadline=None)
@given(currency=st.dictionaries(KEYS, SCALARS, max_size=3), rest=st.dictionaries(KEYS, TREES, max_size=3))
def test_any_currency_ends_in_a_configuration_or_in_its_problems(
    folder: Path, currency: dict[str, object], rest: dict[str, object]
) -> None:
    good = {"ticker": "BTC", "history": "h", "trend": "t"}
    ends_well(folder, json.dumps({**rest, "currencies": [{**good, **currency}]}))


@settings(max_examples=examples(100), deadline=None)
@given(words=st.lists(WORDS, max_size=20))
def test_any_yaml_marks_end_in_a_configuration_or_in_its_problems(folder: Path, words: list[str]) -> None:
    ends_well(folder, "".join(words))


@settings(max_examples=examples(100), deadline=None)
@given(words=st.lists(WORDS, min_size=1, max_size=3))
def test_any_value_of_a_field_ends_in_a_configuration_or_in_its_problems(
    folder: Path, words: list[str]
) -> None:
    ends_well(folder, GOOD.replace("data/history.csv", "".join(words)))


@settings(max_examples=examples(50), deadline=None)
@given(content=st.binary(max_size=100))
def test_any_bytes_end_in_a_configuration_or_in_its_problems(folder: Path, content: bytes) -> None:
    ends_well(folder, content)


# --- aws ----------------------------------------------------------------------------------------------


def in_aws(file: Path, setting: str) -> str:
    """The only problem with a configuration that holds these lines under `aws`."""
    lines = "".join(f"  {line}\n" for line in setting.splitlines())
    (problem,) = refusal(file, f"{GOOD}aws:\n{lines}")
    assert problem.line is not None
    return f"{problem.line} {problem.field}: {problem.message}"


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("glue: {worker_type: G.3X}", "7 aws.glue.worker_type: must be one of G.1X, G.2X"),
        ("glue: {version: six}", "7 aws.glue.version: 'six' is not a Glue version such as 6.0"),
        ("glue: {role: 'my role'}", "7 aws.glue.role: 'my role' is not the name or ARN of a role"),
        ("buckets: {raw: My_Bucket}", "7 aws.buckets.raw: 'My_Bucket' is not a bucket name"),
        ("schedule: daily", "7 aws.schedule: 'daily' is not an EventBridge schedule such as cron("),
        ("notify: {emails: [me]}", "7 aws.notify.emails[0]: 'me' is not an e-mail address"),
        ("notify: {email: a@b.c}", "7 aws.notify.email: unknown key, did you mean 'emails'?"),
        ("tags: {'aws:team': data}", "7 aws.tags: 'aws:team' is not a tag's key"),
        ("tags: {team: 'a;b'}", "7 aws.tags: team: 'a;b' is not a tag's value"),
        ("log_retention_days: 31", "7 aws.log_retention_days: must be one of 1, 3, 5"),
        ("redshift: {create: yes}", "7 aws.redshift: with create: true it also needs vpc, subnets"),
        ("redshift: {vpc: mine}", "7 aws.redshift.vpc: 'mine' is not an id such as vpc-0123456789abcdef0"),
        ("redshift: {workgroup: 'a b'}", "7 aws.redshift.workgroup: 'a b' is not a name"),
        ("notify: {emails: 3}", "7 aws.notify.emails: must be a list"),
        ("glue: {workers: 1}", "7 aws.glue.workers: input should be greater than or equal to 2"),
        ("machine: {xrays: true}", "7 aws.machine.xrays: unknown key, did you mean 'xray'?"),
    ],
)
def test_a_wrong_setting_of_aws_is_named_with_its_line(file: Path, setting: str, said: str) -> None:
    assert in_aws(file, setting).startswith(said)


def test_a_list_of_one_may_be_written_as_that_one(file: Path) -> None:
    written(file, f"{GOOD}aws:\n  notify: {{emails: ops@example.com}}\n")
    notify = load(file).aws.notify
    assert notify is not None
    assert notify.emails == ("ops@example.com",)


def test_a_created_redshift_has_its_place(file: Path) -> None:
    place = "vpc: vpc-12345678, subnets: subnet-12345678, availability_zone: eu-central-1a"
    written(file, f"{GOOD}aws:\n  redshift: {{create: true, {place}}}\n")
    assert load(file).aws.redshift.subnets == ("subnet-12345678",)
    for more, said in (
        ("workgroup: My_Group", "with create: true the workgroup is 3 to 64 lowercase letters"),
        ("copy_role: mine", "with create: true copy_role and secret are created too"),
    ):
        (problem,) = refusal(file, f"{GOOD}aws:\n  redshift: {{create: true, {place}, {more}}}\n")
        assert problem.message.startswith(said)
