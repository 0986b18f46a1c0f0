"""The resolving chain: each rule, its place in the order, and what it must never do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.matching.sidecar import NOW, Sidecar, entry
from tomed.model import BookId
from tomed.store import aliases

MD5 = "0123456789abcdef0123456789abcdef"
OTHER_MD5 = "f" * 32
UUID_A = "11111111-1111-4111-8111-111111111111"
UUID_B = "22222222-2222-4222-8222-222222222222"


@pytest.fixture
def sidecar(tmp_path: Path) -> Sidecar:
    return Sidecar(tmp_path)


@pytest.fixture
def pair(sidecar: Sidecar) -> tuple[BookId, BookId]:
    """Two different books, A and B."""
    a, b = sidecar.put(
        entry("Salt Roads", "Ada Quill", calibre_id=1, uuid=UUID_A),
        entry("Paper Moons", "Bram Oduya", calibre_id=2, uuid=UUID_B),
    )
    return a, b


class TestUuid:
    @pytest.mark.parametrize(
        "identifiers",
        [
            f"calibre:{UUID_A}",
            f"uuid:{UUID_A}",
            f"urn:uuid:{UUID_A}",
            UUID_A,
            UUID_A.upper(),
            f"isbn:9780000000000\nuuid:33333333-3333-4333-8333-333333333333\ncalibre:{UUID_A}",
            f"calibre:{UUID_A}\nuuid:33333333-3333-4333-8333-333333333333\nisbn:9780000000000",
        ],
    )
    def test_ours_in_any_writing_and_order(
        self, sidecar: Sidecar, pair: tuple[BookId, BookId], identifiers: str
    ) -> None:
        """A uuid of ours is found among the identifiers wherever it stands; a stranger's is passed over."""
        assert sidecar.ask("whatever.epub", identifiers=identifiers) == ("uuid", pair[0])

    @pytest.mark.parametrize("identifiers", [f"x{UUID_A}0", "calibre:1", "uuid:", "\0\n:\n", UUID_A[:-1]])
    def test_nothing_else_is_a_uuid(self, sidecar: Sidecar, pair: tuple[BookId, BookId], identifiers: str) -> None:
        """A Calibre number or a piece of a uuid names nothing."""
        assert sidecar.ask("whatever.epub", identifiers=identifiers)[0] == "no_match"

    def test_two_of_ours(self, sidecar: Sidecar, pair: tuple[BookId, BookId]) -> None:
        """Two uuids of ours in one file are two candidates, and the name may decide between them."""
        both = f"calibre:{UUID_A}\nuuid:{UUID_B}"
        assert sidecar.ask("x.epub", identifiers=both) == ("ambiguous", set(pair))
        assert sidecar.ask("Paper Moons - Bram Oduya.epub", identifiers=both) == ("name", pair[1])

    def test_merged_away(self, sidecar: Sidecar, pair: tuple[BookId, BookId]) -> None:
        """The uuid of a book that was merged into another leads to that one."""
        aliases.remember_uuid(sidecar.connection, UUID_B.replace("2", "4").upper(), pair[0])
        assert sidecar.ask("x.epub", identifiers=f"calibre:{UUID_B.replace('2', '4')}") == ("uuid", pair[0])

    def test_what_the_device_says_comes_first(self, sidecar: Sidecar, pair: tuple[BookId, BookId]) -> None:
        """A told book_uuid of ours decides; an unknown one is no error, the other clues still speak."""
        assert sidecar.ask("Paper Moons - Bram Oduya.epub", book_uuid=UUID_A) == ("book_uuid", pair[0])
        assert sidecar.ask("Paper Moons - Bram Oduya.epub", book_uuid="nonsense") == ("name", pair[1])


class TestHash:
    def test_one_owner(self, sidecar: Sidecar, pair: tuple[BookId, BookId]) -> None:
        """A hash that one book has decides before an embedded uuid: a re-imported file carries its old record's."""
        aliases.remember(sidecar.connection, "md5", MD5, pair[0], "library")
        assert sidecar.ask("Paper Moons - Bram Oduya.epub", partial_md5=MD5) == ("md5", pair[0])
        assert sidecar.ask("x.epub", partial_md5=MD5.upper(), identifiers=f"uuid:{UUID_B}") == ("md5", pair[0])

    def test_two_owners(self, sidecar: Sidecar, pair: tuple[BookId, BookId]) -> None:
        """Bytes that two books share name neither; the uuid, then the name, may decide between the two and no third."""
        (third,) = sidecar.put(entry("Third", "Somebody", calibre_id=3))
        for book in pair:
            aliases.remember(sidecar.connection, "md5", MD5, book, "library")
        assert sidecar.ask("x.epub", partial_md5=MD5) == ("ambiguous", set(pair))
        assert sidecar.ask("x.epub", partial_md5=MD5, identifiers=f"uuid:{UUID_B}") == ("uuid", pair[1])
        assert sidecar.ask("Salt Roads - Ada Quill.epub", partial_md5=MD5) == ("name", pair[0])
        assert sidecar.ask("Third - Somebody.epub", partial_md5=MD5) == ("ambiguous", set(pair))
        assert third not in pair

    def test_what_a_device_taught_yields(self, sidecar: Sidecar, pair: tuple[BookId, BookId]) -> None:
        """A learned hash finds a renamed file, but never outweighs a uuid, a name or the library's own bytes."""
        aliases.learn_hash(sidecar.connection, MD5, pair[0], "name")
        assert sidecar.ask("renamed.epub", partial_md5=MD5) == ("md5", pair[0])
        assert sidecar.ask("renamed.epub", partial_md5=MD5, identifiers=UUID_B) == ("uuid", pair[1])
        assert sidecar.ask("Paper Moons - Bram Oduya.epub", partial_md5=MD5) == ("name", pair[1])
        aliases.remember(sidecar.connection, "md5", MD5, pair[1], "library")
        assert sidecar.ask("renamed.epub", partial_md5=MD5) == ("md5", pair[1])

    @pytest.mark.parametrize("word", ["link", "title", "series", "md5"])
    def test_what_teaches_nobody(self, sidecar: Sidecar, pair: tuple[BookId, BookId], word: str) -> None:
        """One person's link and weaker rules make no hash a name for everybody."""
        aliases.learn_hash(sidecar.connection, MD5, pair[0], word)
        assert sidecar.ask("renamed.epub", partial_md5=MD5)[0] == "no_match"

    @pytest.mark.parametrize("md5", ["", "0" * 31, "g" * 32, MD5 + "0", "%", "'"])
    def test_no_hash(self, sidecar: Sidecar, pair: tuple[BookId, BookId], md5: str) -> None:
        """What is no hash is not looked up."""
        aliases.remember(sidecar.connection, "md5", md5, pair[0], "library")
        assert sidecar.ask("x.epub", partial_md5=md5)[0] == "no_match"


class TestName:
    def test_extension_decides_between_namesakes(self, sidecar: Sidecar) -> None:
        """Two books of one name: the one that has such a file; both when both have it, or neither."""
        a, b, c = sidecar.put(
            entry("Same", "Ada Quill", calibre_id=1, formats=("EPUB",)),
            entry("Same", "Ada Quill", calibre_id=2, formats=("PDF",)),
            entry("Same", "Ada Quill", calibre_id=3, formats=("PDF",)),
        )
        assert sidecar.ask("Same - Ada Quill.epub") == ("name", a)
        assert sidecar.ask("Same - Ada Quill.kepub.epub") == ("name", a)
        assert sidecar.ask("Same - Ada Quill.pdf") == ("ambiguous", {b, c})
        assert sidecar.ask("Same - Ada Quill.mobi") == ("ambiguous", {a, b, c})
        assert sidecar.ask("Same - Ada Quill") == ("ambiguous", {a, b, c})

    def test_what_blurs_on_the_way(self, sidecar: Sidecar) -> None:
        """Case, composed letters, a copy's number, an unusual ending: still the same name."""
        (book,) = sidecar.put(entry("Nächte: Über", "Jürgen Groß", file="Nachte_ Uber - Jurgen Gross", calibre_id=500))
        for name in (
            "nachte_ uber - jurgen gross.EPUB",
            "Nachte_ Uber - Jurgen Gross (1).epub",
            "Nachte_ Uber - Jurgen Gross(2).epub",
            "Nachte_ Uber - Jurgen Gross - Copy.epub",
            "Nachte_ Uber - Jurgen Gross.kepub.epub",
            "Na\u0308chte_ U\u0308ber - Ju\u0308rgen Groß.epub",
            "/mnt/onboard/books/Jürgen Groß - Nächte_ Über.epub",
        ):
            assert sidecar.ask(name) == ("name", book), name

    def test_number_of_a_copy_or_of_a_volume(self, sidecar: Sidecar) -> None:
        """Behind the author a number counts copies; behind the title it might be a volume, and is not passed over."""
        (book,) = sidecar.put(entry("Moonrail", "Kei Arai", calibre_id=500))
        assert sidecar.ask("Moonrail - Kei Arai (2).epub") == ("name", book)
        assert sidecar.ask("Kei Arai - Moonrail (2).epub") == ("no_match", [book])
        assert sidecar.ask("Kei Arai - Moonrail_2.epub") == ("no_match", [book])
        assert sidecar.ask("Kei Arai - Moonrail 2.epub") == ("no_match", [book])

    def test_signs_are_data(self, sidecar: Sidecar) -> None:
        """``%`` and ``_`` stand for themselves, quotes end nothing."""
        (percent, anything, quote) = sidecar.put(
            entry("100%", "Per Cent", calibre_id=1),
            entry("100 Percent", "Per Cent", calibre_id=2),
            entry("O'Hara\"; DROP TABLE books;--", "Bobby", calibre_id=3),
        )
        assert sidecar.ask("100% - Per Cent.epub") == ("name", percent)
        assert sidecar.ask("100 Percent - Per Cent.epub") == ("name", anything)
        assert sidecar.ask("Bobby - O'Hara_; DROP TABLE books;--.epub") == ("name", quote)
        for name in ("%.epub", "_%_.epub", "%", "_", "1__ - Per Cent.epub", "* - Per Cent.epub", "' OR 1=1 --.epub"):
            assert sidecar.ask(name)[0] == "no_match", name

    def test_piece_of_a_title_is_nobody(self, sidecar: Sidecar) -> None:
        """``It`` is not the Italian job, and a short title does not swallow longer names."""
        sidecar.put(entry("The Italian Job", "Ada Quill", calibre_id=1), entry("It", "Stephan Rex", calibre_id=2))
        assert sidecar.ask("It.epub")[0] == "no_match"
        assert sidecar.ask("Italian.epub")[0] == "no_match"
        assert sidecar.ask("It Came Back - Stephan Rex.epub")[0] == "no_match"
        assert sidecar.ask("It - Somebody Else.epub")[0] == "no_match"

    def test_old_owner_and_new_owner(self, sidecar: Sidecar) -> None:
        """A name that was one book's and is now another's is ambiguous, unless Calibre no longer lists the old one."""
        (a,) = sidecar.put(entry("First Words", "Ada Quill", calibre_id=1))
        sidecar.put(entry("Last Words", "Ada Quill", calibre_id=1))
        (b,) = sidecar.put(entry("First Words", "Ada Quill", calibre_id=2))
        assert sidecar.ask("First Words - Ada Quill.epub") == ("ambiguous", {a, b})
        sidecar.lose(a)
        assert sidecar.ask("First Words - Ada Quill.epub") == ("name", b)
        assert sidecar.ask("Last Words - Ada Quill.epub") == ("name", a), "a lost book keeps its own files"

    def test_download_decides_between_namesakes(self, sidecar: Sidecar) -> None:
        """Whoever took a file from us has that one, not its namesake; another person's download says nothing."""
        a, b = sidecar.put(entry("Same", "Ada Quill", calibre_id=1), entry("Same", "Ada Quill", calibre_id=2))
        ann, ben = sidecar.person("ann"), sidecar.person("ben")
        aliases.remember_download(sidecar.connection, ann, "Same - Ada Quill.epub", b, NOW)
        assert sidecar.ask("/books/Same - Ada Quill.epub", user_id=ann) == ("download", b)
        assert sidecar.ask("Same - Ada Quill.epub", user_id=ben) == ("ambiguous", {a, b})
        aliases.remember(sidecar.connection, "md5", MD5, a, "library")
        assert sidecar.ask("Same - Ada Quill.epub", user_id=ann, partial_md5=MD5) == ("md5", a), "the bytes know better"
        aliases.remember_download(sidecar.connection, ann, "Same - Ada Quill.epub", a, NOW)
        assert sidecar.ask("Same - Ada Quill.epub", user_id=ann) == ("ambiguous", {a, b})

    def test_path_of_metadata_calibre(self, sidecar: Sidecar, pair: tuple[BookId, BookId]) -> None:
        """A path that a device's Calibre list told is remembered, wherever the device's books lie."""
        aliases.remember_path(sidecar.connection, "Quill, Ada/odd name.epub", pair[0])
        assert sidecar.ask("/mnt/onboard/Quill, Ada/odd name.epub") == ("path", pair[0])
        assert sidecar.ask("odd name.epub")[0] == "no_match"


class TestNumber:
    def test_needs_a_witness(self, sidecar: Sidecar) -> None:
        """The number Calibre wrote is of one library: title or author must agree."""
        (book,) = sidecar.put(entry("The Salt Roads", "Ada Quill", calibre_id=42))
        assert sidecar.ask("The Salt Roads - Ada Quill_42.epub") == ("id", book)
        assert sidecar.ask("The Salt Roads - A. Q._42.epub") == ("id", book)
        assert sidecar.ask("Older Title - Ada Quill_42.epub") == ("id", book)
        assert sidecar.ask("Dune - Frank Herbert_42.epub") == ("no_match", [book])
        assert sidecar.ask("The Salt - Somebody_42.epub")[0] == "no_match"
        assert sidecar.ask("_42.epub")[0] == "no_match"
        assert sidecar.ask("42.epub")[0] == "no_match"

    def test_author_is_no_witness_for_another_title(self, sidecar: Sidecar) -> None:
        """The number of one book on the name of another by the same author is believed for neither."""
        a, b = sidecar.put(
            entry("Salt Roads", "Ada Quill", calibre_id=1), entry("Paper Moons", "Ada Quill", calibre_id=2)
        )
        assert sidecar.ask("Salt Roads - Ada Quill_2.epub") == ("title", a)
        assert sidecar.ask("Paper Moons - Ada Quill (1).epub") == ("name", b)
        assert sidecar.ask("Sugar Roads - Ada Quill_1.epub") == ("id", a)

    def test_number_used_again(self, sidecar: Sidecar) -> None:
        """Calibre uses a lost book's number again: the title on the file says which of both is meant."""
        (old,) = sidecar.put(entry("Old Salt", "Ada Quill", calibre_id=7, uuid=UUID_A))
        (new,) = sidecar.put(entry("New Sugar", "Bram Oduya", calibre_id=7, uuid=UUID_B))
        sidecar.lose(old)
        assert sidecar.ask("Old Salt - Ada Quill_7.epub") == ("id", old)
        assert sidecar.ask("New Sugar - Bram Oduya_7.epub") == ("id", new)

    def test_folder(self, sidecar: Sidecar) -> None:
        """A copied library tree: the folder's number tells namesakes apart, when the title agrees."""
        a, b = sidecar.put(entry("Same", "Ada Quill", calibre_id=1), entry("Same", "Ada Quill", calibre_id=2))
        assert sidecar.ask("Ada Quill/Same (2)/Same - Ada Quill.epub") == ("id", b)
        assert sidecar.ask("Ada Quill/Other (2)/renamed.epub") == ("id", b)
        assert sidecar.ask("Somebody/Other (2)/renamed.epub")[0] == "no_match"
        assert sidecar.ask("Ada Quill/Same (9)/Same - Ada Quill.epub") == ("ambiguous", {a, b})

    def test_huge_number(self, sidecar: Sidecar) -> None:
        """A number no database holds is a name like any other."""
        assert sidecar.ask("Salt_" + "9" * 400 + ".epub")[0] == "no_match"


class TestTitle:
    def test_metadata(self, sidecar: Sidecar) -> None:
        """Title and authors as the file has them, however they are written."""
        (book,) = sidecar.put(entry("A Wizard's Élan", "Ursula K. Le Quin", "Bo Öst", sort="Wizard's Élan, A"))
        for title, authors in (
            ("A Wizard's Élan", ("Ursula K. Le Quin", "Bo Öst")),
            ("a wizard’s elan", ("LE QUIN, Ursula K.",)),
            ("Wizard's Elan, A", ("Bo Ost & Ursula K. Le Quin",)),
            ("A Wizard_s E\u0301lan", ("Bo Öst",)),
        ):
            assert sidecar.ask("x.epub", title=title, authors=authors) == ("title", book), title

    def test_weak_evidence_is_a_candidate(self, sidecar: Sidecar) -> None:
        """Title alone, another author, one author more: named with a reason, never taken."""
        (book,) = sidecar.put(entry("Salt Roads", "Ada Quill"))
        for authors in ((), ("Somebody Else",), ("Ada Quill", "An Artist")):
            assert sidecar.ask("x.epub", title="Salt Roads", authors=authors) == ("no_match", [book])
            (candidate,) = sidecar.candidates("x.epub", title="Salt Roads", authors=authors)
            assert candidate.reason
            assert 0 < candidate.score < 1

    def test_a_title_that_hundreds_share(self, sidecar: Sidecar) -> None:
        """Among hundreds of one title the author decides, and a second one by that author makes it ambiguous."""
        books = sidecar.put(*(entry("Poems", f"Poet {n:03d}", calibre_id=n) for n in range(1, 301)))
        assert sidecar.ask("x.epub", title="Poems", authors=("Poet 300",)) == ("title", books[299])
        (again,) = sidecar.put(entry("Poems", "Poet 300", calibre_id=301))
        assert sidecar.ask("x.epub", title="Poems", authors=("Poet 300",)) == ("ambiguous", {books[299], again})

    def test_a_name_that_a_thousand_share(self, sidecar: Sidecar) -> None:
        """What too many share is nobody's, and never by accident the last one's."""
        sidecar.put(*(entry("Same", "Ada Quill", calibre_id=n, formats=("PDF",)) for n in range(1, 1101)))
        sidecar.put(entry("Same", "Ada Quill", calibre_id=2000, formats=("EPUB",)))
        assert sidecar.ask("Same - Ada Quill.epub")[0] == "no_match"

    def test_namesakes_by_other_authors(self, sidecar: Sidecar) -> None:
        """One title, two authors: the author decides; without one it is nobody's."""
        a, b = sidecar.put(entry("Poems", "Ada Quill", calibre_id=1), entry("Poems", "Bram Oduya", calibre_id=2))
        assert sidecar.ask("x.epub", title="Poems", authors=("Bram Oduya",)) == ("title", b)
        assert sidecar.ask("Bram Oduya -- Poems.epub")[0] == "no_match"
        assert sidecar.ask("Poems - by.epub")[0] == "no_match"
        assert set(sidecar.ask("Poems.epub")[1]) == {a, b}  # type: ignore[call-overload]

    def test_underscores_for_spaces(self, sidecar: Sidecar) -> None:
        """A downloader that knows no spaces."""
        (book,) = sidecar.put(entry("Salt Roads", "Ada Quill"))
        assert sidecar.ask("Salt_Roads_-_Ada_Quill.epub") == ("title", book)

    def test_scripts_with_one_spelling(self, sidecar: Sidecar) -> None:
        """Two titles that are spelled alike in ASCII: each own script is itself, the spelling is ambiguous."""
        a, b = sidecar.put(entry("星", "李 小星", calibre_id=1), entry("行", "李 小星", calibre_id=2))
        assert sidecar.ask("x.epub", title="星", authors=("李 小星",)) == ("title", a)
        assert sidecar.ask("x.epub", title="行", authors=("李 小星",)) == ("title", b)
        assert sidecar.ask("x.epub", title="Xing", authors=("李 小星",)) == ("ambiguous", {a, b})
        assert sidecar.ask("x.epub", title="形", authors=("李 小星",))[0] == "no_match"


class TestSeries:
    @pytest.fixture
    def volumes(self, sidecar: Sidecar) -> list[BookId]:
        return sidecar.put(
            *(
                entry(f"Part {n}", "Kei Arai", calibre_id=i, series="Moonrail", series_index=n)
                for i, n in enumerate((1.0, 1.5, 2.0, 10.0), 1)
            )
        )

    @pytest.mark.parametrize(
        ("name", "place"),
        [
            ("Moonrail 01.cbz", 0), ("Moonrail v1.cbz", 0), ("Moonrail, Vol. 1.5.epub", 1), ("Moonrail #2.epub", 2),
            ("Moonrail - 02.cbz", 2), ("Kei Arai - Moonrail 10.epub", 3), ("Moonrail Vol.10 - Kei Arai.epub", 3),
            ("Moonrail_v10.cbz", 3), ("moonrail Band 2.epub", 2), ("Moonrail 第2巻.epub", 2),
        ],
    )  # fmt: skip
    def test_number_is_authoritative(self, sidecar: Sidecar, volumes: list[BookId], name: str, place: int) -> None:
        """Series and number name one volume, and exactly that one."""
        assert sidecar.ask(name) == ("series", volumes[place])

    @pytest.mark.parametrize(
        "name",
        [
            "Moonrail 3.epub",
            "Moonrail 2024.epub",
            "Moonrail.epub",
            "Moonrail 02 - Somebody Else.epub",
            "Moonrail 1.25.epub",
        ],
    )
    def test_no_other_volume_instead(self, sidecar: Sidecar, volumes: list[BookId], name: str) -> None:
        """A volume that is not there, a year, no number: never a neighbour."""
        assert sidecar.ask(name)[0] == "no_match"

    def test_metadata(self, sidecar: Sidecar, volumes: list[BookId]) -> None:
        """The file's own series and number, with its author."""
        told = {"series": "MOONRAIL", "authors": ("Arai, Kei",), "title": "Whatever"}
        assert sidecar.ask("x.epub", series_index=1.5, **told) == ("series", volumes[1])
        assert sidecar.ask("x.epub", series_index=3.0, **told)[0] == "no_match"

    def test_a_number_in_the_title_does_not_choose_between_namesakes(self, sidecar: Sidecar) -> None:
        """Two books of one title and author, one of them in a series: the title has said all it can."""
        books = sidecar.put(
            entry("Moonrail 3", "Kei Arai", calibre_id=1, series="Moonrail", series_index=3.0),
            entry("Moonrail 3", "Kei Arai", calibre_id=2),
        )
        assert sidecar.ask("x.epub", title="Moonrail 3", authors=("Kei Arai",)) == ("ambiguous", set(books))
        assert sidecar.ask("Moonrail 3 - Kei Arai.epub") == ("ambiguous", set(books))

    def test_one_title_for_all_volumes(self, sidecar: Sidecar) -> None:
        """Volumes that share title and author: the told number decides, without it they are ambiguous."""
        books = sidecar.put(
            *(entry("Moonrail", "Kei Arai", calibre_id=n, series="Moonrail", series_index=float(n)) for n in (1, 2, 3))
        )
        told = {"title": "Moonrail", "authors": ("Kei Arai",)}
        assert sidecar.ask("x.epub", series="Moonrail", series_index=2.0, **told) == ("title", books[1])
        assert sidecar.ask("x.epub", **told) == ("ambiguous", set(books))
        assert sidecar.ask("Moonrail - Kei Arai.epub", series="Moonrail", series_index=3.0, **told) == (
            "title",
            books[2],
        )
        assert sidecar.ask("x.epub", series="Moonrail", series_index=7.0, **told)[0] == "no_match"


HOSTILE = [
    "", ".", "..", "/", "//", ".epub", "a" * 4096 + ".epub", "é" * 2000, "\ud800.epub", "\udcff\udcfe - \udc80.epub",
    "a\0b - c\0.epub", "\0", "\n", "x\ny.epub", "'", '"', "%s%s%n", "{}", "_" * 300, " - " * 500, "(" * 300, "0" * 300,
    "a_" * 1000 + "1", "v" * 500 + "1", "1" * 500, ". . . .", "\u202egpj.epub", "\ufffd", "😀" * 300, "ﷺ" * 300,
    "../../etc/passwd", "C:\\Books\\x.epub", "x" * 90 + " - " + "y" * 90 + "_3.epub",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_clues_are_data(sidecar: Sidecar, pair: tuple[BookId, BookId], name: str) -> None:
    """Nothing in a clue is syntax, nothing makes the rules fail, and nothing of it is a book of ours."""
    user = sidecar.person()
    assert sidecar.ask(name, user_id=user)[0] == "no_match"
    assert sidecar.ask(name, title=name, authors=(name, ""), series=name, series_index=1.0)[0] == "no_match"
    assert sidecar.ask("x", identifiers=name, partial_md5=name, book_uuid=name, user_id=user)[0] == "no_match"


def test_odd_numbers_are_data(sidecar: Sidecar) -> None:
    """A series number may be anything a JSON number can say."""
    sidecar.put(entry("Part", "Kei Arai", series="Moonrail", series_index=1.0))
    for index in (float("nan"), float("inf"), -1.0, 1e300, 1.0000001):
        told = {"series": "Moonrail", "series_index": index, "authors": ("Kei Arai",)}
        assert sidecar.ask("x.epub", **told)[0] == "no_match"


@pytest.mark.parametrize("sign", ["a", "é", "夜", "😀", "\ud800", "\0", ".", " ", "_", "/", "&"])
@pytest.mark.parametrize("length", [1, 86, 254, 300, 5000])
def test_titles_of_any_length_and_kind_are_indexed(sidecar: Sidecar, sign: str, length: int) -> None:
    """No title, however long or odd, keeps a library from being indexed, and its own names find it."""
    title = sign * length
    stored = title.replace("\ud800", "\ufffd")  # what a database can hold at all
    (book,) = sidecar.put(entry(stored, stored, "Ada Quill", file="plain name"))
    assert sidecar.ask("plain name.epub") == ("name", book)
    assert sidecar.ask(f"{title} - {title}_1.epub")[0] in ("id", "name", "no_match")
