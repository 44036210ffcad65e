"""What a text was made from."""

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from shared.types.document import Classification, higher


class Provenance(Struct, frozen=True):
    """`asked_class` is what its question was asked with, or what it counts as by itself; `document_ids` are the
    documents whose passages its model read, `quoted_ids` those that it quotes. Its class is looked up from these when
    it is used: a document's class can change after the text was made."""

    asked_class: Classification = "internal"
    document_ids: tuple[str, ...] = ()
    quoted_ids: tuple[str, ...] = ()

    def joined(self, others: "Iterable[Provenance]") -> "Provenance":
        """Of a text that holds all of them."""
        asked_class, read, quoted = self.asked_class, list(self.document_ids), list(self.quoted_ids)
        for one in others:
            asked_class = higher(asked_class, one.asked_class)
            read += one.document_ids
            quoted += one.quoted_ids
        return Provenance(asked_class, tuple(dict.fromkeys(read)), tuple(dict.fromkeys(quoted)))

    def over(self, earlier: "Iterable[Provenance]") -> "Provenance":
        """Of a text that was made with earlier ones before it: it does not quote what they quote."""
        return replace(self.joined(earlier), quoted_ids=self.quoted_ids)
