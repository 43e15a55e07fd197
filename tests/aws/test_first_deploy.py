"""The commands of docs/first-deploy.md, as they stand there, on an emulated account."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.aws import aws_cli, shell
from tests.aws.emulator import Emulator, running
from tests.local.cli import REPOSITORY

PAGE = REPOSITORY / "docs" / "first-deploy.md"
BLOCKS = re.findall(
    r"^```bash ?(.*?)\n(.*?)^```\n(?:\n```text\n(.*?)^```)?", PAGE.read_text("utf-8"), re.M | re.S
)
"""Each block of commands: its mark, the commands, and the output that the page shows for them."""


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Emulator]:
    with running(monkeypatch, tmp_path) as emulator:
        monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.url)
        yield emulator


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the examples."""
    folder = tmp_path / "first"
    shutil.copytree(REPOSITORY / "examples", folder / "examples")
    return folder


def shown(expected: str, output: str) -> bool:
    """Whether the expected lines are in the output in their order; `…` is any text, blanks are any blanks."""
    lines = iter(output.splitlines())
    return all(any(_matches(wanted, line) for line in lines) for wanted in expected.splitlines())


def _matches(wanted: str, line: str) -> bool:
    parts = (r"\s+".join(map(re.escape, part.split())) for part in wanted.split("…"))
    return re.fullmatch(r"\s*.*\s*".join(parts), line.strip()) is not None


def test_the_pages_commands_lead_from_an_empty_account_to_tables_and_back(
    emulator: Emulator, folder: Path
) -> None:
    emulator.redshift.workgroups.clear()  # an account has none to begin with
    blocks = [(commands, expected) for mark, commands, expected in BLOCKS if not mark]
    outputs = shell.run(folder, [commands for commands, _ in blocks])
    assert len(outputs) == len(blocks)
    for (commands, expected), output in zip(blocks, outputs, strict=True):
        assert shown(expected, output), f"{commands}\n--- shown:\n{expected}\n--- printed:\n{output}"
        if "--dry-run" in commands or "doctor" in commands:
            assert "warning" not in output, output
    # The last block lists what is left.
    assert outputs[-1].strip() == ""
    assert emulator.namespaces == {}
    assert sorted(emulator.glue.starts) == [
        ("", "clean"),
        *((ticker, step) for ticker in ("BTC", "XMR") for step in ("gold", "redshift", "silver")),
    ]


def test_a_workgroup_that_exists_is_found_and_used(emulator: Emulator, folder: Path) -> None:
    emulator.connection()
    ((_, commands, expected),) = (block for block in BLOCKS if block[0] == "existing")
    redshift = re.search(r"^```yaml\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)
    assert redshift
    (folder / "first.yaml").write_text(
        f"target: aws\naws:\n  region: eu-central-1\n{redshift[1]}currencies:\n"
        "  - {ticker: BTC, history: examples/data/BTC_EUR Historical Data.csv,"
        " trend: examples/data/google_trend_bitcoin.csv}\n"
    )
    outputs = shell.run(folder, [commands, "cryptoetl deploy --dry-run -c first.yaml"])
    assert shown(expected, outputs[0]), outputs[0]
    assert "+ add    job crypto-redshift-upload" in outputs[1]
    assert not re.search("^(error|warning)", outputs[1], re.M), outputs[1]


@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        ("ec2 describe-vpcs --filter Name=is-default,Values=true", 252, "Unknown options: --filter"),
        ("ec2 describe-vpcz", 252, "ec2 has no operation describe-vpcz"),
        ("iam create-policy --policy-name a", 252, 'Missing required parameter in input: "PolicyDocument"'),
        ("glue get-job --job-name absent", 254, "EntityNotFoundException"),
    ],
)
def test_a_wrong_command_of_the_aws_cli_fails(
    emulator: Emulator,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    command: str,
    code: int,
    message: str,
) -> None:
    assert aws_cli.main(command.split(), tmp_path) == code
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("expected", ["b …", "a\nc", "b", "c\na …"])
def test_output_that_differs_from_the_page_is_found(expected: str) -> None:
    assert shown("a …\nc d", "a b\nx\n  c   d ")
    assert not shown(expected, "a b\nx\n  c   d ")
