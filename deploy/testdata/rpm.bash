#!/bin/bash
# What an operator does with the RPM package ($1), and what comes of it. Run by TestRPM. RPM's own database is empty on a
# Debian, so dependencies are not looked at.
set -euo pipefail

fail() { echo "FAILED: $*"; exit 1; }
has() { grep -qF -- "$2" "$1" || fail "$1 has no '$2'"; }
install=(rpm --nodeps --dbpath /tmp/rpmdb)

rpm -qp --requires "$1" >/tmp/said
has /tmp/said 'systemd >= 251'
[ "$(rpm -qp --configfiles "$1")" = /etc/caddy-mor-gateway/Caddyfile ] || fail "other configuration files"

echo "== install"
"${install[@]}" -i "$1" >/tmp/said
has /tmp/said 'sudo caddy-mor-gateway-key add'
! systemctl is-enabled --quiet caddy-mor-gateway || fail "enabled without a key"
[ "$(stat -c %a%U /etc/caddy-mor-gateway/keys)" = 700root ] || fail "others can look into the folder of the keys"
"${install[@]}" -V caddy-mor-gateway
rpm -qp --scripts "$1" >/tmp/said
has /tmp/said 'postinstall scriptlet (using /bin/sh)'

echo "== start"
echo key | caddy-mor-gateway-key add
systemctl enable --now caddy-mor-gateway
echo '# mine' >>/etc/caddy-mor-gateway/Caddyfile
old=$(systemctl show -p MainPID --value caddy-mor-gateway)

echo "== upgrade"
"${install[@]}" -U --replacepkgs "$1" >/tmp/said
! grep -q 'not started' /tmp/said || fail "asks for a key that is there"
has /etc/caddy-mor-gateway/Caddyfile '# mine'
systemctl is-active --quiet caddy-mor-gateway || fail "down after the upgrade"
systemctl is-enabled --quiet caddy-mor-gateway || fail "disabled by the upgrade"
[ "$(systemctl show -p MainPID --value caddy-mor-gateway)" != "$old" ] || fail "not restarted"

echo "== erase"
"${install[@]}" -e caddy-mor-gateway >/tmp/said 2>&1
has /tmp/said 'are kept in /etc/caddy-mor-gateway'
! systemctl is-active --quiet caddy-mor-gateway || fail "it still runs"
[ ! -e /etc/systemd/system/multi-user.target.wants/caddy-mor-gateway.service ] || fail "still enabled"
[ ! -e /usr/bin/caddy-mor-gateway ] || fail "the program stays"

echo "== rpmlint" # last, and here, since it unpacks nfpm's packages over the system
rpmlint --config /mnt/rpmlint.toml /mnt/*.rpm >/tmp/said || fail "$(cat /tmp/said)"
has /tmp/said '2 packages and 0 specfiles checked; 0 errors, 0 warnings'
