# shellcheck shell=bash
# What the scripts share: where things live, how a stage is shown and timed, how a missing package gets installed.
# Sourced, never run. Must not change anything merely by being sourced.

set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$root"

if [[ -n "${VIVAVOCE_HOME:-}" ]]; then
    mkdir -p "$VIVAVOCE_HOME"
    VIVAVOCE_HOME="$(cd "$VIVAVOCE_HOME" && pwd)"
    export VIVAVOCE_HOME
    cache="$VIVAVOCE_HOME/cache"
    data="$VIVAVOCE_HOME/data"
else
    cache="${XDG_CACHE_HOME:-$HOME/.cache}/vivavoce"
    # Read by the scripts that source this file.
    # shellcheck disable=SC2034
    data="${XDG_DATA_HOME:-$HOME/.local/share}/vivavoce"
fi

node_least=18.19  # the first whose test runner takes the page's tests one by one; the build uses nothing newer
python_least=3.11 # the first with tomllib
disk_wanted_gb=15 # a build from nothing with its tests, and all downloads

say() { printf '%s\n' "$*"; }

fail() {
    printf '\n%s\n' "$*" >&2
    exit 1
}

# --- stages --------------------------------------------------------------------------------------------------------

stage_names=()
stage_times=()
stage_open=""
stage_started=0

clock_ms() { date +%s%3N; }

duration() { # milliseconds -> words
    local ms=$1
    if ((ms < 60000)); then
        printf '%d.%d s' $((ms / 1000)) $((ms % 1000 / 100))
    else
        printf '%d min %02d s' $((ms / 60000)) $((ms % 60000 / 1000))
    fi
}

# stage NAME COMMAND...: says what is done, does it, says how long it took. A failing command ends the script.
stage() {
    stage_open="$1"
    shift
    stage_started=$(clock_ms)
    say "== $stage_open"
    "$@"
    close_stage
}

close_stage() {
    local took=$(($(clock_ms) - stage_started))
    stage_names+=("$stage_open")
    stage_times+=("$took")
    say "   $stage_open: $(duration "$took")"
    stage_open=""
}

stage_table() {
    local i total=0
    say ""
    for i in "${!stage_names[@]}"; do
        printf '  %-46s %12s\n' "${stage_names[$i]}" "$(duration "${stage_times[$i]}")"
        total=$((total + stage_times[i]))
    done
    printf '  %-46s %12s\n' "all" "$(duration "$total")"
}

# --- what this machine has -----------------------------------------------------------------------------------------

has() { command -v "$1" >/dev/null 2>&1; }

at_least() { # at_least HAVE WANTED: compares dotted versions
    [[ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" == "$2" ]]
}

has_libclang() {
    compgen -G '/usr/lib/llvm-*/lib/libclang*.so*' >/dev/null || compgen -G '/usr/lib/*/libclang*.so*' >/dev/null ||
        [[ -n "${LIBCLANG_PATH:-}" ]]
}

has_node() {
    local version
    has node && has npm && version="$(node --version 2>/dev/null)" && at_least "${version#v}" "$node_least"
}

# Prints the browser that the page's tests drive: the one that is named, or the first that is there (as the tests look).
chromium_found() {
    local name
    for name in ${CHROMIUM:+"$CHROMIUM"} chromium chromium-browser google-chrome; do
        if has "$name"; then
            command -v "$name"
            return
        fi
    done
    return 1
}

has_chromium() { chromium_found >/dev/null; }

# Ubuntu's chromium-browser is a wrapper of a snap and starts only where snapd runs: being there is not enough.
check_chromium() {
    local browser
    browser="$(chromium_found || true)"
    if [[ -n "$browser" ]] &&
        timeout 60 "$browser" --headless --no-sandbox --disable-gpu --dump-dom about:blank >/dev/null 2>&1; then
        say "   $browser starts"
        return
    fi
    fail "The page's tests need a Chromium that starts; ${browser:-none} ${browser:+does not}.
  Where Chromium is a snap and snapd does not run (containers), install Google Chrome's .deb, or unpack Playwright's build
  (npx playwright-core@1.61 install --with-deps chromium), and name the program: CHROMIUM=/path/to/chrome scripts/test"
}

# Prints the Debian/Ubuntu packages that are missing, one a line. `tests` adds what only the tests need.
missing_packages() {
    { has cc && has c++ && has make; } || say build-essential
    has cmake || say cmake
    has clang || say clang
    has_libclang || say libclang-dev
    { has pkg-config || has pkgconf; } || say pkg-config
    has python3 || say python3
    python3 -m pip --version >/dev/null 2>&1 || say python3-pip
    has espeak-ng || say espeak-ng
    has pdftotext || say poppler-utils
    has curl || say curl
    [[ -e /etc/ssl/certs/ca-certificates.crt ]] || say ca-certificates
    has_node || printf '%s\n' nodejs npm
    if [[ "${1:-}" == tests ]]; then
        has ip || say iproute2
    fi
    if [[ "${1:-}" == tests ]] && ! has_chromium; then
        if apt-cache show chromium >/dev/null 2>&1; then say chromium; else say chromium-browser; fi
    fi
}

as_root() {
    if ((EUID == 0)); then
        "$@"
    else
        sudo "$@"
    fi
}

install_packages() { # install_packages [tests]
    local wanted
    mapfile -t wanted < <(missing_packages "${1:-}")
    if ((${#wanted[@]} == 0)); then
        say "   nothing is missing"
        return
    fi
    say "   missing: ${wanted[*]}"
    has apt-get || fail "This machine has no apt-get. Install by its own means what these Debian packages hold: ${wanted[*]}"
    if ((EUID != 0)) && ! has sudo; then
        fail "These packages are missing, and neither root nor sudo is at hand. Ask an administrator for:
  apt-get install ${wanted[*]}"
    fi
    as_root apt-get -qq update || say "   (the package lists could not be brought up to date; trying with the ones there are)"
    mapfile -t wanted < <(missing_packages "${1:-}") # what is offered is known only after the update
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "${wanted[@]}" >/dev/null ||
        fail "apt-get could not install: ${wanted[*]}
  Its message stands above. Run 'apt-get install ${wanted[*]}' by hand, then this again."
    hash -r
    mapfile -t wanted < <(missing_packages "${1:-}")
    if ((${#wanted[@]} > 0)); then
        fail "Installed, yet still not found by this shell: ${wanted[*]}
  An older program of the same name may stand earlier in PATH (node: $(command -v node || true), python3: $(command -v python3 || true))."
    fi
}

check_python() {
    local version
    version="$(python3 -c 'import platform; print(platform.python_version())')"
    at_least "$version" "$python_least" ||
        fail "python3 is $version; the downloads need $python_least or newer (Debian 12 and Ubuntu 24.04 bring one)."
}

rust_wanted() { sed -n 's/^rust-version *= *"\([0-9.]*\)".*/\1/p' Cargo.toml; }

rust_found() { rustc --version 2>/dev/null | sed -n 's/^rustc \([0-9.]*\).*/\1/p'; }

rust_on_path() {
    local bin="${CARGO_HOME:-$HOME/.cargo}/bin"
    if [[ -d "$bin" && ":$PATH:" != *":$bin:"* ]]; then
        PATH="$bin:$PATH"
        export PATH
    fi
    # Somebody's default toolchain may be older than what was installed for this program.
    if has rustup && ! at_least "$(rust_found || true)" "$(rust_wanted)" && rustup run stable rustc --version >/dev/null 2>&1; then
        export RUSTUP_TOOLCHAIN=stable
    fi
}

install_rust() {
    local wanted found
    rust_on_path
    wanted="$(rust_wanted)"
    found="$(rust_found || true)"
    if [[ -n "$found" ]] && at_least "$found" "$wanted"; then
        say "   Rust $found is there ($wanted or newer is needed)"
    elif has rustup; then
        say "   Rust ${found:-(none)} is older than $wanted: rustup installs the stable one"
        rustup toolchain install stable --profile minimal --component clippy,rustfmt || rust_remedy "$wanted"
        rust_on_path
    else
        say "   Rust ${found:-is absent}: rustup, from its official address, installs the stable one for this user"
        rustup_installer || rust_remedy "$wanted"
        rust_on_path
        hash -r
    fi
    found="$(rust_found || true)"
    { [[ -n "$found" ]] && at_least "$found" "$wanted"; } || rust_remedy "$wanted"
}

rustup_installer() {
    local file
    file="$(mktemp)"
    curl --proto '=https' --tlsv1.2 --connect-timeout 15 --retry 2 -sSf -o "$file" https://sh.rustup.rs &&
        sh "$file" -y --profile minimal --default-toolchain stable --component clippy --component rustfmt --no-modify-path
    local code=$?
    rm -f "$file"
    return $code
}

rust_remedy() {
    fail "Rust $1 or newer is needed and could not be installed (found: $(rust_found || true)).
  Install it by hand from https://www.rust-lang.org/tools/install, or by your company's mirror
  (RUSTUP_DIST_SERVER and RUSTUP_UPDATE_ROOT name one), then run this again."
}

lint_tools() {
    if ! cargo clippy --version >/dev/null 2>&1 || ! cargo fmt --version >/dev/null 2>&1; then
        has rustup || fail "cargo clippy and cargo fmt are needed for the tests; install them beside your Rust."
        rustup component add clippy rustfmt
    fi
}

schemathesis_home="$cache/tools/schemathesis"

# The machine-made input for the REST interface, with what it needs, in the cache; nothing is touched outside of it.
install_schemathesis() {
    local wanted="$root/config/schemathesis.txt" fresh="$schemathesis_home.new"
    if cmp -s "$wanted" "$schemathesis_home/installed.txt"; then
        say "   Schemathesis is there"
        return
    fi
    rm -rf "$fresh"
    mkdir -p "$(dirname "$fresh")"
    python3 -m pip --disable-pip-version-check install --quiet --no-deps --target "$fresh" --requirement "$wanted" ||
        fail "Schemathesis could not be installed by pip (its message stands above); the tests need it, the program does not."
    cp "$wanted" "$fresh/installed.txt"
    rm -rf "$schemathesis_home"
    mv "$fresh" "$schemathesis_home"
}

warn_small_disk() {
    local free_gb
    free_gb=$(($(df -Pk "$root" | awk 'NR == 2 {print $4}') / 1048576))
    if ((free_gb < disk_wanted_gb)) && [[ ! -d "$root/target" ]]; then
        say "   note: $free_gb GB are free here; a build from nothing needs about $disk_wanted_gb"
    fi
}

# --- the build cache -----------------------------------------------------------------------------------------------

target="${CARGO_TARGET_DIR:-$root/target}"

# On CI (or with VIVAVOCE_BUILD_CACHE=1) what was built stays in the cache directory, for the next checkout. cargo knows
# this crate's own files by their path within the checkout and their time of change alone, so that another checkout's
# build would pass for this one's: whoever comes from elsewhere touches them first. One run at a time uses it; a second
# one, or a cache that cannot be used, means building in the checkout, never a failure.
use_build_cache() {
    if [[ "${CI:-}" != true && "${VIVAVOCE_BUILD_CACHE:-}" != 1 ]] || [[ -n "${CARGO_TARGET_DIR:-}" ]]; then
        return 0
    fi
    local shared="$cache/target" self before
    if ! mkdir -p "$shared" 2>/dev/null || ! [[ -w "$shared" ]]; then
        say "   the build cache $shared cannot be written; building in the checkout"
        return 0
    fi
    exec 9>"$shared/in-use.lock"
    if ! flock -n 9; then
        say "   another run uses the build cache; building in the checkout"
        exec 9>&-
        return 0
    fi
    self="$root $(stat -c %i "$root")"
    before="$(cat "$shared/checkout" 2>/dev/null || true)"
    if [[ "$before" != "$self" ]]; then
        touch_own_sources
        printf '%s\n' "$self" >"$shared/checkout" 2>/dev/null || return 0
    fi
    export CARGO_TARGET_DIR="$shared"
    target="$shared"
    say "   building into the cache ($shared)"
}

touch_own_sources() { find build.rs src tests -name '*.rs' -exec touch {} +; }

# Builds in the checkout instead, after the cache was found broken.
leave_build_cache() {
    say "   the build cache seems broken: set aside, and building anew in the checkout"
    rm -rf "$target.broken"
    mv "$target" "$target.broken" 2>/dev/null || true
    rm -rf "$target.broken" || true
    unset CARGO_TARGET_DIR
    target="$root/target"
}

# Whether what cargo said tells of the cache rather than of this crate's own code, or of a registry that is not reached.
cache_seems_broken() {
    grep -qE 'E0786|E0463|E0460|E0514|invalid metadata' "$1" && return 0
    grep -E 'could not compile `|custom build command for `' "$1" | grep -qv '`vivavoce' && return 0
    ! grep -q 'could not compile `vivavoce`' "$1" && grep -qF "$cache/target" "$1"
}

# cargo_build ARGUMENTS...: cargo, and once more without the build cache if what failed is not this crate's own code.
cargo_build() {
    if [[ "$target" != "$cache/target" ]]; then
        cargo "$@"
        return
    fi
    local log code=0
    log="$(mktemp)"
    { cargo "$@" 2>&1 >&3 | tee "$log" >&2; } 3>&1 || code=$? # its messages are shown and kept; pipefail gives cargo's code
    if ((code != 0)) && cache_seems_broken "$log"; then
        rm -f "$log"
        leave_build_cache
        cargo "$@"
        return
    fi
    rm -f "$log"
    return "$code"
}
