"""What the panel looks like: narrow and wide, a thousand takes, hostile names, contrast and names of controls."""

from __future__ import annotations

import dataclasses
import shutil

import pytest
from playwright.sync_api import expect

from bridge_server.guesses import BURST
from bridge_server.network.lan import panel_address
from tests.bridge_server.peers import ServerThread, band_song
from tests.panel.accessibility import low_contrasts, nameless, too_small
from tests.panel.conftest import in_focus
from tests.panel.servers import panel_settings

pytestmark = pytest.mark.slow

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.mark.parametrize("width", [400, 1000, 1600])
def test_nothing_sticks_out_at_any_width(open_panel, server, width):
    panel = open_panel(width=width, height=860).ready()
    panel.wait("v.takes.length > 0 && v.selected")
    assert panel.page.evaluate("document.documentElement.scrollWidth") <= width
    outside = panel.page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, textarea, a, h2, summary")]
            .filter(one => one.checkVisibility() && !one.closest("#region"))
            .map(one => [one, one.getBoundingClientRect()])
            .filter(([one, box]) => box.width && (box.left < -1 || box.right > innerWidth + 1))
            .map(([one]) => one.outerHTML.slice(0, 120))"""
    )
    assert outside == []
    page = panel.page
    # The models are found at every width: at the top, or by what More says.
    assert page.locator("#engine-name").is_visible() == (width > 820)
    expect(page.locator("#more-fold summary")).to_have_text("More · Sketch, models")
    page.locator("#more-fold summary").click()
    expect(page.locator("#models-button")).to_be_visible()


def test_a_page_that_is_opened_has_a_take_of_the_region_in_hand(open_panel, server):
    """Not the newest of all, which may lie anywhere in the song."""
    with server.websocket("?client=daw") as daw:
        daw.render("repaint", source="band.wav", bars="1", bpm=120, engine="noise", seed=2)
        daw.call("select", start="8|1|0", end="9|1|0")
    panel = open_panel().ready()
    panel.wait("v.takes.length > 1 && v.selected")
    take = next(one for one in panel.value("takes") if one["take"] == panel.value("selected"))
    assert take["position"] == panel.bar(8)


def test_everything_can_be_done_at_400_pixels(open_panel, server):
    panel = open_panel(width=400, height=800).ready()
    page = panel.page
    panel.select(4, 4)
    before = len(panel.value("takes"))
    panel.choose_engine("noise")
    page.click("#submit")
    panel.wait("v.takes.length === x", before + 2)
    panel.wait("v.selected === v.takes[0].take")
    page.click("#accept")
    panel.wait("v.takes[0].chosen")
    page.click("#zoom-region")
    assert too_small(page) == []


def test_a_finger_selects_and_two_fingers_zoom(open_panel, server):
    panel = open_panel(width=600, height=800).ready()
    touch = panel.page.context.new_cdp_session(panel.page)
    start, end = panel.bar(5), panel.bar(7)
    y = panel.y()

    def send(kind, *places):
        points = [{"x": x, "y": y, "id": number} for number, x in enumerate(places)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    a, b = panel.x(start) + 6, panel.x(end) - 6
    send("touchStart", a)
    for step in range(1, 6):
        send("touchMove", a + (b - a) * step / 5)
    send("touchEnd")
    panel.wait(
        "v.dragged === null && v.focus.selection?.start === x[0] && v.focus.selection.end === x[1]",
        [start, end],
    )
    scale = panel.value("view")["scale"]
    left, right = panel.x(panel.bar(3)), panel.x(panel.bar(4))
    send("touchStart", left)
    send("touchStart", left, right)
    for step in range(1, 6):
        send("touchMove", left - step * 10, right + step * 10)
    send("touchEnd")
    panel.wait("v.view.scale < x", scale * 0.8)
    assert panel.selection() == {"start": start, "end": end}


def test_the_region_is_moved_resized_and_freed_from_the_grid(open_panel, server):
    panel = open_panel().ready()
    page = panel.page
    panel.select(3, 4)
    panel.wait("v.focus.selection !== null")
    bar = page.locator("#region-bar").bounding_box()
    shift = panel.x(panel.bar(2)) - panel.x(panel.bar(1))
    middle = (bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] / 2)
    panel.drag(middle, (middle[0] + shift * 1.1, middle[1]))
    panel.wait("v.dragged === null && v.focus.selection.start === x", panel.bar(4))
    panel.wait("v.focus.selection.end === x", panel.bar(6))
    edge = (panel.x(panel.bar(6)), panel.y())
    panel.drag(edge, (panel.x(panel.bar(8)) + 5, panel.y()))
    panel.wait("v.dragged === null && v.focus.selection.end === x", panel.bar(8))
    page.keyboard.down("Alt")
    panel.drag((panel.x(panel.bar(8)), panel.y()), (panel.x(panel.bar(7)) + 31.0, panel.y()))
    page.keyboard.up("Alt")
    panel.wait(
        "v.dragged === null && v.focus.selection.end !== x && !v.grid.beats.includes(v.focus.selection.end)",
        panel.bar(8),
    )
    page.focus("#handle-end")
    panel.press("ArrowRight")
    panel.wait("v.dragged === null && v.grid.beats.includes(v.focus.selection.end)")
    assert "bar 7" in page.locator("#handle-end").get_attribute("aria-valuetext")


def test_takes_that_are_still_being_read_are_not_said_to_be_none(open_panel, server):
    panel = open_panel().ready()
    empty = panel.page.locator("#lanes-empty")
    panel.page.evaluate("panel.store.set({ takes: [], takesOf: null })")
    expect(empty).to_have_text("Reading the takes …")
    panel.page.evaluate("panel.store.set({ takesOf: panel.store.get('focus').song.digest })")
    expect(empty).to_contain_text("Takes appear here")


def test_zoomed_in_to_single_samples_the_samples_are_drawn(open_panel, server):
    panel = open_panel().ready()
    panel.page.evaluate("panel.arranger.show({ first: 44000, scale: 0.1 })")
    panel.page.wait_for_function("() => panel.sounds.blocks.entries.size > 0")
    found = panel.page.evaluate("[...panel.sounds.blocks.entries.values()][0].data.length")
    assert found == 2 * 32768
    panel.page.wait_for_function(
        """() => { const canvas = document.getElementById("original");
            const context = canvas.getContext("2d", { willReadFrequently: true });
            const data = context.getImageData(0, 30, canvas.width, canvas.height - 30).data;
            return data.some((value, at) => at % 4 === 3 && value > 200); }"""
    )


@pytest.fixture(scope="module")
def full_server(tmp_path_factory):
    """A server with a thousand takes of one song, and names nobody should have to read."""
    settings = panel_settings(tmp_path_factory.mktemp("full"), engine="noise")
    root = settings.roots[0]
    band_song(root / "band.wav")
    shutil.copy(root / "band.wav", root / f"{HOSTILE.replace('/', '')}.wav")
    with ServerThread(settings) as server:
        in_focus(server)
        with server.websocket() as peer:
            peer.render(
                "repaint", source="band.wav", start=0, end=88200, bpm=120, prompt=HOSTILE, title=HOSTILE
            )
        take = server.takes()[0]
        places = [88200 * (number % 7) for number in range(999)]
        many = [
            dataclasses.replace(
                take, id=f"t{number:07d}", job=f"j{number // 4}", number=number % 4 + 1,
                position=place, start=place, created=take.created + number,
            )
            for number, place in enumerate(places)
        ]  # fmt: skip
        server.on_loop(lambda: [server.server.store.index.add(one) for one in many] and None)
        yield server


def test_a_thousand_takes_stay_fast(open_panel, full_server):
    panel = open_panel(of=full_server).ready()
    page = panel.page
    panel.wait("v.takes.length === 1000")
    expect(page.locator("#take-count")).to_contain_text("1,000 takes")
    assert page.locator(".lane").count() < 25
    worst = page.evaluate(
        """async () => {
            const box = document.getElementById("lanes");
            panel.arranger.frames.length = 0;
            for (let step = 0; step < 60; step += 1) {
                box.scrollTop = step * 900;
                await new Promise(requestAnimationFrame);
            }
            return [...panel.arranger.frames].sort((a, b) => a - b)[Math.floor(panel.arranger.frames.length / 2)];
        }"""
    )
    assert worst < 40, "milliseconds for the middle frame; a laptop needs 3"
    panel.wait("document.querySelectorAll('.lane').length < 25")
    panel.select(3, 3)
    page.click("#filter-here")
    panel.wait("panel.lanes.shown.length > 100 && panel.lanes.shown.length < 200")
    for _ in range(30):
        panel.press("ArrowDown")
    panel.wait("panel.lanes.shown.findIndex(take => take.take === v.selected) >= 29")
    selected = panel.value("selected")
    expect(page.locator(f".lane[data-take={selected}]")).to_be_in_viewport()
    panel.press("Enter")
    panel.wait("v.takes.find(take => take.take === x).chosen", selected)


def test_tab_goes_through_takes_that_come_as_they_are_scrolled_to(open_panel, full_server):
    """And back; the lanes that stay keep the focus."""
    panel = open_panel(of=full_server, width=640, height=560).ready()  # as a window of 1280 by 1120 at 200 %
    page = panel.page
    panel.wait("v.takes.length === 1000 && document.querySelector('.lane button')")
    page.evaluate("document.querySelector('.lane button').focus()")
    places = []
    for key in ("Tab", "Shift+Tab"):
        for _ in range(50):
            page.keyboard.press(key)
            page.evaluate("() => new Promise(requestAnimationFrame)")
            lane = "document.activeElement.closest('.lane')?.getAttribute('aria-posinset')"
            places.append(page.evaluate(lane))
    assert None not in places, places
    walked = [int(place) for place in places]
    assert walked[:50] == sorted(walked[:50])
    assert walked[49] >= 12
    assert walked[-1] == 1


def test_names_from_files_are_never_markup(open_panel, full_server):
    panel = open_panel(of=full_server).ready()
    page = panel.page
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    panel.wait("v.takes.length === 1000 && v.songs !== null")
    page.click("#song-button")
    hostile = page.locator("#song-dialog .song-list .name", has_text="<img src=x")
    expect(hostile).to_have_count(1)
    hostile.click()
    expect(page.locator("#song-title")).to_contain_text("<img src=x onerror=alert(1)>")
    panel.wait("v.takes.some(take => take.title.includes('<img'))")
    page.locator(".lane", has_text="<img").first.locator(".time").click()
    page.click("#take summary >> text=Recipe")
    expect(page.locator("#take details[data-name=recipe]")).to_contain_text("<img src=x")
    assert page.evaluate("document.querySelectorAll('img[src=x]').length") == 0


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_text_can_be_read_and_controls_have_names(open_panel, server, scheme):
    panel = open_panel(color_scheme="light").ready()  # what most systems say who were never asked
    page = panel.page
    assert page.evaluate("document.documentElement.dataset.scheme") == "dark"
    if scheme == "light":
        panel.press("d")
        page.reload()
        panel.ready()  # the browser remembers it
    assert page.evaluate("document.documentElement.dataset.scheme") == scheme
    panel.select(2, 3)
    panel.wait("v.takes.length > 0 && v.selected")
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    panel.press("v")
    expect(page.locator("#v-prompt")).to_be_visible()
    assert low_contrasts(page) == []
    assert nameless(page) == []
    page.keyboard.press("Escape")
    page.click("#help-button")
    assert low_contrasts(page) == []
    panel.press("Escape")
    page.click("#facts-button")
    assert low_contrasts(page) == []
    assert nameless(page) == []
    panel.press("Escape")
    page.evaluate("localStorage.clear()")


def test_without_a_song_the_page_says_how_to_begin(open_panel, tmp_path, songs):
    settings = panel_settings(tmp_path, engine="noise")
    shutil.copy(songs / "band.wav", settings.roots[0] / "mine.wav")
    with ServerThread(settings) as server:
        panel = open_panel(of=server)
        page = panel.page
        expect(page.get_by_role("heading", name="Choose a song")).to_be_visible()
        assert low_contrasts(page) == []
        page.set_input_files("#song-file", songs / "band.wav")
        panel.ready()
        expect(page.locator("#song-title")).not_to_have_text("Choose a song")
        page.click("#song-button")
        page.locator("#song-dialog .song-list .name", has_text="mine").click()
        expect(page.locator("#song-title")).to_have_text("mine")
        panel.ready()
        expect(page.locator("#drag-hint")).to_be_visible()
        assert "null" not in page.locator("#lanes-empty").inner_text()
        assert "Takes appear here" in page.locator("#lanes-empty").inner_text()
        expect(page.locator("#facts")).to_contain_text("tempo not set")
        page.click("#facts-button")
        page.fill("#fact-bpm", "120")
        page.fill("#fact-key", "A minor")
        page.get_by_role("button", name="Apply").click()
        expect(page.locator("#facts")).to_contain_text("120 BPM")
        expect(page.locator("#facts")).to_contain_text("A minor")
        page.set_input_files("#song-file", {"name": "no.wav", "mimeType": "audio/wav", "buffer": b"no audio"})
        expect(page.locator(".notice.error")).to_contain_text("no.wav")
        unfinished = bytearray((songs / "band.wav").read_bytes())
        at = unfinished.index(b"data") + 4
        unfinished[at : at + 4] = bytes(4)
        page.set_input_files(
            "#song-file", {"name": "odd.wav", "mimeType": "audio/wav", "buffer": bytes(unfinished)}
        )
        expect(page.locator(".notice", has_text="header gives no length")).to_be_visible()
        expect(page.locator(".notice", has_text="Uploading")).to_have_count(0)
        panel.close()
        panel.close = lambda: None


def test_what_is_wrong_with_a_render_host_stands_in_its_place_until_it_is_well(open_panel, server):
    panel = open_panel().ready()
    tell = """host => panel.store.set({
        status: { ...panel.store.get("status"), render_hosts: [{ name: "box", ...host }] } })"""
    panel.page.evaluate(tell, {"connected": True, "places": 2, "notes": ["The machine node7 has no torch."]})
    panel.page.click("#engine-name")
    machine = panel.page.locator("#models-dialog .machine")
    expect(machine).to_contain_text("Render hostThe machine node7 has no torch.")
    panel.page.evaluate(tell, {"connected": False, "places": 0, "problem": "it is off."})
    expect(machine).to_contain_text("Render hostThe render host box cannot be reached: it is off.")
    panel.page.evaluate(tell, {"connected": True, "places": 2})
    expect(machine).to_contain_text("Render host“box”, 2 places")


def test_a_server_without_sound_says_so_when_it_is_to_play(open_panel, server):
    """Left to itself the panel plays in the browser then: test_playing_here.py."""
    panel = open_panel().ready()
    panel.wait("v.place === 'here' && v.bridgeSilent !== ''")
    panel.page.evaluate("panel.listening.choose('bridge')")
    expect(panel.page.locator("#audition-state")).to_contain_text("without sound")
    expect(panel.page.locator(".notice")).to_have_count(0)
    panel.press(" ")
    expect(panel.page.locator(".notice")).to_contain_text("without sound")
    expect(panel.page.locator(".notice.error")).to_have_count(0)  # it is no fault of whoever listens
    panel.page.evaluate("localStorage.clear()")


def test_a_tablet_waits_while_the_server_listens_to_no_token_and_then_comes_in(open_panel, tmp_path):
    settings = panel_settings(tmp_path, engine="noise", token="open sesame")
    band_song(settings.roots[0] / "band.wav")
    with ServerThread(settings) as server:
        panel = open_panel(of=server)
        panel.away = True  # the browser puts every answer of 429 on the console
        page = panel.page
        for _ in range(BURST):
            page.evaluate("fetch('hello.json?token=wrong')")
        page.fill("#token", "open sesame")
        page.get_by_role("button", name="Open the panel").click()
        expect(page.locator("#welcome .reason")).to_contain_text("Too many wrong tokens. Try again in")
        expect(page.get_by_role("heading", name="Wrong token")).to_have_count(0)
        page.locator(".song-list .name", has_text="band").click()  # by itself, with the right token
        panel.ready()
        panel.close()
        panel.close = lambda: None


def test_a_tablet_is_asked_for_the_token(open_panel, tmp_path):
    settings = panel_settings(tmp_path, engine="noise", token="open sesame")
    band_song(settings.roots[0] / "band.wav")
    with ServerThread(settings) as server:
        panel = open_panel(of=server)
        page = panel.page
        expect(page.get_by_role("heading", name="Enter the token")).to_be_visible()
        page.fill("#token", "wrong")
        page.get_by_role("button", name="Open the panel").click()
        expect(page.get_by_role("heading", name="Wrong token")).to_be_visible()
        # However often the tab comes to the front, the server is not asked about that token again.
        sent: list[str] = []
        page.on("response", lambda response: sent.append(response.url))
        for _ in range(BURST + 1):
            page.evaluate("window.dispatchEvent(new Event('focus'))")
            page.wait_for_function("() => !panel.bridge.connection.beginning")
        assert len(sent) == BURST + 1
        assert not any("token=" in url for url in sent)
        expect(page.get_by_role("heading", name="Wrong token")).to_be_visible()
        page.fill("#token", panel_address(server.settings, "127.0.0.1"))
        page.get_by_role("button", name="Open the panel").click()
        page.locator(".song-list .name", has_text="band").click()
        panel.ready()
        page.reload()
        panel.ready()
        panel.away = True
        port = server.settings.websocket_port
    # The server comes back with another token: the page asks for it, and does not go on guessing with the old one.
    with ServerThread(dataclasses.replace(settings, websocket_port=port, token="sesame 2")):
        expect(page.get_by_role("heading", name="Wrong token")).to_be_visible()
        expect(page.locator("#connection-text")).to_have_text("token required")
        page.fill("#token", "sesame 2")
        page.get_by_role("button", name="Open the panel").click()
        page.locator(".song-list .name", has_text="band").click()
        panel.ready()
        panel.close()
        panel.close = lambda: None
