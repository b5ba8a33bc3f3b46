# Stops the test servers 20 s after the last test process has ended, then ends itself.
# $1: where test processes register; $2: where the servers' files lie.
dir=$1
servers=$2
trap '' HUP INT

used() {
    for file in "$dir"/users/*; do
        pid=${file##*/}
        if [ -d "/proc/$pid" ] || kill -0 "$pid" 2>/dev/null; then
            return 0
        fi
        rm -f "$file"
    done
    return 1
}

# A number alone proves nothing: what runs under it must also look like our server.
looks_like() {
    if [ -d /proc/self ]; then
        line=$(tr '\0' ' ' <"/proc/$1/cmdline" 2>/dev/null)
    else
        line=$(ps -ww -o command= -p "$1" 2>/dev/null)
    fi
    case $line in
    *"$2"*) return 0 ;;
    *) return 1 ;;
    esac
}

stop() {
    pid=$1
    looks_like "$pid" "$2" || return 0
    kill -s "$3" "$pid" 2>/dev/null
    tries=0
    while looks_like "$pid" "$2" && [ $tries -lt 60 ]; do
        sleep 1
        tries=$((tries + 1))
    done
}

# Numbers are remembered while the files are there: a deleted checkout must not leave servers behind.
remember() {
    [ -r "$servers/pg/data/postmaster.pid" ] && read -r postgres <"$servers/pg/data/postmaster.pid"
    if [ -r "$servers/redis/pid" ]; then
        read -r redis <"$servers/redis/pid"
        redis_port=$(sed -n 's/^port //p' "$servers/redis/conf")
    fi
    return 0
}

idle=0
while [ $idle -lt 20 ]; do
    sleep 1
    remember
    if used; then
        idle=0
        continue
    fi
    idle=$((idle + 1))
    if [ $idle -ge 20 ] && [ -d "$dir" ]; then
        mkdir "$dir/stopping" 2>/dev/null
        if used; then
            rmdir "$dir/stopping"
            idle=0
        fi
    fi
done

for home in "$servers"/redis-*; do
    [ -r "$home/pid" ] || continue
    read -r pid <"$home/pid"
    stop "$pid" "-server 127.0.0.1:$(sed -n 's/^port //p' "$home/conf")" KILL
    rm -rf "$home"
done
[ -z "$redis" ] || stop "$redis" "-server 127.0.0.1:$redis_port" TERM
[ -z "$postgres" ] || stop "$postgres" "$servers/pg/data" INT
rm -f "$dir/watchdog.pid"
rmdir "$dir/stopping" 2>/dev/null
