"""An emulated AWS account on loopback: moto's server, and what moto lacks.

In front of moto: a recorder of every call, refusals on demand, and the calls of Redshift Serverless, the
Redshift Data API, Service Quotas and IAM's simulation that a deploy makes. Inside it:
tests/aws/cloudformation.py instead of moto's CloudFormation, and tests/aws/glue.py, which runs the deployed
scripts.
"""

from __future__ import annotations

import io
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

import boto3
import pytest
from botocore.config import Config as ClientConfig
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.responses import CloudFormationResponse
from moto.core.config import default_user_config
from moto.core.responses import ActionResult
from moto.glue.models import glue_backends
from moto.iam.access_control import PermissionResult
from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.s3.models import FakeBucket
from moto.stepfunctions.parser.api import InvalidDefinition
from moto.stepfunctions.parser.asl.static_analyser.static_analyser import StaticAnalyser
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from werkzeug.serving import make_server

from tests.aws.cloudformation import ACCOUNT, REGION, CloudFormation, Refused
from tests.aws.data_api import Redshift
from tests.aws.glue import Glue
from tests.aws.map_runs import MapRuns
from tests.aws.moto_patches import patched
from tests.aws.resources import HANDLERS

Environ = Mapping[str, Any]
Fault = Literal["denied", "throttled", "500", "dropped", "unheard", "silent"]
"""Refused, failed, its connection lost before it was carried out or after, or no answer at all."""
SILENCE = 5.0
"""Seconds until a silent call is dropped: more than a client's timeout."""
Respond = Callable[[str, list[tuple[str, str]]], Any]

KEYS = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "not-a-secret"}
"""Credentials of no account; moto accepts them."""

SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:redshift!{}-etladmin-AbCdEf"

_READS = re.compile(r"(Get|List|Describe|Head|Validate|Simulate|Detect)")
_CLOUDFORMATION = [
    "create_change_set",
    "describe_change_set",
    "delete_change_set",
    "execute_change_set",
    "delete_stack",
    "describe_stacks",
    "describe_stack_events",
    "get_template",
    "list_stack_resources",
    "detect_stack_drift",
    "describe_stack_drift_detection_status",
    "describe_stack_resource_drifts",
]


class Emulator:
    """The account: `client` reads its contents, `calls` are the operations that cryptoetl called.

    `denied` maps patterns of operations (`GetJob`, `Put /crypto-`) to the code and message of a refusal.
    """

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.calls: list[str] = []
        self.denied: dict[str, tuple[str, str]] = {}
        self.namespaces: dict[str, str] = {}
        """Namespace → its database."""
        self.simulations: list[Mapping[str, list[str]]] = []
        """Requests for IAM's simulation."""
        self.simulated: set[str] = set()
        """Actions that IAM's simulation denies."""
        self.doubts: list[dict[str, str]] = []
        """Warnings of ValidateStateMachineDefinition."""
        self.caller = "arn:aws:iam::123456789012:user/engineer"
        self.runs_quota = 50
        self.dpus_quota = 1000
        self.ahead = timedelta(0)
        """How far the account's clock is ahead of this machine's."""
        self.workgroup: dict[str, Any] = {"status": "AVAILABLE"}
        """What GetWorkgroup answers for every existing workgroup."""
        self.fault: Callable[[str], Fault | None] = lambda operation: None
        """The fault of a call of cryptoetl, if it is to have one."""
        self._clients: dict[str, Any] = {}
        handlers = {kind: handler(self) for kind, handler in HANDLERS.items()}
        self.cloudformation = CloudFormation(handlers, self._template, self._secret)
        self.glue = Glue(self.client, folder)
        self.map_runs = MapRuns(self.client, self.glue)
        self.redshift = Redshift(self.glue.redshift)

    def client(self, service: str) -> Any:
        if service not in self._clients:
            make: Any = boto3.Session(KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"]).client
            self._clients[service] = make(
                service, REGION, endpoint_url=self.url, config=ClientConfig(retries={"total_max_attempts": 1})
            )
        return self._clients[service]

    def _template(self, url: str) -> str:
        place = urlsplit(url)
        bucket = place.netloc.partition(".s3.")[0]
        body: bytes = self.client("s3").get_object(Bucket=bucket, Key=place.path.lstrip("/"))["Body"].read()
        return body.decode()

    def _secret(self, name: str) -> str:
        secrets = self.client("secretsmanager")
        try:
            value: str = secrets.get_secret_value(SecretId=name)["SecretString"]
        except secrets.exceptions.ResourceNotFoundException:
            raise KeyError(name) from None
        return value

    @property
    def writes(self) -> list[str]:
        """The calls that change something."""
        return [call for call in self.calls if not _READS.match(call)]

    def connection(
        self, name: str = "crypto-connection", place: Mapping[str, Any] | None = None, **properties: str
    ) -> None:
        """Create a Glue connection to the workgroup, as a user does, with this subnet and security group."""
        url = "jdbc:redshift://my-etl-workgroup.example:5439/crypto"
        self.client("glue").create_connection(
            ConnectionInput={
                "Name": name,
                "ConnectionType": "JDBC",
                "ConnectionProperties": {"JDBC_CONNECTION_URL": url} | properties,
                "PhysicalConnectionRequirements": place or {"SubnetId": "subnet-12345678"},
            }
        )

    def answer(self, operation: str, p: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the answer to a call of a JSON protocol that moto lacks; None for all others."""
        service, _, name = operation.partition(".")
        if service == "AWSStepFunctions" and (found := self.map_runs.answer(operation, p)) is not None:
            return found
        match operation:
            case _ if service == "RedshiftData":
                return self.redshift.call(name, p)
            case "RedshiftServerless.GetWorkgroup":
                return self._workgroup(p["workgroupName"])
            case "RedshiftServerless.GetNamespace" | "RedshiftServerless.DeleteNamespace":
                return self._namespace(p["namespaceName"], delete=name == "DeleteNamespace")
            case "RedshiftServerless.ListNamespaces":
                return {"namespaces": [{"namespaceName": name} for name in self.namespaces]}
            case "RedshiftServerless.ListSnapshots":
                return {"snapshots": []}
            case "ServiceQuotasV20190624.ListServiceQuotas":
                quotas = {
                    "Max concurrent job runs per account": self.runs_quota,
                    "Max task DPUs per account": self.dpus_quota,
                }
                return {"Quotas": [{"QuotaName": n, "Value": float(v)} for n, v in quotas.items()]}
            case _ if service == "AWSGlue":
                return self._glue_call(name, p)
            case _ if service == "AWSStepFunctions":
                return self._states_call(name, p)
        return None

    def _glue_call(self, name: str, p: Mapping[str, Any]) -> dict[str, Any] | None:
        match name:
            case "StartJobRun" if self.glue.throttled():
                return _error("ThrottlingException", "Rate exceeded")
            case "StartJobRun":
                job = glue_backends[ACCOUNT][REGION].jobs.get(p["JobName"])
                if job is not None and not self.has_role(job.role):
                    message = f"Role {job.role} should be given assume role permissions for Glue Service."
                    return _error("InvalidInputException", message)
            case "CreateJob":
                return self._created_job(p)
            case "BatchStopJobRun":
                return self.glue.batch_stop(p)
        return None

    def _states_call(self, name: str, p: Mapping[str, Any]) -> dict[str, Any] | None:
        match name:
            case "CreateStateMachine" if not self.has_role(p["roleArn"]):
                return _error(
                    "AccessDeniedException",
                    "Neither the global service principal states.amazonaws.com, nor the regional one is "
                    "authorized to assume the provided role.",
                )
            case "ValidateStateMachineDefinition":
                found = _validated(p["definition"])
                doubts = self.doubts if p.get("severity") == "WARNING" else []  # the default is ERROR
                return found | {"diagnostics": [*found["diagnostics"], *doubts], "truncated": False}
        return None

    def has_role(self, arn: str) -> bool:
        """Whether a role has exactly this ARN, with its path."""
        return any(role.arn == arn for role in iam_backends[ACCOUNT]["aws"].roles.values())

    def _created_job(self, p: Mapping[str, Any]) -> dict[str, Any] | None:
        """Refuse what Glue does, and remember the queue, which moto drops."""
        flex, queue = p.get("ExecutionClass") == "FLEX", p.get("JobRunQueuingEnabled", False)
        self.glue.queues.pop(p["Name"], None)
        if flex and (queue or p["WorkerType"] not in ("G.1X", "G.2X") or float(p["GlueVersion"]) < 3):
            return _error("InvalidInputException", "Not supported for the FLEX execution class")
        if queue:
            if p["MaxRetries"]:
                return _error("InvalidInputException", "Job run queuing needs MaxRetries 0")
            self.glue.queues[p["Name"]] = int(p["ExecutionProperty"]["MaxConcurrentRuns"])
        return None

    def _workgroup(self, name: str) -> dict[str, Any]:
        if name not in self.redshift.workgroups:
            return _error("ResourceNotFoundException", "no such workgroup")
        return {"workgroup": {"workgroupName": name} | self.workgroup}

    def _namespace(self, name: str, *, delete: bool) -> dict[str, Any]:
        if name not in self.namespaces:
            return _error("ResourceNotFoundException", "no such namespace")
        if delete:
            del self.namespaces[name]
        return {"namespace": {"namespaceName": name, "adminPasswordSecretArn": SECRET.format(name)}}


@cache
def _validated(definition: str) -> dict[str, Any]:
    """Validate with moto's parser of the Amazon States Language, which moto's API does not offer."""
    try:
        StaticAnalyser().analyse(definition)
    except Exception as error:
        fault = {"severity": "ERROR", "code": "SCHEMA_VALIDATION_FAILED", "message": str(error)}
        return {"result": "FAIL", "diagnostics": [fault]}
    return {"result": "OK", "diagnostics": []}


def _refuse_invalid(definition: str) -> None:
    """Make CreateStateMachine and UpdateStateMachine refuse what ValidateStateMachineDefinition does."""
    for diagnostic in _validated(definition)["diagnostics"]:
        raise InvalidDefinition(message=diagnostic["message"])


def _error(code: str, message: str) -> dict[str, Any]:
    return {"__type": code, "message": message}


class _Front:
    """The WSGI application before moto's."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._moto = DomainDispatcherApplication(create_backend_app)
        # Uncached, it lists moto's folder for every call, one call at a time.
        vars(self._moto)["get_backend_for_host"] = cache(self._moto.get_backend_for_host)

    def __call__(self, environ: dict[str, Any], respond: Respond) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        target = str(environ.get("HTTP_X_AMZ_TARGET", ""))
        form = environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded")
        query = parse_qs(body.decode()) if form else {}
        operation = target.partition(".")[2] or query.get("Action", [""])[0]
        if not operation:
            operation = _rest_operation(environ)
        own = environ.get("HTTP_USER_AGENT", "").find("cryptoetl/") >= 0
        if own:
            self._emulator.calls.append(operation)
        if own and self._emulator.ahead:
            now = datetime.now(UTC) + self._emulator.ahead
            if reason := _skewed(environ, now):
                return _refuse("SignatureDoesNotMatch", reason, target, respond)
        if own and (fault := self._emulator.fault(operation)) is not None:
            if fault == "unheard":
                list(self._carried_out(operation, target, body, query, environ, lambda *_: None))
            return _fail(fault, target, environ, respond)
        for pattern, refusal in self._emulator.denied.items() if own else ():
            if re.match(pattern, operation):
                return _refuse(*refusal, target, respond)
        return self._carried_out(operation, target, body, query, environ, respond)

    def _carried_out(
        self,
        operation: str,
        target: str,
        body: bytes,
        query: Mapping[str, list[str]],
        environ: dict[str, Any],
        respond: Respond,
    ) -> Iterable[bytes]:
        if operation == "GetCallerIdentity":
            return self._identity(respond)
        if operation == "SimulatePrincipalPolicy":
            return self._simulate(query, respond)
        if target and (answer := self._emulator.answer(target, json.loads(body))) is not None:
            status = "400 Bad Request" if "__type" in answer else "200 OK"
            respond(status, [("Content-Type", "application/x-amz-json-1.1")])
            return [json.dumps(answer).encode()]
        if target.startswith("AWSStepFunctions."):
            return self._held_elsewhere(target, body, environ, respond)
        answered: Iterable[bytes] = self._moto(environ, respond)
        return answered

    def _held_elsewhere(
        self, target: str, body: bytes, environ: dict[str, Any], respond: Respond
    ) -> Iterable[bytes]:
        """Let moto carry out a call, without the definitions that it refuses."""
        map_runs = self._emulator.map_runs
        sent = map_runs.rewritten(target, body)
        environ |= {"wsgi.input": io.BytesIO(sent), "CONTENT_LENGTH": str(len(sent))}
        held: list[tuple[str, list[tuple[str, str]]]] = []
        answer = b"".join(self._moto(environ, lambda *answered: held.append(answered)))
        answer = map_runs.completed(target, json.loads(body), answer)
        (status, headers) = held[0]
        others = [(name, value) for name, value in headers if name.lower() != "content-length"]
        respond(status, [*others, ("Content-Length", str(len(answer)))])
        return [answer]

    def _identity(self, respond: Respond) -> Iterable[bytes]:
        respond("200 OK", [("Content-Type", "text/xml")])
        parts = f"<Arn>{self._emulator.caller}</Arn><UserId>AIDA</UserId><Account>{ACCOUNT}</Account>"
        answer = f"<GetCallerIdentityResult>{parts}</GetCallerIdentityResult>"
        return [f"<GetCallerIdentityResponse>{answer}</GetCallerIdentityResponse>".encode()]

    def _simulate(self, query: Mapping[str, list[str]], respond: Respond) -> Iterable[bytes]:
        (source,) = query["PolicySourceArn"]
        if ":role/" in source and not self._emulator.has_role(source):
            return _refuse("NoSuchEntity", f"The entity {source} cannot be found.", "", respond)
        self._emulator.simulations.append(dict(query))
        actions = [value[0] for key, value in query.items() if key.startswith("ActionNames.")]
        members = "".join(
            f"<member><EvalActionName>{action}</EvalActionName><EvalResourceName>*</EvalResourceName>"
            f"<EvalDecision>{'implicitDeny' if action in self._emulator.simulated else 'allowed'}"
            "</EvalDecision></member>"
            for action in actions
        )
        respond("200 OK", [("Content-Type", "text/xml")])
        answer = f"<EvaluationResults>{members}</EvaluationResults>"
        text = f"<SimulatePrincipalPolicyResult>{answer}</SimulatePrincipalPolicyResult>"
        return [f"<SimulatePrincipalPolicyResponse>{text}</SimulatePrincipalPolicyResponse>".encode()]


def _rest_operation(environ: Mapping[str, Any]) -> str:
    """Return a name for a call of S3 or Scheduler: method and path."""
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
    verb = {"GET": "Get", "HEAD": "Head", "PUT": "Put", "POST": "Post", "DELETE": "Delete"}[method]
    return f"{verb} {path}{'?' + environ['QUERY_STRING'] if environ['QUERY_STRING'] else ''}"


def _skewed(environ: Environ, now: datetime) -> str | None:
    """Return why a signature is refused for its time (IAM User Guide, Troubleshoot Signature Version 4)."""
    if not (text := environ.get("HTTP_X_AMZ_DATE")):
        return None
    signed = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    if abs(now - signed) <= timedelta(minutes=5):
        return None
    if signed < now:
        return f"Signature expired: {text} is now earlier than {now - timedelta(minutes=5):%Y%m%dT%H%M%SZ}"
    return (
        f"Signature not yet current: {text} is still later than {now + timedelta(minutes=5):%Y%m%dT%H%M%SZ}"
    )


def _refuse(code: str, message: str, target: str, respond: Respond) -> Iterable[bytes]:
    if target:
        respond("400 Bad Request", [("Content-Type", "application/x-amz-json-1.1")])
        return [json.dumps({"__type": code, "message": message}).encode()]
    respond("403 Forbidden", [("Content-Type", "text/xml")])
    error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    # In <Errors> for EC2, else in the root.
    body = f"<ErrorResponse>{error}<Errors>{error}</Errors><RequestId>1</RequestId></ErrorResponse>"
    return [body.encode()]


def _fail(fault: Fault, target: str, environ: Environ, respond: Respond) -> Iterable[bytes]:
    match fault:
        case "denied":
            return _refuse("AccessDeniedException" if target else "AccessDenied", "no", target, respond)
        case "throttled" if target:
            return _refuse("ThrottlingException", "Rate exceeded", target, respond)
        case "throttled":
            respond("503 Slow Down", [("Content-Type", "text/xml")])
            return [
                b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
            ]
        case "500":
            respond("500 Internal Server Error", [("Content-Type", "text/plain")])
            return [b""]
        case "dropped" | "unheard" | "silent":
            if fault == "silent":
                time.sleep(SILENCE)
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionResetError


class _Quiet(MotoRequestHandler):
    ahead: Callable[[], timedelta]

    def log_request(self, *args: Any, **kwargs: Any) -> None:
        pass

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string(time.time() + type(self).ahead().total_seconds())


@contextmanager
def running(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[Emulator]:
    """Run an empty account during a test; `folder` is for its data."""
    emulators: list[Emulator] = []

    def method(name: str) -> Callable[[CloudFormationResponse], ActionResult]:
        def call(response: CloudFormationResponse) -> ActionResult:
            try:
                return ActionResult(getattr(emulators[0].cloudformation, name)(response.params))
            except Refused as error:
                raise ValidationError(message=str(error)) from None

        return call

    for name in _CLOUDFORMATION:
        monkeypatch.setattr(CloudFormationResponse, name, method(name), raising=False)
    # moto ignores the condition of a Deny, and would deny everything.
    monkeypatch.setattr(FakeBucket, "get_permission", lambda *_: PermissionResult.NEUTRAL)
    monkeypatch.setattr(StepFunctionsParserBackend, "_validate_definition", staticmethod(_refuse_invalid))
    monkeypatch.setitem(default_user_config, "stepfunctions", {"execute_state_machine": True})
    monkeypatch.setattr(CloudFormationResponse, "RESPONSE_KEY_PATH_TO_TRANSFORMER", {})
    holder: list[_Front] = []
    server = make_server(
        "127.0.0.1",
        0,
        lambda environ, respond: holder[0](environ, respond),
        threaded=True,
        request_handler=type("Handler", (_Quiet,), {"ahead": staticmethod(lambda: emulators[0].ahead)}),
    )
    emulator = Emulator(f"http://127.0.0.1:{server.server_port}", folder)
    emulators.append(emulator)
    holder.append(_Front(emulator))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    urlopen(Request(f"{emulator.url}/moto-api/reset", method="POST")).close()
    try:
        with patched(emulator.glue, server.server_port, monkeypatch):
            yield emulator
    finally:
        emulator.fault = lambda _: None
        emulator.cloudformation.finish()  # its operations call the server
        emulator.map_runs.close()
        server.shutdown()
        server.server_close()
        thread.join()


__all__ = ["ACCOUNT", "KEYS", "REGION", "Emulator", "running"]
