"""Recognises markup languages by the beginning of a text."""

import re

_HTML = re.compile(
    r"\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,4000}?-->\s*)?<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_JSON = re.compile(
    r"""\s*(?:\{\s*(?:\}|"(?:[^"\\\n]|\\.){0,4000}"\s*:)
          |\[\s*(?:[\[{"]|\]\s*$|(?:-?\d[\d.eE+-]{0,40}|true|false|null)\s*(?:,|\]\s*$)))""",
    re.VERBOSE,
)
_XML = re.compile(r"\s*<(?:\?xml\s|!DOCTYPE\s|!--|[A-Za-z_][\w.:-]*(?:\s[^<>]*)?/?>)")
_XML_DECLARED = re.compile(r"\s*<\?xml\s")
_JATS = re.compile(r"<!DOCTYPE\s+article\s[^>\[]{0,400}\b(?:JATS|NLM//DTD|journalpublishing|archivearticle)", re.I)
_USPTO = re.compile(
    r"<!DOCTYPE\s+(?:us-patent-application-v4|us-patent-grant-v4|patent-application-publication|PATDOC|"
    r"us-patent-application|us-patent-grant)\b|\APATN\r?\n",
    re.I,
)
_XBRL = re.compile(r"<(?:[\w.-]{1,40}:)?xbrl\s[^>]{0,4000}http://www\.xbrl\.org/2003/instance")
_MAIL_LINE = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,60}:[ \t]?.*|[ \t]+\S.*")
_MAILBOX_LINE = re.compile(r"From \S.*\d{4}[ \t]*\r?\n")
_MAIL_FIELDS = frozenset(
    {"from", "to", "cc", "subject", "date", "received", "message-id", "mime-version", "return-path", "reply-to"}
)
_CALENDAR = re.compile(r"\s*BEGIN:VCALENDAR\s", re.IGNORECASE)
_CONTACT = re.compile(r"\s*BEGIN:VCARD\s", re.IGNORECASE)
_TEX = re.compile(r"^[^\S\n]*+\\(?:documentclass|documentstyle|begin\{document\})", re.MULTILINE)
_NOTEBOOK = re.compile(r'"(?:nbformat|cells|worksheets)"\s*:')
_FRONT_CHARACTERS = 4000


def is_html(text: str) -> bool:
    return _HTML.match(text) is not None


def is_json(text: str) -> bool:
    return _JSON.match(text) is not None


def is_notebook(text: str) -> bool:
    return is_json(text) and _NOTEBOOK.search(text) is not None


def is_xml(text: str) -> bool:
    return _XML.match(text) is not None


def is_declared_xml(text: str) -> bool:
    """Whether a text is declared as XML and is no web page."""
    return _XML_DECLARED.match(text) is not None and not is_html(text)


def is_jats(text: str) -> bool:
    return is_xml(text) and _JATS.search(text[:_FRONT_CHARACTERS]) is not None


def is_patent(text: str) -> bool:
    return _USPTO.search(text[:_FRONT_CHARACTERS]) is not None


def is_xbrl(text: str) -> bool:
    return is_xml(text) and _XBRL.search(text[: 2 * _FRONT_CHARACTERS]) is not None


def is_mail(text: str) -> bool:
    return len(_mail_fields(text) & _MAIL_FIELDS) > 1


def is_mailbox(text: str) -> bool:
    """Whether a text is a mailbox; one mail alone may begin like one."""
    return text.startswith("From ") and is_mail(text)


def is_calendar(text: str) -> bool:
    return _CALENDAR.match(text) is not None


def is_contact(text: str) -> bool:
    return _CONTACT.match(text) is not None


def is_saved_page(text: str) -> bool:
    return "mime-version" in _mail_fields(text) and "multipart/related" in text[:_FRONT_CHARACTERS].lower()


def is_tex(text: str) -> bool:
    return _TEX.search(text) is not None


def is_subtitles(text: str) -> bool:
    return text.startswith("WEBVTT") and (len(text) == 6 or text[6] in " \t\r\n")


def _mail_fields(text: str) -> set[str]:
    """The names of the lines that the text begins with, as long as they are those of a mail's head."""
    names = set()
    front = text[:_FRONT_CHARACTERS].lstrip("\r\n")
    for line in _MAILBOX_LINE.sub("", front, count=1).splitlines() if front.startswith("From ") else front.splitlines():
        if not _MAIL_LINE.fullmatch(line):
            break
        if line[0] not in " \t":
            names.add(line.partition(":")[0].lower())
    return names
