"""The pages where anybody verifies a certificate, by its number or by its PDF. Its QR code leads here."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    config.add_route("verify_certificate_page", "/certificates")
    config.add_route("certificate_page", "/certificates/{number}")
    config.scan("lms_core.certificates.pages.views")
