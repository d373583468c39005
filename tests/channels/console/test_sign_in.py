"""Signing in and out: cookies, throttling, and what another site's page may not do."""

from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from msgspec.structs import replace

from bot.errors import SettingsError
from bot.units import Agents, DropSignIns, FindAgent, FindSignIn, PutAgent
from channels.console.accounts import add_agent, disable_agent, set_agent
from channels.console.frames import Me
from channels.console.passwords import Passwords
from channels.console.sign_in import digest
from channels.console.throttle import LOCK_SECONDS, TRIES, Throttle
from tests.channels.console.conftest import PASSWORD, Place, problem, read


async def test_signing_in_says_who_one_is(place: Place) -> None:
    browser = place.browser()
    answer = await browser.sign_in(place.jo)
    assert answer.status_code == 200
    me = read(answer, Me)
    assert (me.name, me.email, me.role, me.brand) == ("Jo", "jo@shop.example", "agent", "Shop")
    assert read(await browser.get("/me"), Me) == me


@pytest.mark.parametrize("email", ["JO@Shop.example", "  jo@shop.example "])
async def test_an_address_is_known_however_it_is_written(place: Place, email: str) -> None:
    answer = await place.browser().post("/sign-in", {"email": email, "password": PASSWORD})
    assert answer.status_code == 200


async def test_over_https_the_cookie_is_bound_to_the_host(place: Place) -> None:
    answer = await place.browser(base="https://desk.example").sign_in(place.jo)
    name, *attributes = answer.headers["set-cookie"].split("; ")
    assert name.startswith("__Host-frontdesk=")
    assert {one.lower() for one in attributes} == {"path=/", "secure", "httponly", "samesite=lax", "max-age=604800"}


async def test_behind_what_ends_tls_the_cookie_is_as_over_https(place: Place) -> None:
    browser = place.browser(base="http://desk.example")
    answer = await browser.post(
        "/sign-in", {"email": place.jo.email, "password": PASSWORD}, headers={"Origin": "https://desk.example"}
    )
    assert answer.headers["set-cookie"].startswith("__Host-frontdesk=")


async def test_on_this_machine_plain_http_will_do_under_another_name(place: Place) -> None:
    answer = await place.browser().sign_in(place.jo)
    assert answer.headers["set-cookie"].startswith("frontdesk_dev=")
    assert "secure" not in answer.headers["set-cookie"].lower()


async def test_nowhere_else_will_plain_http_do(place: Place) -> None:
    answer = await place.browser(base="http://192.0.2.7").sign_in(place.jo)
    assert problem(answer) == (403, "forbidden")


async def test_the_store_knows_the_token_by_its_hash_only(place: Place) -> None:
    browser = await place.signed_in(place.jo)
    (token,) = browser.http.cookies.values()
    assert len(token) >= 43
    present = await place.console._sign_ins.find(token)
    assert present
    assert token.encode() not in present.sign_in.digest


async def test_each_sign_in_has_a_new_token_and_ends_the_one_before(place: Place) -> None:
    browser = await place.signed_in(place.jo)
    before = dict(browser.http.cookies)
    await browser.sign_in(place.jo)
    assert dict(browser.http.cookies) != before

    stranger = place.browser()
    stranger.http.cookies.update(before)
    assert problem(await stranger.get("/me")) == (401, "signed_out")


async def test_signing_out_ends_the_sign_in(place: Place) -> None:
    browser = await place.signed_in(place.jo)
    kept = dict(browser.http.cookies)
    assert (await browser.post("/sign-out")).status_code == 204
    assert not browser.http.cookies

    browser.http.cookies.update(kept)
    assert problem(await browser.get("/me")) == (401, "signed_out")


@pytest.mark.parametrize("token", ["", "x", "é" * 40, "a" * 4000], ids=["empty", "short", "not-ascii", "long"])
async def test_a_made_up_cookie_is_nobodys(place: Place, token: str) -> None:
    browser = place.browser()
    cookie = f"frontdesk_dev={token}".encode("latin-1")
    answer = await browser.http.get("/api/console/me", headers=[(b"cookie", cookie)])
    assert problem(answer) == (401, "signed_out")


async def test_an_idle_sign_in_ends_and_a_used_one_lasts(place: Place) -> None:
    used, idle = await place.signed_in(place.jo), await place.signed_in(place.kim)
    for _ in range(3):
        await place.room.clock.advance(timedelta(hours=5).total_seconds())
        assert (await used.get("/me")).status_code == 200
    assert problem(await idle.get("/me")) == (401, "signed_out")


async def test_after_seven_days_everybody_signs_in_again(place: Place) -> None:
    browser = await place.signed_in(place.jo)
    for _ in range(6 * 24 // 8 + 2):
        await place.room.clock.advance(timedelta(hours=8).total_seconds())
        assert (await browser.get("/me")).status_code == 200
    await place.room.clock.advance(timedelta(hours=8).total_seconds())
    assert problem(await browser.get("/me")) == (401, "signed_out")


async def test_a_disabled_account_is_out_at_once_and_stays_out(place: Place) -> None:
    browser = await place.signed_in(place.jo)
    await disable_agent(place.room.store, "jo@shop.example")
    assert problem(await browser.get("/me")) == (401, "signed_out")
    assert problem(await browser.sign_in(place.jo)) == (401, "wrong_sign_in")


async def test_a_disabled_account_is_out_even_where_its_sign_in_was_left(place: Place) -> None:
    browser = await place.signed_in(place.jo)
    await place.room.store.write(PutAgent(replace(place.jo, disabled=True)))
    assert problem(await browser.get("/me")) == (401, "signed_out")


async def test_what_has_ended_is_not_kept(place: Place) -> None:
    browser = await place.signed_in(place.jo)
    (token,) = browser.http.cookies.values()
    await place.room.clock.advance(timedelta(hours=12).total_seconds())
    await browser.get("/me")
    assert await place.room.store.read(FindSignIn(digest(token))) is None


async def test_all_sign_ins_of_an_agent_can_be_ended(place: Place) -> None:
    browsers = [await place.signed_in(place.jo) for _ in range(2)]
    await place.room.store.write(DropSignIns(agent=place.jo.id))
    assert [problem(await browser.get("/me"))[1] for browser in browsers] == ["signed_out"] * 2


# Wrong passwords


async def test_a_wrong_password_and_an_unknown_name_are_answered_alike(place: Place) -> None:
    wrong = await place.browser().post("/sign-in", {"email": "jo@shop.example", "password": "no"})
    unknown = await place.browser().post("/sign-in", {"email": "nobody@shop.example", "password": "no"})
    assert problem(wrong) == problem(unknown) == (401, "wrong_sign_in")
    assert wrong.json()["text"] == unknown.json()["text"]


async def test_an_unknown_name_costs_as_much_work() -> None:
    asked = list[str]()

    class Counting(Passwords):
        def _verify(self, hashed: str, password: str) -> bool:
            asked.append(hashed[:10])
            return super()._verify(hashed, password)

    passwords = Counting()
    assert not await passwords.fits("secret", None)
    assert not await passwords.fits("secret", await passwords.hash("another"))
    assert asked == ["$argon2id$", "$argon2id$"]


async def test_nobody_has_no_password_not_even_the_one_it_is_measured_by(place: Place) -> None:
    assert not await place.passwords.fits("the password of nobody", None)


async def test_a_hash_of_older_costs_is_renewed(place: Place) -> None:
    old = (await place.room.store.read(FindAgent(id=place.jo.id))) or place.jo
    dearer = Passwords(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    place.console._sign_ins._passwords = dearer
    await place.signed_in(place.jo)
    new = await place.room.store.read(FindAgent(id=place.jo.id))
    assert new
    assert new.password != old.password
    assert not dearer.is_outdated(new.password)


async def fail(place: Place, times: int, *, email: str = "jo@shop.example", address: str = "192.0.2.1") -> list[str]:
    browser = place.browser(address=address)
    return [
        problem(await browser.post("/sign-in", {"email": email, "password": f"wrong {n}"}))[1] for n in range(times)
    ]


async def test_wrong_passwords_have_to_wait_longer_and_longer(place: Place) -> None:
    assert await fail(place, 4) == ["wrong_sign_in"] * 3 + ["rate"]
    await place.room.clock.advance(1)
    assert await fail(place, 2) == ["wrong_sign_in", "rate"]
    await place.room.clock.advance(1)
    assert await fail(place, 1) == ["rate"]
    await place.room.clock.advance(1)
    assert await fail(place, 1) == ["wrong_sign_in"]


async def test_ten_wrong_passwords_lock_for_a_quarter_of_an_hour(place: Place) -> None:
    for _ in range(TRIES):
        assert await fail(place, 1) == ["wrong_sign_in"]
        await place.room.clock.advance(65)
    browser = place.browser(address="192.0.2.1")
    locked = await browser.sign_in(place.jo)
    assert problem(locked) == (429, "rate")
    assert locked.json()["wait"] == pytest.approx(LOCK_SECONDS - 65)
    assert int(locked.headers["retry-after"]) == LOCK_SECONDS - 65

    await place.room.clock.advance(LOCK_SECONDS - 65)
    assert (await browser.sign_in(place.jo)).status_code == 200


async def test_many_names_from_one_address_lock_the_address(place: Place) -> None:
    for n in range(TRIES):
        await fail(place, 1, email=f"guess{n}@shop.example")
        await place.room.clock.advance(65)
    assert await fail(place, 1, email="jo@shop.example") == ["rate"]
    elsewhere = await place.browser(address="198.51.100.1").sign_in(place.jo)
    assert elsewhere.status_code == 200


async def test_a_right_password_takes_the_wrong_ones_back(place: Place) -> None:
    await fail(place, 3)
    await place.room.clock.advance(1)
    assert (await place.browser(address="192.0.2.1").sign_in(place.jo)).status_code == 200
    assert await fail(place, 3) == ["wrong_sign_in"] * 3


def test_an_account_of_ones_own_buys_no_tries_at_another() -> None:
    throttle = Throttle()
    for n in range(TRIES):
        throttle.count("victim", "192.0.2.1", 100.0 * n)
        throttle.count("mine", "192.0.2.1", 100.0 * n)
        throttle.forgive("mine", "192.0.2.1")
    assert throttle.wait("another", "192.0.2.1", 100.0 * TRIES) > 0


def test_a_house_has_one_address_of_version_six() -> None:
    throttle = Throttle()
    for n in range(TRIES):
        throttle.count("jo", f"2001:db8::{n:x}", 0.0)
    assert throttle.wait("kim", "2001:db8::ffff", 1.0) > 0
    assert throttle.wait("kim", "2001:db8:0:1::1", 1.0) == 0


def test_what_is_remembered_is_bounded() -> None:
    throttle = Throttle()
    for n in range(30_000):
        throttle.count(f"guess{n}", f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", float(n))
    assert len(throttle._kept) <= 20_000


# Other sites' pages


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "https://evil.example",
        "http://127.0.0.1:8081",
        "https://127.0.0.1:8080",
        "http://127.0.0.1:8080.evil.example",
        "http://localhost:8080",
        "127.0.0.1:8080",
        "",
    ],
)
@pytest.mark.parametrize("path", ["/sign-in", "/sign-out", f"/conversations/{'0' * 32}/note"])
async def test_only_our_own_page_changes_anything(place: Place, path: str, origin: str | None) -> None:
    browser = await place.signed_in(place.jo)
    body = {"email": "jo@shop.example", "password": PASSWORD}
    assert problem(await browser.post(path, body, headers={"Origin": origin})) == (403, "csrf")
    assert (await browser.get("/me")).status_code == 200


@pytest.mark.parametrize("token", [None, "", "x", "é", "0" * 5000])
async def test_a_change_needs_the_sign_ins_own_token(place: Place, token: str | None) -> None:
    browser = await place.signed_in(place.jo)
    answer = await browser.http.post(
        "/api/console/sign-out",
        headers=[(b"origin", b"http://127.0.0.1:8080")]
        + ([(b"x-csrf-token", token.encode("latin-1"))] if token is not None else []),
    )
    assert problem(answer) == (403, "csrf")
    assert (await browser.get("/me")).status_code == 200


async def test_anothers_token_is_not_ones_own(place: Place) -> None:
    jo, kim = await place.signed_in(place.jo), await place.signed_in(place.kim)
    assert problem(await jo.post("/sign-out", headers={"X-CSRF-Token": kim.csrf})) == (403, "csrf")


# Accounts


async def test_one_address_has_one_account(place: Place) -> None:
    room = place.room
    with pytest.raises(SettingsError, match="already"):
        await add_agent(room.store, room.clock, room.random, "Jo@shop.example", "Jo", PASSWORD)


@pytest.mark.parametrize(
    ("email", "name", "password"),
    [
        ("jo", "Jo", PASSWORD),
        ("@shop.example", "Jo", PASSWORD),
        ("a@b@c", "Jo", PASSWORD),
        ("a\nb@c", "Jo", PASSWORD),
        ("new@shop.example", " ", PASSWORD),
        ("new@shop.example", "x" * 81, PASSWORD),
        ("new@shop.example", "Jo", "short"),
        ("new@shop.example", "Jo", "x" * 2000),
    ],
)
async def test_an_unfit_account_is_not_made(place: Place, email: str, name: str, password: str) -> None:
    room = place.room
    before = await room.store.read(Agents())
    with pytest.raises(SettingsError):
        await add_agent(room.store, room.clock, room.random, email, name, password)
    assert await room.store.read(Agents()) == before


async def test_setting_an_account_opens_it_under_the_new_password(place: Place) -> None:
    room = place.room
    browser = await place.signed_in(place.jo)
    await disable_agent(room.store, "jo@shop.example")
    set_to = await set_agent(
        room.store,
        room.clock,
        room.random,
        "jo@shop.example",
        "Joanna",
        "another password",
        "admin",
        passwords=place.passwords,
    )
    assert (set_to.id, set_to.name, set_to.role) == (place.jo.id, "Joanna", "admin")
    assert problem(await browser.get("/me")) == (401, "signed_out")
    assert (await place.browser().sign_in(place.jo, "another password")).status_code == 200


async def test_a_password_is_the_same_however_its_accents_are_typed(place: Place) -> None:
    hashed = await place.passwords.hash("caf\u00e9 au lait")
    assert await place.passwords.fits("cafe\u0301 au lait", hashed)
    assert not await place.passwords.fits("caf\ud800 au lait", hashed)
    assert not await place.passwords.fits("café au lait", "no hash at all")
