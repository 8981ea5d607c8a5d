"""The hook of payments."""

from lms_core.enrollment.payments.gateways import PaymentGateway
from lms_core.kernel.hookspecs import hookspec
from lms_core.settings import Settings


@hookspec
def lms_payment_gateways(settings: Settings) -> list[PaymentGateway]:  # type: ignore[empty-body]
    """Ways to pay; none where the settings describe none. See :class:`PaymentGateway`.

    Called while the application is configured; raise SettingsError for settings that cannot be meant. A name that is
    taken twice stops the start. Conformance: ``lms_core.testing.payment_gateways``.
    """
