#!/bin/bash
# What an operator does, and what comes of it, on a machine of its own. Run by TestDebian.
set -euo pipefail

fail() { echo "FAILED: $*"; exit 1; }
# has FILE TEXT, or - for standard input
has() { grep -qF -- "$2" "$1" || fail "$1 has no '$2'"; }
files() {
    find /etc /usr /var /opt /root/.local /root/.config \( -path /var/log -o -path /var/cache -o -path /var/tmp -o -path /var/lib/dpkg \
        -o -path /var/lib/systemd \) -prune -o -print 2>/dev/null | sort
}
hash() { printf %s "$1" | caddy-mor-gateway mor-hash --did-id 6511 --secret-file -; }
# ask SCHEME KEY: sends an update, prints the XML's message
ask() {
    curl -sSk --noproxy '*' --resolve mor.example.com:80:127.0.0.1 --resolve mor.example.com:443:127.0.0.1 -X POST \
        "$1://mor.example.com/billing/api/did_details_update?u=${3:-admin}&did_id=6511&hash=$(hash "$2")" |
        sed -n 's/.*<\(error\|success\)>\([^<]*\)<.*/\2/p'
}
answers() {
    local got
    got=$(ask "$2" "$3" "${4:-admin}")
    [ "$got" = "$1" ] || fail "$2 with $3: '$got', want '$1'"
}
# eventually WHAT COMMAND...: within a minute
eventually() {
    local what=$1
    shift
    for _ in $(seq 600); do ! "$@" >/dev/null 2>&1 || return 0; sleep 0.1; done
    fail "never: $what"
}
refuses_connections() { ! (exec 4<>/dev/tcp/127.0.0.1/80); }
success='DID details successfully updated'

rm -f /usr/sbin/policy-rc.d # where that is, packages start nothing
files >/tmp/before

echo "== install"
dpkg -i /mnt/old.deb >/tmp/said
has /tmp/said 'sudo caddy-mor-gateway-key add'
has /tmp/said 'sudo systemctl enable --now caddy-mor-gateway'
! systemctl is-enabled --quiet caddy-mor-gateway || fail "enabled without a key"
! systemctl is-active --quiet caddy-mor-gateway || fail "started without a key"
[ "$(stat -c %a /etc/caddy-mor-gateway/keys)" = 700 ] || fail "others can look into the folder of the keys"
man -w caddy-mor-gateway caddy-mor-gateway-key caddy-mor-gateway-mor-check caddy-mor-gateway-mor-hash >/dev/null

echo "== the key, typed"
python3 - >/tmp/said <<'END'
import os, pty, time
pid, terminal = pty.fork()
if pid == 0:
    os.execvp("caddy-mor-gateway-key", ["caddy-mor-gateway-key", "add"])
said = b""
while b"not shown" not in said:
    said += os.read(terminal, 1000)
os.write(terminal, b" first-key \n")
try:
    while piece := os.read(terminal, 1000):
        said += piece
except OSError: # it has ended
    pass
print(said.decode())
os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
! grep -q first-key /tmp/said || fail "the key is shown"
[ "$(cat /etc/caddy-mor-gateway/keys/admin)" = first-key ] || fail "another key"
[ "$(stat -c %a /etc/caddy-mor-gateway/keys/admin)" = 600 ] || fail "others can read the key"

echo "== the Caddyfile, and a MOR"
HOME=/tmp caddy-mor-gateway respond --listen 127.0.0.1:8081 --body "<page><status><success>$success</success></status></page>" >/dev/null 2>&1 &
sed -i 's/10\.0\.0\.5:80/127.0.0.1:8081/; s/^mor\.example\.com {/&\n\ttls internal/' /etc/caddy-mor-gateway/Caddyfile
caddy-mor-gateway-key check
systemctl enable --now caddy-mor-gateway
eventually "it has made itself a certificate" ask https first-key

echo "== nothing is refused yet"
answers "$success" http first-key
answers "$success" http wrong
answers "$success" https wrong
journalctl -u caddy-mor-gateway -o cat >/tmp/log
has /tmp/log '"msg":"request would be refused"'
has /tmp/log '"mor_edge":"over http"'
has /tmp/log '"version":"v1.2.3"'

echo "== the edge"
sed -i 's/^\timport monitor/\timport edge/' /etc/caddy-mor-gateway/Caddyfile
systemctl reload caddy-mor-gateway
answers "$success" https first-key
answers "Incorrect hash" https wrong
answers "HTTPS is required" http first-key
if fail2ban-regex --version >/dev/null 2>&1 && /usr/bin/python3 -c 'import systemd.journal' 2>/dev/null; then
    fail2ban-regex --out ip systemd-journal /mnt/filter.d/mor-gateway.conf >/tmp/said
    [ "$(cat /tmp/said)" = 127.0.0.1 ] || fail "fail2ban sees $(cat /tmp/said)"
fi

echo "== a rotation, and a reseller"
printf '\n second-key \r\n\n' | caddy-mor-gateway-key add
answers "$success" https first-key
answers "$success" https second-key
echo third-key | caddy-mor-gateway-key add && fail "a third key"
caddy-mor-gateway-key finish
answers "Incorrect hash" https first-key
answers "$success" https second-key
echo acme-key | caddy-mor-gateway-key add acme
echo acme-key-2 | caddy-mor-gateway-key add acme
[ "$(cat /etc/caddy-mor-gateway/keys/reseller.acme.new)" = acme-key-2 ] || fail "another key"
caddy-mor-gateway-key undo acme
answers "$success" https acme-key acme
answers "Incorrect hash" https acme-key-2 acme
answers "Incorrect hash" https acme-key
caddy-mor-gateway-key remove acme
answers "Incorrect hash" https acme-key acme

echo "== keys that look wrong are taken, with a warning"
printf '"in-quotes"\n' | caddy-mor-gateway-key add acme 2>/tmp/said
has /tmp/said 'warning: resellers["acme"][0]: {file./etc/caddy-mor-gateway/keys/reseller.acme} is in quotes'
has /tmp/said 'shorter than 16 bytes'
caddy-mor-gateway-key remove acme
sed -i 's/^\tlog default {/&\n\t\tformat console\n\t}\n\tlog other {\n\t\toutput discard/' /etc/caddy-mor-gateway/Caddyfile
caddy-mor-gateway-key check >/tmp/said 2>&1
has /tmp/said 'would start with this'
[ "$(grep -c 'warning: .*shorter than 16 bytes.*secrets' /tmp/said)" = 1 ] || fail "warned not once: $(cat /tmp/said)"
! grep -q second-key /tmp/said || fail "the key is shown"
sed -i '/^\t\tformat console$/,/^\t\toutput discard$/d' /etc/caddy-mor-gateway/Caddyfile

echo "== what must change nothing"
find /etc/caddy-mor-gateway -type f -exec sha256sum {} + >/tmp/sums
for args in '' 'add a/b' 'add x.new' 'add new' 'add a b' 'finish' 'undo' 'remove' 'remove nobody' 'check x' 'nonsense'; do
    # shellcheck disable=SC2086
    ! echo second-key | caddy-mor-gateway-key ${args:-add} 2>/tmp/said || fail "'$args' passes"
done
! echo ' ' | caddy-mor-gateway-key add acme || fail "an empty key passes"
for lines in 'one\ntwo\n' 'one\rtwo' '\none\n\ntwo'; do
    # shellcheck disable=SC2059
    ! printf "$lines" | caddy-mor-gateway-key add acme 2>/tmp/said || fail "several lines pass"
    has /tmp/said 'more than one line'
done
! echo key | setpriv --reuid 65534 --clear-groups caddy-mor-gateway-key add 2>/tmp/said || fail "anybody may"
sha256sum --quiet -c /tmp/sums

echo "== a mistake in the Caddyfile is found before a restart"
cp /etc/caddy-mor-gateway/Caddyfile /tmp/Caddyfile
echo 'mistake {' >>/etc/caddy-mor-gateway/Caddyfile
! caddy-mor-gateway-key check 2>/tmp/said || fail "the check is passed"
has /tmp/said Caddyfile:
! echo third-key | caddy-mor-gateway-key add 2>/tmp/said || fail "a key is taken"
has /tmp/said 'it keeps running as before'
answers "$success" https second-key
dpkg -i /mnt/new.deb >/tmp/said 2>&1
has /tmp/said 'NOT restarted'
answers "$success" https second-key
cp /tmp/Caddyfile /etc/caddy-mor-gateway/Caddyfile
caddy-mor-gateway-key undo
dpkg -i /mnt/old.deb >/dev/null 2>&1

echo "== upgrade, with a request under way"
sed -i 's/^\timport edge/\timport monitor/' /etc/caddy-mor-gateway/Caddyfile
systemctl reload caddy-mor-gateway
body="u=admin&did_id=6511&hash=$(hash second-key)"
exec 3<>/dev/tcp/127.0.0.1/80
printf 'POST /billing/api/did_details_update HTTP/1.1\r\nHost: mor.example.com\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\nu=' ${#body} >&3
old=$(systemctl show -p MainPID --value caddy-mor-gateway)
dpkg -i /mnt/new.deb >/tmp/said &
upgrade=$!
eventually "the old one lets go of its port, and waits for the rest" refuses_connections
printf %s "${body#u=}" >&3
cat <&3 >/tmp/answer
has /tmp/answer "$success"
wait $upgrade
[ "$(systemctl show -p MainPID --value caddy-mor-gateway)" != "$old" ] || fail "not restarted"
answers "$success" https second-key
cmp /etc/caddy-mor-gateway/Caddyfile <(sed 's/^\timport edge/\timport monitor/' /tmp/Caddyfile) || fail "the Caddyfile is another"

echo "== remove"
dpkg -r caddy-mor-gateway >/dev/null
! systemctl is-active --quiet caddy-mor-gateway || fail "it still runs"
[ -e /etc/caddy-mor-gateway/keys/admin ] || fail "the key is gone, without a purge"

echo "== purge"
dpkg -P caddy-mor-gateway >/dev/null
files >/tmp/after
diff /tmp/before /tmp/after || fail "something stays"
