"""Range headers as RFC 9110 section 14 has them."""

import pytest

from service.recordings.ranges import ByteRange, RangeNotSatisfiableError, applies, parse_range


@pytest.mark.parametrize(
    ("header", "start", "stop"),
    [("bytes=0-0", 0, 1), ("bytes=0-", 0, 100), ("bytes=10-19", 10, 20), ("bytes=90-500", 90, 100),
     ("bytes=-1", 99, 100), ("bytes=-500", 0, 100), ("bytes= 5-6 ", 5, 7)],
)  # fmt: skip
def test_a_single_range_is_read(header: str, start: int, stop: int) -> None:
    assert parse_range(header, 100) == ByteRange(start, stop)


@pytest.mark.parametrize(
    "header", [None, "", "bytes", "bytes=", "bytes=-", "bytes=5-4", "bytes=a-b", "bytes=0-1,5-6", "items=0-5",
               "bytes=1.5-2", "bytes=-1-2", "bytes=٣-٤", "bytes=" + "9" * 40 + "-"],
)  # fmt: skip
def test_what_is_no_single_range_means_the_whole(header: str | None) -> None:
    assert parse_range(header, 100) is None


@pytest.mark.parametrize(("header", "size"), [("bytes=100-", 100), ("bytes=-0", 100), ("bytes=0-", 0), ("bytes=-5", 0)])
def test_a_range_with_nothing_in_it_cannot_be_satisfied(header: str, size: int) -> None:
    with pytest.raises(RangeNotSatisfiableError):
        parse_range(header, size)


def test_a_range_applies_only_to_the_file_it_was_asked_of() -> None:
    assert applies(None, '"a"')
    assert applies('"a"', '"a"')
    assert not applies('"b"', '"a"')
    assert not applies('W/"a"', '"a"')
    assert not applies("Mon, 07 Sep 2026 00:00:00 GMT", '"a"')
