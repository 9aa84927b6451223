#!/bin/sh
# Runs a command on a display of its own: windows neither need a screen nor disturb one.
#
#   sh packaging/with_display.sh COMMAND [ARGUMENT...]
#
# Without Xvfb the command runs as it is on macOS and Windows, and on Linux with Qt's off-screen platform,
# where tests that need OpenGL inside a Qt window are skipped.
set -eu

if command -v xvfb-run >/dev/null 2>&1; then
    # A Wayland session would win over the virtual display.
    unset WAYLAND_DISPLAY
    QT_QPA_PLATFORM=xcb
    export QT_QPA_PLATFORM
    exec xvfb-run --auto-servernum --server-args="-screen 0 1600x1000x24 -nolisten tcp -noreset" "$@"
fi
if [ "$(uname -s)" = Linux ]; then
    echo "There is no Xvfb here: windows are drawn off-screen, and tests of the 3D view are skipped." >&2
    QT_QPA_PLATFORM=offscreen
    export QT_QPA_PLATFORM
fi
exec "$@"
