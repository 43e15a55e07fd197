"""Deploy, run, verify and destroy the example in a real AWS account, and write down what AWS does.

    export AWS_PROFILE=… AWS_REGION=eu-central-1
    export CRYPTOETL_TRIAL_REDSHIFT='{workgroup: …, database: …, connection: …}'
    python -m tests.real_aws

CRYPTOETL_TRIAL_REDSHIFT has the settings of `aws.redshift`: an existing workgroup, or `create: true` with a
network (docs/first-deploy.md). The trial changes nothing else that exists: its resources are named
`etltrial`, and its tables are in a schema of their own. It says what it costs and asks before it begins,
removes everything at its end, after a failure and after Ctrl-C, and lists what is left. Run again, it removes
what an earlier trial has left, and keeps what that trial has settled. The results are in the folder
`real-aws-trial`: report.md, report.json, output.log.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import yaml

from tests.real_aws.account import Account
from tests.real_aws.doubts import Report
from tests.real_aws.trial import Cli, Failed, Trial, command_line, configuration

VARIABLE = "CRYPTOETL_TRIAL_REDSHIFT"


def main(
    arguments: Sequence[str],
    environ: Mapping[str, str],
    *,
    cli: Cli = command_line,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Return 0 if nothing failed and nothing is left, 1 if so, 2 if the trial did not begin."""
    options = _parser().parse_args(arguments)
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    redshift = yaml.safe_load(environ.get(VARIABLE, ""))
    if not region or not isinstance(redshift, dict):
        print(f"Set AWS_REGION and {VARIABLE}: see python -m tests.real_aws --help", file=sys.stderr)
        return 2
    folder: Path = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    account = Account(region, options.pipeline, sleep)
    report = Report({"account": account.number, "region": region, "redshift": json.dumps(redshift)})
    if (earlier := folder / "report.json").exists():
        report.adopt(json.loads(earlier.read_text(encoding="utf-8")))
    trial = Trial(account, configuration(options.pipeline, region, redshift), folder, report, cli=cli)
    try:
        if options.clean_up:
            return _cleaned(trial, failed=False)
        cents = trial.cents()
    except Failed as error:
        print(error, file=sys.stderr)
        return 2
    report.about["expected cost"] = f"{cents} cents at most"
    print(
        f"Account {account.number}, {region}. This trial takes about an hour and costs {cents} cents at most."
    )
    if not options.yes and input("Type yes to begin: ") != "yes":
        return 2
    return carry_out(trial)


def carry_out(trial: Trial) -> int:
    """Carry out the trial and clean up, whatever happens."""
    failed = True
    try:
        if list(trial.account.left(trial.groups_before)):
            trial.clean_up()  # of an earlier trial
        trial.all()
        failed = any(result != "done" for name, result in trial.report.steps if name != "verify")
    except Failed as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        print("Interrupted: cleaning up. Ctrl-C again leaves it to --clean-up.", file=sys.stderr)
    return _cleaned(trial, failed=failed)


def _cleaned(trial: Trial, *, failed: bool) -> int:
    left = trial.clean_up()
    print(trial.report.markdown)
    if left:
        print("Still there: run again with --clean-up.", file=sys.stderr)
    return int(failed or bool(left))


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.real_aws",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--pipeline", default="etltrial", help="name of its resources (default: %(default)s)")
    parser.add_argument("--folder", type=Path, default=Path("real-aws-trial"), help="for its files")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--clean-up", action="store_true", help="only remove what a trial has left")
    return parser


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        sys.exit(main(sys.argv[1:], os.environ))
    except KeyboardInterrupt:
        print("Interrupted. Run again with --clean-up to remove what is there.", file=sys.stderr)
        sys.exit(130)
