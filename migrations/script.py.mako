"""${message}."""
<%
    def spelled(value):
        return "None" if value is None else '"%s"' % value if isinstance(value, str) else repr(value)
%>
import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${spelled(up_revision)}
down_revision = ${spelled(down_revision)}
branch_labels = ${spelled(branch_labels)}
depends_on = ${spelled(depends_on)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
