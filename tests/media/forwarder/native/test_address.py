"""Addresses in the packed form and back."""

import pytest

from media.forwarder.api import CommandError
from media.forwarder.native.address import pack, unpack


@pytest.mark.parametrize(
    ("address", "packed"),
    [
        (("192.0.2.1", 40000), "00000000000000000000ffff c0000201 9c40"),
        (("2001:db8::2", 1), "20010db8000000000000000000000002 0001"),
        (("fe80::1%eth0", 9), "fe800000000000000000000000000001 0009"),
    ],
)
def test_an_address_is_sixteen_bytes_of_ipv6_and_the_port(address, packed):
    assert pack(address) == bytes.fromhex(packed)
    assert unpack(pack(address)) == (address[0].partition("%")[0], address[1])


def test_a_mapped_address_is_the_ipv4_one():
    assert pack(("::ffff:192.0.2.1", 5)) == pack(("192.0.2.1", 5))
    assert unpack(pack(("::ffff:192.0.2.1", 5))) == ("192.0.2.1", 5)


@pytest.mark.parametrize("address", [("school.example", 1), ("", 1), ("1.2.3", 1), ("192.0.2.1", 65536), ("::1", -1)])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(CommandError):
        pack(address)
