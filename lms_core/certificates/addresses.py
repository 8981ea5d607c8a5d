"""The addresses that stand in certificates and credentials: below ``lms.url``, and never changed once issued."""

from lms_core.settings import Settings


class Addresses:
    def __init__(self, settings: Settings) -> None:
        self.site = settings.text("lms.url").rstrip("/")
        self._api = f"{self.site}/api/v1"

    def page(self, number: str) -> str:
        """Where anybody verifies a certificate with a browser: what its QR code says."""
        return f"{self.site}/certificates/{number}"

    def pdf(self, number: str) -> str:
        return f"{self._api}/certificates/{number}/pdf"

    def credential(self, number: str) -> str:
        return f"{self._api}/certificates/{number}/credential"

    def course(self, course_id: str) -> str:
        return f"{self._api}/courses/{course_id}"

    @property
    def issuer(self) -> str:
        """Who issues credentials; there the keys stand, too."""
        return f"{self._api}/certificates/issuer"

    def key(self, name: str) -> str:
        return f"{self.issuer}#{name}"

    def status_list(self, number: int) -> str:
        return f"{self._api}/certificates/status/{number}"
