"""``lms user``: accounts, from the command line."""

from typing import TYPE_CHECKING, Any

import click

from lms_core.cli.failures import CommandError
from lms_core.cli.options import Place, placed

if TYPE_CHECKING:
    from sqlalchemy import Row
    from sqlalchemy.orm import Session

    from lms_core.accounts.queries import Account


@click.group()
def user() -> None:
    """Accounts."""


@user.command()
@click.option("--email", required=True, metavar="EMAIL")
@click.option("--first-name", default="", metavar="NAME", help="[default: the address before its @]")
@click.option("--last-name", default="", metavar="NAME")
@click.option("--group", "groups", multiple=True, default=("student",), show_default=True, help="May be repeated.")
@click.option("--generate", is_flag=True, help="Generate the password and print it, instead of asking for one.")
@placed
def create(place: Place, email: str, first_name: str, last_name: str, groups: tuple[str, ...], generate: bool) -> None:
    """Create an account with a verified address."""
    from lms_core.accounts.service import create_user
    from lms_core.cli.people import valid_email

    email = valid_email(email)
    password = _password(generate)
    first_name = first_name or email.partition("@")[0]
    with place.core() as core, core.transaction() as db:
        made = create_user(
            db, core, email=email, password=password, first_name=first_name, last_name=last_name, groups=groups
        )
    click.echo(f"{made.email} {made.id}")
    _show(password, generate)


@user.command("list")
@click.option("--group", metavar="NAME", help="Only the members of a group.")
@placed
def list_(place: Place, group: str | None) -> None:
    """List the accounts by e-mail address."""
    from lms_core.cli.output import table
    from lms_core.cli.people import accounts

    with place.core() as core, core.reader() as connection:
        rows = [
            (row.email, f"{row.first_name} {row.last_name}".strip(), ", ".join(row.groups), _state(row), str(row.id))
            for row in connection.execute(accounts(group))
        ]
    table(("E-mail", "Name", "Groups", "State", "Id"), rows)


@user.command()
@click.argument("email")
@click.option("--generate", is_flag=True, help="Generate the password and print it, instead of asking for one.")
@placed
def password(place: Place, email: str, generate: bool) -> None:
    """Set a new password. It lifts a lock and ends every session of the account."""
    from lms_core.cli.people import set_password

    chosen = _password(generate)
    with place.core() as core, core.transaction() as db:
        set_password(db, core, _account(db, email), chosen)
    click.echo(f"{email} has a new password.")
    _show(chosen, generate)


@user.command()
@click.argument("email")
@click.option("--add", multiple=True, metavar="NAME", help="May be repeated.")
@click.option("--remove", multiple=True, metavar="NAME", help="May be repeated.")
@placed
def groups(place: Place, email: str, add: tuple[str, ...], remove: tuple[str, ...]) -> None:
    """Change the groups of an account, and print them. It counts from the account's next request."""
    from lms_core.cli.people import change_groups

    with place.core() as core, core.transaction() as db:
        click.echo(", ".join(change_groups(db, _account(db, email), add, remove)))


def _account(db: "Session", email: str) -> "Account":
    from lms_core.accounts.queries import account_by_email

    found = account_by_email(db, email)
    if found is None:
        raise CommandError(f"there is no account {email}")
    return found


def _password(generate: bool) -> str:
    from lms_core.cli.people import new_password

    if generate:
        return new_password()
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


def _show(password: str, generated: bool) -> None:
    if generated:
        click.echo(f"Password: {password}")


def _state(row: "Row[Any]") -> str:
    """What keeps an account from being used, or that nothing does."""
    if row.suspended_at or not row.is_active:
        return "suspended"
    return "active" if row.email_verified else "not verified"
