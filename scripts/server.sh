# shellcheck shell=bash
# The server in the background, for scripts/up and scripts/down: its process, its log, whether it answers.
# Sourced after lib.sh. Ends no process but the one whose id it wrote itself.

: "${data:?lib.sh comes first}"

pid_file="$data/vivavoce.pid"
listen_file="$data/vivavoce.listen"
log_file="$data/vivavoce.log"

ready_limit_s=120        # a first start makes the database and prepares the models; the later ones take seconds
stop_limit_s=40          # what was said in interviews in progress is stored in this time
log_limit_bytes=20000000 # a larger log is put aside as vivavoce.log.1 at the next start
log_tail_lines=30

# Prints the id of the running server, if it is one of ours.
server_pid() {
    local pid exe
    pid="$(cat "$pid_file" 2>/dev/null)" || return 1
    [[ "$pid" =~ ^[0-9]+$ ]] || return 1
    exe="$(readlink "/proc/$pid/exe" 2>/dev/null)" || return 1
    exe="${exe% (deleted)}"
    [[ "${exe##*/}" == vivavoce ]] || return 1
    printf '%s\n' "$pid"
}

# Whether a process lives, also before it has become the program (server_pid knows it only from then on).
is_alive() { [[ -r "/proc/$1/stat" ]] && [[ "$(sed 's/.*) \(.\).*/\1/' "/proc/$1/stat" 2>/dev/null)" != [ZX] ]]; }

# The address at which this machine reaches a listener on all its addresses.
reachable() {
    case "$1" in
        0.0.0.0:*) printf '127.0.0.1:%s' "${1##*:}" ;;
        '[::]:'*) printf '[::1]:%s' "${1##*:}" ;;
        *) printf '%s' "$1" ;;
    esac
}

is_ready() { curl --noproxy '*' -fsS -m 3 -o /dev/null "http://$(reachable "$1")/readyz" 2>/dev/null; }

require_free_port() {
    local code=0
    python3 - "$1" <<'PYTHON' || code=$?
import errno, socket, sys
host, _, port = sys.argv[1].rpartition(":")
try:
    kind, _, _, _, address = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)[0]
except (ValueError, OSError):
    sys.exit(2)
probe = socket.socket(kind)
probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
try:
    probe.bind(address)
except OSError as error:
    sys.exit({errno.EADDRINUSE: 3, errno.EACCES: 4, errno.EADDRNOTAVAIL: 5}.get(error.errno, 6))
PYTHON
    case "$code" in
        0) ;;
        3) fail "Port ${1##*:} is taken by another program$(port_holder "${1##*:}").
  Stop that program, or choose another port: VIVAVOCE_LISTEN=127.0.0.1:$((${1##*:} + 1)) scripts/up" ;;
        4) fail "This user may not listen on port ${1##*:}; choose one from 1024 on: VIVAVOCE_LISTEN=127.0.0.1:8080 scripts/up" ;;
        5) fail "This machine has no address ${1%:*} (VIVAVOCE_LISTEN=$1)." ;;
        *) fail "VIVAVOCE_LISTEN=$1 is not an address to listen on; it looks like 127.0.0.1:8080." ;;
    esac
}

port_holder() {
    local who
    has ss || return 0
    who="$(ss -Hltnp "sport = :$1" 2>/dev/null | sed -n 's/.*users:(("\([^"]*\)",pid=\([0-9]*\).*/\1, process \2/p' | head -n 1)" || true
    if [[ -n "$who" ]]; then printf ' (%s)' "$who"; fi
}

start_server() { # start_server BINARY ADDRESS
    mkdir -p "$data"
    chmod 700 "$data"
    if [[ -f "$log_file" ]] && (($(stat -c %s "$log_file") > log_limit_bytes)); then
        mv -f "$log_file" "$log_file.1"
    fi
    # Descriptor 9 is the lock of the build cache, which must not live as long as the server.
    setsid "$1" serve --listen "$2" >>"$log_file" 2>&1 </dev/null 9>&- &
    printf '%s\n' "$!" >"$pid_file"
    printf '%s\n' "$2" >"$listen_file"
    disown
}

wait_until_ready() {
    local deadline=$((SECONDS + ready_limit_s)) said=$((SECONDS + 5))
    until is_ready "$1"; do
        if ! is_alive "$(cat "$pid_file")"; then
            rm -f "$pid_file" "$listen_file"
            start_failed "The server ended while starting."
        fi
        if ((SECONDS > deadline)); then
            start_failed "The server was not ready after $ready_limit_s s (it is still running; scripts/down stops it)."
        fi
        if ((SECONDS > said)); then
            said=$((SECONDS + 10))
            say "   waiting until it is ready (at most $ready_limit_s s)"
        fi
        sleep 0.2
    done
}

start_failed() {
    say "--- the last lines of $log_file"
    tail -n "$log_tail_lines" "$log_file" || true
    say "---"
    fail "$1 Its log stands above.
  '${target:-target}/release/vivavoce doctor' says what is missing and what to do about it."
}

stop_server() {
    local pid deadline=$((SECONDS + stop_limit_s))
    pid="$(server_pid)" || {
        rm -f "$pid_file" "$listen_file"
        return 1
    }
    kill -TERM "$pid" 2>/dev/null || true
    while server_pid >/dev/null; do
        if ((SECONDS > deadline)); then
            say "   it did not end within $stop_limit_s s and is ended hard; what it had acknowledged is stored"
            kill -KILL "$pid" 2>/dev/null || true
            sleep 0.5
            break
        fi
        sleep 0.1
    done
    rm -f "$pid_file" "$listen_file"
}
