"""What a rule's conditions may say outside a loader: which kinds there are, and their values where these are no words of mail.

    told([("From", "a@x.example"), ("SubjectContainsWords", "invoice")])   ->  "From: a@x.example; SubjectContainsWords"

Names are those of Exchange's commands (`SubjectOrBodyContainsWords`), whatever a source calls them; words to be found in subject, body,
headers or attachments are content of mail and are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_SHOWN = 300
_BRACKETED = re.compile(r"\[(?:SMTP|EX|X500):([^\]]*)\]", re.IGNORECASE)
# Conditions on the envelope, the sender's and recipients' names, and on marks that are no content.
_OPEN = re.compile(
    r"(ExceptIf)?(From|FromMemberOf|FromScope|FromAddressContainsWords|FromAddressMatchesPatterns|SentTo|SentToMemberOf|SentToScope|"
    r"RecipientAddressContainsWords|RecipientAddressMatchesPatterns|RecipientDomainIs|SenderDomainIs|SenderIpRanges|BetweenMemberOf[12]|"
    r"AnyOf(To|Cc|ToCc)Header(MemberOf)?|ManagerAddresses|MyNameIn\w+|SentOnlyToMe|HasAttachment|WithImportance|Sensitivity|Flagged\w*|"
    r"MessageTypeMatches|ReceivedAfterDate|ReceivedBeforeDate|WithinSizeRange\w+|HasClassification|HasNoClassification)"
)
_WORDS = re.compile(
    r"ExceptIf\w+|\w+(ContainsWords|MatchesPatterns|MatchesWords)|Header(Contains|Matches)\w*|Attachment\w+|SenderInRecipientList|"
    r"MessageContainsDataClassifications|SCLOver|MessageSizeOver"
)
# Microsoft Graph's names, as Microsoft-Extractor-Suite writes them.
_ALSO = {
    "fromaddresses": "From", "sendercontains": "FromAddressContainsWords", "subjectcontains": "SubjectContainsWords", "bodycontains": "BodyContainsWords",
    "bodyorsubjectcontains": "SubjectOrBodyContainsWords", "headercontains": "HeaderContainsWords", "hasattachments": "HasAttachment",
    "importance": "WithImportance", "senttoaddresses": "SentTo", "senttome": "MyNameInToBox", "sentonlytome": "SentOnlyToMe",
    "recipientcontains": "RecipientAddressContainsWords", "senttoormeincc": "MyNameInToOrCcBox",
}  # fmt: skip
_NAMES = (
    "From", "FromMemberOf", "FromScope", "FromAddressContainsWords", "FromAddressMatchesPatterns", "SentTo", "SentToMemberOf", "SentToScope",
    "RecipientAddressContainsWords", "RecipientAddressMatchesPatterns", "RecipientDomainIs", "SenderDomainIs", "SenderIpRanges",
    "BetweenMemberOf1", "BetweenMemberOf2", "AnyOfToHeader", "AnyOfToHeaderMemberOf", "AnyOfCcHeader", "AnyOfCcHeaderMemberOf", "AnyOfToCcHeader",
    "AnyOfToCcHeaderMemberOf", "MyNameInToBox", "MyNameInCcBox", "MyNameInToOrCcBox", "SentOnlyToMe", "HasAttachment", "WithImportance", "Sensitivity",
    "FlaggedForAction", "MessageTypeMatches", "ReceivedAfterDate", "ReceivedBeforeDate", "WithinSizeRangeMinimum", "WithinSizeRangeMaximum",
    "SubjectContainsWords", "SubjectOrBodyContainsWords", "BodyContainsWords", "SubjectMatchesPatterns", "SubjectOrBodyMatchesPatterns",
    "HeaderContainsWords", "HeaderContainsMessageHeader", "HeaderMatchesPatterns", "HeaderMatchesMessageHeader", "AttachmentContainsWords",
    "AttachmentMatchesPatterns", "AttachmentNameMatchesPatterns", "AttachmentExtensionMatchesWords", "AttachmentSizeOver", "AttachmentIsUnsupported",
    "AttachmentIsPasswordProtected", "AttachmentHasExecutableContent", "SenderADAttributeContainsWords", "RecipientADAttributeContainsWords",
    "MessageContainsDataClassifications", "MessageSizeOver", "SCLOver", "HasClassification",
)  # fmt: skip
_RESTRICTIONS = (
    (re.compile(r"Subject(?!.?Prefix)", re.IGNORECASE), "SubjectContainsWords"), (re.compile(r"\bBody\b", re.IGNORECASE), "BodyContainsWords"),
    (re.compile(r"Sender\w*", re.IGNORECASE), "FromAddressContainsWords"), (re.compile(r"Recipient|DisplayTo", re.IGNORECASE), "RecipientAddressContainsWords"),
    (re.compile(r"HasAttach", re.IGNORECASE), "HasAttachment"), (re.compile(r"Importance", re.IGNORECASE), "WithImportance"),
    (re.compile(r"TransportMessageHeaders", re.IGNORECASE), "HeaderContainsWords"),
)  # fmt: skip
COLUMNS: dict[str, str] = {f"{way.casefold()}{name.casefold()}": f"{way}{name}" for way in ("", "ExceptIf") for name in _NAMES} | _ALSO
"""Column of an export, in lower case -> the condition's name."""


def is_condition(name: str) -> bool:
    """Whether a command's parameter of this name is a condition."""
    return bool(_OPEN.fullmatch(name) or _WORDS.fullmatch(name))


def told(given: Iterable[tuple[str, str]]) -> str | None:
    """The conditions among (name, value as written), in the order of their names; None where there are none."""
    found = []
    for name, value in sorted(given):
        text = value.strip()
        if not text or text.casefold() in ("false", "{}") or not is_condition(name):
            continue
        found.append(f"{name}: {_value(text)}" if _OPEN.fullmatch(name) and text.casefold() != "true" else name)
    return "; ".join(dict.fromkeys(found))[:_SHOWN] or None


def of_restriction(text: str) -> list[str]:
    """Kinds of conditions in a rule's MAPI restriction (`{(Exists(ItemClass))}`, `(SubString(Subject, …))`) as Outlook's clients leave it in the log."""
    return [name for words, name in _RESTRICTIONS if words.search(text)]


def _value(text: str) -> str:
    """Recipients without their display names, lists joined by a comma."""
    addresses = _BRACKETED.findall(text)
    return ", ".join(addresses) if addresses else " ".join(text.strip("{}").replace(";", ", ").split())
