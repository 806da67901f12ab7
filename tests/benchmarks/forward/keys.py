"""SRTP session keys for the generator: derived from a master key and salt (RFC 3711 4.3.1, RFC 7714 11)."""

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

KEY_BYTES = 16
SALT_BYTES = 12
PROFILE = "SRTP_AEAD_AES_128_GCM"


def session_keys(master_key: bytes, master_salt: bytes) -> bytes:
    """RTP key and salt, RTCP key and salt of AEAD_AES_128_GCM, in a row."""
    labels = ((0, KEY_BYTES), (2, SALT_BYTES), (3, KEY_BYTES), (5, SALT_BYTES))
    return b"".join(_derive(master_key, master_salt, label, length) for label, length in labels)


def _derive(master_key: bytes, master_salt: bytes, label: int, length: int) -> bytes:
    padded = int.from_bytes(master_salt.ljust(14, b"\0"))
    start = ((padded ^ (label << 48)) << 16).to_bytes(16)
    encryptor = Cipher(algorithms.AES(master_key), modes.CTR(start)).encryptor()
    return encryptor.update(bytes(length)) + encryptor.finalize()
