"""Summary: concatenates the outcomes of an execution and says what was loaded.

    <OUTCOMES>/<EXECUTION>/<step>/*.json, failures/*.json

    →  summary.json  {"outcomes": [every outcome], "failures": [every note of a run that failed as a whole]}
       verdict.json  {"verdict": LOADED, PARTLY LOADED, FAILED or NOTHING TO DO,
                      "loaded": number, "failed": number, "currencies": number}

A currency of the list `<LISTS>/<LIST>` is loaded only if a complete outcome of the last step says so, and no
note says that this run failed; one that the list names as refused has failed. groups.py describes an outcome;
a damaged one counts as missing.

A Glue Python shell job (Python 3.9), which imports nothing beside it: see clear_buckets.py. Places are
`s3://bucket/prefix` or `file:///folder`.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

log = logging.getLogger("summarize")

OPTIONS = ["LISTS", "LIST", "OUTCOMES", "EXECUTION"]
STEPS = ("silver", "gold", "redshift")
READERS = 32
"""Documents that are read at a time: there may be thousands."""


class Places:
    """Documents in S3 or in folders."""

    def __init__(self, s3: Any) -> None:
        self._s3 = s3

    def below(self, folder: str) -> list[str]:
        """Return the URIs of the documents in a folder."""
        parts = urlsplit(folder)
        if parts.scheme != "s3":
            return sorted(path.as_uri() for path in Path(unquote(parts.path)).glob("*.json"))
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=parts.netloc, Prefix=f"{parts.path.lstrip('/')}/"
        )
        return [f"s3://{parts.netloc}/{item['Key']}" for page in pages for item in page.get("Contents", [])]

    def read(self, uri: str) -> Any:
        """Return a document; None if it is no JSON."""
        parts = urlsplit(uri)
        if parts.scheme == "s3":
            body = self._s3.get_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"))["Body"].read()
        else:
            body = Path(unquote(parts.path)).read_bytes()
        try:
            return json.loads(body)
        except ValueError:
            log.warning("%s is not JSON", uri)
            return None

    def write(self, uri: str, content: Any) -> None:
        """Write a document."""
        parts, body = urlsplit(uri), json.dumps(content).encode()
        if parts.scheme == "s3":
            self._s3.put_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"), Body=body)
        else:
            path = Path(unquote(parts.path))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)


def verdict(listed: Any, outcomes: Iterable[Any], failures: Iterable[Any]) -> dict[str, Any]:
    """Return the verdict on an execution with this list, these outcomes and notes of failed runs."""
    died = {note.get("ticker") for note in failures if note.get("step") == STEPS[-1]}
    outcomes = [outcome for outcome in outcomes if outcome.get("group") not in died]
    wanted = {item["TICKER"] for item in listed["currencies"] if item}
    currencies = len(wanted | set(listed.get("refused", {})))
    loaded = len(wanted & {ticker for outcome in outcomes for ticker in loaded_by(outcome)})
    failed = currencies - loaded
    word = "FAILED" if not loaded else "PARTLY LOADED" if failed else "LOADED"
    return {
        "verdict": word if currencies else "NOTHING TO DO",
        "loaded": loaded,
        "failed": failed,
        "currencies": currencies,
    }


def loaded_by(outcome: Any) -> set[str]:
    """Return the tickers that a complete outcome of the last step reports as loaded."""
    if outcome.get("step") != STEPS[-1] or outcome.get("complete") is not True:
        return set()
    return {ticker for ticker, found in outcome["currencies"].items() if found["status"] == "SUCCEEDED"}


def well_formed(document: Any) -> bool:
    """Return whether a document is an outcome."""
    currencies = document.get("currencies") if isinstance(document, dict) else None
    return isinstance(currencies, dict) and all(
        isinstance(found, dict) and "status" in found for found in currencies.values()
    )


def main(argv: list[str]) -> None:
    """Run the job. Raises ValueError without a list."""
    from awsglue.utils import getResolvedOptions

    args = getResolvedOptions(argv, OPTIONS)
    s3: Any | None = None
    if args["OUTCOMES"].startswith("s3://"):
        import boto3
        from botocore.config import Config

        s3 = boto3.client("s3", config=Config(max_pool_connections=READERS))
    places = Places(s3)
    uri = f"{args['LISTS'].rstrip('/')}/{args['LIST']}"
    listed = places.read(uri)
    if not isinstance(listed, dict):
        raise ValueError(f"{uri} is not a list of currencies")  # noqa: TRY004 - as for text that is no JSON
    folder = f"{args['OUTCOMES'].rstrip('/')}/{args['EXECUTION']}"

    def documents(names: Sequence[str]) -> list[Any]:
        with ThreadPoolExecutor(READERS) as readers:
            uris = [uri for name in names for uri in places.below(f"{folder}/{name}")]
            return [found for found in readers.map(places.read, uris) if found is not None]

    outcomes = [found for found in documents(STEPS) if well_formed(found)]
    failures = [found for found in documents(["failures"]) if isinstance(found, dict)]
    result = verdict(listed, outcomes, failures)
    places.write(f"{folder}/summary.json", {"outcomes": outcomes, "failures": failures})
    places.write(f"{folder}/verdict.json", result)
    log.info("%s: %s, %d of %d currencies", folder, result["verdict"], result["loaded"], result["currencies"])


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    main(sys.argv)
