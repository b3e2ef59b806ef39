# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# tools/gates-soak.sh -- the gates of `./do soak`; sourced after tools/gates.sh.

# Seconds that each fuzzer runs at least; it goes on until its goal is met (tools/fuzz).
: "${ROTA_FUZZ_S:=60}"

soak_gates() {
	gate 'mutants' counted tools/mutate-checks
	gate 'power cuts' power_cuts soak
	gate 'proofs' counted tools/prove
	gate 'fuzzers' counted tools/fuzz run --seconds "$ROTA_FUZZ_S"
	gate 'lines that the corpus reaches' counted tools/fuzz coverage --count
	gate 'executions so far' counted tools/fuzz goals
	tools/fuzz figures
}
