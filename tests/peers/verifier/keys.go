package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// key is one of a history; times are text that sorts as time does.
type key struct {
	verifier
	state, active, retired, since string
}

// history is what docs/keys.md makes of the entries of a file.
type history struct {
	root    verifier
	keys    []*key
	leading []*key
	before  string
	last    string
	count   int
}

var moment = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$`)

var becomes = map[string]string{
	" root": "active", " announce": "announced", "announced activate": "active",
	"announced retire": "retired", "active retire": "retired",
	"announced revoke": "revoked", "active revoke": "revoked", "retired revoke": "revoked",
}

func readHistory(data []byte, root verifier) (*history, error) {
	lines := bytes.Split(data, []byte("\n"))
	if len(data) > 1<<20 || len(lines) < 2 || len(lines[len(lines)-1]) > 0 {
		return nil, wrong("form", "no whole lines")
	}
	found := &history{root: root, before: strings.Repeat("0", 64)}
	for _, line := range lines[:len(lines)-1] {
		rest, right := bytes.CutPrefix(line, []byte("key\t"))
		note, err := readText(rest)
		if !right || err != nil {
			return nil, wrong("form", "a line that holds no entry")
		}
		if err := found.add(note); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// rootOf gives the key that a history begins with, by its own word.
func rootOf(data []byte) (verifier, error) {
	first, _, _ := bytes.Cut(data, []byte("\n"))
	note, err := readText(bytes.TrimPrefix(first, []byte("key\t")))
	if err != nil {
		return verifier{}, wrong("form", "a line that holds no entry")
	}
	parts := strings.Split(note, "\n")
	if len(parts) < 6 {
		return verifier{}, wrong("form", "no entry of a history")
	}
	root, err := readVerifier(parts[5])
	return root, asFault("form", err)
}

type signed struct {
	name      string
	id        []byte
	signature []byte
}

// signatures cuts a note into its text and its signature lines.
func signatures(note string) (string, []signed, bool) {
	cut := strings.LastIndex(note, "\n\n")
	if cut < 0 || !strings.HasSuffix(note, "\n") {
		return "", nil, false
	}
	var found []signed
	for _, line := range strings.Split(strings.TrimSuffix(note[cut+2:], "\n"), "\n") {
		rest, right := strings.CutPrefix(line, "— ")
		name, encoded, two := strings.Cut(rest, " ")
		raw, err := exactBase64(encoded)
		if !right || !two || err != nil || len(raw) < 5 {
			return "", nil, false
		}
		found = append(found, signed{name, raw[:4], raw[4:]})
	}
	return note[:cut+1], found, true
}

func (h *history) find(id []byte) *key {
	for _, each := range h.keys {
		if bytes.Equal(keyID(each.name, each.public), id) {
			return each
		}
	}
	return nil
}

// add takes the next entry: its form, its place, what it does, and who signed it, in this order.
func (h *history) add(note string) error {
	text, lines, right := signatures(note)
	parts, err := fields(text, "agentgate/key/v1", 7)
	if !right || err != nil || parts[1] != h.root.name {
		return wrong("form", "no entry of these keys")
	}
	subject, err := readVerifier(parts[5])
	at, since, revoking := strings.Cut(parts[6], " ")
	events := []string{"root", "announce", "activate", "retire", "revoke"}
	if err != nil || subject.name != h.root.name || !moment.MatchString(at) || !slices.Contains(events, parts[4]) ||
		revoking != (parts[4] == "revoke") || revoking && !moment.MatchString(since) {
		return wrong("form", "no entry of these keys")
	}
	if parts[2] != strconv.Itoa(h.count) || parts[3] != h.before {
		return wrong("out_of_order", "entry %s stands in place %d", parts[2], h.count)
	}
	changed, signers, err := h.change(parts[4], subject, at, since)
	if err != nil {
		return err
	}
	if err := h.checkSigned(text, lines, signers); err != nil {
		return err
	}
	h.apply(parts[4], changed, at, since)
	sum := sha256.Sum256([]byte(text))
	h.before, h.last, h.count = hex.EncodeToString(sum[:]), at, h.count+1
	return nil
}

// change tells which key an event is about, and who signs it.
func (h *history) change(event string, subject verifier, at, since string) (*key, []*key, error) {
	if h.count == 0 {
		if event != "root" {
			return nil, nil, wrong("out_of_order", "the first entry is no root")
		}
		if !bytes.Equal(subject.public, h.root.public) {
			return nil, nil, wrong("unknown_key", "another root")
		}
		root := &key{verifier: subject}
		return root, []*key{root}, nil
	}
	found, leader := h.find(keyID(subject.name, subject.public)), h.leading[len(h.leading)-1]
	if found == nil {
		if event != "announce" {
			return nil, nil, wrong("unknown_key", "%s of a key that was never announced", event)
		}
		found = &key{verifier: subject}
	}
	_, able := becomes[found.state+" "+event]
	ending := event == "retire" || event == "revoke"
	if !able || event == "root" || ending && found == leader || at < h.last || since > at {
		return nil, nil, wrong("out_of_order", "%s cannot be here", event)
	}
	if ending {
		return found, []*key{leader}, nil
	}
	return found, []*key{leader, found}, nil
}

func (h *history) checkSigned(text string, lines []signed, signers []*key) error {
	for _, line := range lines {
		if slices.ContainsFunc(signers, func(each *key) bool { return bytes.Equal(keyID(each.name, each.public), line.id) }) {
			continue
		}
		known := h.find(line.id)
		if h.count == 0 {
			continue
		}
		if known == nil || line.name != h.root.name {
			return wrong("unknown_key", "a signature by no key of this history")
		}
		if known.state == "retired" || known.state == "revoked" {
			return wrong(known.state, "a signature by a key that is %s", known.state)
		}
		return wrong("not_signed", "a signature by a key that does not lead")
	}
	if len(lines) != len(signers) {
		return wrong("not_signed", "%d signatures", len(lines))
	}
	for at, line := range lines {
		by := signers[at]
		if line.name != by.name || !bytes.Equal(line.id, keyID(by.name, by.public)) ||
			!ed25519.Verify(by.public, []byte(text), line.signature) {
			return wrong("not_signed", "signature %d does not hold", at)
		}
	}
	return nil
}

func (h *history) apply(event string, changed *key, at, since string) {
	if changed.state == "" {
		h.keys = append(h.keys, changed)
	}
	changed.state = becomes[changed.state+" "+event]
	h.leading = slices.DeleteFunc(h.leading, func(each *key) bool { return each == changed })
	switch event {
	case "root", "activate":
		changed.active = at
		h.leading = append(h.leading, changed)
	case "retire":
		changed.retired = at
	case "revoke":
		changed.since = since
	}
}

// open gives the text of a receipt by a key that could sign at the receipt's time.
func (h *history) open(note string) (string, error) {
	text, lines, right := signatures(note)
	if !right || len(lines) != 1 || lines[0].name != h.root.name {
		return "", wrong("unknown_key", "no note that one key of %s has signed", h.root.name)
	}
	by := h.find(lines[0].id)
	if by == nil {
		return "", wrong("unknown_key", "the history does not lead to the key")
	}
	if _, err := openNote(note, by.name, by.public); err != nil {
		return "", err
	}
	parts, err := fields(text, "agentgate/receipt/v1", 9)
	if err != nil {
		return "", err
	}
	at, _, _ := strings.Cut(parts[8], " ")
	switch {
	case by.active != "" && !moment.MatchString(at):
		return "", wrong("form", "%s is no time", at)
	case by.since != "" && at >= by.since:
		return "", wrong("revoked", "signed after %s", by.since)
	case by.active == "" || at < by.active:
		return "", wrong("not_active", "signed before the key was active")
	case by.retired != "" && at >= by.retired:
		return "", wrong("retired", "signed after %s", by.retired)
	}
	return text, nil
}
