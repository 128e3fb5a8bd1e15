#!/bin/sh
# Tells Fonal what happens in a telephone call. Needs sh, curl and openssl, nothing else.
#
#   fonal-call.sh EVENT CALL_ID CALLER CALLED [NAME=VALUE ...]
#
#   fonal-call.sh missed 1700000000.17 +36301234567 +3612345678 queue=Support
#   fonal-call.sh key    1700000000.17 +36301234567 +3612345678 key=1 shop=Győr
#
# EVENT: ringing answered missed busy failed key node
# NAME:  at direction queue agent duration key node; any other name (a-z 0-9 _) is a parameter for your texts.
#
# The address and the secret of the line are read from /etc/fonal-call.conf (or the file that FONAL_CONF names):
#
#   FONAL_CALLS_URL=https://sms.example.hu/gateway/pbx/…/calls/
#   FONAL_SECRET=…
#
# While Fonal can't be reached it tries again, for about four minutes; start it in the background (&), so that no call waits.
# It ends with 0 when the event was stored, with 1 when it was refused, with 2 when it could not be delivered.
set -u

conf=${FONAL_CONF:-/etc/fonal-call.conf}
if [ -r "$conf" ]; then
    # shellcheck source=/dev/null
    . "$conf"
fi
: "${FONAL_CALLS_URL:?is not set: see $conf}" "${FONAL_SECRET:?is not set: see $conf}"
pauses=${FONAL_PAUSES-1 2 5 10 20 40 60 90}

if [ $# -lt 4 ]; then
    echo "usage: fonal-call.sh EVENT CALL_ID CALLER CALLED [NAME=VALUE ...]" >&2
    exit 1
fi

# A text as JSON.
quoted() {
    printf '"%s"' "$(printf '%s' "$1" | tr -d '\000-\037\177' | sed 's/[\\"]/\\&/g')"
}

hex_of() {
    od -An -v -tx1 | tr -d ' \n'
}

# The secret, each byte turned by $1, in 64 bytes: what HMAC puts in front. Not `openssl -hmac`: everybody on the machine could
# read the secret in the list of processes.
padded() {
    left=$secret
    places=64
    while [ $places -gt 0 ]; do
        rest=${left#??}
        byte=${left%"$rest"}
        byte=$((0x${byte:-00} ^ $1))
        # shellcheck disable=SC2059
        printf "\\$((byte / 64))$((byte / 8 % 8))$((byte % 8))"
        left=$rest
        places=$((places - 1))
    done
}

signature_of() {
    { padded 92; { padded 54; printf '%s' "$1"; } | openssl dgst -sha256 -binary; } | openssl dgst -sha256 -binary | hex_of
}

secret=$(printf '%s' "$FONAL_SECRET" | hex_of)
if [ ${#secret} -gt 128 ]; then
    secret=$(printf '%s' "$FONAL_SECRET" | openssl dgst -sha256 -binary | hex_of)
fi

at="\"at\": $(quoted "$(date -u +%Y-%m-%dT%H:%M:%SZ)")"
body="\"event\": $(quoted "$1"), \"id\": $(quoted "$2"), \"caller\": $(quoted "$3"), \"called\": $(quoted "$4")"
shift 4
parameters=
for pair in "$@"; do
    name=${pair%%=*}
    value=${pair#*=}
    case $name in
        at) at="\"at\": $(quoted "$value")" ;;
        direction | queue | agent | key | node) body="$body, \"$name\": $(quoted "$value")" ;;
        duration)
            case $value in
                '' | *[!0-9]*) ;;
                *) body="$body, \"duration\": $(printf '%s' "$value" | sed 's/^0*\(.\)/\1/')" ;;
            esac
            ;;
        *) parameters="$parameters${parameters:+, }$(quoted "$name"): $(quoted "$value")" ;;
    esac
done
body="{$body, $at${parameters:+, \"parameters\": {$parameters\}}}"

# The last one is no pause: it is the last try.
for pause in $pauses ''; do
    timestamp=$(date +%s)
    answer=$(printf '%s' "$body" | curl --silent --show-error --max-time 15 --write-out '\n%{http_code}' --data-binary @- \
        --header 'Content-Type: application/json' --header "X-Fonal-Timestamp: $timestamp" \
        --header "X-Fonal-Signature: sha256=$(signature_of "$timestamp.$body")" "$FONAL_CALLS_URL" 2>&1)
    case ${answer##*
} in
        200) exit 0 ;;
        4??)
            echo "Fonal refused it: $answer" >&2
            exit 1
            ;;
    esac
    [ -n "$pause" ] && sleep "$pause"
done
echo "Fonal could not be reached: $answer" >&2
exit 2
