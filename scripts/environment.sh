# Makes .venv and installs the project there, wherever either is missing or out of date. Sourced by the scripts beside it.
#
# PYTHON   the interpreter that .venv is made with (default: python3); 3.10 or newer
# EXTRAS   the optional dependencies to install (default: cpu,test)

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
python="$root/.venv/bin/python"
extras="${EXTRAS:-cpu,test}"

say() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
}

fail() {
  say "$*"
  exit 2
}

version_of() {
  "$1" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])'
}

is_new_enough() {
  "$1" -c 'import sys; sys.exit(sys.version_info < (3, 10))'
}

make_venv() {
  local interpreter="${PYTHON:-python3}" version
  command -v "$interpreter" >/dev/null ||
    fail "there is no interpreter '$interpreter'. Install Python 3.10 or newer (Debian, Ubuntu: apt-get install python3" \
      "python3-venv), or name one: PYTHON=/path/to/python $0"
  version="$(version_of "$interpreter")"
  is_new_enough "$interpreter" ||
    fail "'$interpreter' is Python $version, and 3.10 or newer is needed. Name another one: PYTHON=/path/to/python $0"
  "$interpreter" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "Python $version has no venv module. Debian, Ubuntu: apt-get install python${version%.*}-venv"
  say "making .venv with Python $version"
  "$interpreter" -m venv --clear "$root/.venv" || fail "'$interpreter' could not make $root/.venv: see above"
}

check_venv() {
  local version wanted
  version="$(version_of "$python")"
  is_new_enough "$python" ||
    fail "$root/.venv has Python $version, and 3.10 or newer is needed. Remove it: PYTHON=/path/to/python $0 makes another"
  if [[ -n "${PYTHON:-}" ]]; then
    wanted="$(version_of "$PYTHON")" || fail "PYTHON='$PYTHON' is no interpreter that runs"
    [[ "$wanted" == "$version" ]] ||
      fail "'$PYTHON' is Python $wanted, but $root/.venv has $version. Remove it to have it made anew, or leave PYTHON out"
  fi
}

# Everything that decides what is installed; where it is the same as last time there is nothing to do.
fingerprint() {
  "$python" -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest(), *sys.argv[2:])' \
    "$root/pyproject.toml" "$root" "$(version_of "$python")"
}

install() {
  local stamp="$root/.venv/installed-$extras" now output missing
  now="$(fingerprint)"
  if [[ -f "$stamp" && "$(cat "$stamp")" == "$now" ]]; then
    return
  fi
  say "installing the project and its dependencies [$extras] into .venv; the first time this takes a minute or two"
  if output="$(cd "$root" && "$python" -m pip install --quiet --disable-pip-version-check --retries 1 -e ".[$extras]" 2>&1)"; then
    printf '%s\n' "$now" >"$stamp"
  elif missing="$("$python" "$root/scripts/missing_requirements.py" "$extras")" && [[ -z "$missing" ]]; then
    say "pip could not run to its end, but everything that is needed is there already, so this goes on"
  else
    printf '%s\n' "$output" >&2
    fail "pip could not install what is needed: ${missing//$'\n'/, }"
  fi
}

prepare_environment() {
  if [[ -x "$python" ]] && "$python" -c '' 2>/dev/null; then
    check_venv
  else
    make_venv
  fi
  install
}
