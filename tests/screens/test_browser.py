"""The app in a real Chromium: the analyst's way through it, with every request to the outside failed, and none even tried."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from hakyu.case import Case
from tests.screens import browser as chromium
from tests.screens import organisation
from tests.screens.organisation import ATTACKER, EVIL_CORRESPONDENT, FROM, HOSTILE, UNTIL, WHO

pytestmark = pytest.mark.xdist_group("chromium")
# Number of pixels of the picture's canvas that are neither white nor the grey of the rings, and of them in each quarter.
_DRAWN = """(canvas) => {
  const { width, height } = canvas, pixels = canvas.getContext('2d').getImageData(0, 0, width, height).data, quarters = [0, 0, 0, 0];
  for (let i = 0; i < pixels.length; i += 4) {
    const [r, g, b, a] = pixels.slice(i, i + 4), x = (i / 4) % width, y = Math.floor(i / 4 / width);
    if (a > 128 && Math.min(r, g, b) < 200) quarters[(x < width / 2 ? 0 : 1) + (y < height / 2 ? 0 : 2)]++;
  }
  return quarters;
}"""


@pytest.fixture(scope="module")
def running() -> Iterator[Browser]:
    with chromium.browser() as found:
        yield found


@pytest.fixture(scope="module")
def address(small_case) -> Iterator[str]:
    with chromium.server(small_case) as found:
        yield found


@pytest.fixture(scope="module")
def answer(small_case):
    case = Case(small_case, {})
    yield case.blast(WHO, FROM, UNTIL)
    case.close()


@pytest.fixture(autouse=True)
def no_request_leaves_the_page(request) -> Iterator[None]:
    yield
    for seen in request.node.stash.get(_VISITS, []):
        assert seen.outside == []
        assert seen.errors == []
        assert len(seen.inside) > 10


_VISITS = pytest.StashKey[list[chromium.Visit]]()


@pytest.fixture
def visit(running, address, request):
    """Opens the app; what the visit did is examined when the test is over."""
    open_ = []

    def opened(at=address, **options):
        context = chromium.visit(running, at, **options)
        seen = context.__enter__()
        open_.append(context)
        request.node.stash.setdefault(_VISITS, []).append(seen)
        return seen

    yield opened
    for context in open_:
        context.__exit__(None, None, None)


def ask(seen, who=WHO):
    """As an analyst does it: type who it was, set the window, press the button."""
    box = seen.page.get_by_role("combobox", name="Compromised account")
    box.click()
    box.fill(who)
    box.press("Enter")
    for label, date in (("Held from (UTC)", "20221001"), ("Held until (UTC)", "20230614")):
        field = seen.page.get_by_test_id("stDateTimeInput").filter(has_text=label)
        field.get_by_role("spinbutton").first.focus()
        seen.page.keyboard.type(date)
        seen.page.keyboard.press("Escape")  # a calendar may have opened over the next field
    seen.press(seen.page.get_by_role("button", name="Show", exact=True))
    expect(seen.page.get_by_text("2022-10-01 00:00 until 2023-06-14 00:00")).to_be_visible(timeout=120_000)
    seen.settled()


def number(seen, label):
    card = seen.page.locator(".hk-card", has=seen.page.locator("span", has_text=re.compile(f"^{label}$")))
    return int(card.locator("b").inner_text().replace(",", ""))


def picture(seen):
    return seen.page.frame_locator('[data-testid="stIFrame"]')


def drawn(seen):
    canvas = picture(seen).locator("canvas")
    canvas.wait_for()
    seen.page.wait_for_timeout(500)
    return canvas.evaluate(_DRAWN)


def test_an_analyst_gets_from_the_first_screen_to_the_way_of_a_node(visit, answer):
    seen = visit()
    expect(seen.page.get_by_text("Choose the compromised account on the left")).to_be_visible()
    ask(seen)
    for row in answer["counts"]:
        assert number(seen, {"Mailbox": "Mailboxes"}.get(row["kind"], f"{row['kind']}s")) == row["reached"]
    assert all(pixels > 100 for pixels in drawn(seen)), "every quarter of the picture has nodes or names"
    table = seen.page.get_by_test_id("stDataFrame").first
    table.scroll_into_view_if_needed()
    before = seen.page.locator(".hk-way").inner_text()
    corner = table.bounding_box()
    wanted = next(n for n, row in enumerate(answer["reached"]) if row["way"] and row["way"][-1]["sentence"] not in before)
    seen.page.mouse.click(corner["x"] + 16, corner["y"] + 35 * (wanted + 1) + 17)
    expect(seen.page.locator(".hk-way")).to_contain_text(answer["reached"][wanted]["way"][-1]["sentence"])
    expect(seen.page.locator(".hk-way .place").last).to_contain_text("exports/")


def test_a_click_on_a_cell_of_a_row_shows_its_way_too(visit, answer):
    seen = visit()
    ask(seen)
    table = seen.page.get_by_test_id("stDataFrame").first
    table.scroll_into_view_if_needed()
    corner = table.bounding_box()
    seen.page.mouse.click(corner["x"] + 160, corner["y"] + 35 + 17)
    expect(seen.page.locator(".hk-way")).to_contain_text(answer["reached"][0]["way"][-1]["sentence"])
    seen.settled()
    seen.page.mouse.click(corner["x"] + 16, corner["y"] + 35 * 3 + 17)
    expect(seen.page.locator(".hk-way")).to_contain_text(answer["reached"][2]["way"][-1]["sentence"])
    seen.settled()
    seen.page.mouse.click(corner["x"] + 160, corner["y"] + 35 * 4 + 17)
    expect(seen.page.locator(".hk-way")).to_contain_text(answer["reached"][3]["way"][-1]["sentence"])


def test_correspondents_are_shown_by_country(visit, answer):
    seen = visit()
    ask(seen)
    seen.press(seen.page.get_by_test_id("stTopNavLink").filter(has_text="Correspondents"))
    expect(seen.page.get_by_text("By country")).to_be_visible()
    seen.settled()
    assert number(seen, "Persons") == answer["disclosed"]["at_rest"]["persons"]
    table = seen.page.get_by_test_id("stDataFrame").first.locator("table")
    assert "Germany" in table.inner_text() and EVIL_CORRESPONDENT in seen.page.get_by_test_id("stDataFrame").nth(2).locator("table").inner_text()


def test_the_page_turns_japanese_and_begins_so_for_a_japanese_browser(visit):
    seen = visit()
    ask(seen)
    seen.press(seen.page.get_by_text("日本語"))
    expect(seen.page.get_by_text("どこまで届くか")).to_be_visible()
    expect(picture(seen).locator("#legend")).to_contain_text("メールボックス")
    profiles = seen.page.get_by_role("radiogroup", name="想定する手口").get_by_role("radio")
    expect(profiles.nth(1)).to_be_checked()  # the choice outlives the language
    seen.press(seen.page.get_by_role("button", name="表示", exact=True))
    expect(seen.page.get_by_text("どこまで届くか")).to_be_visible()
    japanese = visit(locale="ja-JP")
    expect(japanese.page.get_by_text("左で侵害されたアカウントを選びます")).to_be_visible()


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_a_hostile_name_is_only_text(visit, name):
    seen = visit()
    ask(seen, f"account:{name}")
    expect(seen.page.locator(".hk-title")).to_have_text(" ".join(HOSTILE[name].split()))
    assert sum(drawn(seen)) > 100
    assert picture(seen).locator("script").count() == 2
    for page in (seen.page, picture(seen)):
        assert page.locator("img[src=x], a[href^=javascript], [onerror]").count() == 0


def test_downloads_are_quoted_in_what_the_browser_saves(visit):
    seen = visit()
    ask(seen)
    seen.press(seen.page.get_by_test_id("stTopNavLink").filter(has_text="Correspondents"))
    expect(seen.page.get_by_text("Everyone disclosed")).to_be_visible()
    seen.settled()
    with seen.page.expect_download() as saved:
        seen.press(seen.page.get_by_role("button", name="Download CSV").last)
    text = saved.value.path().read_text(encoding="utf-8-sig")
    assert "'=HYPERLINK" in text and not re.search(r'(^|,)"?=', text, re.MULTILINE)


def test_nothing_is_cut_off_in_a_narrow_window(visit):
    seen = visit(width=900)
    ask(seen)
    assert all(pixels > 30 for pixels in drawn(seen))
    wide = seen.page.get_by_test_id("stMain").evaluate("(main) => main.scrollWidth - main.clientWidth")
    assert wide <= 1
    assert seen.page.get_by_text("The way to", exact=True).bounding_box()["width"] > 0
    table = seen.page.get_by_test_id("stDataFrame").first.bounding_box()
    assert table["width"] > 400, "the table has the whole width"


def go(seen, page):
    seen.press(seen.page.get_by_test_id("stTopNavLink").filter(has_text=page))
    seen.page.wait_for_timeout(300)
    seen.settled()


def levels(seen, label):
    """level -> number of a card."""
    card = seen.page.locator(".hk-card", has=seen.page.locator("span", has_text=re.compile(f"^{label}$")))
    lines = [line.inner_text().split("\n") for line in card.locator(".hk-levels > div").all()]
    return {line[0].split(" ", 1)[1]: int(line[-1]) for line in lines}


def test_a_sign_typed_in_confirms_what_its_records_show_and_is_taken_back(visit, tmp_path):
    with chromium.server(organisation.case_with_logs(tmp_path)) as own:
        seen = visit(own)
        ask(seen)
        assert levels(seen, "Mailboxes")["CONFIRMED"] == 0 < levels(seen, "Mailboxes")["INDICATED"]
        expander = seen.page.get_by_test_id("stExpander").filter(has_text="Signs of the attacker")
        seen.press(expander.locator("summary"))
        expander.get_by_label("Value").fill(ATTACKER)
        seen.press(expander.get_by_role("button", name="Mark as the attacker's"))
        expect(seen.page.get_by_text("The attacker elsewhere (1)")).to_be_visible(timeout=60_000)
        seen.settled()
        assert levels(seen, "Mailboxes")["CONFIRMED"] == 2
        for mark in (".whole", ".seen", ".horizon"):
            expect(seen.page.locator(f".hk-logs {mark}").first).to_be_visible()
        inside = seen.page.locator(".hk-cards").evaluate("(all) => [...all.querySelectorAll('.hk-card')].every((card) => card.scrollWidth <= card.clientWidth + 1)")
        assert inside, "no level runs out of its card"
        seen.press(seen.page.get_by_role("button", name="Take back"))
        expect(seen.page.get_by_text("The attacker elsewhere (0)")).to_be_visible(timeout=60_000)
        seen.settled()
        assert levels(seen, "Mailboxes")["CONFIRMED"] == 0


def test_ticked_actions_show_what_is_left(visit):
    seen = visit()
    ask(seen)
    go(seen, "Contain")
    expect(seen.page.get_by_text("The order of the clean-up")).to_be_visible(timeout=60_000)
    before = number(seen, "Held then")
    boxes = seen.page.get_by_test_id("stMain").get_by_test_id("stCheckbox")
    assert boxes.first.locator("img, a, b").count() == 0
    seen.press(boxes.first.locator("label"))
    seen.press(seen.page.get_by_role("button", name="Show what is left"))
    expect(boxes.first).to_contain_text("ticked", timeout=60_000)
    seen.settled()
    assert number(seen, "Left after the ticked actions") < before == number(seen, "Held then")


def test_a_row_of_the_ranking_opens_that_accounts_blast_radius(visit, small_case):
    seen = visit()
    ask(seen)
    go(seen, "Ranking")
    seen.press(seen.page.get_by_role("button", name="Work out the ranking"))
    expect(seen.page.get_by_text("What most accounts reach")).to_be_visible(timeout=60_000)
    seen.settled()
    case = Case(small_case, {})
    wanted = case.rank(FROM, UNTIL)["accounts"][1]
    expected = case.blast(wanted["key"], FROM, UNTIL)
    case.close()
    corner = seen.page.get_by_test_id("stDataFrame").first.bounding_box()
    seen.page.mouse.click(corner["x"] + 16, corner["y"] + 35 * 2 + 17)
    expect(seen.page.get_by_text("How far it reaches")).to_be_visible(timeout=60_000)
    seen.settled()
    expect(seen.page.locator(".hk-title")).to_have_text(expected["seeds"][0]["name"])
    assert number(seen, "Mailboxes") == next(row["reached"] for row in expected["counts"] if row["kind"] == "Mailbox")


def test_the_curve_is_drawn_and_all_ways_are_shown(visit):
    seen = visit()
    ask(seen)
    single = seen.page.locator(".hk-way > li").count()
    seen.press(seen.page.get_by_test_id("stCheckbox").filter(has_text="All ways").locator("label").first)
    expect(seen.page.get_by_text(re.compile("steps over .* things are on some way"))).to_be_visible(timeout=60_000)
    seen.settled()
    assert seen.page.locator(".hk-way > li").count() >= 1 <= single
    assert sum(drawn(seen)) > 100
    expander = seen.page.get_by_test_id("stExpander").filter(has_text="Exposure over time")
    seen.press(expander.locator("summary"))
    seen.press(expander.get_by_test_id("stCheckbox").filter(has_text="Work out the curve").locator("label").first)
    chart = expander.get_by_test_id("stVegaLiteChart")
    expect(chart).to_be_visible(timeout=60_000)
    line = chart.locator(".mark-line path").first
    line.wait_for()
    assert line.bounding_box()["width"] > 300 and line.bounding_box()["height"] > 30, "the curve climbs over the whole width"
