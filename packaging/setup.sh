#!/bin/sh
# Makes the virtual environment .venv in this checkout and installs Formwright in it, for `make`.
#
#   sh packaging/setup.sh
#
# Says what it will download before it does. Does nothing, quickly, when nothing changed since the last time.
# PYTHON=/path/to/python chooses the interpreter; otherwise the first suitable one is taken (3.11 or newer).
set -eu
cd "$(dirname "$0")/.."

STAMP=.venv/set-up
EXTRAS=test,check

fingerprint() {
    # A checkout that was moved needs its editable installation again, so its place counts too.
    { pwd; cat pyproject.toml packaging/setup.sh; } | cksum
}

if [ -x .venv/bin/python ] && [ -f "$STAMP" ] && [ "$(cat "$STAMP")" = "$(fingerprint)" ]; then
    exit 0
fi

say() {
    printf '%s\n' "$*"
}

# ---------------------------------------------------------------------------------------------- system libraries

# soname:Debian package. What Qt's xcb platform, VTK's OpenGL and the tests' virtual display need.
LIBRARIES="
libEGL.so.1:libegl1 libGL.so.1:libgl1 libOpenGL.so.0:libopengl0 libGLX_mesa.so.0:libglx-mesa0
libEGL_mesa.so.0:libegl-mesa0 libX11-xcb.so.1:libx11-xcb1 libXrender.so.1:libxrender1 libXext.so.6:libxext6
libxcb-cursor.so.0:libxcb-cursor0 libxcb-icccm.so.4:libxcb-icccm4 libxcb-image.so.0:libxcb-image0
libxcb-keysyms.so.1:libxcb-keysyms1 libxcb-randr.so.0:libxcb-randr0 libxcb-render-util.so.0:libxcb-render-util0
libxcb-shape.so.0:libxcb-shape0 libxcb-shm.so.0:libxcb-shm0 libxcb-sync.so.1:libxcb-sync1
libxcb-util.so.1:libxcb-util1 libxcb-xfixes.so.0:libxcb-xfixes0 libxcb-xkb.so.1:libxcb-xkb1
libxkbcommon.so.0:libxkbcommon0 libxkbcommon-x11.so.0:libxkbcommon-x11-0 libdbus-1.so.3:libdbus-1-3
libfontconfig.so.1:libfontconfig1 libfreetype.so.6:libfreetype6 libglib-2.0.so.0:libglib2.0-0
"

missing_system_packages() {
    known=$(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null || true)
    for pair in $LIBRARIES; do
        case $known in
            *"${pair%%:*}"*) ;;
            *) printf '%s ' "${pair##*:}" ;;
        esac
    done
    command -v xvfb-run >/dev/null 2>&1 || printf 'xvfb xauth '
    # With no font at all, Qt draws text as empty boxes.
    [ -d /usr/share/fonts/truetype ] || printf 'fonts-dejavu-core '
}

# Prints how to become root without a question, or fails.
administrator() {
    command -v apt-get >/dev/null 2>&1 || return 1
    if [ "$(id -u)" = 0 ]; then
        echo env
    elif command -v sudo >/dev/null 2>&1 && sudo -n true >/dev/null 2>&1; then
        echo sudo
    else
        return 1
    fi
}

# install_system WHAT PACKAGE...: installs packages, or says which command would; fails when it did not.
install_system() {
    what=$1
    shift
    if ! root=$(administrator); then
        say "$what: please install $* with your system's package manager (on Debian and Ubuntu: sudo apt-get install $*)."
        return 1
    fi
    say "$what: installing $* with apt-get (about 20 to 150 MB)."
    $root apt-get update -qq &&
        $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

if [ "$(uname -s)" = Linux ]; then
    packages=$(missing_system_packages)
    if [ -n "$packages" ]; then
        # shellcheck disable=SC2086  # one word a package
        install_system "System libraries for the window and its tests" $packages ||
            say "Going on without them: the command line works, the window may not."
    fi
fi

# ---------------------------------------------------------------------------------------------------------- Python

suitable() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11 python3.14 python /usr/bin/python3; do
        if [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1 && suitable "$candidate"; then
            echo "$candidate"
            return 0
        fi
    done
    return 1
}

if ! python=$(find_python); then
    for version in 3 3.13 3.12 3.11; do
        install_system "Python 3.11 or newer" "python$version" "python$version-venv" || continue
        python=$(find_python) && break
    done
    if [ -z "${python:-}" ]; then
        say "There is no Python 3.11 or newer with the venv module here. Install one, or name it: PYTHON=... make setup" >&2
        exit 1
    fi
fi

if ! .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
    say "Making .venv with $("$python" --version)."
    "$python" -m venv --clear .venv
fi

# -------------------------------------------------------------------------------------------------------- packages

torch_requirement() {
    sed -n 's/^ *"\(torch[^"]*\)".*/\1/p' pyproject.toml
}

# Which build of torch pip will take: resolved without downloading it.
describe_torch() {
    if ! .venv/bin/python -m pip install --dry-run --quiet --no-deps --report .venv/torch.json "$(torch_requirement)" \
        >/dev/null 2>&1; then
        say "torch (size unknown: the CUDA build takes 2 to 4 GB, a CPU build 0.2 GB)"
        return
    fi
    .venv/bin/python - <<'END'
import json
import pathlib
import platform

chosen = json.loads(pathlib.Path(".venv/torch.json").read_text())["install"]
if not chosen:
    print("torch (already here)")
else:
    version = chosen[0]["metadata"]["version"]
    needs = " ".join(chosen[0]["metadata"].get("requires_dist", []))
    cuda = "+cpu" not in version and "nvidia" in needs and platform.system() == "Linux" and platform.machine() == "x86_64"
    size = "the CUDA build with its NVIDIA libraries, 2 to 4 GB" if cuda else "a CPU build, 0.2 GB"
    print(f"torch {version} ({size})")
END
    rm -f .venv/torch.json
}

say "Formwright will download, unless pip has them cached:"
say "  $(describe_torch)"
say "  VTK, Qt (PySide6 Essentials), Warp, SciPy, PyVista and what they need (0.6 GB)"
say "  the tools for tests and checks (0.1 GB)"
if ! .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[$EXTRAS]" \
    >.venv/set-up.log 2>&1; then
    cat .venv/set-up.log >&2
    say "The packages could not be installed: see above, then run make setup again." >&2
    exit 1
fi
fingerprint >"$STAMP"
say "Formwright is set up: .venv/bin/formwright"
