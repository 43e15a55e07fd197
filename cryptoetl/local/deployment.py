"""`target.Deployment` in a folder: deployed/state_machine.json, deployed/jobs.json and deployed/scripts/.

A run uses these copies, so that an edited script or configuration takes effect with `deploy`, as on AWS.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from cryptoetl.errors import DamagedState, DeployError
from cryptoetl.events import Observe
from cryptoetl.local.home import Home, naming_path, write_atomically
from cryptoetl.local.ownership import Ownership
from cryptoetl.local.redshift import database_file
from cryptoetl.local.redshift import view as all_currencies
from cryptoetl.state_machine import definition as state_machine
from cryptoetl.state_machine import groups
from cryptoetl.state_machine.bundle import SHARED, Bundle, Change, Job, Layout
from cryptoetl.state_machine.comparison import compare
from cryptoetl.state_machine.groups import CurrencyList
from cryptoetl.target.deployment import Part, Plan, Removal
from cryptoetl.util.files import load_json

T = TypeVar("T")


class LocalDeployment:
    """The folder `deployed/` of a home. The basis of its plans is `_fingerprint`."""

    def __init__(self, home: Home, schema: str, owned: Ownership) -> None:
        self._home = home
        self._schema = schema
        self._owned = owned

    def layout(self) -> Layout:
        """Return the home's folders as file:// URIs."""
        return self._home.layout()

    def current(self) -> Bundle | None:
        """Return the bundle that is deployed, or None. Raises DamagedState."""
        folder = self._home.deployed
        if not folder.exists():
            return None
        machine = self._read("state_machine.json", state_machine.checked)
        jobs = self._read("jobs.json", lambda found: tuple(_job(job) for job in found))
        scripts = {name: self._script(name) for name in (*(job.script for job in jobs), SHARED)}
        return Bundle(machine, jobs, scripts, self._currencies(machine))

    def _currencies(self, machine: Mapping[str, Any]) -> CurrencyList | None:
        """Return the list that a machine of groups runs by default. Raises DamagedState."""
        if not groups.is_grouped(machine):
            return None
        key = groups.list_key(machine)
        path = self._home.path / key
        try:
            return groups.loads(path.read_bytes(), key)[0]
        except OSError as error:
            raise _damaged(path, error) from error

    def compared(self, wanted: Bundle | None) -> tuple[Bundle | None, Sequence[Change]]:
        """Return the deployed bundle and its differences from this one. Raises DamagedState."""
        current = self.current()
        return current, () if wanted is None else compare(current, wanted)

    def _read(self, name: str, parse: Callable[[Any], T]) -> T:
        """Read a JSON file of what is deployed. Raises DamagedState."""
        path = self._home.deployed / name
        try:
            return parse(load_json(path.read_bytes()))
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise _damaged(path, error) from error

    def _script(self, name: str) -> bytes:
        path = self._home.deployed / "scripts" / name
        try:
            return path.read_bytes()
        except OSError as error:
            raise _damaged(path, error) from error

    def _fingerprint(self) -> str | None:
        """Return a hash of the names and contents of all deployed files; None if nothing is deployed."""
        folder = self._home.deployed
        if not folder.exists():
            return None
        total = hashlib.sha256()
        for path in sorted([folder, *folder.rglob("*")]):
            try:
                content = path.read_bytes() if path.is_file() else b""
            except OSError as error:
                content = repr(error).encode()
            total.update(repr((str(path), content)).encode())
        return total.hexdigest()

    def join(self, observe: Observe) -> None:
        """Do nothing: a deploy on this machine ends with the process that began it."""

    def plan(self, bundle: Bundle, *, drift: bool) -> Plan:
        """Compare the bundle with the deployed files; damaged ones count as missing."""
        fingerprint = self._fingerprint()  # first: a deploy while the files are read is then noticed
        try:
            current = self.current()
        except DamagedState:
            current = None
        return Plan(
            bundle,
            compare(current, bundle),
            str(self._home.deployed),
            basis=fingerprint,
            concerns=tuple(self._owned.notices(current.pipeline if current else None)),
        )

    def verify_owner(self) -> None:
        """Raise DeployError if the home or the schema belongs to another pipeline."""
        current = self.current()
        for notice in self._owned.notices(current.pipeline if current else None):
            if notice.severity == "error":
                raise DeployError(notice.message, hint="Nothing was run.")

    def apply(self, plan: Plan, observe: Observe, *, allow_data_removal: bool) -> None:
        """Replace the deployed files. Raises DeployError, EnvironmentFault; call it with the home held."""
        if self._fingerprint() != plan.basis:
            raise DeployError(
                f"what is deployed in {self._home.deployed} has changed since the plan was made; nothing was "
                "touched",
                hint="Run `cryptoetl deploy` again to see the new plan.",
            )
        final = self._home.deployed
        if (listed := plan.bundle.currencies) is not None:
            # Its name contains its hash: what is deployed until now still finds its own.
            write_atomically(
                self._home.path / groups.list_key(plan.bundle.machine), listed.dumps(plan.bundle.size)
            )
        with naming_path(final):
            self._home.path.mkdir(parents=True, exist_ok=True)
            fresh = Path(tempfile.mkdtemp(prefix=".deployed-", dir=self._home.path))
            try:
                _write(fresh, plan.bundle)
                fresh.chmod(0o755)
                with tempfile.TemporaryDirectory(prefix=".replaced-", dir=self._home.path) as old:
                    if final.exists():
                        final.rename(Path(old) / final.name)
                    fresh.rename(final)
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
        self._renew_view(plan.bundle)

    def _renew_view(self, bundle: Bundle) -> None:
        """Renew the view of all currencies; if the warehouse is missing or in use, the next run does it."""
        if not self._home.warehouse.exists():
            return
        import duckdb

        with suppress(duckdb.Error), duckdb.connect(self._home.warehouse) as connection:
            all_currencies.renew(connection, self._schema, bundle.tickers, bundle.columns)

    def removal(self, *, delete_data: bool) -> Removal:
        """List the deployed files and, with `delete_data`, all data of the home."""
        fingerprint = self._fingerprint()
        if others := self._others():
            return self._shared_removal(others, fingerprint, delete_data=delete_data)
        deployed = [] if fingerprint is None else [self._home.deployed]
        data = [path for path in self._home.data if path.exists()]
        return Removal(
            str(self._home.path),
            tuple(Part("folder", str(path)) for path in [*deployed, *(data if delete_data else [])]),
            tuple(Part("data", str(path)) for path in ([] if delete_data else data)),
            delete_data,
            basis=fingerprint,
        )

    def _others(self) -> set[str]:
        """Return the other pipelines that use this home."""
        deployed = self._deployed_pipeline()
        users = self._owned.others() | ({deployed} if deployed else set())
        return users - {self._owned.pipeline}

    def _deployed_pipeline(self) -> str | None:
        try:
            current = self.current()
        except DamagedState:
            return None
        return current.pipeline if current else None

    def _shared_removal(self, others: set[str], fingerprint: str | None, *, delete_data: bool) -> Removal:
        """List only what is this pipeline's own in a home that others use as well."""
        mine = self._deployed_pipeline() == self._owned.pipeline
        removed = [Part("folder", str(self._home.deployed))] if mine else []
        tables = [Part("table", table) for table in self._owned.own_tables()]
        named = f"also of the pipeline {', '.join(sorted(others))}"
        kept = [Part("data", str(path), named) for path in self._home.data if path.exists()]
        return Removal(
            str(self._home.path),
            (*removed, *(tables if delete_data else ())),
            (*kept, *(() if delete_data else tables)),
            delete_data,
            basis=fingerprint,
        )

    def remove(self, removal: Removal, observe: Observe) -> None:
        """Delete the listed folders and files. Raises DeployError, EnvironmentFault."""
        fingerprint = self._fingerprint()
        if fingerprint is not None and fingerprint != removal.basis:
            raise DeployError(
                f"what is deployed in {self._home.deployed} has changed since it was listed; nothing was "
                "removed",
                hint="Run `cryptoetl destroy` again to see what would be removed.",
            )
        if tables := [part.name for part in removal.removed if part.what == "table"]:
            with database_file.naming_damage(self._home):
                self._owned.drop(tables)
        for part in (part for part in removal.removed if part.what != "table"):
            path = Path(part.name)
            with naming_path(path):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)


def _job(found: Mapping[str, Any]) -> Job:
    job = Job(**found)
    if not isinstance(job.name, str) or Path(job.script).name != job.script:
        raise ValueError(f"{job.name!r} is not a job")
    if not all(isinstance(text, str) for pair in job.arguments.items() for text in pair):
        raise ValueError(f"the arguments of {job.name} are not text")
    return job


def _damaged(path: Path, error: Exception) -> DamagedState:
    reason = error.strerror if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
    return DamagedState(
        f"{path} is damaged ({reason}), so that nothing can be run",
        hint="Run `cryptoetl deploy`, which writes the deployed files again. No data is lost.",
    )


def _write(folder: Path, bundle: Bundle) -> None:
    (folder / "state_machine.json").write_text(
        json.dumps(bundle.machine, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    jobs = json.dumps([asdict(job) for job in bundle.jobs], indent=2)
    (folder / "jobs.json").write_text(jobs + "\n", encoding="utf-8")
    (folder / "scripts").mkdir()
    for name, body in bundle.scripts.items():
        (folder / "scripts" / name).write_bytes(body)
