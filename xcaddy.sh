#!/bin/sh
# Builds, runs, tests, measures and packs the gateway. See './xcaddy.sh help'.
set -eu

MODULE=github.com/mor-gateway/caddy-mor-gateway
XCADDY=github.com/caddyserver/xcaddy/cmd/xcaddy@v0.4.5
SBOM=github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0
GOTESTSUM=gotest.tools/gotestsum@v1.13.0
NFPM=github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2

# The build tags that xcaddy uses by itself: tests and releases have the same code in them.
TAGS=nobadger,nomysql,nopgx

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)

# A Go workspace in a parent folder is for other modules.
export GOWORK=off

# Only go.mod names the versions of Go and Caddy.
go_wanted=$(sed -n 's/^go //p' "$here/go.mod")
caddy_pinned=$(sed -n 's|.*github.com/caddyserver/caddy/v2 \(v[^ ]*\).*|\1|p' "$here/go.mod")

help() {
    cat <<EOF
Usage: ./xcaddy.sh <command>

  build [--with MODULE[@VERSION]...]
                  build ./caddy: Caddy $caddy_pinned with the gateway and any further
                  modules; set CADDY_VERSION for another Caddy, such as "latest"
  run             build, then start a demo on http://localhost:8080 in front of
                  a stand-in for MOR; stop it with Ctrl-C
                  the API Secret Key is "secret", unless MOR_API_SECRET_KEY is set
  test [ARG...]   run the tests with the race detector; ARGs go to 'go test',
                  for example: test -run Hash ./validation
  bench [ARG...]  measure the gateway against Caddy without it
  evidence        run all tests, fuzz targets and benchmarks (about two hours),
                  and write docs/evidence.md
  release         build static Linux binaries for amd64 and arm64, an SBOM for each,
                  Debian and RPM packages, and SHA-256 sums, in ./dist
  help            print this text

Needs only Go $go_wanted or newer. The first build fetches modules from the network;
later builds work offline.
EOF
}

say() { printf '%s\n' "$*" >&2; }
die() { say "xcaddy.sh: $*"; exit 1; }
misused() { say "xcaddy.sh: $*"; say "Try './xcaddy.sh help'."; exit 2; }

need_go() {
    command -v go >/dev/null 2>&1 ||
        die "Go is not installed, or not in PATH. Install Go $go_wanted or newer: https://go.dev/doc/install"
    # Run inside the project: a Go that may fetch a newer Go has then done so.
    have=$(cd "$here" && go env GOVERSION 2>/dev/null) || have=
    [ "$have" ] || have=$(cd / && GOTOOLCHAIN=local go env GOVERSION)
    awk -v have="$have" -v want="$go_wanted" 'BEGIN {
        sub(/^.*go/, "", have)
        split(have, h, "."); split(want, w, ".")
        for (i = 1; i <= 3; i++) if (h[i] + 0 != w[i] + 0) exit h[i] + 0 < w[i] + 0
    }' || die "Go is too old: this is $have, but the gateway needs go$go_wanted or newer (https://go.dev/doc/install)"
}

need_write() {
    [ -w "$here" ] || die "cannot write to $here; use a copy of the project that you own"
}

# The module cache as a module proxy: a pinned version in it needs no network.
cache() { printf 'file://%s/cache/download' "$(go env GOMODCACHE)"; }

build() {
    newest=${CADDY_VERSION:-}
    value=
    for arg in "$@"; do
        case $value,$arg in
        with,-* | with,) misused "--with needs a module" ;;
        with,*@*) value='' ;;
        with,*) value='' newest=$arg ;;
        ,--with) value=with ;;
        *) misused "build takes only --with MODULE, not '$arg'" ;;
        esac
    done
    [ -z "$value" ] || misused "--with needs a module"
    need_write
    need_go

    # The version also keeps Go from asking a proxy for one.
    set -- build "${CADDY_VERSION:-$caddy_pinned}" --with "$MODULE@$(version)=$here" "$@" --output "$here/caddy"
    say "Building $here/caddy (the first time takes some minutes)"

    # If every version is given, the module cache may have everything: try it first and alone, without the network.
    # Go checked the modules when it fetched them, and cannot ask the checksum database again. A module without a
    # version means the newest, which the cache cannot know.
    if [ -z "$newest" ]; then
        if log=$(GOPROXY=$(cache) GOSUMDB=off go run "$XCADDY" "$@" 2>&1); then
            return
        fi
        case $log in *'Building Caddy'*) # nothing was missing: it does not compile
            say "$log"
            exit 1
            ;;
        esac
        GOPROXY=$(cache),$(go env GOPROXY) go run "$XCADDY" "$@" && return
        [ $# -eq 6 ] || exit 1 # further modules were asked for

        # xcaddy needs a few modules more than the gateway. A machine that has only the gateway's modules builds the
        # same program from go.mod.
        say "xcaddy failed (no network?): building cmd/caddy with Go alone"
        # As xcaddy does, without a version from git: git refuses to read another user's clone.
        (cd "$here" && go build -buildvcs=false -trimpath -ldflags '-w -s' -tags "$TAGS" -o caddy ./cmd/caddy)
    else
        go run "$XCADDY" "$@"
    fi
}

run() {
    [ $# -eq 0 ] || misused "run takes no arguments"
    # A second Caddy would share the port with the first, and each would get some of the requests.
    if command -v curl >/dev/null 2>&1 && curl -s -o /dev/null --noproxy '*' --max-time 5 http://localhost:8080/; then
        die "something already answers on http://localhost:8080: stop it first"
    fi
    build
    export MOR_API_SECRET_KEY="${MOR_API_SECRET_KEY:-secret}"
    hash=f7de355c9b4421ce6c705b4b32c89dbcaca51e46 # SHA-1 of 6511secret
    [ "$MOR_API_SECRET_KEY" = secret ] || hash=$("$here/caddy" mor-hash --did-id 6511)

    cat <<EOF

The gateway is on http://localhost:8080 until you press Ctrl-C. In another terminal:

  accepted:
    curl -X POST 'http://localhost:8080/billing/api/did_details_update?u=admin&did_id=6511&call_limit=999&hash=$hash'
  refused:
    curl -X POST 'http://localhost:8080/billing/api/did_details_update?u=admin&did_id=6512&call_limit=999&hash=$hash'

EOF
    # As the service has it: a little more memory, and less work for the collector.
    GOGC=${GOGC:-400} exec "$here/caddy" run --config "$here/caddyfile/demo.Caddyfile" --adapter caddyfile
}

# Counts the tests with a result in the output of 'go test -json'.
count() { grep -c "\"Action\":\"$1\",.*\"Test\":" "$said" || true; }

# Prints a line for each package, the skipped tests with the reason, the output of failed tests, the figures of the
# proof, and the number of tests.
run_tests() {
    need_go
    cd "$here"
    packages=./... race=-race off='' status=0
    for arg in "$@"; do
        case $arg in . | ./* | "$MODULE"*) packages='' ;; esac
    done
    if [ "$(go env CGO_ENABLED)" != 1 ]; then
        race='' off='
Not run: the race detector (needs a C compiler)'
        say "The race detector is off: it needs a C compiler"
        [ -z "${MOR_GATEWAY_REQUIRE_TOOLS:-}" ] || status=1
    fi
    say "Testing (the first time takes some minutes)"
    GOPROXY=$(cache),$(go env GOPROXY)
    export GOPROXY
    go run "$GOTESTSUM" --version >/dev/null ||
        die "cannot fetch gotestsum, which summarizes the tests. Without it, run: go test -tags $TAGS ./..."
    said=$(mktemp)
    trap 'rm -f "$said"' EXIT
    trap 'exit 130' INT TERM
    go run "$GOTESTSUM" --format pkgname --jsonfile "$said" -- \
        ${race:+"$race"} -timeout 30m -tags "$TAGS" "$@" ${packages:+"$packages"} || status=1

    figures=$(grep '/proof","' "$said" |
        sed -nE 's/.*"Output":" +[^ ]+\.go:[0-9]+: ((corpus|generated|control|mutants|emulation|names|seed)[^:]*: .*)\\n".*/  \1/p')
    [ -z "$figures" ] || printf '\nProved against Rails:\n%s\n' "$figures"
    printf '%s\n%s passed, %s failed, %s skipped\n' "$off" "$(count pass)" "$(count fail)" "$(count skip)"
    exit "$status"
}

sha256() {
    if command -v sha256sum >/dev/null 2>&1; then sha256sum "$@"; else shasum -a 256 "$@"; fi
}

# Go with every setting fixed that changes the bytes, whatever the user's own settings are. (The list of contents names its
# maker's checksum, so the maker is made the same way.)
same_go() {
    env GOFLAGS=-trimpath GOEXPERIMENT= GOAMD64=v1 GOARM64=v8.0 CGO_ENABLED=0 go "$@"
}

git_here() { git -c safe.directory="$here" -C "$here" "$@" 2>/dev/null; }

# The version: the tag, or without one the commit's, as Go writes it, so that Go takes it for a module's. v0.0.0 is none.
version() {
    version=$(git_here describe --tags --exact-match --match 'v[0-9]*') ||
        version=$(TZ=UTC0 git_here log -1 --abbrev=12 --date=format-local:%Y%m%d%H%M%S --format=v0.0.0-%cd-%h) ||
        version=v0.0.0
    [ -z "$(git_here status --porcelain)" ] || version=$version-dirty
    echo "$version"
}

# Packs dist/caddy-mor-gateway-linux-$1 as .deb and .rpm.
package() {
    cp "dist/caddy-mor-gateway-linux-$1" dist/made/caddy-mor-gateway
    cp "dist/caddy-mor-gateway-linux-$1.cdx.json" dist/made/sbom.cdx.json
    for format in deb rpm; do
        ARCH=$1 GOPROXY=$(cache),$(go env GOPROXY) same_go run "$NFPM" package --config deploy/nfpm.yaml \
            --packager $format --target dist >&2
    done
}

# Makes what is in the packages and not in the repository.
make_parts() {
    same_go run "$@" ./cmd/caddy manpage --directory dist/made/all
    mkdir dist/made/man
    for page in dist/made/all/*-mor-*-mor-*.8; do
        sed 's/caddy mor-/caddy-mor-gateway mor-/g' "$page" >"dist/made/man/${page##*/}"
    done
    cp deploy/package/*.8 dist/made/man
    cp CHANGELOG.md dist/made/changelog
    gzip -9n dist/made/man/* dist/made/changelog
    cat >dist/made/changelog.yaml <<END
- semver: ${VERSION#v}-1
  date: $(TZ=UTC0 git_here log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd || echo 1970-01-01T00:00:00Z)
  packager: The MOR gateway authors <mor-gateway@users.noreply.github.com>
  deb: {urgency: medium, distributions: [unstable]}
  changes:
    - note: The changelog of the gateway itself is beside this one.
END
}

release() {
    [ $# -eq 0 ] || misused "release takes no arguments"
    need_write
    need_go
    cd "$here"
    rm -rf dist
    mkdir -p dist/made
    VERSION=$(version)
    SOURCE_DATE_EPOCH=$(git_here log -1 --format=%ct) || SOURCE_DATE_EPOCH=0 # the time of all that is made
    export VERSION SOURCE_DATE_EPOCH
    # Not with xcaddy: the folder's name would be in the binary.
    set -- -buildvcs=false -tags "$TAGS" -ldflags "-w -s -X $MODULE/caddymodule.version=$VERSION \
        -X github.com/caddyserver/caddy/v2.CustomBinaryName=caddy-mor-gateway \
        -X 'github.com/caddyserver/caddy/v2.CustomVersion=caddy-mor-gateway $VERSION, Caddy'"
    make_parts "$@"
    for arch in amd64 arm64; do
        file=dist/caddy-mor-gateway-linux-$arch
        say "Building $file and its packages"
        GOOS=linux GOARCH=$arch same_go build "$@" -o "$file" ./cmd/caddy
        # Read from the binary, so that the list has what is really in it.
        GOPROXY=$(cache),$(go env GOPROXY) same_go run "$SBOM" bin -json -std -noserial -notimestamp \
            -version "$VERSION" -output "$file.cdx.json" "$file"
        package "$arch"
    done
    rm -r dist/made
    cd dist
    sha256 caddy-mor-gateway* >SHA256SUMS
    cat SHA256SUMS
    say "Built with $(go env GOVERSION): another version of Go makes different binaries"
}

# What docs/evidence.md says, measured anew: about two hours on an idle machine with two cores. FOR and FUZZTIME make it
# shorter.
evidence() {
    [ $# -eq 0 ] || misused "evidence takes no arguments"
    need_write
    need_go
    cd "$here"
    out=$(mktemp -d)
    trap 'rm -rf "$out"' EXIT
    trap 'exit 130' INT TERM
    export TAGS FOR="${FOR:-1h}" FUZZTIME="${FUZZTIME:-10m}"
    say "All tests but the generator"
    go test -json -race -timeout 60m -tags "$TAGS" -skip '^TestGenerated$' ./... >"$out/tests.json" || say "Some tests failed"
    say "The benchmarks"
    go test -tags "$TAGS" -run '^$' -bench ServeHTTP ./caddymodule >"$out/alone.txt" || say "The benchmark by itself failed"
    "$here/bench/run" >"$out/bench.md" || say "The benchmark failed (see above)"
    say "The generator on puma and on Apache, $FOR each, and meanwhile the fuzz targets, $FUZZTIME each, two at a time"
    for world in puma apache; do
        go test -json -timeout 0 -tags "$TAGS" ./proof -run TestGenerated -proof.for="$FOR" -proof.world=$world >"$out/$world.json" &
    done
    grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n 1 dirname | sort -u | while read -r package; do
        go test -tags "$TAGS" -list '^Fuzz' "$package" | sed -n "s#^Fuzz.*#$package &#p"
    done >"$out/targets"
    # shellcheck disable=SC2016 # the inner shell expands them
    xargs -n 2 -P 2 sh -c 'exec >"$0/$2.fuzz" 2>&1 && echo "$1 $2" &&
        go test -tags "$TAGS" -run "^$" -fuzz "^$2\$" -fuzztime "$FUZZTIME" -parallel 1 "$1"' "$out" <"$out/targets" ||
        say "A fuzz target failed"
    wait
    cat "$out/puma.json" "$out/apache.json" >>"$out/tests.json"
    cat "$out"/*.fuzz >"$out/fuzz.txt"
    go run ./internal/evidence "$out" >"$out/evidence.md"
    cp "$out/evidence.md" docs/evidence.md
}

command=${1:-help}
[ $# -eq 0 ] || shift
case $command in
build) build "$@" ;;
run) run "$@" ;;
test) run_tests "$@" ;;
bench) exec "$here/bench/run" "$@" ;;
release) release "$@" ;;
evidence) evidence "$@" ;;
help | -h | --help) help ;;
*) misused "unknown command '$command'" ;;
esac
