"""What is looked for in definitions, as data. `VERSION` rises with every change: findings are of a version.

Every gap in a pattern is bounded, so that no text takes long; words are English.
"""

import re
from collections.abc import Mapping
from typing import Final

VERSION: Final = 1

CODES: Final[Mapping[str, str]] = {
    "encoded_text": "a long run of Base64, which a person does not read",
    "hidden_text": "characters that cannot be seen or that turn the order of others, or text pushed out of sight",
    "instructs_model": "text that orders the model about: what to ignore, what to keep from the user, what to do first",
    "long_text": "a text too long to be read by a person, or more of them than are looked at",
    "lookalike_name": "a name that another tool's is easily taken for, or that mixes letters of several scripts",
    "markup_comment": "a comment or element that a rendered page would not show",
    "names_other_tool": "the name of a tool of another server",
    "wants_secret": "an argument for a secret, or a place where secrets lie",
}
"""Each code of a finding, and what it stands for."""

LONG_TEXT: Final = 4_000
"""Characters of one text beyond which it is `long_text`."""

_EARLIER: Final = r"(?:previous|prior|above|earlier|preceding|system|developer|safety)"
_ORDERS: Final = r"(?:instructions?|prompts?|rules?|guidelines?|guardrails?|restrictions?|polic(?:y|ies))"
_NOT: Final = r"(?:do not|don't|never|must not|should not|without)"
_TELL: Final = r"(?:tell|mention|inform|notify|reveal|disclose|show|alert|warn|ask|let)(?:ing|s|ed)?"
_USER: Final = r"(?:the |any |your )?(?:user|human|operator|person|anyone|anybody)"
_CUE: Final = (
    r"(?:before|first|prior to|always|must|whenever|every time|silently|secretly|quietly|immediately|also|important)"
)
_TAKE: Final = (
    r"(?:read|open|cat|load|fetch|retrieve|extract|collect|include|attach|append|pass|send|copy|upload|forward)"
)
_SEND: Final = r"(?:send|post|upload|forward|transmit|bcc|cc|copy)"
_CALL: Final = r"(?:call|use|invoke|run|execute)"
_MODEL: Final = r"(?:the|any) (?:model|assistant|llm|ai|agent)"
_OBEY: Final = r"(?:call|read|send|include|obey|follow|comply|execute|run|pass|ignore|append)"
_SPEAKER: Final = r"(?:important|system|instructions?|secret|hidden|admin|assistant|critical|developer)"

_PRIVATE: Final = (
    r"(?:(?:passwords?|credentials?|api[ _-]?keys?|private keys?|access tokens?|auth(?:entication)? tokens?|secrets?|"
    r"(?:system|developer) prompt|(?:chat|conversation|message) (?:history|log)|"
    r"(?:previous|entire|whole|full) (?:conversation|chat|context)|environment variables|cookies|seed phrase)|"
    r"(?:\.ssh/|\bid_rsa\b|\bmcp\.json\b|\.env\b|\.aws/))"
)

_INSTRUCTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "a tag or heading that stands for whoever speaks": (
        rf"<\s{{0,4}}/?\s{{0,4}}{_SPEAKER}(?:\s[^<>]{{0,80}})?/?>",
        r"<\|[a-z_]{2,24}\|>",
        r"\[/?inst\]",
        r"(?:^|\n)\s{0,8}(?:#{1,4}\s{0,4})?(?:system|assistant|developer)"
        r"(?: (?:prompt|message|note|instructions?))?\s{0,4}:",
        r"(?:^|\n)\s{0,8}#{1,4}\s{0,4}(?:system|instructions? (?:to|for))\b",
    ),
    "what was said before is to be forgotten": (
        rf"\b(?:ignore|disregard|forget|override|bypass)\b.{{0,30}}\b{_EARLIER}\b.{{0,30}}\b{_ORDERS}\b",
        r"\b(?:ignore|disregard|forget) (?:all|any|your|everything)\b.{0,20}"
        r"\b(?:instructions?|prompts?|guidelines?|you (?:were|have been) told)",
    ),
    "the user is not to know": (
        rf"\b{_NOT}\b.{{0,20}}\b{_TELL}\b.{{0,10}}\b{_USER}\b",
        rf"\b(?:hide|keep|conceal)\b.{{0,30}}\b(?:from|secret to)\b.{{0,5}}\b{_USER}\b",
        r"\buser\b.{0,12}\b(?:must|should|need|does|do)(?: not|n't)\b.{0,12}"
        r"\b(?:know|see|notice|be (?:told|informed|aware))\b",
    ),
    "secrets are to be taken along": (rf"\b{_CUE}\b[^.]{{0,80}}\b{_TAKE}\b.{{0,40}}(?:\b|(?=\.)){_PRIVATE}",),
    "something is to be sent somewhere": (
        rf"\b{_CUE}\b[^.]{{0,60}}\b{_SEND}\b[^.]{{0,60}}(?:https?://|[\w.+-]{{1,64}}@[\w-]{{1,64}}\.)",
    ),
    "one tool is to come before others": (
        rf"\b(?:must|always|have to|required to)\b.{{0,20}}\b{_CALL}\b.{{0,10}}\b(?:this|it)\b.{{0,12}}"
        r"\b(?:before|first|prior to|instead of|whenever|for every|on every)\b",
        r"\b(?:before|instead of|rather than) (?:call|us|invok|runn|execut)ing (?:any|all|every|the) other tools?\b",
    ),
    "an order to the model by name": (
        r"\byou (?:are now|must|should|will) (?:act|behave|pretend|obey|comply|roleplay)\b",
        rf"\b{_MODEL} (?:must|shall|should|has to) (?:always |never |first |immediately )?{_OBEY}\b",
        r"\beven if the user\b",
        r"\bregardless of (?:what )?the user\b",
    ),
}

INSTRUCTIONS: Final[Mapping[str, re.Pattern[str]]] = {
    what: re.compile("|".join(forms), re.IGNORECASE) for what, forms in _INSTRUCTIONS.items()
}
"""What orders a model about, each under what it does."""

SECRET_PLACE: Final = re.compile(
    "|".join(
        (
            r"\.ssh/",
            r"\bid_(?:rsa|ed25519|ecdsa)\b",
            r"\.aws/",
            r"\.netrc\b",
            r"/etc/(?:passwd|shadow)\b",
            r"\.git-credentials",
            r"\.kube/config",
            r"\.docker/config",
            r"\.gnupg\b",
            r"(?:^|[\s/~`'\"(])\.env\b",
            r"\bmcp\.json\b",
            r"\bwallet\.dat\b",
        )
    ),
    re.IGNORECASE,
)
"""Files that hold secrets, named anywhere in a definition."""

COMMENT: Final = re.compile(
    r"<!--|<\s?(?:script|style|iframe|template)\b|\[//\]:\s?#|\[comment\]:|display:\s?none|font-size:\s?0|"
    r"!\[[^\]\n]{0,80}\]\(\s?https?:",
    re.IGNORECASE,
)

PICTURE: Final = re.compile(r"data:image/[a-z0-9.+-]{1,40}(?:;[a-z0-9=-]{1,40}){0,4},[A-Za-z0-9+/=_%-]*")
"""A text that is a picture and nothing else, as icons are: for clients to draw, and no model reads it."""

ENCODED: Final = re.compile(r"[A-Za-z0-9+/_-]{96,}={0,2}")

CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""Characters that drive a terminal; none of them is text."""

OUT_OF_SIGHT: Final = re.compile(r"[ \t\u00a0\u2000-\u200a\u3000]{80}|\n(?:[ \t]{0,8}\n){24}")
"""So much white space that what follows is not seen at first."""

MENTIONED: Final = re.compile(
    r"\b([A-Za-z][A-Za-z0-9]{0,40}(?:[_.-][A-Za-z0-9]{1,40}){1,8})\b|\b([a-z]{1,40}(?:[A-Z][a-z0-9]{1,40}){1,8})\b|"
    r"[`'\"]([A-Za-z][A-Za-z0-9]{1,63})[`'\"]|\b([A-Za-z][A-Za-z0-9]{1,63})(?:\(\)|\s(?:tool|function)\b)"
)
"""Words that may be names of tools: of several parts, quoted, or called a tool."""

SECRET_WORDS: Final = frozenset(
    {
        *("password", "passwd", "passphrase", "secret", "secrets", "credential", "credentials", "token"),
        *("apikey", "privatekey", "sshkey", "accesskey", "secretkey", "clientsecret"),
        *("accesstoken", "authtoken", "bearertoken", "refreshtoken", "cookie", "cookies"),
        *("otp", "totp", "mfacode", "pin", "cvv", "cvc", "ssn", "creditcard", "cardnumber"),
        *("seedphrase", "mnemonic"),
    }
)
"""Names of arguments, in lower case and without separators, alone or as the last words of a longer one."""

NO_SECRET_WORDS: Final = frozenset(
    {
        *("page", "next", "prev", "previous", "continuation", "continue", "cursor", "pagination", "start", "sync"),
        *("progress", "max", "min", "count", "num", "limit", "budget", "input", "output", "total", "skip", "resume"),
        *("idempotency", "csrf", "design"),
    }
)
"""Words before `token` that make it none of the secret kind."""

ASKS_FOR_SECRET: Final = re.compile(
    rf"\b(?:your|the user'?s|their|my)\b.{{0,24}}\b{_PRIVATE}\b|\bcontents? of\b.{{0,30}}\b{_PRIVATE}\b",
    re.IGNORECASE,
)
"""What the description of an argument says of a secret one."""
