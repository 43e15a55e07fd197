"""Parser of state machine definitions in the Amazon States Language.

Whatever `states_language` has no dataclass for is refused by name before anything runs: a field that is
silently ignored would make the local run differ from the one on AWS.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cryptoetl.errors import UnsupportedDefinition
from cryptoetl.local.step_functions.expressions import parse_template
from cryptoetl.local.step_functions.reader import Reader
from cryptoetl.local.step_functions.states_language import (
    Action,
    Choice,
    DistributedMap,
    Fail,
    GetObject,
    Machine,
    Parallel,
    Pass,
    PutObject,
    Retrier,
    Rule,
    StartJobRun,
    State,
    Succeed,
    Task,
)

START_JOB_RUN = "arn:aws:states:::glue:startJobRun.sync"
GET_OBJECT = "arn:aws:states:::aws-sdk:s3:getObject"
PUT_OBJECT = "arn:aws:states:::aws-sdk:s3:putObject"
ITEM_READER = "arn:aws:states:::s3:getObject"


def parse(definition: Mapping[str, Any], *, where: str = "the state machine") -> Machine:
    """Parse the definition of a machine or of a branch.

    Raises UnsupportedDefinition, which names the state, for whatever `states_language` lacks.
    """
    reader = Reader(where, definition)
    reader.only("Comment", "QueryLanguage", "StartAt", "States")
    if definition.get("QueryLanguage", "JSONPath") != "JSONPath":
        raise reader.refuse(f"query language {definition['QueryLanguage']!r}")
    states = {name: _state(name, body) for name, body in reader.mapping("States").items()}
    machine = Machine(reader.text("StartAt"), states)
    for origin, target in [("StartAt", machine.start_at), *_transitions(states)]:
        if target not in states:
            raise UnsupportedDefinition(f"{origin}: there is no state {target!r} to go to")
    return machine


def _transitions(states: Mapping[str, State]) -> Iterable[tuple[str, str]]:
    for name, state in states.items():
        match state:
            case (
                Task(next_state=following, catch=catch)
                | Parallel(next_state=following, catch=catch)
                | DistributedMap(next_state=following, catch=catch)
            ):
                targets = [following, *(catcher.next_state for catcher in catch)]
            case Choice(rules=rules, default=default):
                targets = [default, *(target for _, target in rules)]
            case Pass(next_state=following):
                targets = [following]
            case Succeed() | Fail():
                targets = []
        yield from ((name, target) for target in targets if target is not None)


def _state(name: str, body: Mapping[str, Any]) -> State:
    reader = Reader(name, body)
    match body.get("Type"):
        case "Task":
            return _task(reader)
        case "Parallel":
            reader.only("InputPath", "Branches", "ResultSelector", "Catch", "Next", "End")
            branches = reader.items("Branches")
            return Parallel(
                name=name,
                input_path=reader.path("InputPath"),
                branches=tuple(parse(branch, where=f"a branch of {name}") for branch in branches),
                selector=reader.template("ResultSelector"),
                catch=reader.catchers(),
                next_state=reader.next_state(),
            )
        case "Map":
            return _distributed_map(reader)
        case "Choice":
            reader.only("Choices", "Default", "OutputPath")
            rules = tuple((_rule(reader, rule, top=True), rule["Next"]) for rule in reader.items("Choices"))
            return Choice(
                name=name,
                rules=rules,
                default=reader.text("Default"),
                output_path=reader.path("OutputPath"),
            )
        case "Pass":
            reader.only("Result", "Parameters", "Next", "End")
            if ("Result" in body) == ("Parameters" in body):
                raise reader.refuse("a Pass without either Result or Parameters")
            # A Result is taken literally; only Parameters are evaluated.
            output = reader.template("Parameters") if "Parameters" in body else reader.constant("Result")
            assert output is not None
            return Pass(name, output, reader.next_state())
        case "Succeed":
            reader.only()
            return Succeed(name)
        case "Fail":
            reader.only("Error", "Cause")
            return Fail(name, reader.text("Error"), reader.text("Cause"))
        case other:
            raise reader.refuse(f"the state type {other!r}")


def _task(reader: Reader) -> Task:
    reader.only("Resource", "Parameters", "ResultSelector", "ResultPath", "Retry", "Catch", "Next", "End")
    return Task(
        name=reader.name,
        action=_action(reader),
        selector=reader.template("ResultSelector"),
        keep_result=reader.body.get("ResultPath", "$") is not None,
        field=reader.field("ResultPath"),
        retry=tuple(_retrier(Reader(reader.name, retrier)) for retrier in reader.body.get("Retry", [])),
        catch=reader.catchers(),
        next_state=reader.next_state(),
    )


def _action(reader: Reader) -> Action:
    parameters = Reader(reader.name, reader.mapping("Parameters"))
    match reader.text("Resource"):
        case resource if resource == START_JOB_RUN:
            parameters.only("JobName", "Arguments")
            arguments = parameters.template("Arguments") or parse_template({})
            return StartJobRun(parameters.text("JobName"), arguments)
        case resource if resource == GET_OBJECT:
            parameters.only("Bucket", "Key.$")
            return GetObject(parameters.text("Bucket"), parameters.dynamic("Key.$"))
        case resource if resource == PUT_OBJECT:
            parameters.only("Bucket", "Key.$", "Body.$")
            key, body = parameters.dynamic("Key.$"), parameters.dynamic("Body.$")
            return PutObject(parameters.text("Bucket"), key, body)
        case other:
            raise reader.refuse(f"the resource {other!r}")


def _distributed_map(reader: Reader) -> DistributedMap:
    reader.only(
        "Label", "MaxConcurrency", "ToleratedFailurePercentage", "ItemReader", "ItemBatcher", "ItemProcessor",
        "ResultPath", "Catch", "Next", "End",
    )  # fmt: skip
    items = reader.part("ItemReader", "Resource", "ReaderConfig", "Parameters")
    config = items.part("ReaderConfig", "InputType", "ItemsPointer")
    place = items.part("Parameters", "Bucket", "Key.$")
    batcher = reader.part("ItemBatcher", "MaxItemsPerBatch", "BatchInput")
    processor = dict(reader.mapping("ItemProcessor"))
    kind = Reader(reader.name, {"ProcessorConfig": processor.pop("ProcessorConfig", None)})
    for part, key, expected in (
        (items, "Resource", ITEM_READER),
        (config, "InputType", "JSON"),
        (kind.part("ProcessorConfig", "Mode", "ExecutionType"), "Mode", "DISTRIBUTED"),
        (kind.part("ProcessorConfig", "Mode", "ExecutionType"), "ExecutionType", "STANDARD"),
        (reader, "ToleratedFailurePercentage", 100),
        (reader, "ResultPath", None),
    ):
        if part.body.get(key, "absent") != expected:
            raise reader.refuse(f"a Map whose {key} is {part.body.get(key, 'absent')!r}")
    return DistributedMap(
        name=reader.name,
        label=reader.text("Label"),
        bucket=place.text("Bucket"),
        key=place.dynamic("Key.$"),
        pointer=config.text("ItemsPointer"),
        batch_size=int(batcher.number("MaxItemsPerBatch", 0)),
        batch_input=batcher.template("BatchInput") or parse_template({}),
        max_concurrency=int(reader.number("MaxConcurrency", 0)),
        processor=parse(processor, where=f"the processor of {reader.name}"),
        catch=reader.catchers(),
        next_state=reader.next_state(),
    )


def _retrier(reader: Reader) -> Retrier:
    reader.only(
        "ErrorEquals", "IntervalSeconds", "BackoffRate", "MaxDelaySeconds", "MaxAttempts", "JitterStrategy"
    )
    jitter = reader.body.get("JitterStrategy", "NONE")
    if jitter not in ("FULL", "NONE"):
        raise reader.refuse(f"the JitterStrategy {jitter!r}")
    return Retrier(
        errors=reader.errors(),
        interval=reader.number("IntervalSeconds", 1),
        rate=reader.number("BackoffRate", 2),
        max_delay=reader.number("MaxDelaySeconds", float("inf")),
        attempts=int(reader.number("MaxAttempts", 3)),
        full_jitter=jitter == "FULL",
    )


_COMPARISONS: Mapping[str, tuple[type, ...]] = {
    "IsPresent": (bool,),
    "IsNull": (bool,),
    "StringEquals": (str,),
    "BooleanEquals": (bool,),
    "NumericGreaterThan": (int, float),
}


def _rule(reader: Reader, rule: Mapping[str, Any], *, top: bool = False) -> Rule:
    match {key: value for key, value in rule.items() if not (top and key == "Next")}:
        case {"And": list(operands), **rest} if not rest:
            return Rule("And", tuple(_rule(reader, operand) for operand in operands))
        case {"Not": operand, **rest} if not rest:
            return Rule("Not", (_rule(reader, operand),))
        case {"Variable": variable, **rest} if len(rest) == 1:
            ((operator, value),) = rest.items()
            if isinstance(value, _COMPARISONS.get(operator, ())):
                return Rule(operator, variable=reader.to_path(variable), value=value)
    raise reader.refuse(f"the rule {dict(rule)!r}")
