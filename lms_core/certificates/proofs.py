"""Data Integrity proofs of the cryptosuite ``eddsa-rdfc-2022`` (W3C: vc-di-eddsa), over JSON-LD.

A document is canonicalized as RDF, so that its proof holds however it is written down. What its contexts do not define
is no part of that RDF, and nobody's signature would cover it: a document with such a term is refused.

Contexts are read from the folder ``contexts``; nothing is ever fetched.
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pyld import jsonld

from lms_core.certificates.keys import SigningKeys, base58, base58_bytes, signed_by

CREDENTIALS = "https://www.w3.org/ns/credentials/v2"
OPEN_BADGES = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"
IDENTIFIERS = "https://www.w3.org/ns/cid/v1"
SUITE = "eddsa-rdfc-2022"

_CONTEXTS: Mapping[str, str] = MappingProxyType({
    CREDENTIALS: "credentials-v2.jsonld",
    OPEN_BADGES: "ob-v3p0-3.0.3.jsonld",
    IDENTIFIERS: "cid-v1.jsonld",
})  # fmt: skip

_NOWHERE = "relative://nowhere/"
"""What names without a scheme are relative to: one that no context defines is told by it."""

Document = Mapping[str, Any]
Loader = Callable[[str, Any], dict[str, Any]]
FindKey = Callable[[str], Ed25519PublicKey | None]
"""Answers the key that a ``verificationMethod`` names."""


class ProofError(ValueError):
    """A document that cannot be signed, or whose proof cannot be looked at."""


@cache
def _context(file: str) -> Any:
    return orjson.loads((files(__package__) / "contexts" / file).read_bytes())


def bundled(url: str, _options: Any) -> dict[str, Any]:
    """The loader of :mod:`pyld` for the contexts that we know. Raises :class:`ProofError` for every other."""
    if url not in _CONTEXTS:
        raise ProofError(f"{url} is a context that is not known here, and none is fetched")
    document = _context(_CONTEXTS[url])
    return {"contentType": "application/ld+json", "contextUrl": None, "documentUrl": url, "document": document}


def add_proof(document: Document, keys: SigningKeys, method: str, created: dt.datetime) -> dict[str, Any]:
    """The document with its proof; ``method`` is the address of the key. Raises :class:`ProofError`."""
    proof = {
        "type": "DataIntegrityProof",
        "cryptosuite": SUITE,
        "created": moment(created),
        "verificationMethod": method,
        "proofPurpose": "assertionMethod",
    }
    value = "z" + base58(keys.sign(_signed_data(document, proof, bundled)))
    return {**document, "proof": {**proof, "proofValue": value}}


def proves(document: Document, find_key: FindKey, loader: Loader = bundled) -> bool:
    """Whether the document's one proof was made over exactly this, for an assertion, by a key that ``find_key`` knows.

    Raises :class:`ProofError` for a document that cannot be looked at.
    """
    unsigned = dict(document)
    proof = unsigned.pop("proof", None)
    if not isinstance(proof, dict):
        raise ProofError("there is no proof")
    options = dict(proof)
    value, method = options.pop("proofValue", None), options.get("verificationMethod")
    known = (options.get("type"), options.get("cryptosuite"), options.get("proofPurpose"))
    if known != ("DataIntegrityProof", SUITE, "assertionMethod"):
        return False
    key = find_key(method) if isinstance(method, str) else None
    if key is None or not isinstance(value, str) or not value.startswith("z"):
        return False
    try:
        signature = base58_bytes(value[1:])
    except ValueError:
        return False
    return signed_by(key, _signed_data(unsigned, options, loader), signature)


def _signed_data(document: Document, proof: Document, loader: Loader) -> bytes:
    """What the suite signs: the hash of the proof's options, then that of the document, both canonical."""
    options = {**proof, "@context": document["@context"]} if "@context" in document else proof
    return b"".join(hashlib.sha256(_canonical(each, loader)).digest() for each in (options, document))


def _canonical(document: Document, loader: Loader) -> bytes:
    options = {"documentLoader": loader, "base": _NOWHERE}
    try:
        expanded = jsonld.expand(dict(document), options, on_property_dropped=_refuse)
        for name in _names(expanded):
            if name.startswith(_NOWHERE):
                _refuse(name.removeprefix(_NOWHERE))
        form = {"algorithm": "URDNA2015", "format": "application/n-quads"}
        return str(jsonld.normalize(expanded, {**options, **form})).encode()
    except jsonld.JsonLdError as error:
        raise ProofError(f"not JSON-LD that can be read here: {error.code or error.type}") from None


def _refuse(term: str | None) -> None:
    raise ProofError(f"{term!r} is a term that no context defines")


def _names(value: Any) -> Iterator[str]:
    """Every type and identifier in an expanded document."""
    if isinstance(value, list):
        for each in value:
            yield from _names(each)
    elif isinstance(value, dict):
        for key in ("@type", "@id"):
            named = value.get(key, [])
            yield from named if isinstance(named, list) else [named]
        for each in value.values():
            yield from _names(each)


def moment(when: dt.datetime) -> str:
    """A time as credentials write it: in UTC, to the second."""
    return when.astimezone(dt.UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
