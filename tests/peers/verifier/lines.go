package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"regexp"
)

var digest = regexp.MustCompile(`^[0-9a-f]{64}$`)

func isDigest(value any) bool {
	text, ok := value.(string)
	return ok && digest.MatchString(text)
}

func hash(tag string, data []byte) string {
	sum := sha256.Sum256(append([]byte(tag), data...))
	return hex.EncodeToString(sum[:])
}

// exactBase64 decodes base64 that is in its one spelling.
func exactBase64(text string) ([]byte, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || base64.StdEncoding.EncodeToString(raw) != text {
		return nil, errors.New("not base64 in its one spelling")
	}
	return raw, nil
}

type header struct {
	kind, sidecar, incarnation, prev, tenant, bodyHash, at string
	seq, boot                                              int64
	call                                                   *string
}

type record struct {
	header header
	body   object
	link   string
	box    string // the hash of the box that follows, or empty
}

// line is one line of a segment: one of the three.
type line struct {
	record *record
	box    []byte
	isBox  bool
	note   *string
}

var kinds = map[string]bool{
	"start": true, "intent": true, "outcome": true, "refusal": true, "approval": true, "order": true, "notice": true,
	"heartbeat": true, "late": true, "close": true, "tombstone": true, "hold": true, "abandonment": true, "loss": true,
}

func readLine(data []byte) (line, error) {
	kind, rest, _ := bytes.Cut(data, []byte("\t"))
	switch {
	case bytes.Equal(kind, []byte("record")):
		found, err := readRecord(rest)
		return line{record: found}, err
	case bytes.HasPrefix(data, []byte("box\t")):
		raw, err := exactBase64(string(rest))
		return line{box: raw, isBox: true}, err
	case bytes.HasPrefix(data, []byte("head\t")):
		note, err := readText(rest)
		return line{note: &note}, err
	}
	return line{}, errors.New("neither record, box nor head")
}

// readText reads a string in canonical form.
func readText(data []byte) (string, error) {
	value, err := readCanonical(data)
	text, ok := value.(string)
	if err != nil || !ok {
		return "", errors.New("no string in canonical form")
	}
	return text, nil
}

func readRecord(rest []byte) (*record, error) {
	fields := bytes.Split(rest, []byte("\t"))
	if len(fields) != 3 {
		return nil, errors.New("a record has four fields")
	}
	head, err := readHeader(fields[0])
	if err != nil {
		return nil, err
	}
	if hash("agentgate/body/v1\x00", fields[1]) != head.bodyHash {
		return nil, errors.New("the body has another hash")
	}
	found := &record{header: head, link: hash("agentgate/header/v1\x00", fields[0])}
	if found.link != string(fields[2]) {
		return nil, errors.New("the link is not the hash of the header")
	}
	value, err := readCanonical(fields[1])
	body, ok := value.(object)
	if err != nil || !ok {
		return nil, errors.New("the body is no canonical object")
	}
	found.body = body
	if value, there := body["sealed"]; there {
		sealed, ok := value.(object)
		if !ok || len(sealed) != 2 || !isDigest(sealed["key"]) || !isDigest(sealed["hash"]) {
			return nil, errors.New("`sealed` is not in its form")
		}
		found.box = sealed["hash"].(string)
	}
	return found, nil
}

func integer(value any) (int64, bool) {
	number, ok := value.(float64)
	if !ok || number != math.Trunc(number) || math.Abs(number) > 1<<53 {
		return 0, false
	}
	return int64(number), true
}

func readHeader(data []byte) (header, error) {
	value, err := readCanonical(data)
	members, ok := value.(object)
	if err != nil || !ok {
		return header{}, errors.New("the header is no canonical object")
	}
	if version, ok := integer(members["v"]); !ok || version != 1 {
		return header{}, errors.New("the header has another version")
	}
	var found header
	texts := map[string]*string{
		"kind": &found.kind, "sidecar": &found.sidecar, "incarnation": &found.incarnation, "prev": &found.prev,
		"tenant": &found.tenant, "body_hash": &found.bodyHash, "at": &found.at,
	}
	for name, place := range texts {
		if *place, ok = members[name].(string); !ok {
			return header{}, fmt.Errorf("`%s` of the header is no string", name)
		}
	}
	var okSeq, okBoot bool
	found.seq, okSeq = integer(members["seq"])
	found.boot, okBoot = integer(members["boot"])
	call, there := members["call"]
	if text, ok := call.(string); ok {
		found.call = &text
	} else if call != nil || !there {
		return header{}, errors.New("`call` of the header is neither a string nor null")
	}
	if len(members) != 11 || !okSeq || !okBoot || !kinds[found.kind] {
		return header{}, errors.New("the header is not in its form")
	}
	if !isDigest(found.prev) || !isDigest(found.bodyHash) {
		return header{}, errors.New("a hash in the header is no digest")
	}
	return found, nil
}

var keyMembers = []string{"id", "tenant", "to", "unit", "v", "wrapped"}

// readKey reads a line of keys.jsonl and gives its id and its tenant.
func readKey(data []byte) (string, any, error) {
	value, err := readCanonical(data)
	members, ok := value.(object)
	if err != nil || !ok || len(members) != len(keyMembers) {
		return "", nil, errors.New("no canonical object of a wrapped key")
	}
	for _, name := range keyMembers {
		if _, there := members[name]; !there {
			return "", nil, errors.New("a member of a wrapped key is missing")
		}
	}
	id, ok := members["id"].(string)
	if !ok {
		return "", nil, errors.New("the id of a wrapped key is no string")
	}
	// `id` is the first member in canonical form, so the form of the others is what is left without it.
	rest, found := bytes.CutPrefix(data, []byte(`{"id":`+writeText(id)+","))
	if !found || hash("", append([]byte("{"), rest...)) != id {
		return "", nil, errors.New("the id of a wrapped key is not the hash of the rest")
	}
	return id, members["tenant"], nil
}
