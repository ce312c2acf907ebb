# shellcheck shell=bash
# The virtual environment that scripts/dlkit and scripts/test share. Written for Bash 3.2, which macOS has.
#
#   set -euo pipefail; root=FOLDER; source "$root/scripts/lib/venv.sh"
#   ensure_venv [EXTRA]      makes, completes or repairs $root/.venv; returns at once where it is whole
#
# The stamp is the last thing that an installation writes and the first that the next one takes away. It names the
# folder, the interpreter, all that was installed, the extra, and the checksums of what was asked for. So one pass over
# it, with no Python started, tells whether the environment is whole, outdated or broken.

venv=$root/.venv
stamp=$venv/dlkit-stamp
log=$venv/install.log

ensure_venv() {
    local extra=${1:-} state problem python
    read_stamp
    [[ $state == whole ]] && return
    trap 'say "interrupted; the next call starts over"; exit 130' INT
    trap 'say "interrupted; the next call starts over"; exit 143' TERM
    find_python
    exec 9>"$root/.venv.lock"
    take_lock
    read_stamp
    [[ $state == whole ]] || install_package
    exec 9>&-
    trap - INT TERM
}

# Sets state to whole, outdated or broken, and problem to what is broken.
read_stamp() {
    local what value current=true
    state=broken problem=
    if [[ -f $stamp ]]; then
        while read -r what value; do
            case $what in
                folder) [[ $value == "$root" ]] || problem="it was made in $value" ;;
                python) [[ $venv/bin/python -ef $value ]] || problem="its Python was $value" ;;
                holds) [[ -e $venv/$value ]] || problem="$value is missing" ;;
                extra)
                    [[ -z $extra || $extra == "$value" ]] || current=false
                    extra=${extra:-$value}
                    ;;
                sums)
                    [[ $value == "$(checksums)" ]] || current=false
                    if $current; then state=whole; else state=outdated; fi
                    ;;
            esac
        done <"$stamp"
    fi
    [[ -z $problem ]] || state=broken
    problem=${problem:-its installation was not finished}
}

checksums() {
    local sums
    sums=$(cd "$root" && cksum pyproject.toml constraints.txt)
    printf '%s' "${sums//$'\n'/ }"
}

# Sets python to the first interpreter on the PATH that TensorFlow has wheels for and that can make an environment.
find_python() {
    local name answer found=
    for name in python3 python3.13 python3.12 python3.11; do
        answer=$("$name" -c '
import sys
version = "%d.%d.%d" % sys.version_info[:3]
if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    sys.exit(print(version))
try:
    import ensurepip, venv
except ImportError:
    sys.exit(print(version, "without venv; on Debian and Ubuntu: apt install python%d.%d-venv" % sys.version_info[:2]))
print("at", getattr(sys, "_base_executable", sys.executable))
' 2>/dev/null) || continue
        case $answer in
            "at "*) python=${answer#at } && return ;;
            *) found+="${found:+, }$name is $answer" ;;
        esac
    done
    die "this needs Python 3.11, 3.12 or 3.13 with its venv module on the PATH (${found:-there is no python3})"
}

# A lock of the kernel's, on descriptor 9, goes away with its last holder, however that ends. macOS has no flock command.
take_lock() {
    "$python" -c '
import fcntl, sys
try:
    fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print("dlkit: another call is setting up .venv; waiting for it", file=sys.stderr)
    fcntl.flock(9, fcntl.LOCK_EX)
'
}

# Brings an outdated environment up to date. A broken one is made anew, for pip takes a damaged package for installed.
install_package() {
    SECONDS=0
    rm -f "$stamp"
    if [[ $state == outdated ]]; then
        say "bringing .venv up to date"
    elif [[ -e $venv ]]; then
        say "making .venv anew: $problem"
        make_venv
    else
        say "first use: making .venv with $("$python" --version), about 2.5 GB (later calls start at once)"
        make_venv
    fi
    if ! "$venv/bin/python" -m pip install --disable-pip-version-check --no-input \
        --constraint "$root/constraints.txt" --editable "$root${extra:+[$extra]}" 2>&1 | tell_progress; then
        grep -E '^ *(ERROR|error):' "$log" | tail -n 5 >&2
        die "pip could not install the package; all that it said is in $log"
    fi
    write_stamp
    say "ready after $SECONDS s"
}

make_venv() {
    local answer
    [[ -d $venv ]] || rm -f "$venv"
    answer=$("$python" -m venv --clear "$venv" 2>&1) || die "could not make $venv: $answer"
}

# Keeps all that pip says in the log, and passes on the few lines that tell how far it is.
tell_progress() {
    local line
    while IFS= read -r line; do
        printf '%s\n' "$line" >&3
        case $line in
            *Downloading\ *\([0-9][0-9][0-9]*\ MB\)*) say "downloading ${line##*Downloading }" ;;
            "Installing collected packages: "*) say "unpacking" ;;
        esac
    done 3>"$log"
}

write_stamp() {
    {
        printf 'folder %s\n' "$root"
        "$venv/bin/python" -c '
import os, sys, sysconfig
print("python", os.path.realpath(sys.executable))
folder = sysconfig.get_path("purelib")
for path in [os.path.join(sys.prefix, "bin", "dlkit"), *sorted(entry.path for entry in os.scandir(folder))]:
    if not path.endswith("__pycache__"):
        print("holds", os.path.relpath(path, sys.prefix))
'
        printf 'extra %s\n' "$extra"
        printf 'sums %s\n' "$(checksums)"
    } >"$stamp.new"
    mv "$stamp.new" "$stamp"
}

say() { printf 'dlkit: %s\n' "$*" >&2; }

die() {
    say "$@"
    exit 1
}
