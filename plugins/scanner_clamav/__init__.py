"""Scans uploaded files with ClamAV: each goes to a clamd over the network or a socket; nothing is shared but that.

It is set up by ``lms.clamav.url``; without it there is no scanner. What is larger than clamd takes (``StreamMaxLength``
in ``clamd.conf``) it cannot look through, so the file is ``failed`` and only its owner may have it: raise that limit to
``lms.files.max_bytes``, or say by ``lms.clamav.skip_above`` that larger files go unscanned. Of what is beyond its
``MaxFileSize`` and ``MaxScanSize``, clamd says that it is clean, unless ``AlertExceedsMax yes`` is set as well.
"""

from lms_core.plugin_api import FileScanner, Setting, Settings, hookimpl

from .clamd import Clamd, ClamScanner


class ClamScannerPlugin:
    """What the entry point names."""

    api_version = "1"

    @hookimpl
    def lms_settings(self) -> list[Setting]:
        return [
            Setting("lms.clamav.url", "text", "", "Where clamd listens: `tcp://host:3310` or `unix:/path`; empty scans "
                    "nothing", pattern=r"tcp://([^/:\s]+|\[[0-9A-Fa-f:.]+\]):\d{1,5}|unix:/.+"),
            Setting("lms.clamav.timeout", "seconds", "60s", "How long clamd may be silent over a file"),
            Setting("lms.clamav.skip_above", "integer", "0", "Files of more bytes than this are not scanned and say "
                    "`skipped`; 0 scans all"),
        ]  # fmt: skip

    @hookimpl
    def lms_file_scanners(self, settings: Settings) -> list[FileScanner]:
        url = settings.text("lms.clamav.url")
        if not url:
            return []
        clamd = Clamd(url, settings.seconds("lms.clamav.timeout"))
        return [ClamScanner(clamd, settings.integer("lms.clamav.skip_above"))]


plugin = ClamScannerPlugin()
