# Completion of xe's commands, parameters and values for bash; installed as xe in bash-completion's folder.
#
# It knows no command: xe itself is asked, so what is offered is what the server in question has. The connection
# options that stand on the line already are used for that, but nobody is asked for a password.

# xe with the line's connection options, its complaints dropped.
_xe_run() {
    "${_xe_program[@]}" "$@" "${_xe_connection[@]}" </dev/null 2>/dev/null
}

# The pieces of a --minimal line on standard input, one a line: "\," is a comma and "\\" a backslash.
_xe_pieces() {
    sed -e 's/\\\\/\x01/g' -e 's/\\,/\x02/g' -e 's/,/\n/g' -e 's/\x02/,/g' -e 's/\x01/\\/g' |
        grep -v -e '^$' -e '^<not in database>$' | LC_ALL=C sort -u
}

_xe_commands() {
    _xe_run help --minimal --all | _xe_pieces
}

# The class (whatever has an X-param-list) whose name begins the word: host-cpu-param-get -> host-cpu.
_xe_class_of() {
    local class=$1 commands=$2
    while [[ -n $class ]]; do
        if grep -qx -e "$class-param-list" <<<"$commands"; then
            echo "$class"
            return
        fi
        [[ $class == *-* ]] || return
        class=${class%-*}
    done
}

# The class that a parameter such as network-uuid or suspend-SR-uuid means.
_xe_class_of_parameter() {
    local class=${1%-uuids} commands=$2
    class=${class%-uuid}
    class=${class,,}
    while [[ -n $class ]]; do
        if grep -qx -e "$class-param-list" <<<"$commands"; then
            echo "$class"
            return
        fi
        [[ $class == *-* ]] || return
        class=${class#*-}
    done
}

# Required or optional parameters of a command as a user types them: with = behind, but for maps.
_xe_parameters() {
    _xe_run help "$1" | grep "^[^:]*$2 params" | sed -e 's/^[^:]*: *//' -e 's/, */\n/g' |
        grep -v '^$' | sed -e '/[:-]$/!s/$/=/'
}

# The names of the fields of a class, cut from its first object; "$2" keeps the lines with a certain mark.
_xe_fields() {
    local first
    first=$(_xe_run "$1-list" --minimal params=uuid | _xe_pieces | head -n 1)
    [[ -n $first ]] || return
    _xe_run "$1-list" params=all "uuid=$first" | grep -e "^ *[A-Za-z0-9_-]* ($2)" | grep -v DEPRECATED |
        sed -e 's/ (.*//' -e 's/^ *//'
}

# uuids of a class, each with a name behind it where there are several to choose from; "$3" may be --all.
_xe_uuids() {
    local lines
    lines=$(_xe_run "$1-list" $3 --csv params=uuid,name-label,vm-name-label,device | tail -n +2 |
        grep "^$2" | sed -e 's/,/  /' -e 's/ *$//')
    if [[ -z $lines ]]; then  # a server that knows no --csv, or no such object
        _xe_run "$1-list" $3 --minimal params=uuid | _xe_pieces
    elif [[ $lines == *$'\n'* ]]; then
        echo "$lines"
    else
        echo "${lines%% *}"
    fi
}

_xe_names() {
    _xe_run "$1-list" --minimal params=name-label | _xe_pieces
}

# Words for parameters that take one of a few.
_xe_fixed() {
    case "$1:$2" in
        vbd-create:mode | vbd-*:mode) echo RO RW ;;
        vbd-create:type) echo Disk CD Floppy ;;
        vdi-*:type) echo system user ephemeral suspend crashdump ha_statefile metadata redo_log ;;
        vdi-import:format | vdi-export:format) echo raw vhd qcow2 ;;
        vmss-*:type) echo snapshot checkpoint snapshot_with_quiesce ;;
        vmss-*:frequency) echo hourly daily weekly ;;
        pool-configure-update-sync:update-sync-frequency) echo daily weekly ;;
        bond-*:mode) echo balance-slb active-backup lacp ;;
        pif-reconfigure-ip:mode) echo none dhcp static ;;
        pif-reconfigure-ipv6:mode) echo none dhcp static autoconf ;;
        pif-set-primary-address-type:primary_address_type) echo ipv4 ipv6 ;;
        vif-configure-ipv4:mode | vif-configure-ipv6:mode) echo none static ;;
        vm-set-uefi-mode:mode) echo setup user ;;
        vm-group-*:placement) echo normal anti_affinity ;;
        sdn-controller-introduce:protocol) echo ssl pssl ;;
        vm-export:compress | template-export:compress | snapshot-export-to-template:compress) echo none gzip zstd ;;
        host-get-system-status:output) echo tar tar.bz2 zip ;;
        *:locking-mode) echo network_default locked unlocked disabled ;;
        *:default-locking-mode) echo unlocked disabled ;;
        *:power-state) echo halted paused running suspended ;;
        *:on-boot) echo reset persist ;;
        *:domain-type) echo hvm pv pv-in-pvh pvh unspecified ;;
        *:actions-after-shutdown | *:actions-after-reboot) echo destroy restart ;;
        *:actions-after-softreboot) echo destroy restart preserve soft_reboot ;;
        *:actions-after-crash) echo destroy coredump_and_destroy restart coredump_and_restart preserve rename_restart ;;
        *:ha-restart-priority) echo restart best-effort ;;
        *:allocation-algorithm) echo breadth-first depth-first ;;
        event-wait:class) echo vm vdi sr host network vif pif vbd pbd pool task subject role secret vmss ;;
        *:is-* | *:has-* | *:currently-attached | *:enabled | *:shared | *:sharable | *:read-only | *:managed | \
            *:bootable | *:unpluggable | *:force | *:live | *:copy | *:paused | *:empty | *:physical | *:management | \
            *:progress | *:metadata | *:dry-run | *:preserve | *:preserve-power-state | *:include-snapshots | *:online | \
            *:minimal | *:multiple | *:all | *:trace | *:disallow-unplug | *:ha-enabled | *:public | *:update | \
            *:approximate | *:auto-enable | *:allow-caching | *:cbt-enabled | *:pool-auto-join | *:ldaps | *:soft | \
            *:hidden | *:mark | *:allow-leak | *:wlb-enabled | *:wlb-verify-cert | *:igmp-snooping-enabled | *:ca)
            echo true false ;;
    esac
}

# The values that a parameter of a command can have.
_xe_values() {
    local command=$1 name=$2 typed=$3 given=$4 commands class
    case "$name" in
        filename | file-name | license-file | certificate | private-key | certificate-chain | certificate-file)
            compgen -f -- "$typed"
            return ;;
        vm | vm-name-label) _xe_names vm; return ;;
        template | template-name-label) _xe_names template; return ;;
        host | on) _xe_names host; return ;;
        sr | sr-name-label) _xe_names sr; return ;;
        cd-name) _xe_names cd; return ;;
        edition) _xe_run host-all-editions --minimal | _xe_pieces; return ;;
        entries) _xe_run host-get-system-status-capabilities | grep -o 'key="[^"]*"' | sed -e 's/key="//' -e 's/"//'; return ;;
        data-source)
            _xe_run "${command%-data-source-*}-data-source-list" ${given:+"$given"} --minimal | _xe_pieces
            return ;;
    esac
    local words
    words=$(_xe_fixed "$command" "$name")
    if [[ -n $words ]]; then
        tr ' ' '\n' <<<"$words"
        return
    fi
    commands=$(_xe_commands)
    case "$name" in
        uuid | uuids)
            class=$(_xe_class_of "$command" "$commands")
            [[ -n $class ]] && _xe_uuids "$class" "$typed" ;;
        *-uuid | *-uuids)
            class=$(_xe_class_of_parameter "$name" "$commands")
            # --all also lists what a class leaves out by itself, but for snapshots it would list every VM.
            [[ -n $class ]] && _xe_uuids "$class" "$typed" "$([[ $class == snapshot ]] || echo --all)" ;;
        params)
            class=${command%-list}
            _xe_fields "$class" '.*'
            echo all ;;
        param-name)
            class=$(_xe_class_of "$command" "$commands")
            case "$command" in
                *-param-add | *-param-remove) _xe_fields "$class" '[SM]RW' ;;
                *-param-clear) _xe_fields "$class" '.*\(RW\|SR\|MR\).*' ;;
                *) _xe_fields "$class" '.*' ;;
            esac ;;
        type)
            [[ $command == sr-* ]] && _xe_run sm-list params=type --minimal | _xe_pieces ;;
        name-label)
            class=$(_xe_class_of "$command" "$commands")
            [[ -n $class && $command != *-create && $command != *-param-set ]] && _xe_names "$class" ;;
    esac
}

# Keys of the maps whose keys are known.
_xe_keys() {
    local map=$1 type=$2
    case "$map" in
        VCPUs-params) printf '%s\n' weight= cap= mask= ;;
        schedule) printf '%s\n' min= hour= days= ;;
        device-config)
            [[ -n $type ]] && _xe_run sm-list "type=$type" params=configuration --minimal | _xe_pieces |
                sed -e 's/; */\n/g' | sed -e 's/:.*/=/' ;;
    esac
}

# What can stand in place of the word being typed, whole words, one a line.
_xe_candidates() {
    local command=$1 current=$2 given=$3 name
    if [[ -z $command || $command == help ]]; then
        if [[ $current == -* ]]; then
            printf '%s\n' -s -u -pw -pwf -p --nossl --debug --minimal --all -help -version
            return
        fi
        local names groups
        names=$(_xe_commands; echo help)
        groups=$(grep -e "^$current" <<<"$names" | sed -e 's/-.*/-/' | sort -u)
        if [[ $current != *-* && $(wc -l <<<"$groups") -gt 1 ]]; then
            echo "$groups"
        else
            echo "$names"
        fi
        return
    fi
    if [[ $current == -* ]]; then
        printf '%s\n' --minimal --multiple --force --all --json --csv --trace -s -u -pw -pwf -p --nossl --debug
        return
    fi
    if [[ $current == *=* ]]; then
        name=${current%%=*}
        local typed=${current#*=} head=""
        if [[ $name == *s && $typed == *,* || $name == params && $typed == *,* ]]; then  # a list: its last piece
            head=${typed%,*},
            typed=${typed##*,}
        fi
        _xe_values "$command" "$name" "$typed" "$(tr ' ' '\n' <<<"$given" | grep -m 1 -e '^uuid=' -e '^vm=' -e '^host=')" |
            sed -e "s/^/$(sed -e 's/[\/&]/\\&/g' <<<"$name=$head")/"
        return
    fi
    if [[ $current == *:* ]]; then
        _xe_keys "${current%%:*}" "$(tr ' ' '\n' <<<"$given" | sed -n -e 's/^type=//p' | head -n 1)" |
            sed -e "s/^/${current%%:*}:/"
        return
    fi
    local required optional selector
    required=$(_xe_parameters "$command" reqd)
    optional=$(_xe_parameters "$command" optional)
    for selector in vm host sr; do
        if grep -qx "<$selector-selectors>=" <<<"$optional"; then
            optional=$(grep -v "^<" <<<"$optional"; echo "$selector=")
            [[ -n $current ]] && optional+=$'\n'$(_xe_parameters "$selector-list" optional | grep -v -e '^params=' -e '^database:')
        fi
    done
    # What is demanded comes first, and alone until something is typed; what was given already does not come again.
    if [[ -z $current ]] && _xe_new "$required" "$given" | grep -q .; then
        _xe_new "$required" "$given"
    else
        _xe_new "$required"$'\n'"$optional" "$given"
    fi
}

# The parameters in the first list that are not in the second.
_xe_new() {
    local parameter
    while IFS= read -r parameter; do
        [[ -n $parameter && ($parameter != *= || " $2" != *" $parameter"*) ]] && echo "$parameter"
    done <<<"$1"
}

_xe() {
    local line=${COMP_LINE:0:COMP_POINT} current="" command="" given="" word
    local -a words _xe_program _xe_connection=()
    read -ra words <<<"$line"
    _xe_program=("${words[0]}")
    if [[ $line != *[[:space:]] ]]; then
        current=${words[-1]}
        unset 'words[-1]'
    fi
    local position
    for ((position = 1; position < ${#words[@]}; position++)); do
        word=${words[position]}
        case "$word" in
            -s | -h | -u | -p | -pw | -pwf) _xe_connection+=("$word" "${words[++position]}") ;;
            --nossl | server=* | username=* | password=* | passwordfile=* | port=* | nossl=*) _xe_connection+=("$word") ;;
            -*) ;;
            help) command=${command:-help} ;;
            *=*) given+=" $word" ;;
            *) [[ -z $command ]] && command=$word ;;
        esac
    done
    # Readline replaces only what follows the last of its own separators.
    local kept="" separator
    for separator in = :; do
        if [[ $COMP_WORDBREAKS == *"$separator"* && $current == *"$separator"* ]]; then
            local part=${current%"$separator"*}$separator
            ((${#part} > ${#kept})) && kept=$part
        fi
    done
    COMPREPLY=()
    while IFS= read -r word; do
        [[ -n $word && $word == "$current"* ]] && COMPREPLY+=("${word#"$kept"}")
    done < <(_xe_candidates "$command" "$current" "$given")
    if [[ ${#COMPREPLY[@]} -eq 1 ]]; then
        if [[ ${COMPREPLY[0]} == *[=:-] ]]; then
            compopt -o nospace 2>/dev/null
        elif [[ $current == *=* && ${COMPREPLY[0]} == *[^A-Za-z0-9_.,:/@%+-]* ]]; then
            COMPREPLY[0]=$(printf '%q' "${COMPREPLY[0]}")
        fi
    fi
}

complete -F _xe xe
