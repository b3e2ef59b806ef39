# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Completion for Rota's programs, read from what their own --help says, so that it is never out of date:
# verbs stand below "Verbs:", options are the words that begin with --.

_rota_help() {
	"$@" --help 2>/dev/null </dev/null
}

_rota_verbs() {
	_rota_help "$1" | awk '
		on && /^[^ ]/ { exit }
		/^Verbs:/ { on = 1; next }
		on && /^  [a-z]/ { sub(/^  /, ""); sub(/  .*/, ""); print }'
}

_rota() {
	local program=$1 word=$2 at=1 verb=() verbs
	verbs=$(_rota_verbs "$program")
	[[ ${COMP_WORDS[1]} != --dir ]] || at=3
	while ((at < COMP_CWORD)) && ((${#verb[@]} < 2)) && [[ ${COMP_WORDS[at]} != -* ]]; do
		verb+=("${COMP_WORDS[at]}")
		((at++))
	done
	if [[ $word == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_rota_help "$program" "${verb[@]}" |
			grep -o -e '--[a-z][a-z-]*' | sort -u)" -- "$word")
	elif ((${#verb[@]} == 0)); then
		mapfile -t COMPREPLY < <(compgen -W "$(cut -d' ' -f1 <<<"$verbs" | sort -u)" -- "$word")
	elif ((${#verb[@]} == 1)) && grep -q "^${verb[0]} " <<<"$verbs"; then
		mapfile -t COMPREPLY < <(compgen -W "$(awk -v first="${verb[0]}" \
			'$1 == first { print $2 }' <<<"$verbs")" -- "$word")
	else
		compopt -o default
	fi
}

complete -F _rota rota rotad rota-agent rota-boot rota-fleet rota-seald rota-signd rota-tuf rota-witness
