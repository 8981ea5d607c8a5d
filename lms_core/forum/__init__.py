"""Conversation in a course: threads, posts, votes, reports and the moderation queue."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    """The tables stand; views come with the domain's own capability."""
