"""Data Integrity proofs, by W3C's own example, and against whoever would bend them."""

import copy
import datetime as dt
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from lms_core.certificates import proofs
from lms_core.certificates.keys import SigningKeys, key_of
from lms_core.certificates.proofs import CREDENTIALS, OPEN_BADGES, ProofError, add_proof, bundled, proves

VECTORS = Path(__file__).with_name("vectors")
EXAMPLES = "https://www.w3.org/ns/credentials/examples/v2"
DOCUMENT_HASH = "517744132ae165a5349155bef0bb0cf2258fff99dfe1dbd914b938d775a36017"
PROOF_HASH = "bea7b7acfbad0126b135104024a5f1733e705108f42d59668b05c0c50004c6b0"
KEYS = SigningKeys("test:" + "k" * 40)
METHOD = "https://lms.example.org/issuer#test"
NOW = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
DOCUMENT: dict[str, Any] = {
    "@context": [CREDENTIALS, OPEN_BADGES],
    "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
    "type": ["VerifiableCredential", "OpenBadgeCredential"],
    "issuer": "https://lms.example.org/issuer",
    "validFrom": "2026-01-01T00:00:00Z",
    "name": "Bread",
    "credentialSubject": {"type": ["AchievementSubject"], "id": "did:example:robin"},
}


def with_examples(url: str, options: Any) -> dict[str, Any]:
    if url != EXAMPLES:
        return bundled(url, options)
    document = json.loads((VECTORS / "examples-v2.jsonld").read_text())
    return {"contentType": "application/ld+json", "contextUrl": None, "documentUrl": url, "document": document}


def by_did_key(method: str) -> Any:
    return key_of(method.partition("#")[2])


def ours(method: str) -> Any:
    return KEYS.public["test"] if method == METHOD else None


@pytest.fixture
def example() -> dict[str, Any]:
    read: dict[str, Any] = json.loads((VECTORS / "alumni.json").read_text())
    return read


def test_the_example_of_the_specification_proves_itself(example: dict[str, Any]) -> None:
    assert proves(example, by_did_key, with_examples)


def test_the_steps_in_between_are_those_of_the_specification(example: dict[str, Any]) -> None:
    proof = {name: value for name, value in example.pop("proof").items() if name != "proofValue"}
    hashed = proofs._signed_data(example, proof, with_examples)
    assert (hashed[:32].hex(), hashed[32:].hex()) == (PROOF_HASH, DOCUMENT_HASH)


@pytest.mark.parametrize(
    ("place", "value"),
    [("name", "Forged"), ("issuer", "https://other.example"), ("validFrom", "2020-01-01T00:00:00Z")],
)
def test_an_altered_example_proves_nothing(example: dict[str, Any], place: str, value: str) -> None:
    assert not proves({**example, place: value}, by_did_key, with_examples)


def test_what_we_sign_proves_itself_however_it_is_written() -> None:
    signed = add_proof(DOCUMENT, KEYS, METHOD, NOW)
    assert proves(signed, ours)
    assert proves(json.loads(json.dumps(signed, sort_keys=True)), ours)
    assert "proof" not in DOCUMENT


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Butter"},
        {"credentialSubject": {"type": ["AchievementSubject"], "id": "did:example:mallory"}},
        {"type": ["VerifiableCredential"]},
        {"validUntil": "2099-01-01T00:00:00Z"},
    ],
)
def test_an_altered_document_proves_nothing(change: dict[str, Any]) -> None:
    signed = add_proof(DOCUMENT, KEYS, METHOD, NOW)
    assert not proves({**signed, **change}, ours)


@pytest.mark.parametrize(
    "change",
    [
        {"created": "2020-01-01T00:00:00Z"},
        {"verificationMethod": "https://mallory.example/issuer#test"},
        {"verificationMethod": ["x"]},
        {"proofPurpose": "authentication"},
        {"cryptosuite": "eddsa-jcs-2022"},
        {"type": "Ed25519Signature2020"},
        {"proofValue": "z"},
        {"proofValue": "z0OIl"},
        {"proofValue": None},
        {"proofValue": 7},
        {"proofValue": "z" + "2" * 88},
    ],
)
def test_an_altered_proof_proves_nothing(change: dict[str, Any]) -> None:
    signed = copy.deepcopy(add_proof(DOCUMENT, KEYS, METHOD, NOW))
    signed["proof"].update(change)
    assert not proves(signed, ours)


def test_another_key_proves_nothing() -> None:
    forged = add_proof(DOCUMENT, SigningKeys("test:" + "m" * 40), METHOD, NOW)
    assert not proves(forged, ours)


def test_a_term_that_no_context_defines_is_refused_and_not_left_out() -> None:
    signed = add_proof(DOCUMENT, KEYS, METHOD, NOW)
    for hidden in ({"honours": True}, {"credentialSubject": {**DOCUMENT["credentialSubject"], "degree": "PhD"}}):
        with pytest.raises(ProofError, match="no context defines"):
            proves({**signed, **hidden}, ours)
    with pytest.raises(ProofError, match="no context defines"):
        proves({**signed, "type": [*DOCUMENT["type"], "Doctorate"]}, ours)


@pytest.mark.parametrize("context", ["https://mallory.example/context", "file:///etc/passwd", "http://127.0.0.1/x"])
def test_no_context_is_fetched(context: str) -> None:
    with pytest.raises(ProofError):
        add_proof({**DOCUMENT, "@context": [CREDENTIALS, context]}, KEYS, METHOD, NOW)


def test_a_document_without_a_proof_cannot_be_looked_at() -> None:
    with pytest.raises(ProofError, match="no proof"):
        proves(DOCUMENT, ours)


def test_the_contexts_are_those_that_were_published() -> None:
    folder = Path(proofs.__file__).with_name("contexts")
    told = (folder / "README.md").read_text()
    for file in sorted(folder.glob("*.jsonld")):
        assert f"| `{file.name}` |" in told
        assert hashlib.sha256(file.read_bytes()).hexdigest() in told
