"""Which part of a text is a link, whatever language the text is in."""

import html
import re
import sys
import time

from hypothesis import given
from hypothesis import strategies as st

from quart_chat.view.filters import linked
from quart_chat.view.links import LONGEST, MOST, addresses

LINKS = """
# Scripts without spaces, before and after
日本語http://example.com/ | http://example.com/
请看https://example.com/a | https://example.com/a
смотриhttps://example.com | https://example.com
ดูhttps://example.com/aครับ | https://example.com/a
보세요https://example.com입니다 | https://example.com
보세요 https://example.com/a를 눌러 | https://example.com/a
https://example.com谢谢 | https://example.com
https://example.com:8000谢谢 | https://example.com:8000
https://example.com/a谢谢 | https://example.com/a
https://example.com/a?b=1谢谢 | https://example.com/a?b=1
https://example.com/aを見て | https://example.com/a
https://example.comпривет | https://example.com
éhttps://example.com/ | https://example.com/
链接:https://www.example.com | https://www.example.com
こちら→https://example.com | https://example.com
# Stops of every script
https://example.com/a?b=1，谢谢 | https://example.com/a?b=1
https://example.com。次の文 | https://example.com
https://example.com/foo。次の文 | https://example.com/foo
https://example.com/qux、続き | https://example.com/qux
https://example.com/a！好 | https://example.com/a
https://example.com/a？好 | https://example.com/a
https://example.com/a：好 | https://example.com/a
https://example.com/a；好 | https://example.com/a
https://example.com/a｡ | https://example.com/a
https://example.com/a؟ | https://example.com/a
https://example.com/a،ثم | https://example.com/a
https://example.com/a۔ | https://example.com/a
https://example.com/a। | https://example.com/a
https://example.com/a॥ | https://example.com/a
https://example.com/a։ | https://example.com/a
https://example.com/a። | https://example.com/a
https://example.com/a။ | https://example.com/a
https://example.com/a។ | https://example.com/a
https://example.com/a། | https://example.com/a
https://example.com/a… | https://example.com/a
https://example.com/a……好 | https://example.com/a
https://example.com/a—see | https://example.com/a
https://example.com—see | https://example.com
see https://example.com. | https://example.com
https://example.com, or | https://example.com
https://example.com/a?! | https://example.com/a
https://example.com/a; | https://example.com/a
https://example.com: | https://example.com
https://example.com/a: | https://example.com/a
https://example.com/a... | https://example.com/a
# Quotes and brackets of every language
“https://example.com/” | https://example.com/
„https://example.com/“ | https://example.com/
‘https://example.com/’ | https://example.com/
«https://example.com/» | https://example.com/
»https://example.com/« | https://example.com/
‹https://example.com/› | https://example.com/
"https://example.com/" | https://example.com/
'https://example.com/' | https://example.com/
'https://example.com/'s | https://example.com/
「https://example.com/」 | https://example.com/
『https://example.com/』 | https://example.com/
（https://example.com/）好 | https://example.com/
《https://example.com/》 | https://example.com/
【https://example.com/】 | https://example.com/
〔https://example.com/〕 | https://example.com/
［https://example.com/］ | https://example.com/
｢https://example.com/｣ | https://example.com/
＂https://example.com/＂ | https://example.com/
(https://example.com/watch?v=4K) | https://example.com/watch?v=4K
车库源码（http://src.example）与 | http://src.example
https://example.com/docs（说明） | https://example.com/docs
(https://example.com/a) | https://example.com/a
(https://example.com/a). | https://example.com/a
(https://example.com/a)。 | https://example.com/a
(https://example.com/)0 | https://example.com/
[https://example.com/a] | https://example.com/a
{https://example.com/a} | https://example.com/a
<https://example.com/a> | https://example.com/a
<https://example.com/a|words> | https://example.com/a
[words](https://example.com/a_(b)) | https://example.com/a_(b)
https://en.wikipedia.org/wiki/Set_(mathematics) | https://en.wikipedia.org/wiki/Set_(mathematics)
(https://en.wikipedia.org/wiki/Set_(mathematics)) | https://en.wikipedia.org/wiki/Set_(mathematics)
https://example.com/a[1]/b | https://example.com/a[1]/b
https://example.com/a( | https://example.com/a
# Marks of emphasis, code and tables
_https://example.com_ | https://example.com
_https://example.com/a_b_ | https://example.com/a_b
*https://example.com/a* | https://example.com/a
**https://example.com/a**b | https://example.com/a
~~https://example.com/a~~ | https://example.com/a
__https://example.com/a__ | https://example.com/a
||https://example.com/a|| | https://example.com/a
`https://example.com/a` | https://example.com/a
https://example.com/a`b | https://example.com/a
# Letters of every script are of the address
https://de.wikipedia.org/wiki/Übung | https://de.wikipedia.org/wiki/Übung
https://zh.wikipedia.org/wiki/中文 | https://zh.wikipedia.org/wiki/中文
https://ja.wikipedia.org/wiki/スティーブ・ジョブズ | https://ja.wikipedia.org/wiki/スティーブ・ジョブズ
https://ja.wikipedia.org/wiki/サクラ_(曖昧さ回避) | https://ja.wikipedia.org/wiki/サクラ_(曖昧さ回避)
https://ru.wikipedia.org/wiki/Чай_(напиток) | https://ru.wikipedia.org/wiki/Чай_(напиток)
https://fa.wikipedia.org/wiki/می\u200cخواهم | https://fa.wikipedia.org/wiki/می\u200cخواهم
https://hi.wikipedia.org/wiki/हिन्दी | https://hi.wikipedia.org/wiki/हिन्दी
https://example.com/?q=日本語&l=ja | https://example.com/?q=日本語&l=ja
https://en.wikipedia.org/wiki/Michelson–Morley_experiment | https://en.wikipedia.org/wiki/Michelson–Morley_experiment
https://bücher.example/ä#ö | https://bücher.example/ä#ö
https://пример.рф/а | https://пример.рф/а
https://उदाहरण.परीक्षा/ | https://उदाहरण.परीक्षा/
https://例え.テスト/ | https://例え.テスト/
https://i❤️.example/ | https://i❤️.example/
# Hosts, ports, and who
https://[::1]:8000/ | https://[::1]:8000/
https://[2001:db8::1] | https://[2001:db8::1]
https://[::ffff:192.0.2.1]/a. | https://[::ffff:192.0.2.1]/a
https://[nonsense]/ |
https://[::1 |
http://192.0.2.1:8080/a | http://192.0.2.1:8080/a
http://localhost:8000 | http://localhost:8000
https://example.com:65a | https://example.com
https://example.com.:8000/ | https://example.com.:8000/
https://user:word@example.com/a | https://user:word@example.com/a
https://my_host.example-a.com- | https://my_host.example-a.com
HTTPS://EXAMPLE.COM/A | HTTPS://EXAMPLE.COM/A
https://example.com?a | https://example.com?a
https://example.com/# | https://example.com/#
https://example.com/a?b=c&d=e;f=g%20h+i,j$k@l!m=* | https://example.com/a?b=c&d=e;f=g%20h+i,j$k@l!m=
https://example.com/css?family=A|B | https://example.com/css?family=A|B
https://example.com/it's/a | https://example.com/it's/a
https://web.archive.org/web/1/https://example.com/ | https://web.archive.org/web/1/https://example.com/
https://a.example/x,https://b.example/y | https://a.example/x https://b.example/y
https://a.example;https://b.example | https://a.example https://b.example
mailto:ana@example.org | mailto:ana@example.org
mailto:ana@example.org?subject=a%20b. | mailto:ana@example.org?subject=a%20b
mailto:ana@example.org. | mailto:ana@example.org
写信mailto:ana@example.org谢谢 | mailto:ana@example.org
# Pictures, and what nobody sees
https://example.com👍 | https://example.com
https://example.com/a👍🏽 | https://example.com/a
https://example.com/a👩\u200d💻! | https://example.com/a
https://example.com/a.🇩🇪 | https://example.com/a
https://example.com/👍 | https://example.com/👍
https://example.com/a\u202eb | https://example.com/a
https://example.com/a\u200bb | https://example.com/a
https://example.com/a\u3000b | https://example.com/a
https://example.com/a\u2028b | https://example.com/a
https://example.com/a\\nb | https://example.com/a
# None
xhttps://example.com |
1https://example.com |
httpſ://example.com |
https:// |
https://. |
https://— |
http:/example.com |
mailto:@example.org |
mailto:ana |
example.com |
ftp://example.com |
javascript:alert(1) |
"""
"""A text, and the addresses in it."""


def test_links_begin_and_end_where_people_mean_it() -> None:
    rows = [line for line in LINKS.split("\n") if line and not line.startswith("#")]
    assert len(rows) > 140
    wrong = []
    for row in rows:
        text, _, meant = (part.replace("\\\\n", "\\n") for part in row.rpartition(" |"))
        for around in ("{}", "see {} now", "{}\n{}"):
            whole = around.format(text, text)
            found = [whole[start:end] for start, end in addresses(whole)]
            if found != meant.split() * whole.count(text):
                wrong.append((around, text, meant.split(), found))
    assert not wrong, "\n".join(map(str, wrong))


HOSTILE = {
    "schemes": "http://",
    "hosts": "http://a.",
    "closers": "http://a.b/)",
    "openers": "http://a.b/[",
    "letters": "http://a.b/aあ",
    "lists": "http://a.b/,",
    "ports": "http://a:1",
    "people": "http://a@",
    "words": "http://" + "a" * 126 + "@",
    "pictures": "http://a.b/a👍",
    "stops": "http://a.b/a" + "." * 50,
    "quotes": "'http://a.b/a'",
    "stars": "**http://a.b/a*_~'|",
    "mails": "mailto:a",
    "nets": "http://[::",
    "dots": "a.",
    "marks": "http://a.b/a\u0301" + "\u0301" * 40,
    "never ending": "http://a.b/?",
}


def test_hostile_texts_are_searched_in_bounded_work() -> None:
    """In Python's own calls, which do not depend on how busy a machine is."""
    for name, unit in HOSTILE.items():
        for text in ((unit * 8000)[:8000], ("http://a.b/" + unit * 8000)[:8000]):
            calls = 0

            def count(*_: object) -> None:
                nonlocal calls
                calls += 1

            sys.setprofile(count)
            shown = linked(text)
            sys.setprofile(None)
            assert shown.count("<a ") <= MOST, name
            assert calls < 6 * len(text), (name, calls)


PIECES = """\
https:// http:// mailto: a.b / ?q= # @ [::1] [ ] ( ) あ ü न ि 🩷 👍🏽 . , ; :80 | ' ** _ < > " & &amp; “ ”
。 x1 % -"""
TRICKY = [*PIECES.split(), "\u200d", "\u202e", " ", "\n"]


@given(st.lists(st.sampled_from(TRICKY), max_size=40).map("".join))
def test_any_text_stays_as_it_is_and_links_are_what_they_say(text: str) -> None:
    shown = str(linked(text))
    assert html.unescape(re.sub("<[^>]*>", "", shown)) == text
    links = re.findall('<a href="([^"]*)" rel="[a-z ]*" target="_blank">([^<]*)</a>', shown)
    assert len(links) == shown.count("<a ")
    for target, words in links:
        assert target == words
        assert re.match("(https?://|mailto:)[^ <>\\s]+$", html.unescape(words))
        alone = html.unescape(words)
        assert [alone[start:end] for start, end in addresses(alone)] == [alone], ascii(text)


def test_longest_address() -> None:
    start = "https://example.org/"
    for length, links in ((LONGEST, 1), (LONGEST + 1, 0)):
        text = start + "x" * (length - len(start))
        assert linked(text).count("<a ") == links
        assert linked(f"{text} https://example.org").count("<a ") == links + 1


if __name__ == "__main__":
    for name, unit in HOSTILE.items():
        for text in ((unit * 8000)[:8000], ("http://a.b/" + unit * 8000)[:8000]):
            best = 9.0
            for _ in range(3):
                begun = time.perf_counter()
                linked(text)
                best = min(best, time.perf_counter() - begun)
            print(f"{best * 1000:7.2f} ms  {name}")
