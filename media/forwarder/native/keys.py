"""Session keys of SRTP and SRTCP from a master key and salt (RFC 3711 4.3, RFC 7714 11), derivation rate 0."""

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from media.forwarder.api import CommandError, SrtpProfile

# Master key, master salt and authentication key, in bytes.
LENGTHS = {
    SrtpProfile.AEAD_AES_128_GCM: (16, 12, 0),
    SrtpProfile.AEAD_AES_256_GCM: (32, 12, 0),
    SrtpProfile.AES128_CM_SHA1_80: (16, 14, 20),
}
_LABELS_RTP = (0, 1, 2)
_LABELS_RTCP = (3, 4, 5)


def session_keys(profile: SrtpProfile, master_key: bytes, master_salt: bytes) -> bytes:
    """RTP cipher key, authentication key and salt, then the same for RTCP, in a row.

    Raises CommandError if key or salt have the wrong length for the profile.
    """
    key_bytes, salt_bytes, auth_bytes = LENGTHS[profile]
    if len(master_key) != key_bytes or len(master_salt) != salt_bytes:
        raise CommandError(f"{profile.name} takes a key of {key_bytes} and a salt of {salt_bytes} bytes")
    wanted = (key_bytes, auth_bytes, salt_bytes)
    return b"".join(
        derive(master_key, master_salt, label, length)
        for labels in (_LABELS_RTP, _LABELS_RTCP)
        for label, length in zip(labels, wanted, strict=True)
    )


def derive(master_key: bytes, master_salt: bytes, label: int, length: int) -> bytes:
    """`length` bytes of the AES counter-mode key stream for one label (RFC 3711 4.3.1 and 4.3.3)."""
    padded_salt = int.from_bytes(master_salt.ljust(14, b"\0"))
    start = ((padded_salt ^ (label << 48)) << 16).to_bytes(16)
    encryptor = Cipher(algorithms.AES(master_key), modes.CTR(start)).encryptor()
    return encryptor.update(bytes(length)) + encryptor.finalize()
