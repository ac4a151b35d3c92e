r"""Secrets made unreadable in SIP text, always: nothing that proves who somebody is, and no key, is ever written.

Must not know: records, configuration, where the text goes. Every secret becomes as many asterisks, so that
lengths (Content-Length, packets) stay right. What cannot be read for certain counts as secret.

    Authorization: Digest username="u", realm="r", nonce="n", response="********************************"
    a=crypto:1 AES_CM_128_HMAC_SHA1_80 *****************************************************

The response digest, and ``cnonce`` with it, are enough to try passwords on. User name, realm, nonce and algorithm
are not, and say what is wrong: they stay, save a nonce of AKA, which holds the network's challenge (RFC 3310 §3.2).
"""

from __future__ import annotations

import re

# Parameters of credentials and challenges (RFC 7616, RFC 8898, RFC 4559, 3GPP TS 24.229) that may be read. ...
_SHOWN = frozenset(
    [
        *("algorithm", "authz_server", "charset", "domain", "error", "integrity-protected", "nc", "nextnonce", "nonce"),
        *("qop", "realm", "scope", "stale", "targetname", "uri", "userhash", "username", "version"),
    ]
)
# ... and those whose names may be read, but not their values. Of all others, both are hidden.
_NAMED = frozenset(
    [
        *("auts", "ck", "cnonce", "crand", "cnum", "gssapi-data", "ik", "opaque", "response", "rspauth", "snum"),
        *("srand", "token", "username*"),
    ]
)
_NONCES = frozenset({"nonce", "nextnonce"})
_SCHEMES = frozenset({"basic", "bearer", "digest", "kerberos", "negotiate", "ntlm", "oauth", "tls-dsk"})
# Headers that are a secret as a whole: PASSporTs (RFC 8224) among them, which also name both parties.
_WHOLE = frozenset({"identity", "y", "p-dcs-laes", "response-key"})
_WHOLE_PARTS = ("apikey", "api-key", "cookie", "credential", "passw", "secret", "signature", "token")

FIELD = re.compile(
    r"(?:^|(?<=[\r\n]))(?P<name>[!-9;-~]{1,64})(?P<colon>[ \t]*:)(?P<value>[^\r\n]*+(?:\r?\n[ \t][^\r\n]*+)*+)"
)
_PARAMETER = re.compile(
    r'(?<![\w*.-])(?P<name>[A-Za-z][\w*.-]*+)(?P<equals>\s*+=\s*+)(?P<value>"(?:[^"\\]|\\.)*+"|[^,\s]*+)'
)
_SCHEME = re.compile(r"\s*+(?P<scheme>[A-Za-z][\w-]*+)(?=\s|$)(?!\s*+=)")
_QUIET = re.compile(r"[^\s,]")
_BLACK = re.compile(r"\S")

# SDP (RFC 4568, RFC 4567, RFC 4566 §5.12, RFC 8839 §5.4): what stands before the secret may be read.
_SDP = re.compile(
    r"(?im)^(?P<shown>[ \t]*a[ \t]*=[ \t]*(?:"
    r"(?:x-)?crypto\w{0,16}[ \t]*:[ \t]*(?:\d{1,9}[ \t]+(?:(?:client|server|both)[ \t]+)?"
    r"(?-i:[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?=[ \t]))?"
    r"|key-mgmt[ \t]*:[ \t]*(?:mikey(?=[ \t]))?"
    r"|ice-pwd[ \t]*:)"
    r"|[ \t]*k[ \t]*=[ \t]*(?:(?:clear|base64|uri)[ \t]*:|prompt(?=[ \t\r\n]))?"
    # Digits typed while talking, sent by INFO: PINs and card numbers are typed this way.
    r"|[ \t]*signal[ \t]*=)(?P<secret>[^\r\n]*)"
)
# A body that only its receiver can read: compressed, coded, or nothing but a key or a digit.
_CLOSED = re.compile(
    r"(?im)^[ \t]*(?:"
    r"(?:content-encoding|e)[ \t]*:[ \t]*(?!identity[ \t]*\r?$)\S"
    r"|content-transfer-encoding[ \t]*:[ \t]*(?!(?:7bit|8bit|binary)[ \t]*\r?$)\S"
    r"|(?:content-type|c)[ \t]*:[ \t]*application/(?:mikey|dtmf)[ \t]*(?:;|\r?$))"
)
BLANK_LINE = re.compile(r"\r?\n\r?\n")
# Wherever they stand: values by their names, tokens by their looks, keys by their prefix.
_ANYWHERE = re.compile(
    r"(?i)(?P<shown>(?:(?<![\w-])|(?<=%[0-9a-f]{2}))(?:response|rspauth|cnonce|auts|ik|ck|password|passwd|pwd|secret"
    r"|access_token|id_token|token|pn-prid|(?:proxy-)?authorization)(?:[ \t]*=[ \t]*|%3d)(?:\"|%22)?"
    r"|\binline:|\bbearer[ \t]+(?=eyJ)|(?<![\w-])(?=(?-i:eyJ)[\w-]{8,}+\.))"
    r"(?P<secret>[\w+/=.~%:-]{8,})"
)
# RFC 3261 §19.1.1: sip:user:password@host; and the same in the URLs that headers like Call-Info hold. What was cut
# short (classify.findings.said) may have lost its host.
_PASSWORD = re.compile(
    r"(?i)(?P<shown>(?<![a-z])sips?:[^\s<>\"@:]{0,256}:|://[^\s<>\"@:/?]{0,256}:)(?P<secret>[^\s<>\"]{1,256})(?=@|\.{3}(?!\S))"
)
_URI_WITH_PASSWORD = re.compile(r"(?:sips?:|://)[^\s<>\"@:/]{0,256}:[^\s<>\"]{1,256}@")  # in lower case
# Most messages hold none of these (in lower case), and need not be looked through.
_HINTS = (
    *("auth", "identity", "\ny", "\ne:", "\ne ", "\nk", "\n k", "cookie", "token", "secret", "passw", "pwd", "apikey"),
    *("api-key", "credential", "signature", "laes", "crypto", "key-mgmt", "inline:", "encoding", "application/mikey"),
    *("application/dtmf", "response", "rspauth", "cnonce", "auts", "ik=", "ck=", "ik =", "ck =", "eyj", "pn-prid"),
    *("signal", "ice-pwd"),
)


def hidden(text: str) -> str:
    """Return as many asterisks; blanks and line ends stay."""
    return _BLACK.sub("*", text)


def message(raw: str) -> str:
    """Hide the secrets of a whole SIP message, or of any part of one."""
    lowered = raw.lower()
    if not any(map(lowered.__contains__, _HINTS)):
        return _PASSWORD.sub(_hide_end, raw) if _URI_WITH_PASSWORD.search(lowered) is not None else raw
    closed = _CLOSED.search(raw)
    blank = BLANK_LINE.search(raw) if closed is not None else None
    if blank is not None:
        raw = raw[: blank.end()] + hidden(raw[blank.end() :])
    # Bodies as well: a NOTIFY or a gateway may carry SIP inside SIP (RFC 3420, RFC 3261 §23.4).
    return text(_SDP.sub(_hide_end, FIELD.sub(_field, raw)))


def payload(data: bytes) -> bytes:
    """Hide the secrets of a SIP message as it was on the wire; its length stays."""
    return message(data.decode("latin-1")).encode("latin-1")


def text(free: str) -> str:
    """Hide secrets in free text: passwords in URIs, tokens, whatever calls itself a secret."""
    return _PASSWORD.sub(_hide_end, _ANYWHERE.sub(_hide_end, free))


def uri(written: str) -> str:
    """Hide the password of one URI, if there is one."""
    # Nearly none has: look for the colon behind that of the scheme first.
    return written if written.find(":", 5, written.rfind("@")) < 0 else _PASSWORD.sub(_hide_end, written)


def _hide_end(found: re.Match[str]) -> str:
    return found["shown"] + hidden(found["secret"])


def _field(found: re.Match[str]) -> str:
    """Hide what is secret in one header field."""
    name = found["name"].lower()
    value = found["value"]
    if name in _WHOLE or any(part in name for part in _WHOLE_PARTS):
        value = hidden(value)
    elif "auth" in name:
        value = _credentials(value)
    else:
        return found[0]
    return found["name"] + found["colon"] + value


def _credentials(value: str) -> str:
    """Hide what is secret in credentials or in a challenge: everything that is not known to be harmless."""
    shown = _SHOWN - _NONCES if "akav" in value.lower() else _SHOWN
    made = []
    place = 0
    scheme = _SCHEME.match(value)
    if scheme is not None and scheme["scheme"].lower() in _SCHEMES:
        made.append(scheme[0])
        place = scheme.end()
    for found in _PARAMETER.finditer(value, place):
        made.append(_QUIET.sub("*", value[place : found.start()]))
        name = found["name"].lower()
        if name in shown:
            made.append(found[0])
        elif name in _NAMED or name in _NONCES:
            made.append(found["name"] + found["equals"] + hidden(found["value"]))
        else:
            made.append(hidden(found[0]))
        place = found.end()
    made.append(_QUIET.sub("*", value[place:]))
    return "".join(made)
