"""The commands for deployments: deploy, destroy, render, schema."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cryptoetl.cli import confirmation
from cryptoetl.cli.options import YesOption
from cryptoetl.cli.session import Session
from cryptoetl.errors import UsageError
from cryptoetl.util.text import enumerated

if TYPE_CHECKING:
    from cryptoetl.config.models import Config
    from cryptoetl.target.deployment import Plan


def deploy(
    session: Session,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the plan.")] = False,
    yes: YesOption = False,
    drift: Annotated[
        bool,
        typer.Option(
            "--drift", help="Also report what was changed outside cryptoetl (with --dry-run, on AWS)."
        ),
    ] = False,
    allow_data_removal: Annotated[
        bool,
        typer.Option("--allow-data-removal", help="Allow resources with data to leave the stack (on AWS)."),
    ] = False,
) -> int:
    """Show the plan, ask for confirmation, and apply it."""
    from cryptoetl import pipeline

    if drift and not dry_run:
        raise UsageError("--drift needs --dry-run", hint="It only reports, and changes nothing.")
    config, terminal = session.config(), session.terminal
    target = session.target(config)
    if not dry_run:
        pipeline.join(target, terminal.observe)
    plan = pipeline.plan(config, target, drift=drift)
    if dry_run or not plan.changes:
        return terminal.show(plan)
    terminal.show_plan(plan)
    try:
        if not plan.exit_code and (terminal.can_ask or config.target == "aws"):
            confirmation.confirm(session, config, plan, yes=yes)
    except confirmation.Declined:
        terminal.say("Nothing was deployed.")
        return 2
    applied = pipeline.deploy(plan, target, terminal.observe, allow_data_removal=allow_data_removal)
    code = terminal.show(applied)
    if not code and (message := _unconfirmed(config, plan)):
        terminal.say(message)
    return code


def _unconfirmed(config: Config, plan: Plan) -> str | None:
    """Return what the recipients of alarms have to do after a deploy of their topic; None if nothing."""
    emails = config.aws.notify.emails if config.target == "aws" and config.aws.notify else ()
    if not emails or not any("topic" in change.what.lower() for change in plan.changes):
        return None
    return f"Alarms: new recipients must open the link that AWS sends them ({enumerated(emails)})."


def destroy(
    session: Session,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list what would be removed and what would stay.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Remove without asking, except for data.")] = False,
    delete_data: Annotated[
        bool, typer.Option("--delete-data", help="Also delete raw, silver and gold data, permanently.")
    ] = False,
    confirm: Annotated[
        str | None,
        typer.Option("--confirm", metavar="PIPELINE", help="Name of the pipeline, to confirm --delete-data."),
    ] = None,
) -> int:
    """List what would be removed, ask for confirmation, and remove it. Data stays by default."""
    from cryptoetl import pipeline

    config, terminal = session.config(), session.terminal
    target = session.target(config)
    removal = pipeline.removal(target, delete_data=delete_data)
    if dry_run or not removal.removed:
        return terminal.show(removal)
    if terminal.can_ask and not (yes and not delete_data) and confirm is None:
        terminal.show(removal)
    if not _agreed(session, config.pipeline, delete_data=delete_data, yes=yes, confirm=confirm):
        terminal.say("Nothing was removed.")
        return 2
    return terminal.show(pipeline.destroy(removal, target, terminal.observe))


def _agreed(session: Session, pipeline: str, *, delete_data: bool, yes: bool, confirm: str | None) -> bool:
    """Return whether the user confirms: by a yes, or for data by the pipeline's name. Raises UsageError."""
    terminal = session.terminal
    if not delete_data:
        if yes:
            return True
        if terminal.can_ask:
            return terminal.confirm("Remove this?")
        raise UsageError(
            "a removal needs a confirmation",
            hint="--dry-run lists what would be removed; --yes removes it without asking.",
        )
    if confirm is None and terminal.can_ask:
        confirm = terminal.ask(f"This deletes data permanently. Type {pipeline} to continue: ")
        return confirm == pipeline
    if confirm != pipeline:
        raise UsageError(
            "--delete-data needs the pipeline's name as confirmation",
            hint=f"Add --confirm {pipeline}. Nothing was removed.",
        )
    return True


def machine(
    session: Session,
    *,
    form: Annotated[
        str,
        typer.Option("--format", metavar="json|svg|mermaid", help="Print the definition, or a picture."),
    ] = "json",
) -> int:
    """Print the state machine: in Amazon States Language, or as a picture."""
    from cryptoetl.aws.stack import template
    from cryptoetl.local.home import Home
    from cryptoetl.output.report import rendering
    from cryptoetl.state_machine import bundle

    format_ = rendering.format_named(form)
    config = session.config()
    layout = template.layout(config) if config.target == "aws" else Home(config.local.home).layout()
    session.terminal.text(rendering.rendered(bundle.rendered(config, layout), format_))
    return 0


def stack(
    session: Session,
    *,
    artifacts: Annotated[
        Path | None,
        typer.Option(
            "--artifacts",
            metavar="DIR",
            help="Also write the content of the artifacts bucket to this folder.",
        ),
    ] = None,
) -> int:
    """Print the CloudFormation template of the aws target."""
    import json

    from cryptoetl.aws.stack import template as stacks

    rendered = stacks.render(session.config())
    for key, body in rendered.artifacts.items() if artifacts else ():
        assert artifacts is not None
        (artifacts / key).parent.mkdir(parents=True, exist_ok=True)
        (artifacts / key).write_bytes(body)
    session.terminal.text(json.dumps(rendered.template, indent=2))
    return 0


def policies(
    session: Session,
    *,
    account: Annotated[
        str | None, typer.Option("--account", metavar="ID", help="Account ID to use in ARNs.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            metavar="DIR",
            help="Write the policies of deployers and operators to this folder instead, as files for "
            "`aws iam create-policy`.",
        ),
    ] = None,
) -> int:
    """Print the IAM policies that deploying and operating need, and those of the stack's roles."""
    import json

    from cryptoetl.aws.stack import permissions

    config = session.config()
    region = session.options.region or config.aws.region or os.environ.get("AWS_REGION")
    if output is None:
        printed = permissions.plain(permissions.all_policies(config), account=account, region=region)
        session.terminal.text(json.dumps(printed, indent=2))
        return 0
    if account is None or region is None:
        raise UsageError(
            "policies as files need the account and the region",
            hint="Add --account 123456789012, and --region or aws.region in the configuration.",
        )
    output.mkdir(parents=True, exist_ok=True)
    for name, policy in permissions.people(config).items():
        for path in output.glob(f"{name}-*.json"):
            path.unlink()  # an earlier configuration may have needed more
        documents = permissions.managed(permissions.plain(policy, account=account, region=region))
        for number, document in enumerate(documents, start=1):
            path = output / f"{name}-{number}.json"
            path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
            session.terminal.text(f"{path}\n")
    return 0


def sql(session: Session) -> int:
    """Print the SQL that a deploy runs on Redshift: tables, the view of all currencies, grants."""
    from cryptoetl.state_machine import scripts
    from cryptoetl.warehouse import sql as warehouse_sql

    config = session.config()
    columns = scripts.columns_of(config)
    statements = warehouse_sql.provisions(config, columns)
    lines = [f"{statement};\n" for statement in statements]
    schema, tables = config.aws.redshift.schema_name, [currency.table for currency in config.currencies]
    added = warehouse_sql.added_columns(schema, dict.fromkeys(tables, ()), columns)
    lines += [f"-- If the table is older than the column: {statement};\n" for statement in added]
    session.terminal.text("".join(lines))
    return 0
