#!/bin/sh
# A tool server on standard streams that has children of its own: one that waits, and one that waits for a grandchild.
sleep 1000 &
sh -c 'sleep 1000 & wait' &
while read -r line; do
    case $line in
    *'"tools/list"'*) result='{"resultType":"complete","tools":[{"name":"any","inputSchema":{"type":"object"}}]}' ;;
    *'"id":'*) result='{"resultType":"complete","content":[],"isError":false}' ;;
    *) continue ;;
    esac
    id=${line#*'"id":'}
    id=${id# }
    printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "${id%%[,\}]*}" "$result"
done
