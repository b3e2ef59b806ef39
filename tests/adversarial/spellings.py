# SPDX-License-Identifier: Apache-2.0
"""JSON that two readers could take for two things, and JSON that is only there to cost: in a timestamp, signed by its
key over the very bytes. Rows of (what, change, verdict); a change is of the bytes of `signed` or of the whole file.
"honest": read; SPELLING: to the letter read, on a device refused, where there is one spelling (SPEC 2). The plain
profile reads as the device does."""
FORM = {"SPEC 2", "SPEC 3", "SPEC 4.8", "TUF 5.4.1"}
SPELLING = {"letter": "honest", "device": "SPEC 2"}


def after_type(text):
    """More members of `signed`, at their place in the order."""
    return lambda signed: signed.replace(b'"_type":"timestamp",', b'"_type":"timestamp",' + text + b",", 1)


def instead(old, new):
    def change(data):
        assert old in data, old
        return data.replace(old, new, 1)
    return change


def last(text):
    return lambda body: body[:-1] + text + b"}"


SIGNED = [
    ("the version twice", instead(b'"version":2', b'"version":2,"version":9'), FORM),
    ("the version twice, the second escaped", instead(b'"version":2', b'"version":2,"versio\\u006e":9'), FORM),
    ("a name escaped", instead(b'"version":2', b'"versio\\u006e":2'), SPELLING),
    ("another order", instead(b'"_type":"timestamp",', b'"a":1,"_type":"timestamp",'), SPELLING),
    ("a space", instead(b'"version":2', b'"version": 2'), SPELLING),
    ("an escaped slash", after_type(b'"a":"\\/"'), SPELLING),
    ("a letter escaped", after_type(b'"a":"\\u0061"'), SPELLING),
    ("hex in upper case", after_type(b'"a":"\\u001F"'), SPELLING),
    ("a pair of surrogates", after_type(b'"a":"\\ud83d\\ude00"'), SPELLING),
    ("2^53", instead(b'"version":2', b'"version":9007199254740992'), FORM),
    ("2^64 + 2", instead(b'"version":2', b'"version":18446744073709551618'), FORM),
    ("four hundred digits", instead(b'"version":2', b'"version":' + b"9" * 400), FORM),
    ("a million digits", after_type(b'"a":' + b"9" * 1000000), FORM),
    ("a leading zero", instead(b'"version":2', b'"version":02'), FORM),
    ("a plus", instead(b'"version":2', b'"version":+2'), FORM),
    ("hexadecimal", instead(b'"version":2', b'"version":0x2'), FORM),
    ("2.0", instead(b'"version":2', b'"version":2.0'), FORM),
    ("2e0", instead(b'"version":2', b'"version":2e0'), FORM),
    ("-0", after_type(b'"a":-0'), FORM),
    ("-2", instead(b'"version":2', b'"version":-2'), FORM),
    ("a version of 0", instead(b'"version":2', b'"version":0'), FORM),
    ("a version as text", instead(b'"version":2', b'"version":"2"'), FORM),
    ("a version that is true", instead(b'"version":2', b'"version":true'), FORM),
    ("a list of one version", instead(b'"version":2', b'"version":[2]'), FORM),
    ("NaN", after_type(b'"a":NaN'), FORM),
    ("Infinity", after_type(b'"a":Infinity'), FORM),
    ("a comment", after_type(b'/* hidden */"a":1'), FORM),
    ("single quotes", after_type(b"'a':1"), FORM),
    ("a trailing comma", instead(b'"version":2', b'"version":2,'), FORM),
    ("no value", after_type(b'"a":'), FORM),
    ("no name", after_type(b"1"), FORM),
    ("a NUL", after_type(b'"a":"\0"'), FORM),
    ("an escaped NUL", after_type(b'"a":"\\u0000"'), FORM),
    ("an escaped NUL behind a name", after_type(b'"_type\\u0000":1'), FORM),
    ("a raw newline in a string", after_type(b'"a":"\n"'), FORM),
    ("a lone surrogate, escaped", after_type(b'"a":"\\ud83d"'), FORM),
    ("a lone surrogate, in UTF-8", after_type(b'"a":"\xed\xa0\x80"'), FORM),
    ("an overlong slash", after_type(b'"a":"\xc0\xaf"'), FORM),
    ("an overlong NUL", after_type(b'"a":"\xc0\x80"'), FORM),
    ("beyond Unicode", after_type(b'"a":"\xf4\x90\x80\x80"'), FORM),
    ("a byte that begins nothing", after_type(b'"a":"\xff"'), FORM),
    ("a character without its end", after_type(b'"a":"\xe2\x82"'), FORM),
    ("good UTF-8", after_type('"a":"\u20ac\U0001f600"'.encode()), "honest"),
    ("nested to the limit", after_type(b'"a":' + b"[" * 10 + b"]" * 10), "honest"),
    ("nested one deeper", after_type(b'"a":' + b"[" * 11 + b"]" * 11), FORM),
    ("nested 5,000 deep", after_type(b'"a":' + b"[" * 5000 + b"]" * 5000), FORM),
    ("nested in objects", after_type(b'"a":' + b'{"a":' * 2000 + b"1" + b"}" * 2000), FORM),
    ("more than a timestamp may have", after_type(b'"a":"' + b"a" * 16384 + b'"'), FORM),
    ("another type", instead(b'"timestamp"', b'"snapshot"'), FORM),
    ("a type that only begins so", instead(b'"timestamp"', b'"timestamp\\n"'), FORM),
    ("a day that is none", instead(b'"expires":"', b'"expires":"2027-02-31T00:00:00Z","f":"'), FORM),
    ("no zone", lambda s: s.replace(b'Z","meta"', b'","meta"'), FORM),
    ("fractions of a second", lambda s: s.replace(b'Z","meta"', b'.5Z","meta"'), FORM),
    ("a year of five digits", lambda s: s.replace(b'"expires":"', b'"expires":"1', 1), FORM),
]

WHOLE = [
    ("a byte order mark", lambda b: b"\xef\xbb\xbf" + b, FORM),
    ("UTF-16", lambda b: b.decode().encode("utf-16"), FORM),
    ("a space before", lambda b: b" " + b, SPELLING),
    ("a newline behind", lambda b: b + b"\n", SPELLING),
    ("a brace behind", lambda b: b + b"}", FORM),
    ("a second file behind", lambda b: b + b, FORM),
    ("a NUL behind", lambda b: b + b"\0", FORM),
    ("in a list", lambda b: b"[" + b + b"]", FORM),
    ("as text", lambda b: b'"' + b.replace(b'"', b'\\"') + b'"', FORM),
    ("signed twice", last(b',"signed":{"_type":"timestamp"}'), FORM),
    ("signatures twice", lambda b: b'{"signatures":[],' + b[1:], FORM),
    ("signatures behind", lambda b: b.replace(b'"signatures"', b'"zignatures"') + b"", FORM),
    ("signatures that are none", instead(b'"signatures":[', b'"signatures":{"a":1},"x":['), FORM),
    ("signed that is a list", lambda b: b[:b.index(b'"signed":')] + b'"signed":[]}', FORM),
    ("nothing signed", lambda b: b[:b.index(b',"signed":')] + b"}", FORM),
    ("more beside what is signed", last(b',"unsigned":{"version":99}'), "honest"),
    ("nothing", lambda _: b"", FORM),
    ("null", lambda _: b"null", FORM),
    ("brackets", lambda _: b"[" * 16000, FORM),
    ("braces", lambda _: b'{"a":' * 3000, FORM),
]
