"""The lists and the outcomes of executions of groups, in the artifacts and the temp bucket.

While an execution runs, each poll lists its outcomes and reads those whose ETag has changed. Once it has
ended, one object has them all: `summarize.py` gathers them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cryptoetl.aws.buckets import Buckets
from cryptoetl.aws.errors import translating
from cryptoetl.aws.session import Session
from cryptoetl.aws.session import bucket as bucket_name
from cryptoetl.config.models import Config
from cryptoetl.state_machine import groups
from cryptoetl.state_machine.definition import STEPS
from cryptoetl.state_machine.outcomes import FAILURES, SUMMARY, GroupRecord, of_summary
from cryptoetl.target.executions import Record
from cryptoetl.util.concurrency import map_in_threads
from cryptoetl.util.text import parse_json


class Lists:
    """The lists of currencies in the artifacts bucket. Methods raise AwsError."""

    def __init__(self, config: Config, session: Session) -> None:
        self._config = config
        self._session = session

    def write(self, key: str, content: bytes) -> None:
        """Write a list."""
        with translating("the list of currencies was not written"):
            self._session.client("s3").put_object(
                Bucket=self._bucket, Key=key, Body=content, ContentType="application/json"
            )

    def read(self, key: str) -> bytes | None:
        """Return a list; None if it is missing."""
        return Buckets.of(self._session).read(self._bucket, key)

    @property
    def _bucket(self) -> str:
        return bucket_name(self._config, "artifacts", self._session)


class OutcomeReader:
    """Reads the list and the outcomes of one execution; each call returns what is new since the last.

    The execution names its list in an event: nothing is read before that. Methods raise AwsError.
    """

    def __init__(self, config: Config, session: Session, execution: str) -> None:
        self._config = config
        self._session = session
        self._prefix = f"{groups.OUTCOMES}/{execution}/"
        self._list = groups.ListReader(self._read_list)
        self._etags: dict[str, str] = {}

    def read(self, record: Record, *, from_start: bool) -> GroupRecord | None:
        """Return what is new, or everything `from_start`; None if this is no execution of groups.

        `record` has the new events of its history. Raises DamagedState.
        """
        listed = self._list.known(record.events, running=record.status == "RUNNING")
        if listed is None:
            return None
        if from_start:
            self._etags.clear()
        if record.status != "RUNNING" and (found := self._object(SUMMARY)) is not None:
            return GroupRecord(*listed, *of_summary(found))
        changed = list(self._changed())
        documents = map_in_threads(self._object, changed)
        outcomes, failures = {}, {}
        for name, document in zip(changed, documents, strict=True):
            folder, _, first = name.removesuffix(".json").partition("/")
            if folder == FAILURES:
                failures[first] = document
            else:
                outcomes[next(step for step in STEPS if step == folder), first] = document
        return GroupRecord(*listed, outcomes, failures)

    def _changed(self) -> Iterator[str]:
        """Yield the names, below the execution's prefix, of outcomes and failures that have changed."""
        paginator = self._session.client("s3").get_paginator("list_objects_v2")
        pages = paginator.paginate(Bucket=self._bucket, Prefix=self._prefix)
        with translating():
            for item in (item for page in pages for item in page.get("Contents", ())):
                name = item["Key"].removeprefix(self._prefix)
                wanted = name.partition("/")[0] in (*STEPS, FAILURES)
                if wanted and self._etags.get(name) != item["ETag"]:
                    self._etags[name] = item["ETag"]
                    yield name

    def _object(self, name: str) -> Any:
        """Return the JSON of an object below the prefix; None if it is missing or damaged."""
        content = Buckets.of(self._session).read(self._bucket, self._prefix + name)
        return None if content is None else parse_json(content.decode(errors="replace"))

    def _read_list(self, key: str) -> bytes:
        content = Lists(self._config, self._session).read(key)
        if content is None:
            raise FileNotFoundError("there is no such object")
        return content

    @property
    def _bucket(self) -> str:
        return bucket_name(self._config, "temp", self._session)
