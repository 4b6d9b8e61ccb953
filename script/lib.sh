# What the programs in this folder share. Source it:  . "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Options of every build, so that running, testing and measuring share one: optimised, because the
# kernels are only then as fast as they are meant to be, and without `@testable`, which would
# compile every module again.
build_options=(--package-path "$root" -c release)
test_options=("${build_options[@]}" --disable-testable-imports --disable-xctest)

note() { printf '%s\n' "$*" >&2; }

die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# The binary that `swift build` makes.
adapt_binary() { printf '%s/.build/release/adapt\n' "$root"; }

build_adapt() { swift build "${build_options[@]}" --product adapt; }
