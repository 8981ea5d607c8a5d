"""Certificates as PDF: every script, every name, and templates that are wrong. No database, the real typesetter."""

import datetime as dt
import io
import json
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pypdf import PdfReader

from lms_core.certificates import press
from lms_core.certificates.printing import Printed, Template, TemplateError, font_folders, printed
from lms_core.certificates.statements import LONGEST_NAME, days, plain, printed_name, statement
from lms_core.kernel.i18n import Catalogs
from lms_core.settings import SettingsError

NOW = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)
NUMBER, URL = "7K3M-9QXT-B2RD-8WHN", "https://lms.example.org/certificates/7K3M-9QXT-B2RD-8WHN"
I18N = Catalogs()
OURS = Template(Path(str(Path(__file__).parents[3] / "lms_core/certificates/template")), None)


def facts(**values: Any) -> Any:
    return SimpleNamespace(**{
        "first_name": "Robin", "last_name": "Reed", "preferred_language": "en", "timezone": "Europe/Berlin",
        "completed_at": dt.datetime(2026, 11, 20, 23, 30, tzinfo=dt.UTC), "grade": "A", "course_id": "1",
        "code": "B-1", "title": "Bread", "description": None, "language": "en", "version": 1, "duration_minutes": 750,
        "instructor_first_name": "Ada", "instructor_last_name": "Lovelace", **values,
    })  # fmt: skip


def pdf(
    language: str = "en",
    template: Template = OURS,
    credential: Any = None,
    *,
    at: dt.datetime = NOW,
    until: dt.datetime | None = None,
    **values: Any,
) -> bytes:
    issuer = {"name": "Example University", "url": "https://lms.example.org"}
    said = statement(facts(**values), issuer, language, at, until)
    on = days(SimpleNamespace(extra=said))
    return printed(I18N, template, Printed(NUMBER, said, at, *on, URL), credential)


def text_of(document: bytes) -> str:
    (only,) = PdfReader(io.BytesIO(document)).pages
    return " ".join(only.extract_text().replace("\u200b", "").split())


def fonts_of(document: bytes) -> set[str]:
    (only,) = PdfReader(io.BytesIO(document)).pages
    resources: Any = only["/Resources"]
    return {str(font.get_object()["/BaseFont"]).partition("+")[2] for font in resources["/Font"].values()}


@pytest.fixture
def make_template(tmp_path: Path) -> Any:
    def make(source: str) -> Template:
        (tmp_path / "certificate.typ").write_text(source)
        return Template.in_folder(tmp_path)

    return make


def test_a_certificate_says_all_and_is_for_the_archive_and_for_screen_readers() -> None:
    document = pdf(credential={"id": "urn:x"})
    said = text_of(document)
    for words in ("Example University", "Certificate of completion", "Robin Reed", "Bread", "November 21, 2026",
                  "12.5 hours", "Ada Lovelace", URL):  # fmt: skip
        assert words in said
    assert said.replace("\u2011", "-").count(NUMBER) == 2
    reader = PdfReader(io.BytesIO(document))
    assert json.loads(reader.attachments["credential.json"][0]) == {"id": "urn:x"}
    assert reader.metadata is not None
    assert reader.metadata.title == "Certificate of completion: Bread"
    catalog: Any = reader.trailer["/Root"]
    assert catalog["/Lang"] == "en"
    assert catalog["/MarkInfo"]["/Marked"]
    described = catalog["/Metadata"].get_data()
    assert b"<pdfaid:part>3<" in described
    assert b"<pdfuaid:part>1<" in described


def test_the_same_certificate_is_the_same_file() -> None:
    assert pdf() == pdf()


def test_it_speaks_its_language() -> None:
    said = text_of(pdf(language="de"))
    for words in ("Abschlusszertifikat", "21. November 2026", "12,5 Stunden", "Dieses Zertifikat prüfen unter"):
        assert words in said


@pytest.mark.parametrize(
    ("first", "last", "font"),
    [
        ("Ελένη", "Παπαδοπούλου", "LibertinusSerif"),
        ("Фёдор", "Достоевский", "LibertinusSerif"),
        ("محمد", "الخوارزمي", "NotoSansArabic"),
        ("יוסף", "הכהן", "LibertinusSerif"),
        ("明月", "欧阳", "NotoSansCJKsc"),
        ("さくら", "山田", "NotoSansCJKjp"),
        ("철수", "김", "NotoSansCJKkr"),
        ("मोहन", "शर्मा", "NotoSansDevanagari"),
        ("สมชาย", "ใจดี", "NotoSansThai"),
    ],
)
def test_every_script_has_its_font_and_no_glyph_is_missing(first: str, last: str, font: str) -> None:
    document = pdf(first_name=first, last_name=last)
    assert any(name.startswith(font) for name in fonts_of(document)), fonts_of(document)
    # The archive's standard is refused where a glyph is missing.
    assert b"pdfaid" in document


def test_words_of_both_directions_begin_where_their_own_do() -> None:
    """What begins in Hebrew begins at the right, on an English certificate too: Latin words in it are left of that."""
    found: dict[str, float] = {}

    def visit(text: str, to_page: Any, *_more: Any) -> None:
        found[text.strip()] = to_page[4]

    document = pdf(title="מבוא Python", first_name="Robin", last_name="כהן")
    PdfReader(io.BytesIO(document)).pages[0].extract_text(visitor_text=visit)
    assert found["Python"] < found["מבוא"]
    assert found["Robin"] < found["כהן"]
    assert b"pdfaid" in document


def test_a_name_in_chinese_characters_takes_the_forms_of_its_language() -> None:
    for language, font in (("zh-TW", "NotoSansCJKtc"), ("zh-HK", "NotoSansCJKhk"), ("ja", "NotoSansCJKjp")):
        used = fonts_of(pdf(first_name="直", last_name="骨", preferred_language=language))
        assert any(name.startswith(font) for name in used), used


def test_east_asian_names_begin_with_the_family() -> None:
    assert printed_name("明月", "欧阳") == "欧阳明月"
    assert printed_name("Robin", "Reed") == "Robin Reed"
    assert printed_name("Robin", "欧阳") == "Robin 欧阳"
    assert printed_name("", "Reed") == "Reed"


def test_a_long_name_and_title_stay_on_one_page() -> None:
    name = "Doña María de los Ángeles Fernández-Cavada y Rodríguez de la Borbolla von Hohenzollern-Sigmaringen"
    title = "An introduction to the theory and practice of very long titles, " * 3
    said = text_of(pdf(first_name=name, last_name="Wilhelmine", title=title))
    assert f"{name} Wilhelmine".replace(" ", "") in said.replace(" ", "")


@pytest.mark.parametrize("flood", ["x" * 10_000, "W" * 10_000, "word " * 2_000, "直" * 10_000, "\u0628" * 10_000])
def test_a_flood_of_letters_stays_on_one_page(flood: str) -> None:
    assert len(plain(flood)) <= LONGEST_NAME
    assert text_of(pdf(first_name=flood, title=flood, grade=flood, instructor_last_name=flood))


@pytest.mark.parametrize(
    "name",
    ['#panic("run")', "*b* _i_ $x$ @ref <label> `raw`", '"); #read("/etc/passwd")', "\\u{41} \\ #{1+1}", "{{ 7*7 }}",
     "<script>alert(1)</script>", "// gone", "/* gone", "= Heading", "- - -"],
)  # fmt: skip
def test_markup_in_a_name_is_printed_and_not_run(name: str) -> None:
    assert name.replace(" ", "") in text_of(pdf(first_name=name, last_name="", title=name)).replace(" ", "")


def test_what_no_font_has_is_printed_all_the_same() -> None:
    document = pdf(first_name="𒀀", last_name="Reed")
    assert "Reed" in text_of(document)


def test_controls_and_changes_of_direction_are_left_out() -> None:
    assert plain("Ro\x00bin\n\u202eReed\u2066 \t x\u2028y") == "Ro bin Reed x y"
    assert plain("e\u0301") == "é"
    assert plain("\u0645\u06cc\u200c\u062e\u0648") == "\u0645\u06cc\u200c\u062e\u0648"


def test_an_unknown_time_zone_is_utc() -> None:
    for zone in ("Nowhere/Land", "", "../../etc/passwd", "\0"):
        said = statement(facts(timezone=zone), {}, "en", NOW, NOW)
        assert [said[name] for name in ("completedOn", "issuedOn", "expiresOn")] == [
            "2026-11-20", "2026-11-25", "2026-11-25",
        ]  # fmt: skip


def test_all_days_are_of_the_holders_calendar() -> None:
    """In Tokyo it is tomorrow already: what was completed there is not issued the day before."""
    at = dt.datetime(2026, 11, 25, 16, tzinfo=dt.UTC)
    said = text_of(pdf(timezone="Asia/Tokyo", completed_at=at, at=at, until=at.replace(year=2028)))
    assert (said.count("November 26, 2026"), said.count("November 26, 2028"), said.count("25")) == (2, 1, 0)


def test_what_says_no_days_was_issued_by_those_of_utc() -> None:
    at = dt.datetime(2026, 11, 26, 1, tzinfo=dt.timezone(dt.timedelta(hours=9)))
    assert days(SimpleNamespace(extra={}, issued_at=at, expires_at=at)) == (dt.date(2026, 11, 25),) * 2
    assert days(SimpleNamespace(extra={}, issued_at=at, expires_at=None)) == (dt.date(2026, 11, 25), None)


def test_fonts_come_with_the_installation() -> None:
    assert len(font_folders()) == 2


def test_an_institution_has_its_own_template(make_template: Any) -> None:
    template = make_template("#let certificate(data) = [#data.holder.name was here, says #data.issuer.name]")
    assert text_of(pdf(template=template)) == "Robin Reed was here, says Example University"
    assert template.name == template.folder.name


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("#let certificate(data) = {\n  [Hello #foo]\n}", "certificate.typ:2:10: unknown variable: foo"),
        ("#let certificate(data) = [", "certificate.typ:1:25: unclosed delimiter"),
        ("#let other = 1", "unresolved import"),
        ("#let certificate(data) = data.nothing", "certificate.typ:1:30: "),
        ('#let certificate(data) = read("/../../../etc/passwd")', "certificate.typ:1:30: "),
        (
            '#import "@preview/cetz:0.3.1"\n#let certificate(data) = []',
            "certificate.typ:1:8: no package is fetched: "
            "the template has to bring this one in packages/preview/cetz/0.3.1",
        ),
        ('#import ("@pre" + "view/my-own_1:10.0.12")', "in packages/preview/my-own_1/10.0.12"),
        ('#import "@local/cetz:0.3.1"', "certificate.typ:1:8: package not found"),
        ('#let certificate(data) = image("missing.png")', "certificate.typ:1:31: file not found"),
    ],
)
def test_a_template_that_is_wrong_is_told_where(make_template: Any, source: str, told: str) -> None:
    with pytest.raises(TemplateError) as error:
        pdf(template=make_template(source))
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_a_template_brings_its_packages(make_template: Any, tmp_path: Path) -> None:
    package = tmp_path / "packages/preview/bread/1.0.0"
    package.mkdir(parents=True)
    (package / "typst.toml").write_text('[package]\nname = "bread"\nversion = "1.0.0"\nentrypoint = "lib.typ"\n')
    (package / "lib.typ").write_text("#let loaf(name) = [Bread for #name]")
    template = make_template('#import "@preview/bread:1.0.0": loaf\n#let certificate(data) = loaf(data.holder.name)')
    assert text_of(pdf(template=template)) == "Bread for Robin Reed"


def test_a_template_fetches_nothing_whatever_proxy_there_is(make_template: Any, tmp_path: Path) -> None:
    template = make_template('#import "@preview/cetz:0.3.1"\n#let certificate(data) = []')
    job = {"root": str(template.folder), "fonts": [], "inputs": {"data": "{}", "credential": ""}, "format": "pdf",
           "timestamp": 0}  # fmt: skip
    (tmp_path / "job.json").write_text(json.dumps(job))
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        environ = dict.fromkeys(("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"), address)
        command = [sys.executable, "-I", press.__file__, str(tmp_path / "job.json")]
        made = subprocess.run(command, env=environ, capture_output=True, check=True, timeout=60)
        assert b"no package is fetched" in made.stdout
        proxy.settimeout(0)
        with pytest.raises(BlockingIOError):  # Nobody is waiting to be answered.
            proxy.accept()


def test_a_template_that_never_ends_is_ended(make_template: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lms_core.certificates.printing.SECONDS", 2.0)
    with pytest.raises(TemplateError, match="too_complex"):
        pdf(
            template=make_template(
                "#let certificate(data) = { for a in range(1000000) { for b in range(1000000) { let c = a * b } } }"
            )
        )


def test_a_folder_without_a_template_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"there is no certificate\.typ in"):
        Template.in_folder(tmp_path)
