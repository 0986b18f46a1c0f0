"""Signing in and out, the one-time link, and forms that only our own pages may send."""

from __future__ import annotations

import re
from http.cookies import SimpleCookie

import pytest
from aiohttp import FormData

from tomed.clock import now_ms
from tomed.signing_in import first_invitation
from tomed.store import tokens

PASSWORD = "correct horse"


async def test_who_is_not_signed_in_is_led_to_the_door_and_back(browser_of, library):
    """Every page but the door asks who it is; afterwards one is where one wanted to be."""
    browser = await browser_of(library)
    await browser.add_user("ann")
    for path in ("/", "/books", "/devices", "/settings", "/export/tomed.json", "/covers/x/thumb", "/read/x"):
        page = await browser.get(path)
        assert page.url.startswith("/sign-in"), path
    page = await browser.get("/search?q=light&page=2")
    arrived = await browser.send(page, "/sign-in", name="ANN", password=PASSWORD)
    assert arrived.url == "/search?q=light&page=2"


@pytest.mark.parametrize(
    "target", ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:x", "/\t/evil", "/a\r\nX: y"]
)
async def test_the_way_back_never_leads_outside(browser_of, target):
    """What a link put into ``next`` is only followed when it is a path of ours."""
    browser = await browser_of()
    await browser.add_user("ann")
    page = await browser.send(await browser.get("/sign-in"), "/sign-in", name="ann", password=PASSWORD, next=target)
    assert page.status == 200
    assert page.url == "/"


async def test_a_wrong_password_says_so_and_many_have_to_wait(browser_of):
    """The form comes back with a sentence and the name; after some tries with a wait."""
    browser = await browser_of()
    await browser.add_user("ann")
    page = await browser.get("/sign-in")
    for _ in range(5):
        wrong = await browser.send(page, "/sign-in", name="ann", password="wrong <b>")
        assert wrong.status == 401
        assert "do not fit" in wrong.said
        assert wrong.tree.xpath("//input[@name='name']/@value") == ["ann"]
    assert (await browser.send(page, "/sign-in", name="ann", password=PASSWORD)).status == 429


async def test_the_session_cookie_is_strict_and_ends_at_sign_out(browser_of):
    """HttpOnly, SameSite=Strict, new at each sign-in; signing out ends it on the server, not only in the browser."""
    browser = await browser_of()
    await browser.add_user("ann")
    page = await browser.send(await browser.get("/sign-in"), "/sign-in", follow=False, name="ann", password=PASSWORD)
    assert page.status == 303
    cookie = SimpleCookie()
    for line in page.headers.getall("Set-Cookie"):
        cookie.load(line)
    session = cookie["tomed_session"]
    assert session["httponly"]
    assert session["samesite"] == "Strict"
    assert session["path"] == "/"
    assert not session["secure"]  # plain http here; a browser would never send it back otherwise
    home = await browser.get("/")
    assert "Signed in as ann" in home.text
    await browser.send(home, "/sign-out")
    other = await browser_of(beside=browser)
    other.client.session.cookie_jar.update_cookies({"tomed_session": session.value}, other.client.make_url("/"))
    assert (await other.get("/")).url.startswith("/sign-in")


async def test_signing_out_is_no_link(browser):
    """A GET never changes anything: no address that a page could be made to load signs out."""
    assert (await browser.get("/sign-out")).status == 405
    assert (await browser.get("/")).url == "/"


FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": None},
    {"Origin": None, "Referer": "https://evil.example/page"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
async def test_a_form_from_elsewhere_is_refused(browser, headers):
    """The origin is checked on every form, the session's own proof or not."""
    page = await browser.get("/settings")
    refused = await browser.send(page, "/settings", headers=headers, week_start="7")
    assert refused.status == 403
    assert browser.services.store.read(lambda c: c.execute("SELECT week_start FROM users").get) == 1


async def test_an_old_browser_is_known_by_its_referer(browser):
    """Without an Origin header, as old engines send forms, the Referer speaks for the page."""
    page = await browser.get("/settings")
    headers = {"Origin": None, "Referer": browser.origin + "/settings"}
    assert "Saved." in (await browser.send(page, "/settings", headers=headers, week_start="7")).said


async def test_a_form_needs_the_proof_of_its_own_session(browser, browser_of):
    """No token, a wrong one and another person's are all refused, on every form there is."""
    bob = await browser_of(beside=browser)
    await bob.add_user("bob")
    await bob.sign_in("bob")
    (bobs,) = (await bob.get("/settings")).tree.xpath("//form[@action='/settings']//input[@name='form_token']/@value")
    own = {"Origin": browser.origin, "Accept": "text/html"}
    routes = {
        route.resource.canonical
        for route in browser.client.app.router.routes()
        if route.method == "POST" and not route.resource.canonical.startswith("/api")
    }
    assert len(routes) > 12
    for path in routes:
        address = re.sub(r"\{\w+\}", "1", path)
        for token in ("", "x" * 64, bobs):
            form = FormData({"form_token": token}, default_to_multipart=True)  # which every form may be sent as
            answer = await browser.post(address, form, own)
            assert answer.status in (403, 404) and "earlier session" in answer.text, (path, answer.status, answer.text)


async def test_every_form_carries_the_proof(browser, library):
    """No form of ours was forgotten."""
    for path in ("/", "/settings", "/devices", "/users", f"/books/{library.books[0].uuid}"):
        page = await browser.get(path)
        forms = page.tree.xpath("//form[@method='post']")
        assert forms
        assert all(form.xpath(".//input[@name='form_token']") for form in forms), path


async def test_a_devices_key_opens_no_page(browser):
    """A key lies in a file on an e-reader: it must not be able to add people or keys."""
    key = await browser.services.store.write(lambda c: tokens.issue(c, 1, "device", "Kobo", now_ms()))
    browser.client.session.cookie_jar.clear()
    page = await browser.get("/settings", Authorization=f"Bearer {key}")
    assert page.url.startswith("/sign-in")


async def test_from_the_one_time_link_to_the_plugin(browser_of, library):
    """The link asks for a name and a password, shows the library it found, and ends at the plugin."""
    browser = await browser_of(library)
    assert "printed a link" in (await browser.get("/sign-in")).said
    secret = await first_invitation(browser.services.store, now_ms())
    for _ in range(3):  # looking does not use it up
        page = await browser.get(f"/welcome/{secret}")
        assert f"{len(library.books)} books" in page.said
    short = await browser.send(page, f"/welcome/{secret}", name="ann", password="short")
    assert short.status == 400
    assert "at least 8" in short.said
    arrived = await browser.send(page, f"/welcome/{secret}", name="ann", password=PASSWORD)
    assert arrived.url == "/devices"
    assert "Add a device" in arrived.said
    user = browser.services.store.read(lambda c: c.execute("SELECT name, is_admin FROM users").fetchall())
    assert user == [("ann", 1)]
    again = await (await browser_of(beside=browser)).get(f"/welcome/{secret}")
    assert again.status == 404
    assert "has been used" in again.said
    assert (await browser.get("/welcome/guessed")).status == 404


async def test_below_a_path_prefix_every_address_has_it(browser_of, library):
    """Links, forms, pictures, styles, cookies and redirects all stay below the prefix."""
    browser = await browser_of(library, public_url="https://books.example.org/tomed")
    await browser.add_user("ann")
    page = await browser.get("/sign-in")
    answer = await browser.send(page, "/sign-in", follow=False, name="ann", password=PASSWORD)
    assert answer.headers["Location"] == "/tomed/"
    assert all("Path=/tomed/" in line for line in answer.headers.getall("Set-Cookie"))
    for path in ("/", "/books", f"/books/{library.books[0].uuid}", "/devices", "/settings", "/nowhere"):
        page = await browser.get(path)
        addresses = page.tree.xpath("//@href | //@src | //@action")
        assert addresses
        assert all(a.startswith(("/tomed/", "#")) for a in addresses), path
    page = await browser.get("/devices")
    assert page.tree.xpath("//input[@name='address']/@value") == ["https://books.example.org/tomed"]
    styles = page.tree.xpath("//link[@rel='stylesheet']/@href")
    assert (await browser.client.get(styles[0])).status == 200
    browser.client.session.cookie_jar.clear()
    assert (await browser.get("/books")).url == "/tomed/sign-in?next=/tomed/books"


async def test_a_wrong_proxy_says_how_to_mend_it(browser):
    """When browser and daemon do not agree on the address, the sentence names both and the mend."""
    page = await browser.get("/settings")
    refused = await browser.send(page, "/settings", headers={"Origin": "https://books.example.org"})
    assert "https://books.example.org" in refused.said
    assert "trusted_proxies" in refused.said


PROXIED = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "books.example.org", "X-Forwarded-For": "203.0.113.7"}


async def test_a_trusted_proxy_is_believed_and_a_stranger_is_not(browser_of):
    """Behind a trusted proxy the page is at the proxy's address: forms pass, the cookie is Secure; else neither."""
    for networks, passes in ((("127.0.0.0/8", "::1/128"), True), (("10.0.0.0/8",), False), ((), False)):
        browser = await browser_of(trusted_proxies=networks)
        await browser.add_user("ann")
        page = await browser.get("/sign-in", **PROXIED)
        headers = PROXIED | {"Origin": "https://books.example.org", "Accept": "text/html"}
        cookies = {line.key: line.value for line in browser.client.session.cookie_jar}
        visit = cookies.get("tomed_visit") or page.headers["Set-Cookie"].split("tomed_visit=")[1].split(";")[0]
        (token,) = page.tree.xpath("//input[@name='form_token']/@value")
        fields = {"form_token": token, "name": "ann", "password": PASSWORD}
        answer = await browser.post("/sign-in", fields, headers | {"Cookie": f"tomed_visit={visit}"}, follow=False)
        assert (answer.status == 303) is passes, (networks, answer.said if answer.text else "")
        if passes:
            session = next(line for line in answer.headers.getall("Set-Cookie") if "tomed_session" in line)
            assert "Secure" in session
        else:
            assert "trusted_proxies" in answer.said


async def test_what_a_proxy_says_is_still_checked(browser_of):
    """A host that is no host name is not taken over, even from a trusted proxy."""
    browser = await browser_of(trusted_proxies=("127.0.0.0/8", "::1/128"))
    await browser.add_user("ann", is_admin=True)
    await browser.sign_in()
    page = await browser.get("/devices", **{"X-Forwarded-Host": 'evil"><script>', "X-Forwarded-For": "x, ,"})
    assert page.status == 200
    assert "evil" not in page.text
