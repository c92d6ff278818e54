"""Images with content credentials, made with the C2PA library and certificates that are made here."""

import io
import json
from datetime import UTC, datetime, timedelta

import c2pa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from PIL import Image

GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
MANIFEST = {
    "claim_generator_info": [{"name": "test painter", "version": "2"}],
    "title": "A teal square",
    "assertions": [
        {
            "label": "c2pa.actions",
            "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": GENERATED}]},
        },
        {
            "label": "cawg.training-mining",
            "data": {
                "entries": {
                    "cawg.ai_generative_training": {"use": "notAllowed"},
                    "cawg.data_mining": {"use": "constrained"},
                }
            },
        },
    ],
}


class Signer:
    """A signer with a certificate of its own root."""

    def __init__(self, name: str = "Test Signer", organisation: str = "Test Archive") -> None:
        root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        root = _certificate(
            "Test Root", organisation, root_key.public_key(), "Test Root", root_key, authority=True
        )
        leaf = _certificate(name, organisation, key.public_key(), "Test Root", root_key, authority=False)
        self.root = root.decode()
        self._info = c2pa.C2paSignerInfo(
            alg=c2pa.C2paSigningAlg.ES256,
            sign_cert=leaf + root,
            private_key=key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
            ta_url=None,
        )

    def sign(
        self, data: bytes, media_type: str, manifest: dict = MANIFEST, *, ingredient: bytes | None = None
    ) -> bytes:
        settings = {
            "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
            "builder": {"thumbnail": {"enabled": False}},
        }
        out = io.BytesIO()
        with (
            c2pa.Context.from_dict(settings) as context,
            c2pa.Signer.from_info(self._info) as signer,
            c2pa.Builder(manifest, context) as builder,
        ):
            if ingredient is not None:
                about = json.dumps({"title": "A sketch", "relationship": "componentOf"})
                builder.add_ingredient(about, media_type, io.BytesIO(ingredient))
            builder.sign(signer, media_type, io.BytesIO(data), out)
        return out.getvalue()


def picture(kind: str = "JPEG", size: tuple[int, int] = (160, 120), seed: int = 3) -> bytes:
    buffer = io.BytesIO()
    image = Image.effect_mandelbrot(size, (-2, -1, 1 + seed / 10, 1), 60).convert("RGB")
    image.save(buffer, kind)
    return buffer.getvalue()


def tampered(signed: bytes) -> bytes:
    """Change one byte of the picture's own data, at the end of the file; a JPEG still decodes."""
    place = len(signed) - 200
    return signed[:place] + bytes([signed[place] ^ 0x11]) + signed[place + 1 :]


def _certificate(name, organisation, public_key, issuer, issuer_key, *, authority: bool) -> bytes:
    now = datetime.now(UTC)

    def named(common: str) -> x509.Name:
        return x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
                x509.NameAttribute(NameOID.COMMON_NAME, common),
            ]
        )

    builder = (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named(issuer))
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
        .add_extension(
            x509.KeyUsage(
                digital_signature=not authority, content_commitment=False, key_encipherment=False,
                data_encipherment=False, key_agreement=False, key_cert_sign=authority, crl_sign=authority,
                encipher_only=False, decipher_only=False,
            ),
            critical=True,
        )
    )  # fmt: skip
    if not authority:
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=True
        )
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
