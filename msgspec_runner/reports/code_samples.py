"""One message as a program that sends it: the nine kinds of sample in the API's documentation, for your own message.

Each needs nothing but its language, takes the key from ``SOCIOCS_API_KEY``, and holds the exact body: as one string in
the notation of its language, because what a recipient is called must neither end the string nor run as code.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

_C_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_PLANE: Final = 0x10000
"""Characters below this fit into ``\\u`` and four digits in every language."""


class Kind(NamedTuple):
    """A kind of sample.

    Attributes:
        comment: what begins a comment.
        write: makes the program from the URL to post to and the body, JSON on one line.
    """

    comment: str
    write: Callable[[str, str], str]


def _escaped(text: str, quote: str, also: str = "") -> str:
    """Return a string literal of JavaScript, Go or Dart.

    Args:
        text: what it means.
        quote: what it stands in.
        also: characters that are special in this language, beside the quote and the backslash.
    """
    out = []
    for char in text:
        if char in ("\\", quote) or char in also:
            out.append("\\" + char)
        elif char in "\n\r\t":
            out.append(_C_ESCAPES[char])
        elif not char.isprintable() and ord(char) < _PLANE:
            out.append(f"\\u{ord(char):04x}")
        else:
            out.append(char)
    return f"{quote}{''.join(out)}{quote}"


def _curl(url: str, body: str) -> str:
    quoted = body.replace("'", "'\\''")
    return (
        f"curl --request POST {shlex.quote(url)} \\\n"
        '  --header "apikey: $SOCIOCS_API_KEY" \\\n'
        "  --header 'Content-Type: application/json' \\\n"
        f"  --data-raw '{quoted}'\n"
    )


def _curl_windows(url: str, body: str) -> str:
    # cmd.exe takes each \" for the end of a quotation: behind it & | < > ^ and % would be its own. JSON can spell them.
    plain = json.dumps(json.loads(body), separators=(",", ":"))
    spelt = re.sub(r'\\["\\]', lambda found: f"\\u{ord(found[0][1]):04x}", plain)
    spelt = re.sub(r"[&|<>^%!`$']", lambda found: f"\\u{ord(found[0]):04x}", spelt)
    quoted = spelt.replace('"', '\\"')
    return (
        f'curl --request POST "{url}" --header "apikey: %SOCIOCS_API_KEY%" '
        f'--header "Content-Type: application/json" --data-raw "{quoted}"\n'
    )


def _python(url: str, body: str) -> str:
    return f"""\
import os
import urllib.request

body = {body!r}
request = urllib.request.Request(
    {url!r},
    data=body.encode(),
    headers={{"apikey": os.environ["SOCIOCS_API_KEY"], "Content-Type": "application/json"}},
)
with urllib.request.urlopen(request) as response:
    print(response.read().decode())
"""


def _node(url: str, body: str) -> str:
    return f"""\
const body = {_escaped(body, "'")};

fetch({_escaped(url, "'")}, {{
  method: 'POST',
  headers: {{ 'apikey': process.env.SOCIOCS_API_KEY, 'Content-Type': 'application/json' }},
  body,
}})
  .then((response) => response.text())
  .then(console.log);
"""


def _go(url: str, body: str) -> str:
    literal = f"`{body}`" if body.isprintable() and "`" not in body else _escaped(body, '"')
    return f"""\
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

func main() {{
	body := {literal}
	request, err := http.NewRequest("POST", {_escaped(url, '"')}, strings.NewReader(body))
	if err != nil {{
		panic(err)
	}}
	request.Header.Add("apikey", os.Getenv("SOCIOCS_API_KEY"))
	request.Header.Add("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {{
		panic(err)
	}}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {{
		panic(err)
	}}
	fmt.Println(string(answer))
}}
"""


def _java(url: str, body: str) -> str:
    return f"""\
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

class Send {{
    public static void main(String[] args) throws Exception {{
        String body = {_ascii(body)};
        HttpRequest request = HttpRequest.newBuilder(URI.create({_ascii(url)}))
            .header("apikey", System.getenv("SOCIOCS_API_KEY"))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
        HttpResponse<String> response =
            HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        System.out.println(response.body());
    }}
}}
"""


def _csharp(url: str, body: str) -> str:
    return f"""\
using System;
using System.Net.Http;
using System.Text;

var client = new HttpClient();
var request = new HttpRequestMessage(HttpMethod.Post, {_ascii(url)});
request.Headers.Add("apikey", Environment.GetEnvironmentVariable("SOCIOCS_API_KEY"));
var body = {_ascii(body)};
request.Content = new StringContent(body, Encoding.UTF8, "application/json");
var response = await client.SendAsync(request);
Console.WriteLine(await response.Content.ReadAsStringAsync());
"""


def _php(url: str, body: str) -> str:
    literals = ["'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'" for text in (body, url)]
    return f"""\
<?php
$body = {literals[0]};
$request = curl_init({literals[1]});
curl_setopt_array($request, [
    CURLOPT_POST => true,
    CURLOPT_POSTFIELDS => $body,
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_HTTPHEADER => ['apikey: ' . getenv('SOCIOCS_API_KEY'), 'Content-Type: application/json'],
]);
echo curl_exec($request), "\\n";
"""


def _dart(url: str, body: str) -> str:
    return f"""\
import 'dart:convert';
import 'dart:io';

void main() async {{
  final body = {_escaped(body, "'", also="$")};
  final client = HttpClient();
  final request = await client.postUrl(Uri.parse({_escaped(url, "'", also="$")}));
  request.headers.set('apikey', Platform.environment['SOCIOCS_API_KEY']!);
  request.headers.set('Content-Type', 'application/json');
  request.add(utf8.encode(body));
  final response = await request.close();
  print(await response.transform(utf8.decoder).join());
  client.close();
}}
"""


def _ascii(text: str) -> str:
    """Return a string literal of Java and C# that no compiler's guess of the file's encoding can change."""
    units = text.encode("utf-16-be")
    wide = (int.from_bytes(units[at : at + 2]) for at in range(0, len(units), 2))
    parts = (chr(unit) if " " <= chr(unit) <= "~" else f"\\u{unit:04x}" for unit in wide)
    return '"' + "".join(_C_ESCAPES.get(part, part) for part in parts) + '"'


KINDS: Mapping[str, Kind] = {
    "curl": Kind("#", _curl),
    "curl-windows": Kind("REM", _curl_windows),
    "python": Kind("#", _python),
    "node": Kind("//", _node),
    "go": Kind("//", _go),
    "java": Kind("//", _java),
    "csharp": Kind("//", _csharp),
    "php": Kind("//", _php),
    "dart": Kind("//", _dart),
}
"""Every kind by its name for ``render --as``."""


def code_sample(kind: str, url: str, body: bytes) -> str:
    """Return a program that posts one message.

    Args:
        kind: one of :data:`KINDS`.
        url: where to post, http or https.
        body: the exact JSON, UTF-8, on one line.
    """
    return KINDS[kind].write(url, body.decode())
