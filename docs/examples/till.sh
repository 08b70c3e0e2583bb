#!/bin/sh
# A complete till in a shell, with curl 7.40 or later: till.sh ID AMOUNT CURRENCY [TICKET], such as T1-000123 12850 HKD 88211.
#
# It speaks plain mode (forms in, name=value lines out) over the Unix socket $CPMD_SOCKET and exits with 0 paid, 1 not paid,
# 2 not known. ID is the till's own. Write it down, on disk, before you ask: it is how you learn what came of a sale after
# a crash. Start this program again with the same arguments and it tells, without charging again.
# Where cpmctl is installed, "cpmctl sale" does all this.

socket=${CPMD_SOCKET:-/run/cpmd/till.sock}
id=$1 amount=$2 currency=$3 ticket=$4

# ask writes the answer and a last line http=STATUS, 000 without an answer. 40 s is longer than the longest wait below.
ask() {
    path=$1
    shift
    curl -sS --max-time 40 --unix-socket "$socket" -H 'Accept: text/plain' -w '\nhttp=%{http_code}\n' "$@" "http://cpmd$path" 2>/dev/null
}

# get writes the value of a name in the answer.
get() { printf '%s\n' "$answer" | sed -n "s/^$1=//p" | sed -n 1p; }

end() {
    case $1 in
    0) echo PAID ;;
    1) echo NOT PAID ;;
    *) echo 'NOT KNOWN: do not charge again, ask later' ;;
    esac
    exit "$1"
}

seq=-1
give_up=$(($(date +%s) + 180))
while [ "$(date +%s)" -lt "$give_up" ]; do
    if [ "$seq" -lt 0 ]; then # the same again, as often as it takes: it never opens a second sale
        answer=$(ask "/v1/sales/$id" -X PUT -d "amount=$amount" -d "currency=$currency" --data-urlencode "ticket=$ticket")
    else
        answer=$(ask "/v1/sales/$id?wait=25s&after=$seq")
    fi
    status=$(get http)
    case $status in
    2??) ;;
    4??)
        get detail
        # refused: nothing was charged
        [ "$seq" -lt 0 ] && case $(get code) in invalid_request | unknown_lane | lane_busy | code_used) end 1 ;; esac
        end 2
        ;;
    *)
        detail=$(get detail)
        echo "${detail:-No answer.} Asking again."
        sleep 1
        continue
        ;;
    esac
    now=$(get seq)
    if [ -z "$now" ]; then # cut off in the middle
        sleep 1
        continue
    fi
    give_up=$(($(date +%s) + 180))
    [ "$now" -gt "$seq" ] && get message
    seq=$now
    case $(get state) in
    paid) end 0 ;;
    not_paid) end 1 ;;
    unresolved) end 2 ;;
    esac
done
end 2
