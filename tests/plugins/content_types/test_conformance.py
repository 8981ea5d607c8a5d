"""The bundled content types owe what every content type owes."""

import uuid
from collections.abc import Mapping
from pathlib import Path

import pytest
from lms_plugins import content_interactive, content_link, content_pdf, content_text
from lms_plugins.content_media import audio, video

from lms_core.courses.content.types import Content
from lms_core.plugin_api import ContentType, Settings
from lms_core.testing.content_types import ContentTypeConformance, installed_settings

from .media import MP3_HEAD, MP4_HEAD, PNG, VTT, film, pdf

FIRST, SECOND, THIRD = (uuid.UUID(int=number, version=4) for number in (1, 2, 3))
TRACK = {"fileId": str(SECOND), "kind": "captions", "language": "de-AT", "label": "Deutsch", "default": True}


class TestText(ContentTypeConformance):
    takes_any_file = True

    @pytest.fixture
    def content_type(self) -> ContentType:
        return content_text.TextType()

    @pytest.fixture
    def originals(self) -> Mapping[uuid.UUID, bytes]:
        return {FIRST: PNG}

    @pytest.fixture
    def examples(self) -> list[Content]:
        shown = f'<p>See <a href="https://example.org/">this</a>.</p><img src="/api/v1/files/{FIRST}/content">'
        return [{"html": "<h1 id='a'>Words</h1><p>and more.</p>"}, {"html": shown}]


class TestLink(ContentTypeConformance):
    @pytest.fixture
    def content_type(self) -> ContentType:
        return content_link.LinkType()

    @pytest.fixture
    def examples(self) -> list[Content]:
        return [{"url": "https://example.org/a?b=c#d", "description": "A page\nabout things."}]


class TestPdf(ContentTypeConformance):
    @pytest.fixture
    def content_type(self) -> ContentType:
        return content_pdf.PdfType()

    @pytest.fixture
    def originals(self) -> Mapping[uuid.UUID, bytes]:
        return {FIRST: pdf(3)}

    @pytest.fixture
    def examples(self) -> list[Content]:
        return [{"fileId": str(FIRST)}]


class TestVideo(ContentTypeConformance):
    @pytest.fixture
    def content_type(self) -> ContentType:
        return video.VideoType()

    @pytest.fixture
    def originals(self) -> Mapping[uuid.UUID, bytes]:
        return {FIRST: MP4_HEAD, SECOND: VTT, THIRD: PNG}

    @pytest.fixture
    def examples(self) -> list[Content]:
        return [
            {"fileId": str(FIRST), "tracks": [TRACK], "posterFileId": str(THIRD)},
            {"url": "https://player.vimeo.com/video/1", "durationSeconds": 90},
        ]


class TestVideoWithFFmpeg(TestVideo):
    @pytest.fixture
    def originals(self, ffmpeg: str, tmp_path: Path) -> Mapping[uuid.UUID, bytes]:
        return {FIRST: film(ffmpeg, tmp_path / "a.mp4"), SECOND: VTT, THIRD: PNG}


class TestAudio(ContentTypeConformance):
    @pytest.fixture
    def content_type(self) -> ContentType:
        return audio.AudioType()

    @pytest.fixture
    def originals(self) -> Mapping[uuid.UUID, bytes]:
        return {FIRST: MP3_HEAD, SECOND: VTT}

    @pytest.fixture
    def content_settings(self) -> Settings:
        return installed_settings(lms__content__audio_hosts=("*.example.org",))

    @pytest.fixture
    def examples(self) -> list[Content]:
        return [
            {"fileId": str(FIRST), "tracks": [TRACK]},
            {"url": "https://sound.example.org/1.mp3", "durationSeconds": 90},
        ]


class TestAudioWithFFmpeg(TestAudio):
    @pytest.fixture
    def originals(self, ffmpeg: str, tmp_path: Path) -> Mapping[uuid.UUID, bytes]:
        return {FIRST: film(ffmpeg, tmp_path / "a.mp3", picture=False), SECOND: VTT}


class TestInteractive(ContentTypeConformance):
    @pytest.fixture
    def content_type(self) -> ContentType:
        return content_interactive.InteractiveType()

    @pytest.fixture
    def examples(self) -> list[Content]:
        code = '<iframe width="560" height="315" src="https://www.youtube.com/embed/x" title="A film" allowfullscreen>'
        size = {"width": 800, "height": 600, "title": "An exercise", "allow": ["fullscreen"]}
        return [{"embedCode": f"{code}</iframe>"}, {"src": "https://cdn.h5p.com/content/1", **size}]
