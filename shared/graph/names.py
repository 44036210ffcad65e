"""Names of entities: their normal form, and the ids that come from it."""

import re
import unicodedata
from hashlib import sha256

_POSSESSIVE = re.compile(r"['’](?:s)?(?=\s|$)")
_INITIALS = re.compile(r"\b(?:\w\.){2,}")
_SEPARATORS = re.compile(r"[^\w+#&]+")
_LONGEST = 200


def normal_form(name: str) -> str:
    """Returns what two spellings of one name have in common: case, possessive, hyphens, brackets and full stops of
    initials do not count. Raises `ValueError` for an empty name."""
    folded = unicodedata.normalize("NFKC", name).casefold().strip()
    plain = _INITIALS.sub(lambda found: found[0].replace(".", ""), _POSSESSIVE.sub("", folded))
    normal = _SEPARATORS.sub(" ", plain.replace("_", " ")).strip() or folded
    if not normal:
        raise ValueError("an entity has a name")
    return normal if len(normal) <= _LONGEST else f"{normal[:_LONGEST]} {sha256(normal.encode()).hexdigest()[:16]}"


def query_form(text: str) -> str:
    """Returns the normal form of what is searched for, empty where that is blank."""
    return normal_form(text) if text.strip() else ""


def entity_id(tenant_id: str, normal: str) -> str:
    """Returns the id of the entity with that normal form."""
    return "ent_" + digest(tenant_id, normal)


def relation_id(source_id: str, kind: str, target_id: str, valid_from: str | None, valid_to: str | None) -> str:
    """Returns the id of a relation between two names, which names its tenant through theirs."""
    return "rel_" + digest(source_id, kind, target_id, valid_from or "", valid_to or "")


def place(passage_id: str) -> int:
    """Returns where a passage stands among those of an entity: an order that is fixed, and follows nothing else."""
    return int.from_bytes(sha256(passage_id.encode()).digest()[:7], "big")


def digest(*parts: str) -> str:
    """Returns the same text for the same parts, and another one for any others."""
    return sha256("\n".join(f"{len(part)} {part}" for part in parts).encode()).hexdigest()[:32]
