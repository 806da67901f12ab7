"""Header extensions come with the publisher's ids, in one- or two-byte form, and leave with the receiver's own."""

from forwarder_oracle.rtp import parse_rtp, write_extensions, write_rtp
from hypothesis import given, settings
from hypothesis import strategies as st

from media.forwarder import api

PUBLISHER = ("192.0.2.1", 1)
OPUS = api.StreamCodec(111, "opus", 48000)
NAMES = (
    "mid",
    "rid",
    "repaired_rid",
    "transport_cc",
    "audio_level",
    "video_orientation",
    "abs_send_time",
)


def ids_of(chosen: dict[str, int]) -> api.ExtensionIds:
    return api.ExtensionIds(**chosen)


def different_ids(highest: int):
    """Some of the extensions, each with an id of its own."""
    return st.dictionaries(st.sampled_from(NAMES), st.integers(1, highest), max_size=7).filter(
        lambda ids: len(set(ids.values())) == len(ids)
    )


def bytes_of(length: int):
    return st.binary(min_size=length, max_size=length)


VALUES = st.fixed_dictionaries(
    {},
    optional={
        "mid": st.just(b"0"),
        "transport_cc": bytes_of(2),
        "audio_level": bytes_of(1),
        "video_orientation": bytes_of(1),
        "abs_send_time": bytes_of(3),
    },
)


@settings(deadline=None, max_examples=200)
@given(
    publisher=different_ids(14) | different_ids(255),
    receiver=different_ids(14) | different_ids(255),
    values=VALUES,
    strange=st.binary(min_size=1, max_size=40),
    strange_id=st.integers(1, 255),
    mid=st.text("abc", max_size=20),
)
def test_each_receiver_reads_under_its_own_ids_what_the_model_says(
    make_stage, publisher, receiver, values, strange, strange_id, mid
):
    stage = make_stage()
    stage.obey(api.AddStream(1, 1, "audio", "0", (OPUS,), ids_of(publisher), (100,)))
    stage.obey(api.AddSink(1, 1, 2, 10, None, {"opus": (109, None)}, ids_of(receiver), mid))
    elements = [(publisher[name], value) for name, value in values.items() if name in publisher]
    if strange_id not in publisher.values():
        elements.insert(len(elements) // 2, (strange_id, strange))
    packet = write_rtp(True, 111, 7, 960, 100, write_extensions(elements), b"sound")
    stage.core.receive(stage.to_core.protect(packet), PUBLISHER, stage.now)
    (datagram, _), *_ = (one for one in stage.core.outgoing() if not 192 <= one[0][1] <= 223)
    sent = parse_rtp(stage.from_core.unprotect(datagram))
    passed_on = {
        name: values[name] for name in ("audio_level", "video_orientation") if name in publisher and name in values
    }
    own = {"transport_cc": b"\0\1", "abs_send_time": (int(stage.now * (1 << 18)) & 0xFFFFFF).to_bytes(3)}
    if mid:
        own["mid"] = mid.encode()
    expected = {receiver[name]: value for name, value in (passed_on | own).items() if name in receiver}
    assert sent.extensions == expected
    assert (sent.payload, sent.marker, sent.ssrc, sent.payload_type) == (b"sound", True, 10, 109)


def test_a_two_byte_block_that_ends_early_or_overlong_is_dropped_as_malformed(stage):
    stage.obey(api.AddStream(1, 1, "audio", "0", (OPUS,), api.ExtensionIds(audio_level=20), (100,)))
    whole = bytes.fromhex("10000001 14018100")
    for block in (bytes.fromhex("10000001 14048100"), bytes.fromhex("10000001 00000014"), whole):
        stage.give(write_rtp(False, 111, 1, 0, 100, block, b"sound"))
    assert stage.core.statistics().dropped == {"malformed": 2}
    assert stage.core.statistics().streams[1].packets == 1
