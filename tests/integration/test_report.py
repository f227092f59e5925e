"""The report of a real run, and a report of hostile texts in a real browser."""

from __future__ import annotations

import html
import http.server
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from mlopsctl.delivery.report.value import CheckRow, Report
from mlopsctl.evidence import Verdict
from mlopsctl.render.report import words
from mlopsctl.render.report.page import page
from tests.integration.cli import call
from tests.unit.render.report.making import REFUSED, REGRESSION, rewritten
from tests.unit.render.report.payloads import payloads

CHECKOUT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here: scripts/chromium.sh gets one")


class Counter(http.server.BaseHTTPRequestHandler):
    """Remembers who called."""

    calls: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.calls.append(self.path)
        self.send_response(200)
        self.end_headers()

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def counted() -> Iterator[str]:
    """The address of a server on loopback that counts requests."""
    Counter.calls.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Counter)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def opened(file: Path, profile: Path, *arguments: str) -> str:
    """Open a page in a browser until it is quiet; what it looks like then, as HTML."""
    ended = subprocess.run(
        [
            str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}",
            "--enable-logging=stderr", "--v=0", "--virtual-time-budget=3000", *arguments, "--dump-dom", file.as_uri(),
        ],
        capture_output=True, text=True, timeout=90, check=True,
    )  # fmt: skip
    console = [line for line in ended.stderr.splitlines() if "CONSOLE" in line]
    assert console == []
    return ended.stdout


@needs_chromium
@pytest.mark.parametrize("report", [REFUSED, REGRESSION], ids=["classification", "regression"])
def test_a_page_of_hostile_texts_runs_nothing_and_calls_nobody(report: Report, tmp_path: Path, counted: str) -> None:
    corpus = [one for one in payloads(counted) if one.strip() and len(one) < 120]
    texts = iter(corpus * 20)
    made = cast(Report, rewritten(report, lambda text: next(texts)))
    # Names are cut where they are long; a check's reason is shown whole.
    every = tuple(CheckRow("d", "c", "k", Verdict.FAIL, "error", "", one) for one in corpus)
    written = page(replace(made, checks=every))
    file = tmp_path / "report.html"
    file.write_text(written, encoding="utf-8")
    dom = opened(file, tmp_path / "profile")
    title = dom.partition("<title>")[2].partition("</title>")[0]
    assert html.unescape(title) == html.unescape(written.partition("<title>")[2].partition("</title>")[0])
    assert "<script" not in dom
    assert Counter.calls == []
    seen = html.unescape(dom)
    assert [one for one in corpus if words.clip(one) not in seen] == []


@needs_chromium
def test_the_browser_s_probe_would_notice_a_script_and_a_request(tmp_path: Path, counted: str) -> None:
    """The test above can fail: without our page's care both happen."""
    file = tmp_path / "naive.html"
    naive = f"<title>before</title><img src='{counted}/a' onerror=\"document.title='pwned'\">"
    file.write_text(naive, encoding="utf-8")
    assert "<title>pwned</title>" in opened(file, tmp_path / "profile")
    assert Counter.calls == ["/a"]


@needs_chromium
def test_nothing_sticks_out_of_a_phone_or_a_desktop(tmp_path: Path) -> None:
    """The page is as wide as the window; wide tables scroll in frames of their own."""
    file = tmp_path / "report.html"
    # The page may not run scripts: for this test one is let in.
    probe = "<script>document.title=document.documentElement.scrollWidth+' in '+innerWidth</script></body>"
    allowed = page(REFUSED).replace("default-src 'none'", "default-src 'none'; script-src 'unsafe-inline'")
    file.write_text(allowed.replace("</body>", probe), encoding="utf-8")
    for width in (500, 1280):
        dom = opened(file, tmp_path / f"profile{width}", f"--window-size={width},900")
        wide, _, window = dom.partition("<title>")[2].partition("</title>")[0].partition(" in ")
        assert int(wide) <= int(window), f"{wide} pixels in a window of {window}"


@pytest.mark.timeout(600)
def test_a_run_has_its_report(tmp_path: Path) -> None:
    project = tmp_path / "penguins"
    shutil.copytree(CHECKOUT / "examples/penguins", project, ignore=shutil.ignore_patterns(".*"))
    nothing = call(project, "report", "--output", "markdown")
    assert nothing.code == 1, nothing
    assert "has not been run yet" in nothing.err
    assert call(project, "run").code == 0

    first = call(project, "report", "last", "-o", "markdown")
    assert first.code == 0, first
    assert first.out.startswith("# ✓ Passed: `penguins`")
    assert call(project, "report", "-o", "markdown").out == first.out

    began = time.monotonic()
    made = call(project, "report", "--out", str(tmp_path / "one.html"))
    assert made.code == 0, made
    assert time.monotonic() - began < 30
    assert call(project, "report", "--out", str(tmp_path / "two.html")).code == 0
    written = (tmp_path / "one.html").read_bytes()
    assert written == (tmp_path / "two.html").read_bytes()
    assert len(written) < 2_000_000
    assert "Gates and checks" in written.decode()

    run = first.out.partition("Run `")[2].partition("`")[0]
    assert call(project, "report", run[:-3], "-o", "markdown").out == first.out
    assert call(project, "report", "nothing-like-it", "-o", "markdown").code == 64
    assert call(project, "report", "--out", str(tmp_path / "no/such/folder.html")).code == 64
