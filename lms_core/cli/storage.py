"""``lms storage``: where the bytes of files are, whether they are all there, and how they get elsewhere."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from lms_core.cli.failures import CommandError
from lms_core.cli.options import Place, placed
from lms_core.settings import SettingsError

if TYPE_CHECKING:
    from lms_core.files.moving import Moved


@click.group()
def storage() -> None:
    """The storage of files: its backends, and what is in them."""


@storage.command("list")
@placed
def list_(place: Place) -> None:
    """List the backends: which new files go to, which can be used, and what each holds."""
    from lms_core.cli.output import table
    from lms_core.files.objects import holdings

    with place.registry() as registry:
        with registry.core.reader() as connection:
            held = {each.provider: each for each in holdings(connection)}
        rows = [
            (
                name,
                "new files" if name == registry.storage.name else "",
                _state(registry.storages, name),
                str(held[name].rows if name in held else 0),
                str(held[name].bytes if name in held else 0),
            )
            for name in sorted({*registry.storages.names, *held})
        ]
    table(("Backend", "Used for", "State", "Files", "Bytes"), rows)


@storage.command()
@click.option("--backend", "names", multiple=True, metavar="NAME", help="Only this one; may be repeated.")
@click.option("--content", is_flag=True, help="Read every object, and compare its checksum.")
@click.option("--delete-orphans", is_flag=True, help="Remove objects that no file names and that are old enough.")
@placed
def check(place: Place, names: Sequence[str], content: bool, delete_orphans: bool) -> None:
    """Compare files with what is stored: what is missing, what is damaged, and what no file names.

    Exit code 1 where something is missing or damaged, or a backend cannot be looked into.
    """
    from lms_core.files.objects import holdings

    with place.registry() as registry:
        with registry.core.reader() as connection:
            held = {each.provider: each.rows for each in holdings(connection)}
        wanted = sorted(set(names) or {*held, registry.storage.name})
        sound = [_check(registry, name, held.get(name, 0), content, delete_orphans) for name in wanted]
    if not all(sound):
        raise CommandError("not every file is whole and in its place")


def _check(registry: Any, name: str, files: int, content: bool, delete_orphans: bool) -> bool:
    """Whether all is well with one backend; prints what is not."""
    from lms_core.cli.output import progress
    from lms_core.files import checking
    from lms_core.files.storage import StorageUnavailable

    core = registry.core
    try:
        backend = registry.storages.make(name)
        with progress() as bar:
            task = bar.add_task(f"Checking {name}", total=files)
            found = checking.check(core, backend, content=content, tell=lambda: bar.advance(task))
        for missing in found.missing:
            click.echo(f"{name}: missing: {missing.name} ({missing.key})")
        for damaged, how in found.damaged:
            click.echo(f"{name}: damaged: {damaged.name} ({damaged.key}) {how}")
        size = sum(each.size for each in found.orphans)
        click.echo(f"{name}: {files} files, {found.objects} objects, {len(found.orphans)} orphans of {size} bytes")
        if delete_orphans:
            click.echo(f"{name}: removed {checking.remove_orphans(core, backend, found.orphans)} orphans")
    except SettingsError as error:
        click.echo(f"{name}: {files} files are out of reach: {error}")
        return False
    except StorageUnavailable as error:
        click.echo(f"{name}: does not answer: {error.__cause__}")
        return False
    return not (found.missing or found.damaged)


@storage.command()
@click.option("--from", "source", required=True, metavar="NAME", help="The backend that files are in.")
@click.option("--to", "target", required=True, metavar="NAME", help="The backend that they are to be in.")
@placed
def migrate(place: Place, source: str, target: str) -> None:
    """Move all files from one backend to another, while the site runs.

    Interrupt it whenever you like, and run it again to go on. Several at once share the work. Exit code 1 where a file
    could not be moved; which ones, and why, is printed.
    """
    from lms_core.cli.output import transfer
    from lms_core.files.moving import Move
    from lms_core.files.objects import holdings

    if source == target:
        raise CommandError(f"the files of {source} are in {target} already")
    with place.registry() as registry:
        move = Move(registry.core, registry.storages.make(source), registry.storages.make(target))
        with registry.core.reader() as connection:
            total = sum(each.bytes for each in holdings(connection) if each.provider == source)
        try:
            with transfer() as bar:
                task = bar.add_task(f"{source} to {target}", total=total)
                move.run(lambda item: bar.advance(task, item.size or 0))
        finally:
            _report(move.done, source, target)
        if registry.storage.name == source:
            click.echo(f"New files still go to {source}: lms.storage.backend says so.")
    if move.done.failed:
        raise CommandError("not every file was moved")


def _report(done: "Moved", source: str, target: str) -> None:
    for name, why in done.failed:
        click.echo(f"Not moved: {name}: {why}")
    if done.gave_up:
        click.echo("Gave up: a backend does not answer. Run it again to go on.")
    if done.busy:
        click.echo(f"Left to others: {done.busy} objects that somebody else was moving")
    if done.removed:
        click.echo(f"Removed from {source}: {done.removed} objects that an earlier run had moved")
    click.echo(f"Moved to {target}: {done.files} files, {done.bytes} bytes")


def _state(storages: Any, name: str) -> str:
    """Whether a backend can be used, or why not."""
    from lms_core.files.storage import StorageUnavailable, new_key

    try:
        storages.make(name).exists(new_key())
    except SettingsError as error:
        return f"not set up: {error}"
    except StorageUnavailable as error:
        return f"does not answer: {error.__cause__}"
    return "ready"
