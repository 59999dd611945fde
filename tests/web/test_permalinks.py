"""Pages around a message, and on from there."""

import asyncio

from tests.people import Person
from tests.web.page import Page
from tests.web.test_history import ids, positions, write


async def test_page_around_a_message_goes_on_to_both_ends_and_shows_each_once(alice: Person, room: str) -> None:
    await write(alice, room, 130)
    target = ids(Page((await alice.client.get(f"/rooms/{room}/messages?before=62")).text))[-1]

    page = Page((await alice.client.get(f"/rooms/{room}?message={target}")).text)
    assert (len(ids(page)), ids(page).index(target), positions(page)) == (50, 25, [*range(36, 86)])
    for path in ("/rooms/{}", "/rooms/{}/messages"):
        on = positions(page)
        while True:
            answer = await alice.client.get(f"{path.format(room)}?after={on[-1]}")
            more = Page(answer.text)
            on += positions(more)
            links = [link.attributes["href"] for link in more.all("a") if "?after=" in (link.attributes["href"] or "")]
            if not links:
                break
            assert links == [f"?after={on[-1]}"]
        assert on == [*range(36, 131)], path
    older = Page((await alice.client.get(f"/rooms/{room}{page.by_id('older').attributes['href']}")).text)
    assert positions(older) == [*range(1, 36)]


async def test_page_around_a_message_is_bounded_in_bytes_too(alice: Person, room: str) -> None:
    posted = await asyncio.gather(*(alice.post_message("&" * 8000, room=room) for _ in range(20)))
    middle = posted[10].message_id
    for query in (f"message={middle}", "after=0", "after=5", "before=15"):
        answer = await alice.client.get(f"/rooms/{room}?{query}")
        assert len(answer.text) < 600_000, query
        if query.startswith("message"):
            assert middle in ids(Page(answer.text))


async def test_link_to_a_message_that_is_not_there_says_so_and_leads_to_the_room(
    alice: Person, bob: Person, room: str
) -> None:
    deleted = await alice.post_message("plover", room=room)
    elsewhere = await alice.post_message("hello")
    await alice.delete_message(deleted.message_id, room=room)
    for number in (deleted.message_id, elsewhere.message_id, 999_999, 10**18 - 1):
        for path in (f"/rooms/{room}?message={number}", f"/rooms/{room}/messages/{number}"):
            answer = await bob.client.get(path)
            page = Page(answer.text)
            assert (answer.status_code, answer.headers["Chat-Error"]) == (404, "message_not_found"), path
            assert page.alert == "This message does not exist, or it has been deleted."
            assert page.all("a", href=f"/rooms/{room}")
            assert "plover" not in answer.text
    nowhere = await bob.client.get("/rooms/nowhere?message=1")
    assert (nowhere.status_code, nowhere.headers["Chat-Error"]) == (404, "room_not_found")


async def test_deleting_without_a_script_asks_first(alice: Person, mallory: Person, room: str) -> None:
    posted = await alice.post_message("still here", room=room)
    await mallory.post_message("hello", room=room)
    path = f"/rooms/{room}/messages/{posted.message_id}"
    page = Page((await alice.client.get(path)).text)
    assert not page.all("form", method="post", action=f"{path}/deletion")
    assert page.all("form", method="get", action=f"{path}/deletion")
    asked = await alice.client.get(f"{path}/deletion")
    assert "cannot be undone" in asked.text
    assert Page(asked.text).all("a", href=path), "and can be kept"
    assert "still here" in Page((await alice.client.get(f"/rooms/{room}")).text).texts, "asking deletes nothing"
    assert (await mallory.client.get(f"{path}/deletion")).status_code == 403
    (form,) = Page(asked.text).all("form")
    answer = await alice.send(form.attributes["action"] or "", htmx=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/rooms/{room}")
    assert "still here" not in Page((await alice.client.get(f"/rooms/{room}")).text).texts
