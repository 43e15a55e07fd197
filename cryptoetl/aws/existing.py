"""Whether a resource exists under a name that the stack would give to a new one.

Such a resource makes a deploy fail: CloudFormation imports only what the template retains, and rejects the
change set if something else has one of the names (User Guide, Import AWS resources into a CloudFormation
stack automatically).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from botocore.exceptions import ClientError

from cryptoetl.aws.errors import code, is_denied, translate
from cryptoetl.aws.session import Session

_MISSING = (
    "EntityNotFoundException",
    "NoSuchEntity",
    "NotFound",
    "ResourceNotFoundException",
    "StateMachineDoesNotExist",
)


def exists(session: Session, kind: str, name: str) -> bool:
    """Return whether a resource of this CloudFormation type has the name. Raises AwsError.

    False for types without names, and if the caller may not read it: creating it fails with the reason.
    """
    find = _FIND.get(kind)
    if find is None:
        return False
    try:
        return find(session, name)
    except ClientError as error:
        if code(error) in _MISSING or is_denied(error):
            return False
        raise translate(error) from error


def _log_group(session: Session, name: str) -> bool:
    pages = session.client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
    return any(group["logGroupName"] == name for page in pages for group in page["logGroups"])


def _state_machine(session: Session, name: str) -> bool:
    arn = _arn(session, "states", f"stateMachine:{name}")
    return bool(session.client("stepfunctions").describe_state_machine(stateMachineArn=arn))


def _topic(session: Session, name: str) -> bool:
    return bool(session.client("sns").get_topic_attributes(TopicArn=_arn(session, "sns", name)))


def _arn(session: Session, service: str, name: str) -> str:
    identity = session.identity
    return f"arn:{identity.partition}:{service}:{session.region}:{identity.account}:{name}"


_FIND: Mapping[str, Callable[[Session, str], bool]] = {
    "AWS::Events::ApiDestination": lambda session, name: bool(
        session.client("events").describe_api_destination(Name=name)
    ),
    "AWS::Events::Connection": lambda session, name: bool(
        session.client("events").describe_connection(Name=name)
    ),
    "AWS::Events::Rule": lambda session, name: bool(session.client("events").describe_rule(Name=name)),
    "AWS::Glue::Connection": lambda session, name: bool(
        session.client("glue").get_connection(Name=name, HidePassword=True)
    ),
    "AWS::Glue::Job": lambda session, name: bool(session.client("glue").get_job(JobName=name)),
    "AWS::IAM::Role": lambda session, name: bool(session.client("iam").get_role(RoleName=name)),
    "AWS::Logs::LogGroup": _log_group,
    "AWS::RedshiftServerless::Workgroup": lambda session, name: bool(
        session.client("redshift-serverless").get_workgroup(workgroupName=name)
    ),
    "AWS::SNS::Topic": _topic,
    "AWS::Scheduler::Schedule": lambda session, name: bool(
        session.client("scheduler").get_schedule(Name=name)
    ),
    "AWS::StepFunctions::StateMachine": _state_machine,
}
"""Per type of resource, a call that finds it by name or raises the service's error."""
