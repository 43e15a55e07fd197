"""A plan on this machine is applied as it was shown, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from cryptoetl import pipeline
from cryptoetl.config.models import Config
from cryptoetl.errors import DeployError
from cryptoetl.events import Event
from cryptoetl.local.deployment import LocalDeployment
from cryptoetl.local.target import local_target
from cryptoetl.state_machine.bundle import Bundle
from cryptoetl.target import Target
from cryptoetl.target.deployment import Plan


def configured(folder: Path, *tickers: str) -> Config:
    return Config.model_validate(
        {
            "target": "local",
            "local": {"home": str(folder)},
            "currencies": [{"ticker": t, "history": "h.csv", "trend": "t.csv"} for t in tickers],
        }
    )


def ignore(event: Event) -> None:
    pass


def deploy(config: Config) -> Plan:
    target = local_target(config)
    return pipeline.deploy(pipeline.plan(config, target), target, ignore)


def files(folder: Path) -> dict[str, bytes]:
    deployed = folder / "deployed"
    return {str(path): path.read_bytes() for path in deployed.rglob("*") if path.is_file()}


def current(target: Target) -> Bundle | None:
    assert isinstance(target.deployment, LocalDeployment)
    return target.deployment.current()


def deployed_tickers(target: Target) -> list[str]:
    bundle = current(target)
    return bundle.tickers if bundle else []


def test_a_plan_is_applied_as_it_was_shown(tmp_path: Path) -> None:
    config = configured(tmp_path, "BTC", "XMR")
    target = local_target(config)
    planned = pipeline.plan(config, target)
    applied = pipeline.deploy(planned, target, ignore)
    assert applied.applied
    assert (applied.bundle, applied.changes) == (planned.bundle, planned.changes)
    assert current(target) == planned.bundle


@pytest.mark.parametrize("first", [(), ("BTC",)], ids=["nothing deployed", "something deployed"])
def test_a_plan_is_refused_if_another_deploy_came_first(tmp_path: Path, first: tuple[str, ...]) -> None:
    if first:
        deploy(configured(tmp_path, *first))
    config = configured(tmp_path, "BTC", "XMR")
    target = local_target(config)
    planned = pipeline.plan(config, target)
    deploy(configured(tmp_path, "ETH"))
    before = files(tmp_path)
    with pytest.raises(
        DeployError, match="has changed since the plan was made; nothing was touched"
    ) as caught:
        pipeline.deploy(planned, target, ignore)
    assert caught.value.hint == "Run `cryptoetl deploy` again to see the new plan."
    assert files(tmp_path) == before
    assert pipeline.deploy(pipeline.plan(config, target), target, ignore).applied
    assert deployed_tickers(target) == ["BTC", "XMR"]


def test_a_plan_is_refused_if_a_deployed_script_was_edited_since(tmp_path: Path) -> None:
    deploy(configured(tmp_path, "BTC"))
    config = configured(tmp_path, "BTC", "XMR")
    target = local_target(config)
    planned = pipeline.plan(config, target)
    (tmp_path / "deployed" / "scripts" / "silver2gold.py").write_text("# edited\n")
    with pytest.raises(DeployError):
        pipeline.deploy(planned, target, ignore)
    assert deployed_tickers(target) == ["BTC"]


def test_damaged_files_are_replaced_by_the_plan_that_saw_them(tmp_path: Path) -> None:
    config = configured(tmp_path, "BTC")
    deploy(config)
    (tmp_path / "deployed" / "jobs.json").write_text("{")
    assert deploy(config).applied
    assert deployed_tickers(local_target(config)) == ["BTC"]


def test_a_removal_is_refused_if_something_else_was_deployed_since(tmp_path: Path) -> None:
    config = configured(tmp_path, "BTC")
    deploy(config)
    target = local_target(config)
    listed = pipeline.removal(target, delete_data=False)
    deploy(configured(tmp_path, "BTC", "XMR"))
    with pytest.raises(DeployError, match="has changed since it was listed; nothing was removed"):
        pipeline.destroy(listed, target, ignore)
    assert deployed_tickers(target) == ["BTC", "XMR"]


def test_a_removal_of_what_is_gone_already_is_no_error(tmp_path: Path) -> None:
    config = configured(tmp_path, "BTC")
    deploy(config)
    target = local_target(config)
    listed = pipeline.removal(target, delete_data=False)
    pipeline.destroy(pipeline.removal(target, delete_data=False), target, ignore)
    assert pipeline.destroy(listed, target, ignore).applied
    assert current(target) is None
