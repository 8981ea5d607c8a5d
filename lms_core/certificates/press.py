"""The program that sets a certificate, run by :func:`lms_core.kernel.confined.run_confined` in a process of its own.

``python -I press.py JOB``: a JSON file with ``root`` (a copy of the template's folder), ``fonts`` (folders), ``inputs``
(strings), ``format`` and ``timestamp``. It writes the document to its standard output, or ``error: `` and one line, and
ends well in either case. It imports nothing of ours: what a template can reach is this process.

Nothing is fetched. typst would download packages that a template imports and does not bring, and cannot be told not to;
but it asks the proxy that the environment names, and where that is, nothing ever listens.
"""

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import typst

MAIN = """\
#import "/certificate.typ": certificate
#let data = json(bytes(sys.inputs.data))
#set document(title: data.documentTitle, author: data.issuer.name, description: data.number)
#set text(lang: data.language, font: data.fonts)
#if sys.inputs.credential != "" {
  pdf.attach(
    "credential.json", bytes(sys.inputs.credential),
    relationship: "data", mime-type: "application/vc+ld+json", description: "Open Badges 3.0",
  )
}
#certificate(data)
"""
STANDARDS: tuple[list[Any], ...] = (["a-3a", "ua-1"], ["a-3b"], [])
"""Tried in this order: for the archive and for screen readers, for the archive, and what can always be made."""


NOWHERE = "http://127.0.0.1:0"
_DOWNLOAD = re.compile(r"failed to download package \(https?://[^/]+/(\w+)/([\w-]+)-(\d+\.\d+\.\d+)\.tar\.gz")


def press(job: dict[str, Any]) -> bytes:
    """Raises RuntimeError where the template cannot be set at all."""
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=job["fonts"])
    main = Path(job["root"]) / "lms-main.typ"
    main.write_text(MAIN)
    compiler = typst.Compiler(
        input=str(main), root=job["root"], font_paths=fonts, sys_inputs=job["inputs"],
        package_path=f"{job['root']}/packages", package_cache_path=f"{job['root']}/packages",
    )  # fmt: skip
    if job["format"] != "pdf":
        return _whole(compiler.compile(format=job["format"], ppi=110.0))
    failure: RuntimeError | None = None
    for standards in STANDARDS:
        try:
            return _whole(compiler.compile(format="pdf", pdf_standards=standards, timestamp=job["timestamp"]))
        except RuntimeError as error:  # TypstError is one, and not every failure is a TypstError.
            failure = error
    raise failure or RuntimeError("there is no standard to try")


def _whole(made: Any) -> bytes:
    """Of pictures of several pages, the first."""
    return bytes(made[0] if isinstance(made, list) else made or b"")


def _told(error: Exception) -> str:
    """Where it is wrong, and what is: ``certificate.typ:12:5: unknown variable: foo``."""
    lines = str(getattr(error, "diagnostic", "")).splitlines()
    # Typst names files as they are seen from the folder it works in, which is a temporary one.
    places = [line.rpartition("/")[2].strip() for line in lines if "┌─" in line]
    message = str(getattr(error, "message", error)).splitlines()[0]
    if missing := _DOWNLOAD.match(message):
        place = "/".join(missing.groups())
        message = f"no package is fetched: the template has to bring this one in packages/{place}"
    return f"{places[0]}: {message}" if places else message


def main(job: str) -> None:
    os.environ["HTTPS_PROXY"] = os.environ["https_proxy"] = NOWHERE
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = ""
    try:
        made = press(json.loads(Path(job).read_bytes()))
    except (RuntimeError, OSError) as error:
        made = f"error: {_told(error)}".encode()
    sys.stdout.buffer.write(made)


if __name__ == "__main__":
    main(sys.argv[1])
