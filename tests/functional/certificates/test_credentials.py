"""The Open Badge beside the PDF: verified as anybody would, with nothing of ours but what the addresses answer."""

import base64
import gzip
import hashlib
import io
import json
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pyld import jsonld
from pypdf import PdfReader

import lms_core.certificates

API = "/api/v1/certificates"
CONTEXTS = Path(lms_core.certificates.__file__).with_name("contexts")
FILES = {
    "https://www.w3.org/ns/credentials/v2": "credentials-v2.jsonld",
    "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json": "ob-v3p0-3.0.3.jsonld",
    "https://www.w3.org/ns/cid/v1": "cid-v1.jsonld",
}
ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def _load(url, _options):
    document = json.loads((CONTEXTS / FILES[url]).read_text())
    return {"contentType": "application/ld+json", "contextUrl": None, "documentUrl": url, "document": document}


def _canonical(document):
    form = {"algorithm": "URDNA2015", "format": "application/n-quads", "documentLoader": _load}
    return hashlib.sha256(jsonld.normalize(document, form).encode()).digest()


def _decoded(text):
    number = 0
    for character in text.removeprefix("z"):
        number = number * 58 + ALPHABET.index(character)
    return number.to_bytes((number.bit_length() + 7) // 8)


def verify(app, credential):
    """The algorithm of vc-di-eddsa, written anew. Raises InvalidSignature."""
    unsigned = dict(credential)
    proof = unsigned.pop("proof")
    value = proof.pop("proofValue") if "proofValue" in (proof := dict(proof)) else ""
    controller, _hash, _name = proof["verificationMethod"].partition("#")
    issuer = unsigned["issuer"] if isinstance(unsigned["issuer"], str) else unsigned["issuer"]["id"]
    assert controller == issuer
    document = app.get(controller.removeprefix("http://localhost")).json
    assert document["id"] == issuer
    assert proof["verificationMethod"] in document["assertionMethod"]
    (method,) = [each for each in document["verificationMethod"] if each["id"] == proof["verificationMethod"]]
    assert (method["type"], method["controller"]) == ("Multikey", issuer)
    key = _decoded(method["publicKeyMultibase"])
    assert key[:2] == b"\xed\x01"
    signed = _canonical({**proof, "@context": unsigned["@context"]}) + _canonical(unsigned)
    Ed25519PublicKey.from_public_bytes(key[2:]).verify(_decoded(value), signed)


def revoked(app, credential):
    """What the list says that the credential's status names."""
    status = credential["credentialStatus"]
    listed = app.get(status["statusListCredential"].removeprefix("http://localhost")).json
    verify(app, listed)
    assert listed["credentialSubject"]["statusPurpose"] == status["statusPurpose"] == "revocation"
    encoded = listed["credentialSubject"]["encodedList"]
    assert encoded[0] == "u"
    bits = gzip.decompress(base64.urlsafe_b64decode(encoded[1:] + "=" * (-len(encoded[1:]) % 4)))
    assert len(bits) == 16_384
    place = int(status["statusListIndex"])
    return bool(bits[place // 8] & 0x80 >> place % 8)


@pytest.fixture
def credential(app, certificate):
    return app.get(f"{API}/{certificate['number']}/credential").json


def test_it_is_an_open_badge_that_verifies(app, student, credential, certificate):
    verify(app, credential)
    assert credential["id"] == certificate["credentialUrl"]
    assert credential["type"] == ["VerifiableCredential", "OpenBadgeCredential"]
    assert credential["issuer"]["name"] == "LMS"
    assert "validUntil" not in credential
    subject = credential["credentialSubject"]
    assert subject["achievement"]["name"] == "Bread & its history"
    assert subject["achievement"]["criteria"]["narrative"]
    (identity,) = subject["identifier"]
    known = hashlib.sha256(f"{student.email}{identity['salt']}".encode()).hexdigest()
    assert identity["identityHash"] == f"sha256${known}"
    assert student.email not in json.dumps(credential)
    assert certificate["holderName"] not in json.dumps(credential)


def test_anybody_may_have_it_and_no_cache_keeps_it(app, certificate):
    answer = app.get(f"{API}/{certificate['number']}/credential")
    assert answer.content_type == "application/vc+ld+json"
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_pdf_has_the_same_credential_in_it(student, certificate, credential):
    pdf = student.client.get(f"{API}/{certificate['number']}/pdf").body
    attached = PdfReader(io.BytesIO(pdf)).attachments["credential.json"][0]
    assert json.loads(attached) == credential


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Brain surgery"},
        {"validFrom": "2000-01-01T00:00:00Z"},
        {"validUntil": "2999-01-01T00:00:00Z"},
        {"credentialStatus": None},
        {"awardedDate": "2000-01-01T00:00:00Z"},
    ],
)
def test_an_altered_credential_does_not_verify(app, credential, change):
    forged = {name: value for name, value in {**credential, **change}.items() if value is not None}
    with pytest.raises(InvalidSignature):
        verify(app, forged)


def test_another_holder_or_course_does_not_verify(app, credential):
    mallory = {"type": "IdentityObject", "identityHash": "mallory@example.org", "hashed": False}
    surgery = {**credential["credentialSubject"]["achievement"], "name": "Surgery"}
    for part, value in (("identifier", [mallory]), ("achievement", surgery)):
        forged = {**credential, "credentialSubject": {**credential["credentialSubject"], part: value}}
        with pytest.raises(InvalidSignature):
            verify(app, forged)


@pytest.fixture
def other(make_person, course, complete):
    person = make_person("student")
    complete(person, course)
    return person


def test_its_status_follows_the_certificate(app, instructor, certificate, credential, other):
    (theirs,) = other.client.get("/api/v1/users/me/certificates").json["items"]
    other_credential = app.get(f"{API}/{theirs['number']}/credential").json
    assert not revoked(app, credential)
    instructor.client.post_json(f"{API}/{certificate['number']}/revoke", {"reason": "Cheated."})
    assert revoked(app, credential)
    assert not revoked(app, other_credential)
    instructor.client.post_json(f"{API}/{theirs['number']}/reissue", {})
    assert revoked(app, other_credential)


def test_a_list_that_is_not_begun_is_none(app, certificate):
    for name in ("1", "00", "-1", "x", "9" * 13, "%00", "%D9%A1"):
        app.get(f"{API}/status/{name}", status=404)


def test_former_keys_are_still_named(make_app, app, certificate, credential, core):
    old = core.settings.text("lms.certificates.keys")
    rotated = make_app(lms__certificates__keys=f"next:a-new-key-that-only-tests-may-know {old}")
    verify(rotated, credential)
    assert [each["id"].partition("#")[2] for each in rotated.get(f"{API}/issuer").json["verificationMethod"]] == [
        "next", "test",
    ]  # fmt: skip
