package command

const hashHelp = `
Prints the hash that MOR wants with a did_details_update: the SHA-1 of the id
of the DID followed by the API Secret Key, as 40 lower-case hex digits. Nothing
else goes to standard output, so a script can write

	$ hash=$(caddy mor-hash --did-id 6511)

With --url it prints a whole signed request instead, as a curl command for a
POSIX shell.

THE KEY

The API Secret Key is read from the environment variable MOR_API_SECRET_KEY,
from the file that --secret-file names, or from standard input with
--secret-file -. It is never taken from an argument, because other users of the
machine can read arguments. White space around the key is stripped, as MOR does
when it saves one, and a line on standard error says so. Quotes around the key
count as part of it; a line on standard error warns of them. A key in UTF-16, or
after a byte order mark, is an error.

FLAGS

--did-id <id>
    The id that MOR gave the DID, a positive decimal integer. It is not the
    phone number. Required. It is hashed as you write it: send it the same way.

--secret-file <file>
    The file with the key, or - for standard input.

--url <base>
    The address of MOR, such as https://mor.example/billing. The path of the
    method is added if it is missing.

--user <name>
    The username, sent as u. Required with --url. It is not part of the hash.

--set <name>=<value>
    A further parameter, such as call_limit=10. Repeatable. It is not part of
    the hash. The value is not checked; mor-check does that.

EXIT STATUS

	0    the hash or the command was printed
	2    wrong usage, or no key

EXAMPLES

The example from MOR's documentation, with the key "secret":

	$ printf secret | caddy mor-hash --did-id 6511 --secret-file -
	f7de355c9b4421ce6c705b4b32c89dbcaca51e46

A request that sets the call limit, sent at once:

	$ caddy mor-hash --did-id 6511 --secret-file /run/secrets/mor \
	    --url https://mor.example/billing --user admin --set call_limit=10 | sh

The printed command contains the hash: anyone who reads it can send it again.
`

const checkHelp = `
Says what the MOR gateway (the directive mor_gateway) would answer to a request
and why, without sending anything. It prints a line for each check, the
parameters as MOR would read them and where they were found, the verdict, a
hint, and the XML that the client would get. The verdict on a request that is
not for did_details_update is "not checked". It judges with the same code as the
running gateway.

The request is a URL, sent with POST unless --method says otherwise, or a whole
HTTP/1.1 request with --request.

If the hash is wrong, the hint names the usual mistakes: a newline, a space, a
separator or quotes hashed too, the key before did_id, upper-case digits, MD5,
SHA-256 or HMAC instead of SHA-1, another value in the hash, did_id or the key
left out, UTF-16 text, the key of another reseller. No key is printed. The right
hash is printed only with --show-expected.

THE KEYS

With --config, the keys and options come from the mor_gateway in a Caddyfile.
Placeholders of keys, such as {env.MOR_API_SECRET_KEY}, are resolved when the
command runs, so run it as Caddy's user and with Caddy's environment. Without
--config there is one key, the admin's, from --secret-file or the variable
MOR_API_SECRET_KEY, and all options have their defaults.

THE REQUEST

--request <file>
    A whole HTTP/1.1 request as it goes over the wire, or - for standard
    input. The head may have bare newlines. The body ends where Content-Length
    or the chunks say.

--method <method>
    The method of the request to the URL. Default: POST.

--data <body>
    The body. @file reads it from a file, @- from standard input; it is sent
    byte for byte.

--content-type <type>
    The type of the body. Default with --data, as with curl:
    application/x-www-form-urlencoded.

OPTIONS

--config <file>
    The Caddyfile, or Caddy's JSON if its name ends in .json.

--site <address>
    The address of the site, as in the Caddyfile (mor.example, :8080), if
    several sites have a mor_gateway.

--secret-file <file>
    The file with the admin's API Secret Key, or - for standard input.

--json
    Prints one JSON object: accepted, action, verdict, mode, checks,
    parameters, hint, notes, status, allow, answer, expected. Fields that do not
    apply are left out. accepted is true only if the request was checked.

--show-expected
    Prints the right hash, one for each key that counts for this user. Anyone
    who has it can send the request.

Colours are used only on a terminal, and not if NO_COLOR is set.

WHAT IS NOT CHECKED

Only MOR, with its database, knows whether the user and the DID exist, and
whether the user may change the DID. Matchers are not applied, and neither are directives
that run before mor_gateway and change the request, such as rewrite. Header
lines with _ or . in their name are dropped, as Caddy does by default. In monitor
mode a refused request is forwarded anyway: the verdict and the exit status are
those of a refusal, and a note says so.

EXIT STATUS

	0    the request goes on to MOR: accepted, or not checked
	2    wrong usage or configuration
	3    refused

EXAMPLES

Why is this hash wrong?

	$ export MOR_API_SECRET_KEY
	$ caddy mor-check 'https://mor.example/billing/api/did_details_update?u=admin&did_id=6511&hash=...'

A JSON body, with the keys and options of the real Caddyfile:

	$ caddy mor-check --config /etc/caddy-mor-gateway/Caddyfile --site mor.example \
	    --content-type application/json --data @body.json \
	    https://mor.example/billing/api/did_details_update

A recorded request, with JSON for a program:

	$ caddy mor-check --request - --json < request.txt
`

const reportHelp = `
Says what the MOR gateway (the directive mor_gateway) would have done with the
requests in existing logs, before you install it, or what it did: how many
requests it accepts and refuses, which users it would stop and why, how to fix
each case, and a Caddyfile block that accepts every request MOR may have
accepted. It judges with the same code as the running gateway, and sends
nothing.

THE LOGS

Files, plain or compressed with gzip, or - for standard input. The format is
detected line by line, so logs can be mixed, in any order:

  - access logs of Apache and nginx: common, combined, and other formats that
    have the request in quotes or in the variables of JSON;
  - access logs of Caddy, in JSON;
  - the gateway's own log, also as journalctl -o cat prints it.

Lines in any other format, and broken lines, are only counted. A log that breaks
off is read up to that point. A request in both Caddy's access log and the
gateway's own log counts once. A request that two servers have logged counts
twice: give the log of only one of them.

WHAT A LOG CANNOT SAY

An access log has the method and the target of a request, but no header lines
and no body. A POST without u, did_id or hash in its query may have them in its
body, so it is not judged. Neither is a request whose query a filter removed
from the log. A gateway in monitor mode judges these too: read its log instead.

The access log does not show whether MOR accepted a request, because MOR sends
its errors with status 200 too. The gateway's log shows where MOR disagreed.

Requests for other methods of the API are counted by name. The report also says
how many of them had a right hash for a DID: that hash works for
did_details_update too.

monitor.Caddyfile and the package's Caddyfile mark in the access log (mor_edge)
what the edge would also refuse. The report lists it by client.

OPTIONS

--config <file>
    The Caddyfile, or Caddy's JSON if its name ends in .json, with the keys and
    options to judge by, as in mor-check.

--site <address>
    The site in the config, as the Caddyfile has it (mor.example, :8080), if
    several have a mor_gateway.

--secret-file <file>
    Without --config: the file with the admin's API Secret Key, or - for
    standard input. Default: the variable MOR_API_SECRET_KEY.

--since <time>, --until <time>
    The period: a day (2026-11-30), which --until includes, or a time
    ("2026-11-30 14:00", 2026-11-30T14:00:00Z). Without a zone it is local.

--html <file>
    Also writes the report as one HTML file without scripts. An existing file
    is overwritten only if it is an HTML page.

--json
    Prints one JSON object instead of the text. Its members are
      version        of the gateway
      logs           name, lines; broken if it was not read to its end; strange
                     if it has no line in a known format
      lines          all, and those left out: unknown, unreadable, too_long,
                     outside (of the period), without_time
      from, to       the first and the last request for the method
      requests       for the method: accepted, refused and not_judged
      verdicts       name and requests, of the refused
      unjudged       reason (in_body, redacted), text, requests, to_do
      stopped        user, verdict, hint, requests, first, last, from (up to
                     three addresses; more if there are more), to_do, and
                     mor_accepted (how many MOR is known to have accepted)
      others         refused requests that are not in stopped
      users          user, accepted, refused, not_judged
      methods        method, requests, right_hash
      answers        of MOR that contradict a verdict: user, verdict, hint,
                     mor, requests, first, last, to_do
      edge           what the edge would also refuse: client, user, why,
                     method, requests, first, last
      statuses       other than 200, of the answers: name, requests
      seen_twice     access log lines whose request is in the gateway's log
      step_seconds, timeline
                     from, accepted, refused, not_judged
      suggestion     the block for the Caddyfile
      notes          what else to know
    A list has at most 1000 rows, the most frequent first.

None of these contains a key, hash, password or URL, and no text from a log can
harm a terminal, a page or a spreadsheet. They do contain usernames and client
addresses.

On a terminal, standard error shows a progress bar. NO_COLOR turns colours off.

EXIT STATUS

	0    a report was made, whatever it says
	2    wrong usage or configuration, or a log that cannot be opened

EXAMPLES

Before you install anything, on MOR's machine, with MOR's key:

	$ printf %s "$KEY" >key && chmod 600 key
	$ caddy mor-report --secret-file key --html report.html /var/log/httpd/access_log*

In monitor mode, from the gateway's own log of the last week:

	$ journalctl -u caddy-mor-gateway -o cat --since -7d |
	    caddy mor-report --config /etc/caddy-mor-gateway/Caddyfile -
`
