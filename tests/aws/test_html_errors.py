"""A proxy's page in place of AWS's answer is one line."""

from __future__ import annotations

from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from cryptoetl.aws.errors import translate

PAGE = "<!DOCTYPE html><html>\n<head><title>502 Bad\n Gateway</title></head><body><h1>x</h1></body></html>"


def test_a_page_in_an_error_is_its_title() -> None:
    response = {"Error": {"Code": "502", "Message": PAGE}, "ResponseMetadata": {"HTTPStatusCode": 502}}
    error = translate(ClientError(response, "ListExecutions"))  # type: ignore[arg-type]
    assert error.message.endswith("the answer was a web page: 502 Bad Gateway")
    assert "<" not in error.message


def test_a_page_that_the_sdk_cannot_parse_is_its_title() -> None:
    error = translate(ResponseParserError(f"Unable to parse response, invalid XML received:\n{PAGE!r}"))
    assert error.message == "AWS: the answer was a web page: 502 Bad Gateway"
    assert error.hint is not None
    assert "proxy" in error.hint
