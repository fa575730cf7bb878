"""The part of the hook that is the same on every machine; values stand before it (``render.hooks``).

POSIX sh without anything but sleep, readlink, ls, cat, mkdir and rm, so that dash and busybox run it. It
never calls libvirt, which waits for it.
"""

BODY = r"""
sys=$root/sys
dev=$root/dev
count=0

say() {
    printf 'vfio-wizard: %s\n' "$*" >&2
    if [ -z "$root" ] && command -v logger >/dev/null 2>&1; then
        logger -t vfio-wizard -- "$*" </dev/null >/dev/null 2>&1
    fi
}

if sleep 0.05 2>/dev/null; then
    tick=0.1 ticks=10
else
    tick=1 ticks=1
fi

# put VALUE FILE: a write to sysfs can hang in the kernel for ever, so a child makes it. One that hangs is
# left behind, without our standard error, for whose end libvirt would wait.
put() {
    count=$((count + 1))
    written=$state/written.$$.$count
    (
        printf '%s\n' "$1" >"$2"
        echo $? >"$written"
    ) </dev/null >/dev/null 2>"$state/complaint" &
    waited=0
    while [ ! -s "$written" ]; do
        if [ "$waited" -ge $((limit * ticks)) ]; then
            say "writing '$1' to $2 hangs since $limit s; the kernel may need a restart"
            return 2
        fi
        sleep "$tick"
        waited=$((waited + 1))
    done
    read -r code <"$written"
    rm -f "$written"
    if [ "$code" != 0 ]; then
        say "the kernel refuses '$1' in $2: $(cat "$state/complaint")"
        return 1
    fi
}

driver() {
    link=$(readlink "$sys/bus/pci/devices/$1/driver") || return 0
    printf '%s' "${link##*/}"
}

# becomes FUNCTION DRIVER: wait until it has that driver, or none where that is empty
becomes() {
    waited=0
    while [ "$(driver "$1")" != "$2" ]; do
        [ "$waited" -lt $((limit * ticks)) ] || return 1
        sleep "$tick"
        waited=$((waited + 1))
    done
}

nodes() {
    at=$sys/bus/pci/devices/$1
    for one in "$at"/drm/card* "$at"/drm/renderD*; do
        [ -e "$one" ] && printf '%s\n' "$dev/dri/${one##*/}"
    done
    for one in "$at"/graphics/fb*; do
        [ -e "$one" ] && printf '%s\n' "$dev/${one##*/}"
    done
    for one in "$at"/sound/card*; do
        [ -e "$one" ] || continue
        number=${one##*/card}
        for node in "$dev"/snd/*C"$number" "$dev"/snd/*C"$number"D*; do
            [ -e "$node" ] && printf '%s\n' "$node"
        done
    done
    for one in "$at"/vfio-dev/vfio*; do
        [ -e "$one" ] && printf '%s\n' "$dev/vfio/devices/${one##*/}"
    done
    bound=$(driver "$1")
    case $bound in
    nvidia) nvidia_nodes "$1" ;;
    vfio-pci) group=$(readlink "$at/iommu_group") && printf '%s\n' "$dev/vfio/${group##*/}" ;;
    esac
    for one in "$sys"/block/*; do
        target=$(readlink "$one") || continue
        case $target in */"$1"/*) disk_nodes "$one" ;; esac
    done
    return 0
}

nvidia_nodes() {
    told=$root/proc/driver/nvidia/gpus/$1/information
    if [ -r "$told" ]; then
        while IFS=: read -r key value; do
            case $key in *"Device Minor"*) printf '%s\n' "$dev/nvidia${value##*[!0-9]}" ;; esac
        done <"$told"
    else
        for node in "$dev"/nvidia[0-9]*; do
            [ -e "$node" ] && printf '%s\n' "$node"
        done
    fi
}

disk_nodes() {
    printf '%s\n' "$dev/${1##*/}"
    for slice in "$1/${1##*/}"*; do
        [ -e "$slice" ] && printf '%s\n' "$dev/${slice##*/}"
    done
}

# held FUNCTION…: who has a device node of them open, or mounted, one a line
held() {
    wanted="
$(for part in "$@"; do nodes "$part"; done)
"
    # shellcheck disable=SC2012 # find has no portable way to print where a link leads
    ls -l /proc/[0-9]*/fd/ 2>/dev/null | while IFS= read -r line; do
        case $line in
        /proc/*/fd/:)
            pid=${line%/fd/:}
            pid=${pid#/proc/}
            ;;
        *" -> $dev/"*)
            node=${line#*" -> "}
            case $wanted in *"
$node
"*) printf '%s (process %s) has %s open\n' "$(cat "/proc/$pid/comm" 2>/dev/null)" "$pid" "$node" ;; esac
            ;;
        esac
    done | sort -u
    cat "$mounts" /proc/swaps 2>/dev/null | while read -r node place _; do
        case $wanted in *"
$node
"*) printf '%s is in use (%s)\n' "$node" "$place" ;; esac
    done
}

# free FUNCTION…: wait until nobody holds them; otherwise name who does
free() {
    waited=0
    while :; do
        who=$(held "$@")
        [ -n "$who" ] || return 0
        [ "$waited" -lt "$wait" ] || break
        sleep 1
        waited=$((waited + 1))
    done
    printf '%s\n' "$who" | while IFS= read -r line; do
        say "$line"
    done
    say "the card is held, so it stays where it is"
    return 1
}

reversed() {
    turned=
    for one in "$@"; do
        turned="$one $turned"
    done
    printf '%s' "$turned"
}

stop_display() {
    systemctl is-active --quiet display-manager.service || return 0
    : >"$state/display-manager"
    say "stopping the display manager"
    timeout 60 systemctl stop display-manager.service </dev/null >/dev/null 2>&1 ||
        say "the display manager does not stop"
}

shows_console() {
    for part in $functions; do
        at=$sys/bus/pci/devices/$part
        [ "$(cat "$at/boot_vga" 2>/dev/null)" = 1 ] && return 0
        for one in "$at"/graphics/fb*; do
            [ -e "$one" ] && return 0
        done
    done
    return 1
}

# The firmware's framebuffer cannot be brought back; the card's own driver brings the consoles back.
release_consoles() {
    shows_console || return 0
    for one in "$sys"/class/vtconsole/vtcon*; do
        case $(cat "$one/name" 2>/dev/null) in *"frame buffer"*) ;; *) continue ;; esac
        [ "$(cat "$one/bind")" = 1 ] || continue
        printf '%s\n' "${one##*/}" >>"$state/consoles"
        put 0 "$one/bind" || return 1
    done
    for name in efi-framebuffer vesa-framebuffer simple-framebuffer; do
        for one in "$sys/bus/platform/drivers/$name/$name".*; do
            [ -e "$one" ] || continue
            put "${one##*/}" "$sys/bus/platform/drivers/$name/unbind" || return 1
        done
    done
}

take_one() {
    at=$sys/bus/pci/devices/$1
    if [ ! -d "$at" ]; then
        say "$1 is not there"
        return 1
    fi
    old=$(driver "$1")
    override=$(cat "$at/driver_override" 2>/dev/null)
    [ "$override" != "(null)" ] || override=
    printf '%s %s %s\n' "$1" "${old:--}" "${override:--}" >>"$state/functions"
    [ "$old" != vfio-pci ] || return 0
    wait_once=$wait
    wait=0
    free "$1" || { wait=$wait_once; return 1; }
    wait=$wait_once
    put vfio-pci "$at/driver_override" || return 1
    if [ -n "$old" ]; then
        put "$1" "$at/driver/unbind" && becomes "$1" "" || return 1
    fi
    put "$1" "$sys/bus/pci/drivers_probe" || return 1
    if ! becomes "$1" vfio-pci; then
        say "$1 did not come to vfio-pci"
        return 1
    fi
    say "$1: ${old:-no driver} -> vfio-pci"
}

take() {
    mkdir -p "$state" || return 1
    if [ -e "$state/taken" ]; then
        say "the card was not given back the last time; trying that first"
        give || return 1
        mkdir -p "$state"
    fi
    : >"$state/taken"
    if [ ! -d "$sys/bus/pci/drivers/vfio-pci" ] && ! modprobe vfio-pci; then
        say "vfio-pci cannot be loaded"
        give
        return 1
    fi
    # vfio asks for it, but a module that was loaded by its file alone may have come without
    [ -n "$root" ] || [ -d /sys/module/vfio_iommu_type1 ] || modprobe vfio_iommu_type1 2>/dev/null
    if [ "$display" = yes ]; then
        stop_display
    fi
    # shellcheck disable=SC2086 # a list of words is meant
    if ! free $functions; then
        give
        return 1
    fi
    if [ "$display" = yes ] && ! release_consoles; then
        give
        return 1
    fi
    # shellcheck disable=SC2086 # as above
    for part in $(reversed $functions); do
        if ! take_one "$part"; then
            give
            return 1
        fi
    done
    [ -z "$host_cpus" ] || use_cpus "$host_cpus"
}

give_one() {
    at=$sys/bus/pci/devices/$1
    old=$2
    override=$3
    [ "$old" != - ] || old=
    [ "$override" != - ] || override=
    put "$override" "$at/driver_override" || return 1
    now=$(driver "$1")
    [ "$now" != "$old" ] || return 0
    if [ -n "$now" ]; then
        free "$1" || return 1
        put "$1" "$at/driver/unbind" && becomes "$1" "" || return 1
    fi
    [ -n "$old" ] || return 0
    if [ ! -d "$sys/bus/pci/drivers/$old" ]; then
        modprobe "$old"
    fi
    put "$1" "$sys/bus/pci/drivers_probe"
    if ! becomes "$1" "$old"; then
        say "$1 did not come back to $old; vfio-wizard recover looks at it"
        return 1
    fi
    say "$1: ${now:-no driver} -> $old"
}

give() {
    failed=0
    [ -e "$state/taken" ] || return 0
    back=
    if [ -e "$state/functions" ]; then
        while read -r part old override; do
            back="$part $old $override
$back"
        done <"$state/functions"
    fi
    while read -r part old override; do
        [ -n "$part" ] || continue
        give_one "$part" "$old" "$override" || failed=1
    done <<END
$back
END
    if [ -e "$state/consoles" ]; then
        while read -r one; do
            put 1 "$sys/class/vtconsole/$one/bind" || failed=1
        done <"$state/consoles"
    fi
    [ -z "$every_cpu" ] || use_cpus "$every_cpu"
    if [ -e "$state/display-manager" ]; then
        timeout 60 systemctl start display-manager.service </dev/null >/dev/null 2>&1 ||
            say "the display manager does not start"
    fi
    if [ "$failed" = 0 ]; then
        rm -f "$state"/*
    else
        say "the card is not wholly back: vfio-wizard recover"
        return 1
    fi
}

use_cpus() {
    for unit in init.scope system.slice user.slice; do
        systemctl set-property --runtime -- "$unit" "AllowedCPUs=$1" </dev/null >/dev/null 2>&1 ||
            say "$unit could not be moved to CPUs $1"
    done
}

[ "${1:-}" = "$guest" ] || exit 0
case "${2:-}/${3:-}" in
prepare/begin) act=take ;;
release/end) act=give ;;
*) exit 0 ;;
esac
cat >/dev/null
"$act"
"""
"""Begins with an empty line and ends with a newline."""
