"""The stream as a reader gets it."""

from tests.people import Fragment, Person
from tests.serving import Server


async def test_message_reaches_a_listening_reader(alice: Person, bob: Person) -> None:
    async with bob.listen() as stream:
        await alice.post_message("hello")
        event = await stream.next("message")
    assert Fragment(event.data).text == "hello"


async def test_stop_says_farewell_and_exits_cleanly(server: Server, bob: Person) -> None:
    async with bob.listen() as stream:
        code = await server.stop()
        farewell = (await stream.rest())[-1]
    assert (code, farewell.type) == (0, "farewell")
