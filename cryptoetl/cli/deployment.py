"""What is deployed: deploy, destroy, and the `render` group that only prints it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from cryptoetl.cli.session import Session
from cryptoetl.errors import UsageError


def deploy(
    session: Session,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan only.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    drift: Annotated[
        bool, typer.Option("--drift", help="Also report what was changed by others (with --dry-run, on AWS).")
    ] = False,
    allow_data_removal: Annotated[
        bool, typer.Option("--allow-data-removal", help="Let what holds data leave the stack (on AWS).")
    ] = False,
) -> int:
    """Show what would change, ask, and apply it."""
    from cryptoetl import pipeline

    if drift and not dry_run:
        raise UsageError("--drift only reports", hint="Use it with --dry-run.")
    config, terminal = session.config(), session.terminal
    target = session.target(config)
    if not dry_run:
        pipeline.join(target, terminal.observe)
    plan = pipeline.plan(config, target, drift=drift)
    if dry_run or not plan.changes:
        terminal.show(plan)
        return plan.exit_code
    if not yes and (terminal.can_ask or config.target == "aws"):
        if not terminal.can_ask:
            raise UsageError(
                "this changes your AWS account, and there is nobody to ask",
                hint="--dry-run shows the plan; --yes applies it.",
            )
        terminal.show(plan)
        if not plan.exit_code and not terminal.confirm("Deploy this?"):
            terminal.say("Nothing was deployed.")
            return 2
    applied = pipeline.deploy(plan, target, terminal.observe, allow_data_removal=allow_data_removal)
    terminal.show(applied)
    return applied.exit_code


def destroy(
    session: Session,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List what would go and what would stay.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, unless for data.")] = False,
    delete_data: Annotated[
        bool, typer.Option("--delete-data", help="Delete raw, silver and gold data too, for good.")
    ] = False,
    confirm: Annotated[
        str | None,
        typer.Option(
            "--confirm", metavar="PIPELINE", help="The pipeline's name: what --delete-data asks for."
        ),
    ] = None,
) -> int:
    """List what would be removed, ask, and remove it. Data stays unless you say otherwise."""
    from cryptoetl import pipeline

    config, terminal = session.config(), session.terminal
    target = session.target(config)
    removal = pipeline.removal(target, delete_data=delete_data)
    if dry_run or not removal.removed:
        terminal.show(removal)
        return removal.exit_code
    if terminal.can_ask and not (yes and not delete_data) and confirm is None:
        terminal.show(removal)
    if not _agreed(session, config.pipeline, delete_data=delete_data, yes=yes, confirm=confirm):
        terminal.say("Nothing was removed.")
        return 2
    terminal.show(pipeline.destroy(removal, target, terminal.observe))
    return removal.exit_code


def _agreed(session: Session, pipeline: str, *, delete_data: bool, yes: bool, confirm: str | None) -> bool:
    """Whether the user wants it: a yes for what can be deployed again, the pipeline's name for data."""
    terminal = session.terminal
    if not delete_data:
        if yes:
            return True
        if terminal.can_ask:
            return terminal.confirm("Remove this?")
        raise UsageError("there is nobody to ask", hint="--dry-run lists what would go; --yes removes it.")
    if confirm is None and terminal.can_ask:
        confirm = terminal.ask(f"This deletes data for good. Type {pipeline} to go on: ")
        return confirm == pipeline
    if confirm != pipeline:
        raise UsageError(
            "--delete-data needs the pipeline's name",
            hint=f"Say --confirm {pipeline} if that is meant. Nothing was removed.",
        )
    return True


def machine(session: Session) -> int:
    """The state machine, in Amazon States Language."""
    import json

    from cryptoetl.state_machine import bundle

    session.terminal.text(json.dumps(bundle.machine(session.config()), indent=2, ensure_ascii=False))
    return 0


def stack(
    session: Session,
    *,
    artifacts: Annotated[
        Path | None,
        typer.Option("--artifacts", metavar="DIR", help="Also write what belongs into the artifacts bucket."),
    ] = None,
) -> int:
    """The CloudFormation template of the aws target."""
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
        str | None, typer.Option("--account", metavar="ID", help="Account to put into the ARNs.")
    ] = None,
) -> int:
    """What whoever deploys needs to be allowed, and what the roles of the stack are allowed."""
    import json

    from cryptoetl.aws.stack import permissions

    config = session.config()
    region = session.options.region or config.aws.region or os.environ.get("AWS_REGION")
    printed = permissions.plain(permissions.all_policies(config), account=account, region=region)
    session.terminal.text(json.dumps(printed, indent=2))
    return 0


def sql(session: Session) -> int:
    """The SQL that a deploy runs on Redshift: tables to be, the view of all currencies, grants."""
    from cryptoetl.warehouse import sql as warehouse_sql

    statements = warehouse_sql.provisions(session.config())
    session.terminal.text("".join(f"{statement};\n" for statement in statements))
    return 0


def schema(session: Session) -> int:
    """The JSON Schema of the configuration file, for editors."""
    import json

    from cryptoetl import config

    session.terminal.text(json.dumps(config.json_schema(), indent=2, ensure_ascii=False))
    return 0
