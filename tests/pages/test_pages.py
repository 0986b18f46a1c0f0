"""The library's pages: complete without JavaScript, in order, paged, and deaf to markup in titles."""

from __future__ import annotations


async def test_home(browser):
    page = await browser.get("/")
    assert page.status == 200, page.text
    print(page.said)
