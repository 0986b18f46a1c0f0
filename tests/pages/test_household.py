"""Devices, settings, people, and one's own data: what each form does and whom it can't touch."""

from __future__ import annotations

import csv
import io
import json
import uuid
import zipfile

import pytest

from tomed import reading
from tomed.clock import now_ms
from tomed.model import Clues
from tomed.pages.devices import LINK_MS, OFFERS
from tomed.pages.export import write_csv
from tomed.store import devices, tokens
from tomed.store.devices import DeviceReport

PASSWORD = "correct horse"


async def tell(browser, user_id: int, book, title: str = "") -> None:
    """A device has told of a session."""
    at = 1_767_300_000_000
    told = reading.SessionTold(
        id=str(uuid.uuid4()),
        at=at,
        clues=Clues(book_uuid=book.uuid) if book else Clues(filename=title),
        started_at=at - 600_000,
        ended_at=at,
        active_s=600,
        pages_turned=12,
        start_fraction=0.1,
        end_fraction=0.2,
    )
    await browser.services.store.write(
        lambda c: reading.record(c, browser.services.resolve, reading.Reporter(user_id), [told], now_ms())
    )


async def add_device(browser, name: str = "Kobo", address: str = "http://192.168.1.20:8788"):
    return await browser.send(await browser.get("/devices"), "/devices", name=name, address=address)


async def test_a_device_is_a_name_and_a_zip(browser):
    """One form, and the plugin is there with address and key in it; the key works and is shown nowhere."""
    page = await add_device(browser, "Ann's Kobo")
    assert "Ann's Kobo" in page.texts("//h1")[0]
    (path,) = page.tree.xpath("//a[contains(@class, 'main-button')]/@href")
    answer = await browser.client.get(path)
    assert "attachment" in answer.headers["Content-Disposition"]
    assert answer.headers["Cache-Control"] == "no-store"
    with zipfile.ZipFile(io.BytesIO(await answer.read())) as archive:
        defaults = archive.read("tomesync.koplugin/tomesync_defaults.lua").decode()
    assert "http://192.168.1.20:8788" in defaults
    key = defaults.split('token = "')[1].split('"')[0]
    browser.client.session.cookie_jar.clear()
    health = await browser.client.get("/api/v1/books", headers={"Authorization": f"Bearer {key}"})
    assert health.status == 200
    assert key not in page.text


async def test_the_short_link_works_on_the_e_reader_and_expires(browser, browser_of, monkeypatch):
    """Who has the link needs no sign-in, for half an hour; a guessed or old one is a sentence."""
    page = await add_device(browser)
    (short,) = page.texts("//p[@class='code']")
    assert short.startswith("http://192.168.1.20:8788/get/")
    assert page.tree.xpath("//div[@class='qr']/svg")
    assert page.headers["Cache-Control"] == "no-store"
    path = short.removeprefix("http://192.168.1.20:8788")
    reader = await browser_of(beside=browser)
    shown = await reader.get(path)
    assert shown.status == 200
    assert shown.tree.xpath("//a[contains(@href, 'tomesync.koplugin.zip')]")
    assert (await reader.get("/get/guessed22")).status == 404
    offers = browser.client.app[OFFERS]
    later = now_ms() + LINK_MS + 1000
    assert offers.find(path.rpartition("/")[2], later) is None


NO_ADDRESS = [
    *("", "192.168.1.20", "ftp://x", "http://", "http://u:p@x", "http://x?y", "http://x:99999", "http://["),
    *('http://x"] os.execute()--', "javascript:alert(1)"),
]


@pytest.mark.parametrize("address", NO_ADDRESS)
async def test_an_address_is_checked_before_it_goes_into_a_plugin(browser, address):
    """A device gets only an address that is one; the form comes back with what was typed."""
    page = await add_device(browser, "Kobo", address)
    assert page.status == 400
    assert page.tree.xpath("//p[@role='alert']")
    assert browser.services.store.read(lambda c: tokens.of_user(c, 1, "device")) == []


async def test_a_strange_host_header_is_never_written_down(browser):
    """The address offered is the one of the browser only when that is a host name at all."""
    for host in ('evil"><script>', "a b", "x/../y", "user@host"):
        page = await browser.get("/devices", Host=host)
        if page.status == 200:
            assert page.tree.xpath("//input[@name='address']/@value") in ([""], []), host
            assert "evil" not in page.text


async def test_an_address_of_this_computer_alone_is_warned_of(browser):
    """The page was opened by 127.0.0.1: an e-reader can't reach that, and the page says what to do."""
    assert "--host 0.0.0.0" in (await browser.get("/devices")).said


async def test_devices_are_renamed_and_removed_by_their_owner_alone(browser, browser_of):
    """Removing ends the key at once; another person can do neither."""
    key = await browser.services.store.write(lambda c: tokens.issue(c, 1, "device", "Old name", now_ms()))
    ((token_id,),) = browser.services.store.read(
        lambda c: c.execute("SELECT id FROM tokens WHERE kind = 'device'").fetchall()
    )
    bob = await browser_of(beside=browser)
    await bob.add_user("bob")
    await bob.sign_in("bob")
    bobs = await bob.get("/devices")
    assert "Old name" not in bobs.text
    (token,) = bobs.tree.xpath("//form[@action='/devices']//input[@name='form_token']/@value")
    headers = {"Origin": bob.origin, "Accept": "text/html"}
    for action in ("rename", "revoke"):
        stolen = await bob.post(f"/devices/{token_id}/{action}", {"form_token": token, "name": "Mine"}, headers)
        assert stolen.status == 404
    page = await browser.send(await browser.get("/devices"), "/rename", name="New name")
    assert "New name" in page.said
    page = await browser.send(page, "/revoke")
    assert "New name" not in page.said
    browser.client.session.cookie_jar.clear()
    dead = await browser.client.get("/api/v1/books", headers={"Authorization": f"Bearer {key}"})
    assert dead.status == 401


async def test_settings_are_kept_and_nonsense_is_not(browser):
    """Zone, day, week and cap are kept together; a wrong one is said and changes nothing."""
    page = await browser.get("/settings")
    said = {"time_zone": "Asia/Tokyo", "day_start_minute": "300", "week_start": "7", "idle_cap_min": "5"}
    kept = await browser.send(page, "/settings", **said)
    assert "Saved." in kept.said
    row = "SELECT time_zone, day_start_minute, week_start, idle_cap_s FROM users"
    assert browser.services.store.read(lambda c: c.execute(row).fetchone()) == ("Asia/Tokyo", 300, 7, 300)
    for name, value in [
        ("time_zone", "Mars/Base"),
        ("time_zone", "../../etc/passwd"),
        ("day_start_minute", "1440"),
        ("week_start", "0"),
        ("idle_cap_min", "-1"),
        ("idle_cap_min", "1e9"),
        ("idle_cap_min", "²"),
    ]:
        refused = await browser.send(page, "/settings", **(said | {name: value}))
        assert refused.status == 400, (name, value)
        assert refused.tree.xpath("//p[@role='alert']")
    assert browser.services.store.read(lambda c: c.execute(row).fetchone()) == ("Asia/Tokyo", 300, 7, 300)


async def test_a_new_password_ends_other_sessions_and_keeps_this_one(browser, browser_of):
    """Whoever knew the old password is out; the wrong old password changes nothing."""
    other = await browser_of(beside=browser)
    await other.sign_in()
    page = await browser.get("/settings")
    refused = await browser.send(page, "/settings/password", current="wrong", new="another horse")
    assert refused.status == 403
    assert (await other.get("/")).url == "/"
    changed = await browser.send(page, "/settings/password", current=PASSWORD, new="another horse")
    assert "The password is changed." in changed.said
    assert (await other.get("/")).url.startswith("/sign-in")
    assert (await other.sign_in(password=PASSWORD)).status == 401
    assert (await other.sign_in(password="another horse")).status == 200


async def test_sign_out_everywhere_means_every_other_browser(browser, browser_of):
    """Devices keep their keys, other browsers lose theirs, this one goes on."""
    other = await browser_of(beside=browser)
    await other.sign_in()
    key = await browser.services.store.write(lambda c: tokens.issue(c, 1, "device", "Kobo", now_ms()))
    page = await browser.send(await browser.get("/settings"), "/settings/everywhere")
    assert page.url == "/settings?said=everywhere"
    assert (await other.get("/")).url.startswith("/sign-in")
    assert (await browser.client.get("/api/v1/books", headers={"Authorization": f"Bearer {key}"})).status == 200


async def test_ones_own_data_can_be_taken_and_nobody_elses(browser, browser_of, library):
    """JSON and CSV hold what one read, unplaced files too, with times that carry their zone; never another's."""
    bob = await browser_of(beside=browser)
    bob_id = await bob.add_user("bob")
    await bob.sign_in("bob")
    await tell(browser, 1, library.book("First Light"))
    await tell(browser, 1, None, "unknown file.epub")
    await tell(browser, bob_id, library.book("Dracula & Co"))
    taken = json.loads((await browser.get("/export/tomed.json")).text)
    assert {row["title"] or row["filename"] for row in taken["sessions"]} == {"First Light", "unknown file.epub"}
    assert taken["sessions"][0]["started_at"].endswith("Z")
    assert len(taken["positions"]) == 2
    assert taken["user"]["name"] == "ann"
    assert "Dracula" not in json.dumps(taken)
    for name in ("sessions", "positions", "books"):
        page = await browser.get(f"/export/{name}.csv")
        rows = list(csv.DictReader(io.StringIO(page.text.removeprefix("\ufeff"))))
        assert rows and "Dracula" not in page.text, name
    assert (await browser.get("/export/users.csv")).status == 404


def test_a_title_is_no_formula():
    """A spreadsheet that opens the CSV runs nothing that a title says."""
    rows = list(csv.reader(io.StringIO(write_csv([{"title": "=HYPERLINK(1)", "n": -1}]).decode("utf-8-sig"))))
    assert rows[1] == ["'=HYPERLINK(1)", "-1"]


async def test_deleting_asks_for_the_password_and_takes_everything(browser, browser_of, library):
    """Reading goes, the account stays; then the account goes. What others read is not touched."""
    bob_id = await browser.add_user("bob")
    await tell(browser, 1, library.book("First Light"))
    await tell(browser, bob_id, library.book("First Light"))
    count = "SELECT (SELECT count(*) FROM sessions), (SELECT count(*) FROM positions), (SELECT count(*) FROM readings)"
    page = await browser.get("/settings")
    assert (await browser.send(page, "/settings/delete", what="reading", password="wrong")).status == 403
    assert browser.services.store.read(lambda c: c.execute(count).fetchone()) == (2, 2, 2)
    done = await browser.send(page, "/settings/delete", what="reading", password=PASSWORD)
    assert "history is deleted" in done.said
    assert browser.services.store.read(lambda c: c.execute(count).fetchone()) == (1, 1, 1)
    stuck = await browser.send(page, "/settings/delete", what="account", password=PASSWORD)
    assert stuck.status == 409  # the only admin does not leave others without one
    bob = await browser_of(beside=browser)
    await bob.sign_in("bob")
    gone = await bob.send(await bob.get("/settings"), "/settings/delete", what="account", password=PASSWORD)
    assert gone.url == "/sign-in"
    assert browser.services.store.read(lambda c: c.execute(count).fetchone()) == (0, 0, 0)
    assert (await bob.get("/")).url.startswith("/sign-in")


async def test_the_admin_invites_and_removes_people(browser, browser_of):
    """An invitation makes an ordinary account; passwords can be set anew; a person goes when their name is typed."""
    page = await browser.send(await browser.get("/users"), "/users/invite")
    (link,) = page.texts("//p[@class='code']")
    bob = await browser_of(beside=browser)
    welcome = await bob.get("/" + link.split("/", 3)[3])
    assert welcome.status == 200
    arrived = await bob.send(welcome, welcome.url, name="bob", password=PASSWORD)
    assert arrived.url == "/devices"
    for path in ("/users",):
        assert (await bob.get(path)).status == 403
    page = await browser.get("/users")
    assert "bob" in page.said
    changed = await browser.send(page, "/password", new="a new password")
    assert "password is changed" in changed.said
    assert (await bob.get("/")).url.startswith("/sign-in")
    refused = await browser.send(page, "/delete", name="bib")
    assert refused.status == 400
    assert "bob" in (await browser.get("/users")).said
    removed = await browser.send(page, "/delete", name="Bob")
    assert "bob" not in removed.said
    assert (await bob.sign_in("bob", "a new password")).status == 401


async def test_the_admin_is_no_number_among_others(browser):
    """Nobody removes themselves by the people's page, and no other id leads anywhere."""
    page = await browser.get("/settings")
    (token,) = page.tree.xpath("//form[@action='/settings']//input[@name='form_token']/@value")
    headers = {"Origin": browser.origin, "Accept": "text/html"}
    for user_id, status in (("1", 409), ("99", 404), ("9" * 40, 404)):
        answer = await browser.post(f"/users/{user_id}/delete", {"form_token": token, "name": "ann"}, headers)
        assert answer.status == status


async def test_a_device_whose_clock_is_off_is_told_of(browser):
    """Its times are corrected, and its owner can set the clock right."""
    at = now_ms()
    await browser.services.store.write(lambda c: tokens.issue(c, 1, "device", "Kobo", at))

    def report(connection) -> None:
        about = DeviceReport("d1", "Kobo", "Kobo_nova", "v2026.03", "0.0.1")
        device_id = devices.upsert(connection, 1, about, at, clock_offset_ms=-7_200_000)
        connection.execute("UPDATE tokens SET device_id = ? WHERE kind = 'device'", (device_id,))

    await browser.services.store.write(report)
    page = await browser.get("/devices")
    assert "Its clock is 2 h off" in page.said
    assert "newer one available" in page.said


async def test_a_code_from_the_device_lets_it_in(browser):
    """The code that the e-reader shows is entered on the page, and the device fetches its key; a wrong one is told."""
    offer = browser.services.pairing.begin("Clara", "10.0.0.9")
    page = await browser.send(await browser.get("/devices"), "/devices/pair", code="WRONG1")
    assert (page.status, "No e-reader shows this code" in page.said) == (400, True)
    page = await browser.send(await browser.get("/devices"), "/devices/pair", code=offer.code.lower())
    assert "Clara gets its key" in page.said
    token, _ = await browser.services.pairing.poll(offer.poll_token)
    assert browser.services.store.read(lambda c: tokens.find(c, token, now_ms())) is not None
