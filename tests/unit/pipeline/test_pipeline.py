"""The use cases over a target in memory: what they do, in which order, and what they leave alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from cryptoetl import config as configuration
from cryptoetl import pipeline
from cryptoetl.config.models import Config
from cryptoetl.errors import (
    AwsError,
    AwsUnreachable,
    BusyError,
    DeployError,
    Interrupted,
    NotDeployedError,
    UsageError,
)
from cryptoetl.events import Counted, Event, FileProgress, Phase, Progressed, Warned
from cryptoetl.output.serialize import to_data
from cryptoetl.pipeline import watching
from cryptoetl.pipeline.everything import Dialog
from cryptoetl.pipeline.results import CheckRules, RunRequest, RunResult, UpResult, VerifyResult
from cryptoetl.pipeline.watching import Timing
from cryptoetl.state_machine.status import ExecutionStatus
from cryptoetl.target.deployment import Plan, Removal
from cryptoetl.target.executions import Record, StillRunning
from tests.fakes import GOLD, LOADED, Fakes

HISTORY = "Date,Price\n01/01/2024,1\n01/02/2024,2\n"
TREND = "Week,x\n2024-01-07,5\n"
RULES = CheckRules(today=date(2024, 1, 3))
PLAIN = b"Date,Price\n2024-01-01,1\n2024-01-02,2\n"
PLAIN_TREND = b"Date,Trend\n2024-01-07,5\n"
BROKEN = "Date,Price\n01/01/2024,1\n01/02/2024,oops\n"


class Project:
    """A folder with files and a configuration, a target in memory, and the reported events."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fakes = Fakes()
        self.target = self.fakes.target
        self.events: list[Event] = []
        self.configure("BTC", "XMR", "ETH")

    def configure(self, *tickers: str, **options: str) -> None:
        """A configuration of these currencies; files that are there already stay."""
        lines = ["currencies:"]
        for ticker in tickers:
            for kind, content in (("history", HISTORY), ("trend", TREND)):
                path = self.folder / f"{ticker} {kind}.csv"
                if not path.exists():
                    path.write_text(content)
            lines += [f"  - ticker: {ticker}"]
            lines += [f"    {kind}: {ticker} {kind}.csv" for kind in ("history", "trend")]
            lines += [f"    {name}: {value}" for name, value in options.items()]
        path = self.folder / "config.yaml"
        path.write_text("\n".join(lines))
        self.config: Config = configuration.load(path)

    def write(self, name: str, content: str) -> None:
        (self.folder / name).write_text(content)

    @property
    def warnings(self) -> list[str]:
        return [event.message for event in self.events if isinstance(event, Warned)]

    @property
    def phases(self) -> list[str]:
        return [event.name for event in self.events if isinstance(event, Phase)]

    @property
    def last_start(self) -> dict[str, str]:
        """Where each currency of the latest execution was to begin."""
        tickers: dict[str, Any] = self.fakes.executions.inputs[-1]["tickers"]
        return {ticker: entry["from"] for ticker, entry in tickers.items()}

    @property
    def removal(self) -> Removal:
        return pipeline.removal(self.target, delete_data=False)

    def deploy(self) -> Plan:
        return pipeline.deploy(pipeline.plan(self.config, self.target), self.target, self.events.append)

    def ready(self) -> Project:
        """Uploaded and deployed."""
        pipeline.upload(self.config.currencies, RULES, self.target, self.events.append)
        self.deploy()
        self.events.clear()
        self.fakes.guarded.clear()
        return self

    def run(self, *tickers: str, **request: Any) -> RunResult:
        chosen = RunRequest(RULES, tickers or None, **request)
        return pipeline.run(self.config, self.target, chosen, self.events.append)

    def up(self, *tickers: str, **request: Any) -> UpResult:
        chosen = RunRequest(RULES, tickers or None, **request)
        return pipeline.up(self.config, self.target, chosen, self.events.append)

    def verify(self, *tickers: str) -> VerifyResult:
        return pipeline.verify(self.config, self.target, tickers, self.events.append)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def states(execution: ExecutionStatus | None) -> dict[str, tuple[str, str | None]]:
    assert execution is not None
    return {c.ticker: (c.status, c.step) for c in execution.currencies}


# --- check and upload ---------------------------------------------------------------------------------


def test_a_check_reads_both_files_of_each_currency_and_tells_how_far_it_is(project: Project) -> None:
    result = pipeline.check(project.config.currencies, RULES, project.events.append)
    assert result.exit_code == 0
    assert [(c.ticker, c.history.rows, c.trend.rows) for c in result.currencies] == [
        ("BTC", 2, 1),
        ("XMR", 2, 1),
        ("ETH", 2, 1),
    ]
    progress = [event for event in project.events if isinstance(event, FileProgress)]
    assert [event.file.name for event in progress[:2]] == ["BTC history.csv", "BTC trend.csv"]
    assert all(event.done == event.total == event.file.stat().st_size for event in progress)


def test_a_check_names_every_broken_currency_and_its_first_fault(project: Project) -> None:
    project.write("XMR history.csv", BROKEN)
    project.write("ETH history.csv", "")
    project.write("ETH trend.csv", "")
    result = pipeline.check(project.config.currencies, RULES, project.events.append)
    assert result.exit_code == 1
    assert result.refused == {
        "XMR": "history: line 3: price 'oops' is not a number",
        "ETH": "history: the file is empty; trend: the file is empty",
    }


def test_the_columns_and_formats_of_the_configuration_are_those_that_are_checked(project: Project) -> None:
    project.configure(
        "BTC", date_column="Day", price_column="Last", date_format="d.M.yyyy", decimal="','", drop="Y"
    )
    project.write("BTC history.csv", 'Day,Last\n1.1.2024,"-1,0"\n')
    result = pipeline.check(project.config.currencies, RULES, project.events.append)
    assert result.refused == {"BTC": "history: every price is missing"}


def test_an_upload_stores_the_plain_form_and_the_bytes_untouched_under_fixed_keys(project: Project) -> None:
    crlf = HISTORY.replace("\n", "\r\n").encode()
    (project.folder / "BTC history.csv").write_bytes(b"\xef\xbb\xbf" + crlf)
    result = pipeline.upload(project.config.currencies[:1], RULES, project.target, project.events.append)
    assert project.fakes.storage.files == {
        "BTC/source/history": b"\xef\xbb\xbf" + crlf,
        "BTC/history.csv": PLAIN,
        "BTC/source/trend": TREND.encode(),
        "BTC/trend.csv": PLAIN_TREND,
    }
    assert [(f.kind, f.action, f.location) for f in result.files] == [
        ("history", "uploaded", "memory:raw/BTC/history.csv"),
        ("trend", "uploaded", "memory:raw/BTC/trend.csv"),
    ]
    assert project.fakes.guarded == ["upload"]


def test_an_upload_tells_its_progress_up_to_the_size_of_the_file(project: Project) -> None:
    pipeline.upload(project.config.currencies[:1], RULES, project.target, project.events.append)
    done: dict[int, list[int]] = {}
    for event in project.events:
        if isinstance(event, FileProgress) and event.copied:
            done.setdefault(event.total, []).append(event.done)
    assert done == {size: [size // 2, size, size] for size in (len(HISTORY), len(TREND))}


def test_only_what_changed_is_uploaded_again(project: Project) -> None:
    project.ready()
    project.write("XMR history.csv", HISTORY + "01/03/2024,3\n")
    result = pipeline.upload(project.config.currencies, RULES, project.target, project.events.append)
    assert {(f.ticker, f.kind) for f in result.files if f.action == "uploaded"} == {("XMR", "history")}
    assert {f.action for f in result.files} == {"uploaded", "unchanged"}


def test_a_broken_currency_is_not_uploaded_and_what_was_uploaded_stays(project: Project) -> None:
    project.ready()
    project.write("BTC history.csv", BROKEN)
    project.write("BTC trend.csv", TREND + "2024-01-14,6\n")
    result = pipeline.upload(project.config.currencies, RULES, project.target, project.events.append)
    assert result.exit_code == 1
    assert [f.action for f in result.files if f.ticker == "BTC"] == ["refused", "refused"]
    assert project.fakes.storage.files["BTC/history.csv"] == PLAIN
    assert project.fakes.storage.files["BTC/trend.csv"] == PLAIN_TREND


# --- deploy -------------------------------------------------------------------------------------------


def test_a_plan_touches_nothing(project: Project) -> None:
    plan = pipeline.plan(project.config, project.target)
    assert [change.name for change in plan.changes if change.what == "branch"] == ["BTC", "XMR", "ETH"]
    assert (plan.applied, plan.exit_code, plan.location) == (False, 0, "memory:deployed")
    assert project.fakes.deployment.bundle is None


def test_a_second_deploy_without_changes_applies_nothing(project: Project) -> None:
    first, second = project.deploy(), project.deploy()
    assert (first.applied, second.applied, second.changes) == (True, False, ())
    assert project.fakes.deployment.applied == 1


def test_a_plan_is_applied_with_the_bundle_that_was_shown(project: Project) -> None:
    planned = pipeline.plan(project.config, project.target)
    project.configure("BTC", "XMR", "ETH", drop="Y")
    applied = pipeline.deploy(planned, project.target, project.events.append)
    assert applied == replace(planned, applied=True)
    assert project.fakes.deployment.bundle is planned.bundle


def test_a_plan_and_a_removal_are_refused_if_something_else_was_deployed_since(project: Project) -> None:
    project.deploy()
    listed = project.removal
    project.configure("BTC", "XMR", "ETH", drop="Y")
    planned = pipeline.plan(project.config, project.target)
    project.configure("BTC")
    project.deploy()
    with pytest.raises(DeployError):
        pipeline.deploy(planned, project.target, project.events.append)
    with pytest.raises(DeployError):
        pipeline.destroy(listed, project.target, project.events.append)
    assert project.fakes.deployment.bundle is not None
    assert project.fakes.deployment.bundle.tickers == ["BTC"]


def test_what_a_plan_is_based_on_is_not_part_of_its_json(project: Project) -> None:
    planned = pipeline.plan(project.config, project.target)
    envelope = {"schema", "exit_code", "status"}
    texts = {"location", "tables", "scripts"}
    assert to_data(planned).keys() - envelope == texts | {"bundle", "changes", "applied", "notices"}
    removal = to_data(project.removal).keys() - envelope
    assert removal == {"location", "removed", "kept", "deletes_data", "applied"}


def test_a_changed_configuration_is_a_change_of_its_branch_alone(project: Project) -> None:
    project.deploy()
    project.configure("BTC", "XMR", "ETH", drop="Y")
    plan = pipeline.plan(project.config, project.target)
    assert {(c.action, c.what, c.detail) for c in plan.changes} == {("change", "branch", "DROP N → Y")}


# --- run ----------------------------------------------------------------------------------------------


def test_nothing_runs_before_it_is_deployed(project: Project) -> None:
    with pytest.raises(NotDeployedError) as caught:
        project.run()
    assert "cryptoetl deploy" in (caught.value.hint or "")
    assert project.fakes.executions.names() == []


def test_a_run_loads_every_deployed_currency(project: Project) -> None:
    result = project.ready().run()
    assert (result.exit_code, result.note, result.refused) == (0, None, {})
    assert states(result.execution) == dict.fromkeys(["BTC", "XMR", "ETH"], ("LOADED", None))
    assert project.last_start == dict.fromkeys(["BTC", "XMR", "ETH"], "silver")
    assert (project.warnings, project.phases, project.fakes.guarded) == ([], ["run"], ["run"])
    assert project.fakes.executions.warmed_up


def test_a_failing_currency_does_not_stop_the_others(project: Project) -> None:
    project.ready().fakes.executions.broken = {"XMR": ("gold", "ValueError: no")}
    result = project.run()
    assert result.exit_code == 1
    assert states(result.execution) == {
        "BTC": ("LOADED", None),
        "XMR": ("FAILED", "gold"),
        "ETH": ("LOADED", None),
    }
    assert set(project.fakes.warehouse.facts) == {"btc", "eth"}


def test_chosen_currencies_run_alone_whatever_their_case_and_order(project: Project) -> None:
    result = project.ready().run("eth", "bTc")
    assert list(project.last_start) == ["BTC", "ETH"]
    assert states(result.execution)["XMR"] == ("SKIPPED", None)
    assert result.exit_code == 0


def test_a_ticker_that_is_not_deployed_is_refused_by_name(project: Project) -> None:
    project.ready().configure("BTC", "XMR", "ETH", "NEW")
    with pytest.raises(UsageError, match=r"^NEW, DOGE: not deployed") as caught:
        project.run("BTC", "NEW", "DOGE")
    assert "Deployed are BTC, XMR, ETH." in (caught.value.hint or "")
    assert project.fakes.executions.names() == []


def test_a_step_can_be_made_to_fail_whatever_the_case_of_the_ticker(project: Project) -> None:
    result = project.ready().run(fail={"xmr": "redshift"})
    assert states(result.execution)["XMR"] == ("FAILED", "redshift")


def test_a_step_of_an_unknown_currency_cannot_be_made_to_fail(project: Project) -> None:
    with pytest.raises(UsageError, match=r"^DOGE: not"):
        project.ready().run(fail={"DOGE": "gold"})
    with pytest.raises(UsageError, match=r"^DOGE: not"):
        project.up(fail={"DOGE": "gold"})
    assert project.fakes.executions.names() == []


def test_a_configuration_that_is_not_the_deployed_one_is_a_warning(project: Project) -> None:
    project.ready().configure("BTC", "XMR", "ETH", drop="Y")
    result = project.run()
    assert result.exit_code == 0
    (warning,) = project.warnings
    assert "differ from what is deployed (branch BTC, branch XMR, branch ETH)" in warning
    assert "`cryptoetl deploy` shows the changes and deploys them" in warning


def test_of_many_differences_ten_are_named_and_the_rest_counted(project: Project) -> None:
    project.ready().configure("BTC", "XMR", "ETH", "A", "B")
    project.config = project.config.model_copy(update={"pipeline": "other"})
    project.run()
    assert "and 3 more)" in project.warnings[0]


def test_of_many_currencies_without_files_ten_are_named_and_the_rest_counted(project: Project) -> None:
    project.configure(*(f"C{number}" for number in range(13)))
    project.deploy()
    project.events.clear()
    project.run()
    assert len(project.warnings) == 11
    assert project.warnings[-1].startswith("3 more currencies like these;")


def test_a_run_without_its_files_in_place_is_a_warning(project: Project) -> None:
    project.deploy()
    project.run("BTC")
    assert project.warnings == [
        "BTC: its history and trend file is not uploaded yet; run `cryptoetl upload` to upload it"
    ]


def test_a_file_that_changed_since_its_upload_is_a_warning(project: Project) -> None:
    project.ready().write("BTC trend.csv", TREND + "2024-01-14,6\n")
    project.run("BTC", "XMR")
    assert project.warnings == [
        "BTC: its trend file is changed since its upload; run `cryptoetl upload` to upload it"
    ]


def test_a_file_that_is_gone_since_its_upload_is_no_obstacle(project: Project) -> None:
    project.ready()
    (project.folder / "BTC trend.csv").unlink()
    assert project.run("BTC").exit_code == 0
    assert project.warnings == []


def test_a_currency_taken_from_the_configuration_still_runs_as_deployed(project: Project) -> None:
    project.ready().configure("BTC")
    result = project.run("XMR")
    assert states(result.execution)["XMR"] == ("LOADED", None)
    assert "branch XMR" in project.warnings[0]


def test_two_runs_at_once_are_refused(project: Project) -> None:
    project.ready().fakes.busy = True
    with pytest.raises(BusyError):
        project.run()
    assert project.fakes.executions.names() == []


def test_ctrl_c_reports_the_name_of_the_execution(project: Project) -> None:
    project.ready().fakes.executions.interrupted = True
    with pytest.raises(Interrupted, match="execution-1 is interrupted") as caught:
        project.run()
    assert caught.value.exit_code == 130
    assert not project.fakes.busy


# --- retry --------------------------------------------------------------------------------------------


def test_what_failed_is_retried_from_its_failed_step_and_nothing_else(project: Project) -> None:
    project.ready().fakes.executions.broken = {"BTC": ("redshift", "no"), "ETH": ("gold", "no")}
    project.run()
    project.fakes.executions.broken = {}
    result = project.run(retry_failed=True)
    assert project.last_start == {"BTC": "redshift", "ETH": "gold"}
    assert states(result.execution) == {
        "BTC": ("LOADED", None),
        "ETH": ("LOADED", None),
        "XMR": ("SKIPPED", None),
    }


def test_what_failed_again_can_be_retried_again(project: Project) -> None:
    project.ready().fakes.executions.broken = {"BTC": ("gold", "no")}
    project.run()
    project.run(retry_failed=True)
    assert project.run(retry_failed=True).exit_code == 1
    assert project.last_start == {"BTC": "gold"}


def test_a_retry_after_success_has_nothing_to_do(project: Project) -> None:
    project.ready().run()
    result = project.run(retry_failed=True)
    assert (result.execution, result.exit_code) == (None, 0)
    assert result.note == "Nothing to retry: no such currency failed in execution execution-1."


def test_a_retry_before_any_run_says_so(project: Project) -> None:
    with pytest.raises(UsageError, match="there is no execution yet"):
        project.ready().run(retry_failed=True)


def test_a_retry_can_be_narrowed_to_some_currencies(project: Project) -> None:
    project.ready().fakes.executions.broken = {"BTC": ("gold", "no"), "ETH": ("gold", "no")}
    project.run()
    project.run("eth", retry_failed=True)
    assert project.last_start == {"ETH": "gold"}
    assert project.run("XMR", retry_failed=True).note is not None


def test_a_corrected_file_is_uploaded_by_the_retry(project: Project) -> None:
    project.ready().fakes.executions.broken = {"BTC": ("silver", "line 3: bad")}
    project.run()
    corrected = HISTORY + "01/03/2024,3\n"
    project.write("BTC history.csv", corrected)
    project.write("XMR history.csv", corrected)
    project.fakes.executions.broken = {}
    result = project.run("BTC", retry_failed=True)
    assert states(result.execution)["BTC"] == ("LOADED", None)
    assert project.fakes.storage.files["BTC/history.csv"] == PLAIN + b"2024-01-03,3\n"
    assert project.fakes.storage.files["BTC/source/history"] == corrected.encode()
    assert project.fakes.storage.files["XMR/history.csv"] == PLAIN


def test_a_file_changed_after_silver_is_not_uploaded_by_the_retry(project: Project) -> None:
    project.ready().fakes.executions.broken = {"BTC": ("gold", "no")}
    project.run()
    project.write("BTC history.csv", HISTORY + "01/03/2024,3\n")
    project.run(retry_failed=True)
    assert project.fakes.storage.files["BTC/history.csv"] == PLAIN


def test_a_file_that_is_still_broken_keeps_its_currency_out_of_the_retry(project: Project) -> None:
    project.ready().fakes.executions.broken = {"BTC": ("silver", "bad"), "ETH": ("silver", "bad")}
    project.run()
    project.fakes.executions.broken = {}
    project.write("BTC history.csv", BROKEN)
    result = project.run(retry_failed=True)
    assert result.refused == {"BTC": "history: line 3: price 'oops' is not a number"}
    assert states(result.execution) == {
        "ETH": ("LOADED", None),
        "BTC": ("FAILED", "check"),
        "XMR": ("SKIPPED", None),
    }
    assert result.exit_code == 1


def test_a_retry_of_broken_files_alone_runs_nothing(project: Project) -> None:
    project.ready().fakes.executions.broken = {"BTC": ("silver", "bad")}
    project.run()
    project.write("BTC history.csv", BROKEN)
    result = project.run(retry_failed=True)
    assert (result.execution, result.exit_code) == (None, 1)
    assert result.note == "Nothing was run: the files of the failed currencies are still broken."
    assert project.fakes.executions.names() == ["execution-1"]


def test_a_retry_with_the_files_gone_reads_what_was_uploaded(project: Project) -> None:
    project.ready().fakes.executions.broken = {"BTC": ("silver", "bad")}
    project.run()
    project.fakes.executions.broken = {}
    (project.folder / "BTC history.csv").unlink()
    assert project.run(retry_failed=True).exit_code == 0


def test_a_changed_file_without_its_counterpart_is_a_warning_of_the_retry(
    project: Project,
) -> None:
    project.ready().fakes.executions.broken = {"BTC": ("silver", "bad"), "ETH": ("gold", "bad")}
    project.run()
    project.fakes.executions.broken = {}
    for ticker in ("BTC", "ETH"):
        project.write(f"{ticker} history.csv", HISTORY + "01/03/2024,3\n")
        (project.folder / f"{ticker} trend.csv").unlink()
    project.run(retry_failed=True)
    assert project.last_start == {"BTC": "silver", "ETH": "gold"}
    assert project.fakes.storage.files["BTC/history.csv"] == PLAIN
    assert project.warnings == [
        "BTC: its history file is changed since its upload; run `cryptoetl upload` to upload it"
    ]


def test_what_is_no_longer_deployed_is_left_out_of_the_retry(project: Project) -> None:
    project.ready().fakes.executions.broken = {"BTC": ("gold", "no"), "ETH": ("gold", "no")}
    project.run()
    project.configure("BTC", "XMR")
    project.deploy()
    project.run(retry_failed=True)
    assert project.warnings == ["ETH failed in execution-1, but is no longer deployed: skipped"]
    assert project.last_start == {"BTC": "gold"}


def test_what_up_refused_is_retried_from_silver_once_it_is_corrected(project: Project) -> None:
    project.write("XMR history.csv", BROKEN)
    project.up()
    project.write("XMR history.csv", HISTORY)
    result = project.run(retry_failed=True)
    assert project.last_start == {"XMR": "silver"}
    assert states(result.execution)["XMR"] == ("LOADED", None)
    assert result.exit_code == 0


# --- status and follow --------------------------------------------------------------------------------


def test_the_latest_execution_is_the_one_that_is_asked_for(project: Project) -> None:
    project.ready().run("BTC")
    project.run("XMR")
    assert watching.status(project.target).name == "execution-2"
    assert watching.status(project.target, "execution-1").name == "execution-1"
    assert [e.name for e in watching.latest(project.target, 5, print)] == ["execution-2", "execution-1"]
    assert [e.name for e in watching.latest(project.target, 1, print)] == ["execution-2"]


@pytest.mark.parametrize("ask", [watching.status, lambda target: watching.follow(target, None, print)])
def test_without_an_execution_there_is_no_status(
    project: Project, ask: Callable[[Any], ExecutionStatus]
) -> None:
    with pytest.raises(UsageError, match="there is no execution yet") as caught:
        ask(project.target)
    assert caught.value.hint == "`cryptoetl up` checks, deploys, uploads and runs; `cryptoetl run` only runs."


def test_a_status_says_how_long_it_took(project: Project) -> None:
    project.ready().run("BTC")
    status = watching.status(project.target)
    assert status.started is not None
    assert status.ended is not None
    assert status.ended - status.started > timedelta(seconds=5)


def test_an_execution_is_followed_change_by_change_to_its_end(project: Project) -> None:
    project.ready().run("BTC")
    project.fakes.executions.page = 7
    project.fakes.executions.pause = 0.25
    project.events.clear()
    slept: list[float] = []
    final = watching.follow(project.target, None, project.events.append, timing=Timing(slept.append))
    reported = [event.status for event in project.events if isinstance(event, Progressed)]
    assert [status.status for status in reported] == ["RUNNING"] * (len(reported) - 1) + ["SUCCEEDED"]
    assert reported[-1] == final
    assert slept == [0.25] * (len(reported) - 1)
    steps = [next(c.step for c in status.currencies if c.ticker == "BTC") for status in reported]
    assert list(dict.fromkeys(step for step in steps if step)) == ["silver", "gold", "redshift"]


def test_an_execution_without_new_events_is_not_reported_again(project: Project) -> None:
    project.ready().run("BTC")
    project.fakes.executions.page = 0
    project.events.clear()

    def sleep(seconds: float) -> None:
        assert project.events == []
        project.fakes.executions.page = 1_000

    status = watching.follow(project.target, "execution-1", project.events.append, timing=Timing(sleep))
    assert status.status == "SUCCEEDED"
    assert len(project.events) == 1


# --- watching, stopping -------------------------------------------------------------------------------


class Losing:
    """Reading an execution fails so many times, after it has begun."""

    def __init__(self, project: Project, failures: int, error: type[AwsError]) -> None:
        self.read = project.fakes.executions.read
        self.failures, self.error = failures, error
        project.fakes.executions.read = self  # type: ignore[method-assign]

    def __call__(self, name: str, after: int) -> Record:
        if after and self.failures:
            self.failures -= 1
            raise self.error("no answer", hint="Check the network.")
        return self.read(name, after)


def test_a_lost_connection_is_reported_once_and_no_event_is_lost(project: Project) -> None:
    project.ready().run("BTC")
    expected = watching.status(project.target)
    project.fakes.executions.page = 7
    project.events.clear()
    Losing(project, 5, AwsUnreachable)
    assert (
        watching.follow(project.target, None, project.events.append, timing=Timing(lambda _: None))
        == expected
    )
    assert project.warnings == ["no answer; trying again"]


@pytest.mark.parametrize(("failures", "error"), [(1, AwsError), (1000, AwsUnreachable)])
def test_the_error_that_ends_watching_hints_at_the_running_execution(
    project: Project, failures: int, error: type[AwsError]
) -> None:
    project.ready().run("BTC")
    project.fakes.executions.page = 7
    Losing(project, failures, error)
    with pytest.raises(error) as lost:
        watching.follow(project.target, None, project.events.append, timing=Timing(lambda _: None))
    assert lost.value.hint == "Check the network. execution-1 continues"


def test_an_execution_is_stopped_at_its_timeout_and_running_jobs_are_reported(project: Project) -> None:
    project.ready().fakes.executions.page = 7
    project.fakes.executions.left = [StillRunning("a run", "it will not")]
    result = project.run("BTC", timeout=1e-9)
    ((name, reason),) = project.fakes.executions.stopped
    assert name == "execution-1"
    assert reason.startswith("the execution had not ended after")
    assert result.left == (StillRunning("a run", "it will not"),)


def test_a_stop_that_leaves_a_job_running_is_a_failure(project: Project) -> None:
    project.ready().run("BTC")
    assert pipeline.stop(project.target, None).exit_code == 0
    project.fakes.executions.left = [StillRunning("a run", "it will not")]
    assert pipeline.stop(project.target, "execution-1").exit_code == 1


def test_a_run_on_this_machine_cannot_be_detached(project: Project) -> None:
    with pytest.raises(UsageError, match="--detach is for the aws target"):
        project.ready().run("BTC", detach=True)
    assert project.fakes.executions.names() == []


# --- verify -------------------------------------------------------------------------------------------


def test_tables_that_equal_gold_are_verified(project: Project) -> None:
    project.ready().run()
    result = project.verify("BTC", "ETH")
    assert result.exit_code == 0
    assert [(t.table, t.rows, t.missing_prices, t.problems) for t in result.tables] == [
        ("market_data.btc", 3, 1, ()),
        ("market_data.eth", 3, 1, ()),
    ]


def test_there_is_nothing_to_verify_before_a_deploy(project: Project) -> None:
    with pytest.raises(NotDeployedError, match="nothing is deployed yet"):
        project.verify("BTC")


def test_a_missing_table_is_found(project: Project) -> None:
    project.deploy()
    result = project.verify("BTC")
    assert result.exit_code == 1
    assert result.tables[0].problems == ("the table is missing",)
    assert result.tables[0].rows is None


def test_a_table_without_gold_is_found(project: Project) -> None:
    project.fakes.warehouse.facts["btc"] = LOADED
    assert project.verify("BTC").tables[0].problems == ("there is no gold set to compare it with",)


def test_a_table_of_other_columns_is_found(project: Project) -> None:
    project.fakes.warehouse.load("BTC")
    project.fakes.warehouse.facts["btc"] = replace(LOADED, columns=(("date", "DATE"), ("close", "REAL")))
    (problem,) = project.verify("BTC").tables[0].problems
    assert problem == "its columns are date, close, not date, price, trend, pricema, trend_i"


def test_every_difference_from_gold_is_named(project: Project) -> None:
    project.fakes.warehouse.load("BTC")
    project.fakes.warehouse.golds["BTC"] = replace(GOLD, rows=4, price_sum=13.0, trend_sum=None)
    assert project.verify("BTC").tables[0].problems == (
        "rows: 3 in the table, 4 in gold",
        "price sum: 12.5 in the table, 13.0 in gold",
        "trend sum: 40 in the table, None in gold",
    )


@pytest.mark.parametrize(("factor", "problems"), [(1 + 1e-12, 0), (1 + 1e-6, 1)])
def test_sums_may_differ_in_their_last_digits_alone(project: Project, factor: float, problems: int) -> None:
    project.fakes.warehouse.load("BTC")
    project.fakes.warehouse.golds["BTC"] = replace(GOLD, pricema_sum=10.25 * factor)
    assert len(project.verify("BTC").tables[0].problems) == problems


# --- up -----------------------------------------------------------------------------------------------


def test_up_does_everything_in_order_under_one_guard(project: Project) -> None:
    result = project.up()
    assert project.phases == ["check", "deploy", "upload", "run", "verify"]
    assert project.fakes.guarded == ["up"]
    assert result.exit_code == 0
    assert result.deploy is not None
    assert result.deploy.applied
    assert result.verify is not None
    assert [table.ticker for table in result.verify.tables] == ["BTC", "XMR", "ETH"]
    assert project.warnings == []


def test_up_says_what_each_phase_ends_with_as_soon_as_it_does(project: Project) -> None:
    seen: list[tuple[str, str]] = []
    dialog = Dialog(lambda part: seen.append((type(part).__name__, project.phases[-1])))
    pipeline.up(project.config, project.target, RunRequest(RULES), project.events.append, dialog)
    assert seen == [
        ("CheckResult", "check"),
        ("Plan", "deploy"),
        ("UploadResult", "upload"),
        ("RunResult", "run"),
        ("VerifyResult", "verify"),
    ]
    counts = [event for event in project.events if isinstance(event, Counted)]
    assert counts[:4] == [Counted(0, 3), Counted(1, 3), Counted(2, 3), Counted(3, 3)]


def test_up_asks_before_it_deploys_and_a_no_changes_nothing(project: Project) -> None:
    class DeclinedError(Exception):
        pass

    def decline(plan: Plan) -> None:
        assert len(plan.changes) == 13
        raise DeclinedError

    with pytest.raises(DeclinedError):
        pipeline.up(
            project.config, project.target, RunRequest(RULES), project.events.append, Dialog(approve=decline)
        )
    assert (project.fakes.storage.files, project.fakes.deployment.bundle) == ({}, None)
    project.up()
    unasked = Dialog(approve=decline)  # nothing is left to deploy, so nothing is asked
    pipeline.up(project.config, project.target, RunRequest(RULES), project.events.append, unasked)


def test_a_dry_run_of_up_goes_through_the_phases_and_changes_nothing(project: Project) -> None:
    project.write("XMR history.csv", BROKEN)
    project.fakes.busy = True  # it needs no exclusive use
    result = project.up(dry_run=True)
    assert {(file.ticker, file.action) for file in result.upload.files} == {
        ("BTC", "to upload"),
        ("ETH", "to upload"),
        ("XMR", "refused"),
    }
    assert result.deploy is not None
    assert (result.deploy.applied, len(result.deploy.changes)) == (False, 13)
    assert (result.run, result.verify, result.to_run) == (None, None, ("BTC", "ETH"))
    assert (project.fakes.storage.files, project.fakes.deployment.bundle) == ({}, None)
    assert not project.fakes.executions.warmed_up


def test_up_a_second_time_uploads_and_deploys_nothing_and_loads_again(project: Project) -> None:
    project.up()
    result = project.up()
    assert {file.action for file in result.upload.files} == {"unchanged"}
    assert result.deploy is not None
    assert not result.deploy.applied
    assert project.fakes.executions.names() == ["execution-2", "execution-1"]
    assert result.exit_code == 0


def test_up_leaves_out_what_is_broken_and_says_so_in_the_execution(project: Project) -> None:
    project.write("XMR history.csv", BROKEN)
    result = project.up()
    assert result.exit_code == 1
    assert result.run is not None
    assert states(result.run.execution) == {
        "BTC": ("LOADED", None),
        "ETH": ("LOADED", None),
        "XMR": ("FAILED", "check"),
    }
    assert set(project.fakes.warehouse.facts) == {"btc", "eth"}
    assert watching.status(project.target).currencies[-1].reason == (
        "history: line 3: price 'oops' is not a number"
    )


def test_up_with_nothing_but_broken_files_deploys_and_runs_nothing(project: Project) -> None:
    project.configure("BTC")
    project.write("BTC trend.csv", "")
    result = project.up()
    assert (result.deploy, result.run, result.verify) == (None, None, None)
    assert result.exit_code == 1
    assert project.fakes.deployment.bundle is None


def test_up_verifies_what_was_loaded_alone(project: Project) -> None:
    result = project.up(fail={"btc": "gold"})
    assert result.verify is not None
    assert [table.ticker for table in result.verify.tables] == ["XMR", "ETH"]
    assert result.exit_code == 1


def test_up_of_some_currencies_deploys_all_and_runs_those(project: Project) -> None:
    project.write("ETH history.csv", BROKEN)
    result = project.up("xmr")
    assert project.last_start == {"XMR": "silver"}
    assert result.exit_code == 0
    assert {file.ticker for file in result.upload.files} == {"XMR"}
    assert project.fakes.deployment.bundle is not None
    assert project.fakes.deployment.bundle.tickers == ["BTC", "XMR", "ETH"]


def test_up_of_an_unknown_currency_does_nothing(project: Project) -> None:
    with pytest.raises(UsageError, match="DOGE: not a currency of this configuration"):
        project.up("DOGE")
    assert (project.fakes.storage.files, project.fakes.deployment.bundle) == ({}, None)


def test_watching_is_interrupted_as_a_run_is(project: Project) -> None:
    project.ready().run()
    project.fakes.executions.interrupted = True
    with pytest.raises(Interrupted, match="execution-1 is interrupted"):
        watching.watch(project.target, None, project.events.append)


def test_up_is_interrupted_as_a_run_is(project: Project) -> None:
    project.fakes.executions.interrupted = True
    with pytest.raises(Interrupted, match="execution-1 is interrupted"):
        project.up()
    assert project.fakes.deployment.bundle is not None
