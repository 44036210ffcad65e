"""Reviews that a journal publishes along with an article, and the authors' replies to them."""

from lxml import etree

KINDS = frozenset(
    (
        "aggregated-review-documents",
        "author-comment",
        "decision-letter",
        "editor-report",
        "peer-review",
        "referee-report",
        "reply",
        "reviewer-report",
    )
)
_TITLE = "string((.//*[local-name()='article-title'])[1])"


def review_titles(content: bytes) -> frozenset[str]:
    """Titles of the reviews in an article in JATS."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True)
    article = etree.fromstring(content, parser)
    found = article.iter("{*}sub-article", "{*}response") if article is not None else ()
    reviews = (each for each in found if each.get("article-type", each.get("response-type")) in KINDS)
    titles = (" ".join(str(review.xpath(_TITLE)).split()) for review in reviews)
    return frozenset(filter(None, titles))
