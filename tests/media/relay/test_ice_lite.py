"""ICE-lite on virtual time: only authenticated checks count, and the address moves only when the client says so."""

from aioice import stun
from hypothesis import given, settings
from hypothesis import strategies as st

from media.relay.ice_lite import MAX_ADDRESSES_PER_SESSION, IceLite

HOME, AWAY = ("192.0.2.1", 1000), ("2001:db8::2", 2000)


def check(session, *, nominate=False, password=None, role="ICE-CONTROLLING", username=None):
    attributes = {"USERNAME": username or f"{session.credentials.ufrag}:them", role: 1, "PRIORITY": 5}
    if nominate:
        attributes["USE-CANDIDATE"] = None
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, attributes=attributes)
    request.add_message_integrity((password or session.credentials.password).encode())
    return bytes(request)


def test_an_authenticated_check_is_answered_with_the_address_it_came_from():
    ice = IceLite()
    session = ice.open(1)
    outcome = ice.receive(check(session), HOME, 5.0)
    reply = stun.parse_message(outcome.reply)
    assert reply.message_class is stun.Class.RESPONSE
    assert reply.attributes["XOR-MAPPED-ADDRESS"] == HOME
    assert reply.check_message_integrity(session.credentials.password.encode())
    assert (outcome.session, outcome.moved, session.address) == (session, True, HOME)
    assert ice.session_at(HOME) is session


def test_the_first_address_is_used_until_another_is_nominated():
    ice = IceLite()
    session = ice.open(1)
    ice.receive(check(session), HOME, 0.0)
    assert not ice.receive(check(session), AWAY, 1.0).moved
    assert session.address == HOME
    assert ice.session_at(AWAY) is session
    assert ice.receive(check(session, nominate=True), AWAY, 2.0).moved
    assert session.address == AWAY


def test_checks_with_a_wrong_password_or_name_are_not_answered_and_move_nothing():
    ice = IceLite()
    session = ice.open(1)
    ice.receive(check(session), HOME, 0.0)
    for forged in (
        check(session, nominate=True, password="x" * 24),
        check(session, nominate=True, username="nobody:them"),
    ):
        outcome = ice.receive(forged, AWAY, 1.0)
        assert (outcome.reply, outcome.session) == (None, None)
    assert session.address == HOME
    assert ice.session_at(AWAY) is None
    assert session.last_check_at == 0.0


def test_a_client_that_takes_itself_for_controlled_is_told_to_change_roles():
    ice = IceLite()
    session = ice.open(1)
    outcome = ice.receive(check(session, role="ICE-CONTROLLED"), HOME, 0.0)
    assert stun.parse_message(outcome.reply).attributes["ERROR-CODE"][0] == 487
    assert session.address is None


def test_consent_runs_out_without_checks_but_not_before_the_first():
    ice = IceLite()
    waiting, live = ice.open(1), ice.open(2)
    ice.receive(check(live), HOME, 10.0)
    assert ice.expired(40.0, 30.0) == []
    assert ice.expired(40.1, 30.0) == [live]
    ice.receive(check(live), HOME, 40.2)
    assert ice.expired(41.0, 30.0) == []
    assert waiting.last_check_at is None


def test_new_credentials_work_beside_the_old_ones():
    ice = IceLite()
    session = ice.open(1)
    old = check(session)
    ice.restart(session)
    assert ice.receive(old, HOME, 0.0).session is session
    assert ice.receive(check(session), HOME, 0.0).session is session


def test_a_closed_session_is_forgotten():
    ice = IceLite()
    session = ice.open(1)
    request = check(session)
    ice.receive(request, HOME, 0.0)
    ice.close(session)
    assert ice.session_at(HOME) is None
    assert ice.receive(request, HOME, 1.0).reply is None


def test_a_client_cannot_fill_the_table_of_addresses():
    ice = IceLite()
    session = ice.open(1)
    for port in range(1, 60):
        ice.receive(check(session), ("192.0.2.1", port), 0.0)
    known = [port for port in range(1, 60) if ice.session_at(("192.0.2.1", port)) is session]
    assert len(known) == MAX_ADDRESSES_PER_SESSION
    assert known[0] == session.address[1] == 1


@settings(deadline=None)
@given(st.binary(max_size=120), st.integers(0, 90), st.binary(max_size=6))
def test_no_datagram_makes_it_raise(noise, position, inserted):
    ice = IceLite()
    session = ice.open(1)
    good = check(session)
    assert ice.receive(noise, HOME, 0.0).session is None
    for damaged in (good[:position] + inserted + good[position + len(inserted) :], good[:position]):
        ice.receive(damaged, HOME, 0.0)
