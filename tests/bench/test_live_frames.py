"""Frames are found wherever they end, and what no server of ours sends is noticed."""

from __future__ import annotations

import pytest

from bench.live_clients import server_frame
from bench.live_frames import PING, BrokenFrame, frame, scan, split

LENGTHS = [0, 1, 125, 126, 127, 255, 256, 65_535, 65_536, 70_000]


@pytest.mark.parametrize("length", LENGTHS)
def test_a_text_frame_of_any_length_is_counted_once_it_is_complete(length: int) -> None:
    content = server_frame(b"x" * length)
    assert scan(content) == (1, len(content), True)
    assert list(split(content)) == [(1, b"x" * length)]
    for cut in {0, 1, 2, 3, 5, 9, len(content) // 2, len(content) - 1}:
        if cut < len(content):
            assert scan(content[:cut]) == (0, 0, True)
            assert list(split(content[:cut])) == []


def test_frames_before_an_incomplete_one_count() -> None:
    texts = [b"one", b"t" * 200, b"three"]
    content = b"".join(map(server_frame, texts))
    assert scan(content + server_frame(b"y" * 300)[:100]) == (3, len(content), True)
    assert [payload for _, payload in split(content)] == texts


def test_other_frames_than_text_do_not_count() -> None:
    content = server_frame(b"one") + bytes((0x80 | PING, 2)) + b"hi" + server_frame(b"two")
    assert scan(content) == (2, len(content), False)
    assert list(split(content)) == [(1, b"one"), (PING, b"hi"), (1, b"two")]


@pytest.mark.parametrize("length", [0, 125, 126, 300])
def test_what_is_sent_is_masked_so_that_a_server_takes_it(length: int) -> None:
    content = frame(b"x" * length)
    head = 2 if length < 126 else 4
    assert content[0] == 0x81
    assert content[1] & 0x80
    assert content[head : head + 4] == bytes(4)
    assert content[head + 4 :] == b"x" * length


def test_a_masked_long_frame_from_a_server_is_an_error() -> None:
    with pytest.raises(BrokenFrame, match="masked"):
        scan(frame(b"x" * 300))
    with pytest.raises(BrokenFrame, match="masked"):
        scan(frame(b"x"))


@pytest.mark.parametrize("first", [0x01, 0x00, 0x80])
def test_a_message_in_several_frames_is_an_error(first: int) -> None:
    with pytest.raises(BrokenFrame, match="several"):
        list(split(bytes((first, 2)) + b"hi"))
