"""The Target on the local machine."""

from __future__ import annotations

from cryptoetl.config.models import Config
from cryptoetl.errors import UsageError
from cryptoetl.local.deployment import LocalDeployment
from cryptoetl.local.doctor import LocalDoctor
from cryptoetl.local.executions import LocalExecutions
from cryptoetl.local.glue.worker import Worker
from cryptoetl.local.home import Home
from cryptoetl.local.ownership import Ownership
from cryptoetl.local.storage import LocalStorage
from cryptoetl.local.warehouse import LocalWarehouse
from cryptoetl.target import Target


def local_target(config: Config) -> Target:
    """Return the Target in the configuration's home folder. Raises UsageError if DuckDB cannot open it."""
    if "?" in str(config.local.home):
        raise UsageError(
            f"the home {config.local.home} has a question mark in its path",
            hint="DuckDB reads what follows it as options. Choose another local.home.",
        )
    home = Home(config.local.home)
    schema = config.aws.redshift.schema_name
    owned = Ownership.of(config, home)
    deployment = LocalDeployment(home, schema, owned)
    return Target(
        name="local",
        storage=LocalStorage(home),
        deployment=deployment,
        executions=LocalExecutions(home, Worker(home, schema, config.local.engine, owned.claim())),
        warehouse=LocalWarehouse(home, schema),
        exclusive=home.exclusive,
        diagnose=LocalDoctor(home, schema, config.local.engine, deployment.current).diagnose,
    )
