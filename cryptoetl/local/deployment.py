"""What is deployed: deployed/state_machine.json, deployed/jobs.json and deployed/scripts/.

A run uses these copies, so that an edited script or configuration takes effect with `deploy`, as on AWS.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from cryptoetl.bundle import Bundle, Change, Job, Layout, compare
from cryptoetl.errors import EnvironmentFault
from cryptoetl.local import all_currencies
from cryptoetl.local.home import Home, told
from cryptoetl.results import Observe, Part, Removal


class LocalDeployment:
    """`target.Deployment` on folders."""

    def __init__(self, home: Home, schema: str) -> None:
        self._home = home
        self._schema = schema

    def layout(self) -> Layout:
        return self._home.layout()

    def current(self) -> Bundle | None:
        folder = self._home.deployed
        if not folder.exists():
            return None
        try:
            machine = json.loads((folder / "state_machine.json").read_text(encoding="utf-8"))
            jobs = json.loads((folder / "jobs.json").read_text(encoding="utf-8"))
            scripts = {path.name: path.read_bytes() for path in sorted((folder / "scripts").glob("*.py"))}
            return Bundle(machine, tuple(Job(**job) for job in jobs), scripts)
        except (OSError, ValueError, TypeError) as error:
            raise EnvironmentFault(
                f"{folder} is damaged: {error}", hint="Remove that folder and run `cryptoetl deploy` again."
            ) from error

    def join(self, observe: Observe) -> None:
        pass  # nothing goes on here without the process that began it

    def changes(self, bundle: Bundle) -> tuple[Change, ...]:
        return compare(self.current(), bundle)

    def review(self, bundle: Bundle, changes: Sequence[Change], *, drift: bool) -> None:
        return None

    def apply(self, bundle: Bundle, observe: Observe, *, allow_data_removal: bool) -> None:
        final = self._home.deployed
        with told(final):
            self._home.path.mkdir(parents=True, exist_ok=True)
            fresh = Path(tempfile.mkdtemp(prefix=".deployed-", dir=self._home.path))
            try:
                _write(fresh, bundle)
                fresh.chmod(0o755)
                with tempfile.TemporaryDirectory(prefix=".replaced-", dir=self._home.path) as old:
                    if final.exists():
                        final.rename(Path(old) / final.name)
                    fresh.rename(final)
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
        self._renew_view(bundle)

    def _renew_view(self, bundle: Bundle) -> None:
        """The view of all currencies, if there is a warehouse that nobody holds; else a run does it."""
        if not self._home.warehouse.exists():
            return
        import duckdb

        with suppress(duckdb.Error), duckdb.connect(self._home.warehouse) as connection:
            all_currencies.renew(connection, self._schema, bundle.tickers)

    def removal(self, *, delete_data: bool) -> Removal:
        deployed = [self._home.deployed] if self._home.deployed.exists() else []
        data = [path for path in self._home.data if path.exists()]
        return Removal(
            str(self._home.path),
            tuple(Part("folder", str(path)) for path in [*deployed, *(data if delete_data else [])]),
            tuple(Part("data", str(path)) for path in ([] if delete_data else data)),
            delete_data,
        )

    def remove(self, removal: Removal, observe: Observe) -> None:
        for part in removal.removed:
            path = Path(part.name)
            with told(path):
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)

    def location(self) -> str:
        return str(self._home.deployed)


def _write(folder: Path, bundle: Bundle) -> None:
    (folder / "state_machine.json").write_text(
        json.dumps(bundle.machine, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    jobs = json.dumps([asdict(job) for job in bundle.jobs], indent=2)
    (folder / "jobs.json").write_text(jobs + "\n", encoding="utf-8")
    (folder / "scripts").mkdir()
    for name, body in bundle.scripts.items():
        (folder / "scripts" / name).write_bytes(body)
