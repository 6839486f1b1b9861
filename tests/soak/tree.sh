#!/bin/sh
# A tool server on standard streams that has children of its own: one that waits, and one that waits for a grandchild.
sleep 1000 &
sh -c 'sleep 1000 & wait' &
while read -r _; do
    printf '%s\n' '{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","content":[],"isError":false}}'
done
