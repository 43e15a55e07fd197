"""The diagnosis of a pipeline on AWS: the account first, then everything that can be asked side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from cryptoetl.aws.doctor.account import Account
from cryptoetl.aws.doctor.deployment import Deployability
from cryptoetl.aws.doctor.facts import Facts
from cryptoetl.aws.doctor.network import NetworkChecks
from cryptoetl.aws.doctor.warehouse import WarehouseChecks
from cryptoetl.aws.session import Session
from cryptoetl.config.models import Config
from cryptoetl.target.diagnosis import Check, Diagnosis, carry_out


def _now() -> datetime:
    return datetime.now(UTC)


class AwsDoctor:
    """Reads, and changes nothing; asks nothing that is billed without `connect`."""

    def __init__(
        self,
        config: Config,
        session: Session,
        sleep: Callable[[float], None],
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._config = config
        self._session = session
        self._sleep = sleep
        self._now = now

    def diagnose(self, connect: bool) -> Iterator[Diagnosis]:
        """Yield the diagnoses; those that need valid credentials are skipped without them."""
        account = Account(self._config, self._session, self._now)
        yield from account.diagnose()
        checks = self._checks(connect=connect)
        if account.error is None:
            yield from carry_out(checks)
        else:
            for area in dict.fromkeys(check.area for check in checks):
                yield area.skipped("", "not checked: AWS does not accept the credentials, or does not answer")

    def _checks(self, *, connect: bool) -> list[Check]:
        config, session = self._config, self._session
        facts = Facts(config, session, self._sleep)
        return [
            *Deployability(config, session, facts).checks(),
            *WarehouseChecks(config, session, facts, self._sleep, connect=connect).checks(),
            *NetworkChecks(config, session, facts).checks(),
        ]
