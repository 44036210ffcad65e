"""What of a document is read and what is missing is told by the names of its parts."""

from hypothesis import given
from hypothesis import strategies as st

from shared.parsing.limits import SLICE_PAGES
from shared.parsing.pages import OPENING, PageRange, Parts


def parts(pages: int, *stored: tuple[int, int]) -> Parts:
    return Parts({PageRange(*one): "" for one in stored}, pages)


def test_of_a_document_that_nobody_opened_the_opening_is_missing() -> None:
    assert Parts().missing() == [OPENING] and Parts().chain() == []


def test_gaps_are_told_in_slices() -> None:
    assert parts(65, (1, 20), (41, 50)).missing() == [PageRange(21, 40), PageRange(51, 60), PageRange(61, 65)]
    assert parts(65, (1, 20), (41, 50)).chain() == [PageRange(1, 20)]


def test_of_two_that_begin_alike_the_longer_counts() -> None:
    read = parts(40, (1, 20), (21, 25), (21, 33), (34, 40))
    assert read.missing() == [] and read.chain() == [PageRange(1, 20), PageRange(21, 33), PageRange(34, 40)]


@given(pages=st.integers(1, 200), data=st.data())
def test_whatever_is_kept_the_rest_makes_it_whole(pages: int, data: st.DataObject) -> None:
    """Each missing slice may again end early; reading what is missing comes to an end."""
    firsts = st.integers(1, pages)
    stored = {
        PageRange(first, min(pages, first + data.draw(st.integers(0, SLICE_PAGES - 1))))
        for first in data.draw(st.lists(firsts, max_size=8))
    }
    for _ in range(pages + 1):
        missing = Parts(dict.fromkeys(stored, ""), pages).missing()
        assert all(len(one) <= SLICE_PAGES and one.until <= pages for one in missing)
        if not missing:
            break
        read = data.draw(st.sampled_from(missing))
        stored.add(PageRange(read.first, data.draw(st.integers(read.first, read.until))))
    chain = Parts(dict.fromkeys(stored, ""), pages).chain()
    assert [one.first for one in chain[1:]] == [one.until + 1 for one in chain[:-1]]
    assert (chain[0].first, chain[-1].until) == (1, pages)
