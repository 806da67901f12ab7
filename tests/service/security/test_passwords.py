"""Passwords are kept as argon2id and verified without telling whether there was an account."""

import pytest

from service.accounts.usernames import check_username, username_key
from service.security.passwords import hash_password, needs_rehash, verify_password


def test_a_password_opens_its_own_hash_only() -> None:
    kept = hash_password("a good password")
    assert kept.startswith("$argon2id$")
    assert verify_password("a good password", kept)
    assert not verify_password("a good passwore", kept)
    assert not needs_rehash(kept)


@pytest.mark.parametrize("kept", [None, "", "plain", "$argon2id$broken"])
def test_nothing_opens_what_is_no_hash(kept: str | None) -> None:
    assert not verify_password("nobody has this password", kept)


@pytest.mark.parametrize("name", ["王", "a", "a b", "<a>", "x" * 65, "", "a\u0000b", "a\nb"])
def test_names_that_cannot_be_typed_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        check_username(name)


@pytest.mark.parametrize(
    ("one", "other"), [("Wang", "wang"), ("ｗａｎｇ", "wang"), (" wang ", "wang"), ("STRASSE", "straße")]
)
def test_names_are_the_same_in_every_spelling(one: str, other: str) -> None:
    assert username_key(one) == username_key(other)
