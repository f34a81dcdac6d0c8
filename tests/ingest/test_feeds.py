import pytest

RSS = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>
<title>Pellow Post</title><language>en-gb</language>
<item>
  <title>Ferries &amp;amp; trains</title><link>https://post.example/1</link><guid>post-1</guid>
  <pubDate>Thu, 17 Apr 2031 12:00:00 +0200</pubDate><author>ada@post.example (Ada Wien)</author>
  <category>harbour</category><description>Short.</description>
  <content:encoded><![CDATA[<p>The ferries <b>stay</b>.</p><script>track()</script>
    <ul><li>No bridge.</li></ul>Read on Monday.<!-- ad -->]]></content:encoded>
</item>
<item><title>Two</title><link>https://post.example/2</link>
  <description>A summary &lt;i&gt;only&lt;/i&gt;.</description></item>
<item><title>Three</title><guid>post-3</guid></item>
</channel></rss>"""

ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="de">
<title type="html">Anseler &lt;b&gt;Bote&lt;/b&gt;</title>
<entry><id>tag:bote,1</id><title>Eins</title><link href="https://bote.example/1"/>
<updated>2031-04-17</updated><summary>kurz</summary>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Die Fähren</p>
<p>bleiben.</p></div></content>
</entry></feed>"""


def test_each_entry_of_an_rss_feed_is_an_article(read, tmp_path) -> None:
    (tmp_path / "a.rss").write_text(RSS)

    result = read("a.rss")

    first, second = result.rows
    assert first["text"] == "The ferries stay.\n\nNo bridge.\n\nRead on Monday."
    assert (first["id"], first["title"]) == ("post-1", "Ferries & trains")
    assert (first["outlet"], first["language"]) == ("Pellow Post", "en-gb")
    assert first["published"] == "2031-04-17T10:00:00+00:00"
    assert (first["url"], first["place"]) == ("https://post.example/1", 1)
    assert '"tags":["harbour"]' in first["extra"]
    assert (second["text"], second["id"], second["place"]) == (
        "A summary only.", "https://post.example/2", 2,
    )  # fmt: skip
    assert result.reasons == [(3, "'text' is null")]


def test_each_entry_of_an_atom_feed_is_an_article(read, tmp_path) -> None:
    (tmp_path / "a.xml").write_text(ATOM)

    (row,) = read("a.xml").rows

    assert row["text"] == "Die Fähren\n\nbleiben."
    assert (row["id"], row["outlet"]) == ("tag:bote,1", "Anseler Bote")
    assert (row["published"], row["url"]) == ("2031-04-17", "https://bote.example/1")


@pytest.mark.parametrize("charset", ["iso-8859-1", "utf-16", "windows-1252"])
def test_a_feed_is_read_in_its_character_set(charset: str, read, tmp_path) -> None:
    declared = f'<?xml version="1.0" encoding="{charset}"?>{ATOM}'
    (tmp_path / "a.atom").write_bytes(declared.encode(charset))

    assert read("a.atom").texts == ["Die Fähren\n\nbleiben."]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "not an RSS or Atom feed"),
        ("<html><body><p>Page</p></body></html>", "not an RSS or Atom feed"),
        ('<rss version="2.0"><channel><title>x</title></channel></rss>', "the feed has no entries"),
    ],
)
def test_what_is_no_feed_is_a_reject(content: str, reason: str, read, tmp_path) -> None:
    (tmp_path / "a.xml").write_text(content)

    assert read("a.xml").reasons == [(1, reason)]


def test_a_feed_that_is_not_well_formed_is_read_as_far_as_it_goes(read, tmp_path) -> None:
    (tmp_path / "a.rss").write_text(RSS.replace("</channel></rss>", "").replace("&amp;amp;", "&"))

    assert [row["title"] for row in read("a.rss").rows] == ["Ferries & trains", "Two"]
