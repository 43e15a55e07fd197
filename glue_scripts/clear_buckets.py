"""Clean: deletes the sets that a run will write again, for the currencies of that run only.

For a currency that begins at silver, these are its silver and gold sets; at gold, its gold set; at redshift,
none. Raw files are never deleted.

A Glue Python shell job (Python 3.9). SILVER and GOLD are `s3://bucket/prefix` or `file:///folder`.
"""

from __future__ import annotations

import json
import logging
import re
import shutil
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

log = logging.getLogger("clear_buckets")

OPTIONS = ["SILVER", "GOLD", "TICKERS"]
STEPS = ("silver", "gold", "redshift")
BATCH = 1000
"""Keys per DeleteObjects request (S3 API limit)."""


def parse_tickers(text: str) -> dict[str, str]:
    """Return the first step of each currency, from `{"BTC": {"from": "silver"}, …}`; silver by default.

    Raises ValueError.
    """
    try:
        tickers = json.loads(text)
    except ValueError as error:
        raise ValueError(f"TICKERS is not JSON: {error}") from None
    if not isinstance(tickers, dict):
        raise ValueError("TICKERS is not an object of tickers")  # noqa: TRY004 - the caller expects one exception
    for ticker, value in tickers.items():
        if not re.fullmatch("[A-Za-z][A-Za-z0-9_]{0,14}", ticker):
            raise ValueError(
                f"TICKERS: {ticker!r} is not a ticker: "
                "a letter, then letters, digits or underscores, at most 15"
            )
        if not isinstance(value, dict) or value.get("from", STEPS[0]) not in STEPS:
            raise ValueError(f'TICKERS: {ticker} needs {{"from": "silver", "gold" or "redshift"}}')
    return {ticker: value.get("from", STEPS[0]) for ticker, value in tickers.items()}


def sets_to_clear(silver: str, gold: str, tickers: dict[str, str]) -> list[str]:
    """Return the URIs of the sets to delete, each with a final slash, so that BTC does not match BTC2."""
    silver, gold = silver.rstrip("/"), gold.rstrip("/")
    uris = []
    for ticker, start in tickers.items():
        if start == "silver":
            uris += [f"{silver}/{ticker}_hist/", f"{silver}/{ticker}_trend/"]
        if start in ("silver", "gold"):
            uris.append(f"{gold}/{ticker}/")
    return uris


def clear(uri: str, s3: Any) -> int:
    """Delete the set at `uri`; return the number of objects or files. Raises if one cannot be deleted."""
    parts = urlsplit(uri)
    if parts.scheme == "s3":
        return clear_prefix(s3, parts.netloc, parts.path.lstrip("/"))
    if parts.scheme == "file":
        return clear_folder(Path(unquote(parts.path)))
    raise ValueError(f"{uri} is neither s3:// nor file://")


def clear_prefix(s3: Any, bucket: str, prefix: str) -> int:
    """Delete every object under `prefix`, which must end in a slash; return their number.

    Raises RuntimeError if one cannot be deleted.
    """
    count = 0
    for page in s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=prefix, PaginationConfig={"PageSize": BATCH}
    ):
        keys = [{"Key": item["Key"]} for item in page.get("Contents", [])]
        if not keys:
            continue
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
        for error in answer.get("Errors", []):
            raise RuntimeError(
                f"s3://{bucket}/{error.get('Key')} was not deleted: "
                f"{error.get('Message')} ({error.get('Code')})"
            )
        count += len(keys)
    return count


def clear_folder(folder: Path) -> int:
    """Delete a folder, if it exists; return the number of files in it."""
    if not folder.exists():
        return 0
    count = sum(1 for path in folder.rglob("*") if not path.is_dir())
    shutil.rmtree(folder)
    return count


def main(argv: list[str]) -> None:
    """Run the job. Raises ValueError for invalid tickers before anything is deleted."""
    from awsglue.utils import getResolvedOptions

    args = getResolvedOptions(argv, OPTIONS)
    uris = sets_to_clear(args["SILVER"], args["GOLD"], parse_tickers(args["TICKERS"]))
    s3 = None
    if any(uri.startswith("s3://") for uri in uris):
        import boto3

        s3 = boto3.client("s3")
    for uri in uris:
        log.info("%s: %d files deleted", uri, clear(uri, s3))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    main(sys.argv)
