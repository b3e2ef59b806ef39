# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # what `run` and the other parts of the demo have
# telling.sh -- how the demo tells what it does: commands as one would type them, what they say, claims; and its processes.

if [ -t 1 ]; then
	bold=$'\e[1m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
else
	bold='' green='' red='' plain=''
fi
table=()
chapters=0

title() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }

chapter() { # TITLE [WHY IT MATTERS]
	chapters=$((chapters + 1))
	title "$chapters. $1"
	[ $# -lt 2 ] || printf '%s\n' "${@:2}"
}

# Users of their own, where root runs this: of the device, of the keeper of keys to come, of the witness.
declare -A user_of=([rota-agent]=rota-device [rota-boot]=rota-device [swtpm]=rota-device
	["$examples/recorder"]=rota-device [rota-witness]=rota-witness [rota-signd]=rota-keeper)

make_users() {
	local user
	[ "$(id -u)" -eq 0 ] || return 0
	for user in "${user_of[@]}"; do
		id "$user" >/dev/null 2>&1 ||
			useradd --system --user-group --no-create-home --shell /usr/sbin/nologin "$user"
	done
}

give_to() { # PROGRAM FOLDER
	[ "$(id -u)" -ne 0 ] || chown -R "${user_of[$1]}:" "$2"
}

as_whom() { # COMMAND: leaves $how, what to put before it
	local user=${user_of[$1]:-}
	how=()
	[ -z "$user" ] || [ "$(id -u)" -ne 0 ] || how=(setpriv "--reuid=$user" "--regid=$user" --clear-groups)
}

# A command as one would type it in the work directory, where chapter 1 says what $prefix and $examples are.
# shellcheck disable=SC2016 # these names are meant to be read
show() {
	local word line=
	for word in "$@"; do
		case $word in
		'' | *[\"\\\$\|\*^]*) word="'${word//"$work/"/}'" ;;
		*[[:blank:]]*) word=\"${word//"$work/"/'$PWD/'}\" ;;
		*) word=${word//"$work/"/} ;;
		esac
		word=${word//"$examples/"/'$examples/'}
		line+=" ${word//"$prefix/"/'$prefix/'}"
	done
	printf '  $%s\n' "$line"
}

# Run a command and show what it says, with brief=yes only its first and last line; leaves $said and $status.
run() {
	show "$@"
	status=0
	as_whom "$1"
	"${how[@]}" "$@" >"$work/said" 2>&1 </dev/null 8>&- 9>&- || status=$?
	said=$(cat "$work/said")
	{
		printf '$ %s\n%s\n(status %s)\n' "$*" "$said" "$status"
	} >>"$log"
	# shellcheck disable=SC2016 # sed's own
	[ -z "$said" ] || printf '%s\n' "${said//"$work/"/}" | sed ${brief:+-e '2,${$!d}'} -e 's/^/    /'
}

must() {
	run "$@"
	[ "$status" -eq 0 ] || fail "'$1' ended with status $status"
}

must_not() { # PATTERN TEXT COMMAND...: it is refused, and says so
	run "${@:3}"
	[ "$status" -eq 1 ] || fail "$2 (status $status, not 1)"
	expect "$1" "$2"
}

fail() {
	printf '\n%sdemo: %s%s\n' "$red" "$1" "$plain" >&2
	local file
	for file in serve.log rogue.log authority/signd/output serve/log/rotad.log serve/nginx/log/error.log witness.log \
		keeper.log boot.log device/run/log; do
		[ ! -s "$work/$file" ] || {
			printf -- '--- the end of %s\n' "$work/$file" >&2
			tail -n 8 "$work/$file" >&2
		}
	done
	exit 1
}

claim() { # TITLE OUTCOME CLAUSE
	printf '  %sok%s %s: %s\n' "$green" "$plain" "$1" "$2"
	table+=("$1|$2${3:+, $3}")
}

says() { grep -q -e "$1" <<<"$said"; }

expect() { # PATTERN TEXT
	says "$1" || fail "$2 (no '$1' in what was said)"
}

# --- files ---

write() { # FILE LINE...
	printf '  $ cat >%s\n' "$1"
	printf '    %s\n' "${@:2}"
	printf '%s\n' "${@:2}" >"$1"
}

append() { # FILE LINE...
	printf '  $ cat >>%s\n' "$1"
	printf '    %s\n' "${@:2}"
	printf '%s\n' "${@:2}" >>"$1"
}

# A SoftHSM token's place and PINs: FOLDER/softhsm2.conf, store/, pin, so-pin.
token_folder() { # FOLDER
	mkdir -p "$1/store"
	(
		umask 077
		openssl rand -hex 12 >"$1/pin"
		openssl rand -hex 12 >"$1/so-pin"
	)
	printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$work/$1/store" \
		>"$1/softhsm2.conf"
}

flip() { # FILE: one bit in its middle
	local size at byte
	size=$(stat -c %s "$1")
	at=$((size / 2))
	byte=$(od -An -tu1 -j "$at" -N 1 "$1" | tr -d ' ')
	# shellcheck disable=SC2059 # an octal escape is meant
	printf "$(printf '\\%03o' $((byte ^ 1)))" | dd of="$1" bs=1 seek="$at" conv=notrunc status=none
}

# --- processes: only those that were started here are ever ended ---

pids=()

start() { # LOG COMMAND...
	local to=$1
	shift
	show "$@" '&'
	as_whom "$1"
	"${how[@]}" "$@" >"$to" 2>&1 </dev/null 8>&- 9>&- &
	pids+=($!)
	started=$!
}

# Wait for one that ends by itself; its status.
ended() { # PID
	local pid left=() how_it_ended=0
	wait "$1" 2>/dev/null || how_it_ended=$?
	for pid in "${pids[@]}"; do
		[ "$pid" = "$1" ] || left+=("$pid")
	done
	pids=("${left[@]}")
	return "$how_it_ended"
}

stop() { # PID
	kill -TERM "$1" 2>/dev/null || :
	ended "$1" || :
}

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
	local status=$?
	trap - EXIT
	for pid in "${pids[@]}"; do
		kill -TERM "$pid" 2>/dev/null || :
	done
	for pid in "${pids[@]}"; do
		wait "$pid" 2>/dev/null || :
	done
	rm -f "$work/said"
	exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Wait until a command is true, at most ten seconds.
until_true() {
	local n
	for ((n = 0; n < 200; n++)); do
		if "$@" 2>/dev/null; then return 0; fi
		sleep 0.05
	done
	return 1
}

# A port of loopback on which nobody listens.
free_port() {
	local port
	while :; do
		port=$((20000 + RANDOM % 12000))
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
	done
	echo "$port"
}

serve() { # LOG ARGUMENT...
	local to=$1
	shift
	rm -f ports
	start "$to" rota serve --state "$work/serve" --ports-file "$work/ports" "$@"
	server=$started
	until_true test -s ports || fail "the server did not become ready"
	# shellcheck disable=SC1091 # made by rota serve
	. ./ports
}

# Its daemon reads rota.ini and signd.ini when it starts.
serve_anew() {
	stop "$server"
	serve serve.log --port "$repo" --device-port "$device"
}
