package main

import (
	"bytes"
)

// checkBatch gives the number of records of a batch, or the first rule that it breaks.
func checkBatch(data []byte) (int, error) {
	lines := bytes.Split(data, []byte("\n"))
	if len(lines[len(lines)-1]) > 0 {
		return 0, wrong("header", "the last line has no end")
	}
	rest, found := bytes.CutPrefix(lines[0], []byte("batch\t"))
	value, err := readCanonical(rest)
	first, ok := value.(object)
	if !found || err != nil || !ok || len(first) != 6 {
		return 0, wrong("header", "the first line is not that of a batch")
	}
	version, okVersion := integer(first["v"])
	sidecar, okSidecar := first["sidecar"].(string)
	tenant, okTenant := first["tenant"].(string)
	_, okGap := first["gap"].(bool)
	after, okAfter := first["after"].(object)
	seq, okSeq := integer(after["seq"])
	link, _ := after["link"].(string)
	if !okVersion || version != 1 || !okSidecar || !okTenant || !okGap || !isDigest(first["chain"]) {
		return 0, wrong("header", "a member of the first line")
	}
	if !okAfter || len(after) != 2 || !okSeq || seq < 0 || !digest.MatchString(link) {
		return 0, wrong("header", "the position of the first line")
	}
	records := 0
	var waiting *record
	for _, data := range lines[1 : len(lines)-1] {
		if key, isKey := bytes.CutPrefix(data, []byte("key\t")); isKey {
			_, of, err := readKey(key)
			if err != nil || of != any(tenant) || records > 0 || waiting != nil {
				return 0, wrong("keys", "a key that is none, of another tenant, or late")
			}
			continue
		}
		found, err := readLine(data)
		if err != nil {
			return 0, asFault("lines", err)
		}
		switch {
		case waiting != nil:
			if !found.isBox || hash("", found.box) != waiting.box {
				return 0, wrong("boxes", "not the box that the record names")
			}
			waiting = nil
			records++
		case found.isBox:
			return 0, wrong("boxes", "a box that no record names")
		case found.record != nil:
			now := found.record.header
			if now.sidecar != sidecar || now.tenant != tenant || now.seq != seq+1 || now.prev != link {
				return 0, wrong("links", "record %d does not follow", now.seq)
			}
			seq, link = now.seq, found.record.link
			if found.record.box != "" {
				waiting = found.record
			} else {
				records++
			}
		}
	}
	if waiting != nil {
		return 0, wrong("boxes", "the last box is missing")
	}
	return records, nil
}
