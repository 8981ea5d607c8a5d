"""The small documents of a cartridge: pages, web links, and how text is written in XML."""

import re
from html import escape

WEB_LINK = "http://www.imsglobal.org/xsd/imsccv1p3/imswl_v1p3"
WEB_LINK_SCHEMA = "http://www.imsglobal.org/profile/cc/ccv1p3/ccv1p3_imswl_v1p3.xsd"
XSI = "http://www.w3.org/2001/XMLSchema-instance"

_NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_WHITE = re.compile(r"[\t\r\n]")


def xml(text: str) -> str:
    """Text for an element or an attribute, without what XML cannot hold at all."""
    quoted = escape(_NOT_XML.sub("", text))
    # Written as references, or a parser would make spaces or line feeds of them.
    return _WHITE.sub(lambda found: f"&#{ord(found[0])};", quoted)


def page(title: str, description: str, language: str, html: str) -> bytes:
    """A whole page round the HTML of a lesson."""
    about = f'<meta name="description" content="{xml(description)}">\n' if description else ""
    return (
        f'<!DOCTYPE html>\n<html lang="{xml(language)}">\n<head>\n<meta charset="utf-8">\n<title>{xml(title)}</title>\n'
        f"{about}</head>\n<body>\n{html}\n</body>\n</html>\n"
    ).encode()


def web_link(title: str, url: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<webLink xmlns="{WEB_LINK}" xmlns:xsi="{XSI}"'
        f' xsi:schemaLocation="{WEB_LINK} {WEB_LINK_SCHEMA}">\n<title>{xml(title)}</title>\n'
        f'<url href="{xml(url)}" target="_blank"/>\n</webLink>\n'
    ).encode()
