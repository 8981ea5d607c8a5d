"""The README does what it says: its tour is run word by word against a running installation."""

import re
import subprocess
from pathlib import Path

from lms_core.testing.cartridges import write_cartridge
from lms_core.testing.live import Live

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_the_tour_ends_at_a_hundred_percent(live: Live, tmp_path: Path):
    tour = re.search(r"```bash\n(.*?)```", README, re.DOTALL)[1]
    cartridge = write_cartridge(tmp_path / "course.imscc", "Bread", {"Grain": {"Wheat": "<p>Wheat.</p>"}})
    environ = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "DATA": str(live.data),
        "API": f"{live.url}/api/v1",
        "CARTRIDGE": str(cartridge),
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", tour], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    *_before, title, percentage, notifications, exported = done.stdout.strip().splitlines()
    assert (title, percentage) == ("Wheat", "100")
    assert "course_completed" in notifications
    assert exported == f"Bread, the draft: 1 modules, 1 lessons, 0 files in {live.data}/course.imscc"


def test_every_page_it_links_to_is_there():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
