"""The Ed25519 pair that signs releases; servers hold its public half alone."""

import base64
import binascii
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from code24.contracts.release import Signed
from code24.contracts.wire import Contract, encode
from code24.releases import durable
from code24.releases.errors import ReleaseError

SIGNING_KEY = "signing.key"
VERIFY_KEY = "verify.pub"
OTHERS = 0o077
"""The permission bits of group and others, none of which a private key may have."""

Document = TypeVar("Document", bound=Contract)


def ensure_keys(keys: Path) -> None:
    """Make the pair ``signing.key`` (0600) and ``verify.pub`` unless it exists.

    Raises:
        ReleaseError: one half is missing or broken, or the two do not belong together.
    """
    keys.mkdir(parents=True, exist_ok=True, mode=0o700)
    with durable.locked(keys / ".lock"):
        if not (keys / SIGNING_KEY).exists():
            _make(keys)
        if not (keys / VERIFY_KEY).exists():
            public = load_private(keys / SIGNING_KEY).public_key()
            durable.write(keys / VERIFY_KEY, _pem(public))
        load_pair(keys)


def load_pair(keys: Path) -> Ed25519PrivateKey:
    """Read the signing key, and make sure that readers can check what it signs.

    Raises:
        ReleaseError: a half is absent or broken, or the two do not belong together.
    """
    private = load_private(keys / SIGNING_KEY)
    if key_id(load_public(keys / VERIFY_KEY)) != key_id(private.public_key()):
        raise ReleaseError(
            f"{keys / VERIFY_KEY} is not the public half of {keys / SIGNING_KEY}; "
            "restore the pair from a backup, or delete verify.pub to make it anew"
        )
    return private


def _make(keys: Path) -> None:
    if (keys / VERIFY_KEY).exists():
        raise ReleaseError(
            f"{keys / SIGNING_KEY} is gone but {VERIFY_KEY} is here; restore it from a "
            f"backup, or delete {keys / VERIFY_KEY} to start with new keys"
        )
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    durable.write(keys / SIGNING_KEY, pem, 0o600)


def load_private(path: Path) -> Ed25519PrivateKey:
    """Read the signing key.

    Raises:
        ReleaseError: it is absent, broken, or readable by others.
    """
    content = _read(path, "only the machine that publishes holds it; try: code24 run")
    if path.stat().st_mode & OTHERS:
        raise ReleaseError(f"{path}: others may read this key; run: chmod 600 {path}")
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise ReleaseError(
            f"{path}: holds no Ed25519 private key; restore it from a backup"
        )
    return key


def load_public(path: Path) -> Ed25519PublicKey:
    """Read the public key.

    Raises:
        ReleaseError: it is absent or broken.
    """
    content = _read(path, "copy it from the machine that publishes, or: code24 run")
    try:
        key = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise ReleaseError(
            f"{path}: holds no Ed25519 public key; copy it from the machine that "
            "publishes"
        )
    return key


def key_id(key: Ed25519PublicKey) -> str:
    """Return the first 16 hexadecimal characters of the key's SHA-256."""
    return sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


def sign(document: Contract, key: Ed25519PrivateKey) -> bytes:
    """Return the bytes of a file that holds the document with its signature.

    Raises:
        ReleaseError: no reader would accept the document (a time without a zone, …).
    """
    payload = encode(document)
    try:
        msgspec.json.decode(payload, type=type(document))
    except msgspec.DecodeError as error:
        name = type(document).__name__
        raise ReleaseError(f"{name} cannot be signed: {error}") from None
    signature = base64.b64encode(key.sign(payload)).decode("ascii")
    name = key_id(key.public_key())
    return encode(
        Signed(payload=payload.decode("utf-8"), signature=signature, key_id=name)
    )


def verified(
    path: Path, content: bytes, key: Ed25519PublicKey, kind: type[Document]
) -> Document:
    """Return the document in a signed file's bytes.

    Raises:
        ReleaseError: it is not JSON of the contract, or the signature is wrong.
    """
    signed = _decoded(path, content, Signed)
    if signed.key_id != key_id(key):
        raise ReleaseError(
            f"{path}: signed with key {signed.key_id}, not with {VERIFY_KEY} "
            f"({key_id(key)}); bring the public key of the machine that publishes"
        )
    try:
        signature = base64.b64decode(signed.signature, validate=True)
        key.verify(signature, signed.payload.encode("utf-8"))
    except (InvalidSignature, binascii.Error, ValueError):
        raise ReleaseError(
            f"{path}: the signature is wrong, so it was changed after signing; "
            f"{way_out(path)}"
        ) from None
    return _decoded(path, signed.payload.encode("utf-8"), kind)


def way_out(path: Path) -> str:
    """Say how one gets a sound file in the place of this damaged one."""
    if path.name == "switches.json":
        return "restore it from a backup, or delete it and set the switches again"
    return (
        "go back to a sound release (code24 release list, code24 release rollback ID) "
        "or publish again (code24 run)"
    )


def _decoded(path: Path, content: bytes, kind: type[Document]) -> Document:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ReleaseError(
            f"{path}: damaged, not a {kind.__name__} ({error}); {way_out(path)}"
        ) from None


def _pem(public: Ed25519PublicKey) -> bytes:
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _read(path: Path, hint: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ReleaseError(
            f"{path}: the key cannot be read ({error.strerror}); {hint}"
        ) from None
