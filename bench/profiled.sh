#!/bin/sh
# bin/sextant, which leaves a CPU profile of each server that it was in the folder PROFILES.
[ "$1" != serve ] || set -- "$@" --cpu-profile "$PROFILES/$$.pprof"
exec "$(dirname "$0")/../bin/sextant" "$@"
