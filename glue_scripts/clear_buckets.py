"""The cleaning: delete the sets that a run will write again, for the currencies of that run only.

For a currency that begins at silver, these are its silver and gold sets; at gold, its gold set; at redshift,
none. Raw files are never deleted.

The currencies are in `--TICKERS`, or in a list, a document at `<LISTS>/<LIST>`:

    {"currencies": [{"TICKER": "BTC", "HIST_FILE": …, "TREND_FILE": …, "DROP": "N", "FROM": "silver"}, {}, …]}

An empty object only fills a batch. With `--CHANGED_OF`, the key of another list, the list is made first: it
has the currencies of that one whose raw files, DROP or scripts are not those of the table that was last
loaded. Marks, empty objects, say which these are: see `mark` in groups.py.

A Glue Python shell job (Python 3.9), which imports nothing beside it: such a job takes further modules as
wheels only (AWS Glue, "Configuring job properties for Python shell jobs"). Places are `s3://bucket/prefix` or
`file:///folder`.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import shutil
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

log = logging.getLogger("clear_buckets")

OPTIONS = ["SILVER", "GOLD", "TICKERS"]
LIST_OPTIONS = ["SILVER", "GOLD", "RAW", "LISTS", "LIST", "CHANGED_OF"]
OPTIONAL = ["SCRIPTS"]
"""SCRIPTS: a digest of the scripts, for CHANGED_OF; without it every currency has changed."""
RAW_FILES = ("HIST_FILE", "TREND_FILE")
MADE, LOADED = "_made", "_loaded"
"""The folders of the marks, below SILVER and GOLD; no ticker begins with an underscore."""
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
        check_ticker(ticker, "TICKERS")
        if not isinstance(value, dict) or value.get("from", STEPS[0]) not in STEPS:
            raise ValueError(f'TICKERS: {ticker} needs {{"from": "silver", "gold" or "redshift"}}')
    return {ticker: value.get("from", STEPS[0]) for ticker, value in tickers.items()}


def check_ticker(ticker: object, where: str) -> None:
    """Raise ValueError for what is not a ticker."""
    if not isinstance(ticker, str) or not re.fullmatch("[A-Za-z][A-Za-z0-9_]{0,14}", ticker):
        raise ValueError(
            f"{where}: {ticker!r} is not a ticker: a letter, then letters, digits or underscores, at most 15"
        )


def sets_to_clear(silver: str, gold: str, tickers: dict[str, str]) -> list[str]:
    """Return the URIs of the sets and marks to delete, with a final slash: BTC does not match BTC2."""
    silver, gold = silver.rstrip("/"), gold.rstrip("/")
    uris = []
    for ticker, start in tickers.items():
        uris.append(f"{gold}/{LOADED}/{ticker}/")
        if start == "silver":
            uris.append(f"{silver}/{MADE}/{ticker}/")
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
    return delete(s3, bucket, (item["Key"] for item in objects(s3, bucket, prefix)))


def objects(s3: Any, bucket: str, prefix: str) -> Iterator[Mapping[str, Any]]:
    """Yield the objects under a prefix, as S3 lists them."""
    for page in s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=prefix, PaginationConfig={"PageSize": BATCH}
    ):
        yield from page.get("Contents", [])


def delete(s3: Any, bucket: str, keys: Iterable[str]) -> int:
    """Delete objects, BATCH at a time; return their number. Raises RuntimeError if one cannot be deleted."""
    rest = iter(keys)
    count = 0
    while batch := [{"Key": key} for key in islice(rest, BATCH)]:
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
        for error in answer.get("Errors", []):
            raise RuntimeError(
                f"s3://{bucket}/{error.get('Key')} was not deleted: "
                f"{error.get('Message')} ({error.get('Code')})"
            )
        count += len(batch)
    return count


def clear_all(root: str, names: Collection[str], s3: Any) -> int:
    """Delete the sets of these names below `root`; return the number of objects or files.

    A bucket is listed once as a whole: a request per set would take half an hour for 10,000 currencies.
    """
    parts, prefix = urlsplit(root), below(root)
    if parts.scheme != "s3":
        return sum(clear(f"{root}/{name}/", s3) for name in sorted(names))
    keys = (item["Key"] for item in objects(s3, parts.netloc, prefix))
    return delete(s3, parts.netloc, (key for key in keys if key[len(prefix) :].partition("/")[0] in names))


def clear_folder(folder: Path) -> int:
    """Delete a folder, if it exists; return the number of files in it."""
    if not folder.exists():
        return 0
    count = sum(1 for path in folder.rglob("*") if not path.is_dir())
    shutil.rmtree(folder)
    return count


# --- lists --------------------------------------------------------------------------------------------


def below(uri: str) -> str:
    """Return the prefix of the keys below `s3://bucket/prefix`."""
    prefix = urlsplit(uri).path.strip("/")
    return f"{prefix}/" if prefix else ""


def read(uri: str, s3: Any) -> bytes:
    """Return an object or a file. Raises FileNotFoundError."""
    parts = urlsplit(uri)
    if parts.scheme != "s3":
        return Path(unquote(parts.path)).read_bytes()
    try:
        return bytes(s3.get_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"))["Body"].read())
    except s3.exceptions.NoSuchKey:
        raise FileNotFoundError(uri) from None


def read_list(uri: str, s3: Any) -> dict[str, Any]:
    """Return the list at `uri`. Raises ValueError if it is missing or not a list of currencies."""
    try:
        found = json.loads(read(uri, s3))
        items = found["currencies"]
        for item in filter(None, items):
            check_ticker(item["TICKER"], uri)
            STEPS.index(item.get("FROM", STEPS[0]))
    except FileNotFoundError:
        raise ValueError(f"{uri} is missing: run `cryptoetl deploy`, then `cryptoetl run`") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{uri} is not a list of currencies: {type(error).__name__}: {error}") from None
    return dict(found)


def write_list(uri: str, content: Mapping[str, Any], s3: Any) -> None:
    """Write a list."""
    parts, body = urlsplit(uri), json.dumps(content).encode()
    if parts.scheme == "s3":
        s3.put_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"), Body=body)
    else:
        path = Path(unquote(parts.path))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)


def changed(content: Mapping[str, Any], scripts: str | None, raw: str, gold: str, s3: Any) -> dict[str, Any]:
    """Return a list without the currencies that are marked as loaded, which are `skipped`.

    An empty object goes with the currency before it: currencies that have them begin the list.
    """
    items = [item for item in content["currencies"] if item]
    known = tags(raw, {item[name] for item in items for name in RAW_FILES}, s3)
    loaded = set(names(f"{gold}/{LOADED}", s3))
    same = [item["TICKER"] for item in items if f"{item['TICKER']}/{marker(item, known, scripts)}" in loaded]
    left, kept = [], True
    for item in content["currencies"]:
        kept = item["TICKER"] not in same if item else kept
        if kept:
            left.append(item)
    return {**content, "currencies": left, "skipped": [*content.get("skipped", ()), *same]}


def marker(item: Mapping[str, str], tags: Mapping[str, str], scripts: str | None) -> str | None:
    """Return the name that marks a currency as loaded from what is there now; None if that is not known."""
    history, trend = (tags.get(item[name]) for name in RAW_FILES)
    if not history or not trend or not scripts:
        return None
    files = hashlib.sha256(f"{history}\n{trend}".encode()).hexdigest()[:16]
    return f"{files}-{item['DROP']}-{scripts}"


def tags(raw: str, wanted: Collection[str], s3: Any) -> dict[str, str]:
    """Return the ETags of the wanted objects below `raw`, by key; of files, the SHA-256."""
    parts = urlsplit(raw)
    if parts.scheme == "s3":
        found = ((item["Key"], item["ETag"]) for item in objects(s3, parts.netloc, below(raw)))
        tagged = {key[len(below(raw)) :]: tag.strip('"') for key, tag in found}
        return {key: tag for key, tag in tagged.items() if key in wanted}
    paths = {key: Path(unquote(parts.path)) / key for key in wanted}
    return {
        key: hashlib.sha256(path.read_bytes()).hexdigest() for key, path in paths.items() if path.is_file()
    }


def names(folder: str, s3: Any) -> list[str]:
    """Return the names of all objects or files below a folder."""
    parts = urlsplit(folder)
    if parts.scheme == "s3":
        prefix = below(folder)
        return [item["Key"][len(prefix) :] for item in objects(s3, parts.netloc, prefix)]
    root = Path(unquote(parts.path))
    return [path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()]


def clear_listed(args: Mapping[str, str], s3: Any) -> None:
    """Clear the currencies of a list, which is made first with CHANGED_OF. Raises ValueError."""
    silver, gold, raw, lists = (args[name].rstrip("/") for name in ("SILVER", "GOLD", "RAW", "LISTS"))
    uri = f"{lists}/{args['LIST']}"
    if args["CHANGED_OF"] == "-":
        content = read_list(uri, s3)
    else:
        everything = read_list(f"{lists}/{args['CHANGED_OF']}", s3)
        content = changed(everything, args.get("SCRIPTS"), raw, gold, s3)
        write_list(uri, content, s3)
    tickers = {item["TICKER"]: item.get("FROM", STEPS[0]) for item in content["currencies"] if item}
    log.info("%s: %d currencies, %d skipped", uri, len(tickers), len(content.get("skipped", ())))
    sets = [uri.rsplit("/", 2)[:2] for uri in sets_to_clear(silver, gold, tickers)]
    for root in (f"{gold}/{LOADED}", f"{silver}/{MADE}", silver, gold):  # marks first: they speak of the rest
        names = {name for folder, name in sets if folder == root}
        log.info("%s: %d files deleted", root, clear_all(root, names, s3))


def main(argv: list[str]) -> None:
    """Run the job. Raises ValueError for invalid tickers or lists before anything is deleted."""
    from awsglue.utils import getResolvedOptions

    listed = "--LIST" in argv
    given = [name for name in OPTIONAL if f"--{name}" in argv]
    args = getResolvedOptions(argv, [*LIST_OPTIONS, *given] if listed else OPTIONS)
    s3 = None
    if args["SILVER"].startswith("s3://"):
        import boto3

        s3 = boto3.client("s3")
    if listed:
        clear_listed(args, s3)
        return
    for uri in sets_to_clear(args["SILVER"], args["GOLD"], parse_tickers(args["TICKERS"])):
        log.info("%s: %d files deleted", uri, clear(uri, s3))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    main(sys.argv)
