package main

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// part is one chain of a pack: all headers, and the bodies and texts of some.
type part struct {
	chain
	name          string
	manifest      *manifest
	bodies        beside[body]
	texts         beside[texts]
	shown, hidden map[string]bool
	selected      int64
	withTexts     int
	receiptLines  int
	proved        int64 // the last record that the log has
}

type body struct {
	selected bool
	data     []byte
}

type texts map[string]object

// beside holds lines that each belong to a record; the next one is read ahead.
type beside[T any] struct {
	rule  string
	lines [][]byte
	ended bool
	read  func([]byte) (int64, T, error)
	seq   int64 // of the next one, 0 where there is none
	next  T
}

func (b *beside[T]) begin(rule string, data []byte, read func([]byte) (int64, T, error)) error {
	b.rule, b.read = rule, read
	if b.lines, b.ended = linesOf(data); !b.ended {
		b.lines = append(b.lines, data[bytes.LastIndexByte(data, '\n')+1:])
	}
	return b.advance()
}

func (b *beside[T]) advance() error {
	last := b.seq
	if b.seq = 0; len(b.lines) == 0 {
		return nil
	}
	if len(b.lines) == 1 && !b.ended {
		return wrong(b.rule, "the last line has no end")
	}
	seq, next, err := b.read(b.lines[0])
	if err != nil {
		return asFault(b.rule, err)
	}
	if seq <= last {
		return wrong(b.rule, "record %d stands twice, or comes late", seq)
	}
	b.seq, b.next, b.lines = seq, next, b.lines[1:]
	return nil
}

// of gives what belongs to a record, if something does.
func (b *beside[T]) of(seq int64) (found T, there bool, err error) {
	if b.seq == 0 || b.seq != seq {
		return found, false, nil
	}
	found = b.next
	return found, true, b.advance()
}

var bodyLine = regexp.MustCompile(`(?s)^(selected|anchor)\t([1-9][0-9]{0,15})\t([^\t]+)$`)

func readBody(line []byte) (int64, body, error) {
	found := bodyLine.FindSubmatch(line)
	if found == nil {
		return 0, body{}, errors.New("a line that is no body")
	}
	seq, _ := strconv.ParseInt(string(found[2]), 10, 64)
	return seq, body{string(found[1]) == "selected", found[3]}, nil
}

func readTexts(line []byte) (int64, texts, error) {
	value, err := readCanonical(line)
	told, ok := objectOf(value, "seq", "secrets")
	seq, okSeq := integer(told["seq"])
	secrets, okSecrets := told["secrets"].(object)
	if err != nil || !ok || !okSeq || !okSecrets {
		return 0, nil, errors.New("a line that is no texts")
	}
	found := texts{}
	for name, value := range secrets {
		content, _ := value.(object)
		_, salted := objectOf(value, "salt", "text")
		_, raw := objectOf(value, "salt", "base64")
		_, redacted := objectOf(value, "redacted")
		for _, each := range content {
			if _, isText := each.(string); !isText {
				return 0, nil, errors.New("a text that is none")
			}
		}
		if !salted && !raw && !redacted {
			return 0, nil, errors.New("a text that is neither told nor redacted")
		}
		found[name] = content
	}
	return seq, found, nil
}

// checkPart goes through one chain.
func (p *part) checkPart(members *archive) error {
	p.receipts, p.links, p.calls = map[int64]receipt{}, map[int64]string{}, map[string]string{}
	p.shown, p.hidden = map[string]bool{}, map[string]bool{}
	get := func(name string) []byte {
		data, _ := members.content("chains/" + p.name + "/" + name) // what stands there was read before
		return data
	}
	if members.has("chains/" + p.name + "/ledger-keys.tsv") {
		data := get("ledger-keys.tsv")
		if err := p.readLedgerKeys(data); err != nil || len(data) == 0 {
			return wrong("receipts", "the history of the ledger's keys does not hold: %v", err)
		}
	}
	if err := p.readReceipts(get("receipts.tsv")); err != nil {
		return err
	}
	p.receiptLines = bytes.Count(get("receipts.tsv"), []byte("\n"))
	if err := p.bodies.begin("bodies", get("bodies.tsv"), readBody); err != nil {
		return err
	}
	if err := p.texts.begin("texts", get("texts.jsonl"), readTexts); err != nil {
		return err
	}
	lines, ended := linesOf(get("headers.tsv"))
	for _, line := range lines {
		if err := p.takeLine(line); err != nil {
			return err
		}
	}
	if !ended {
		return wrong("headers", "the last line has no end")
	}
	return p.end()
}

func (p *part) end() error {
	switch {
	case p.last == nil:
		return wrong("headers", "a chain without a record")
	case p.bodies.seq != 0:
		return wrong("bodies", "the body of record %d has no header, or comes late", p.bodies.seq)
	case p.texts.seq != 0:
		return wrong("texts", "the texts of record %d have no header, or come late", p.texts.seq)
	}
	for seq := range p.receipts {
		if seq > p.settled {
			return wrong("receipts", "the receipt over record %d goes beyond the chain", seq)
		}
	}
	for call := range p.shown {
		if p.hidden[call] {
			return wrong("selection", "call %s is here in part", call)
		}
	}
	return nil
}

func (p *part) takeLine(line []byte) error {
	data, isHeader := bytes.CutPrefix(line, []byte("header\t"))
	if !isHeader {
		found, err := readLine(line)
		if err != nil || found.note == nil {
			return wrong("headers", "a line that is neither header nor head")
		}
		return asFault("heads", p.takeHead(*found.note))
	}
	head, err := readHeader(data)
	if err != nil {
		return asFault("headers", err)
	}
	now := &record{header: head, link: hash("agentgate/header/v1\x00", data)}
	if err := p.goThrough(now); err != nil {
		return err
	}
	disclosed, err := p.disclose(now)
	if err != nil {
		return err
	}
	if err := p.hold(now, disclosed); err != nil {
		return err
	}
	return p.holdTexts(now, disclosed)
}

// goThrough holds a header to the one before it, and the first one to the receipts.
func (p *part) goThrough(now *record) error {
	if now.header.tenant != p.manifest.tenant {
		return wrong("headers", "a record of the tenant %s", now.header.tenant)
	}
	begins := p.last == nil
	p.later = p.later || begins && now.header.seq != 1
	if begins && p.later {
		if p.goOn(now) != nil {
			return wrong("receipts", "no receipt reaches to record %d", now.header.seq-1)
		}
	} else if err := p.follow(now); err != nil {
		return asFault("headers", err)
	}
	p.last, p.lastLink = &now.header, now.link
	if !begins {
		return nil
	}
	p.first = now.header.seq
	return p.begin(now)
}

// disclose gives the body of a record its place, if it is here.
func (p *part) disclose(now *record) (bool, error) {
	found, there, err := p.bodies.of(now.header.seq)
	if err != nil || !there {
		return false, err
	}
	if hash("agentgate/body/v1\x00", found.data) != now.header.bodyHash {
		return false, wrong("bodies", "the body has another hash")
	}
	value, err := readCanonical(found.data)
	read, isObject := value.(object)
	if err != nil || !isObject {
		return false, wrong("bodies", "the body is no canonical object")
	}
	now.body = read
	switch {
	case found.selected:
		p.selected++
		if now.header.call != nil {
			p.shown[*now.header.call] = true
		}
	case !anchor(now.header.kind) && now.header.seq != p.first:
		return false, wrong("selection", "a body that nobody selected and no check needs")
	}
	return true, nil
}

func anchor(kind string) bool { return kind == "start" || kind == "loss" || kind == "close" }

// hold takes the record into its chain: keys, calls, losses, receipts.
func (p *part) hold(now *record, disclosed bool) error {
	if !disclosed {
		if err := p.withhold(&now.header); err != nil {
			return err
		}
	}
	if now.header.kind == "start" {
		if err := p.start(now); err != nil {
			return asFault("keys", err)
		}
	}
	if p.later && now.header.seq == p.first {
		if !disclosed || p.openCalls(now, true) != nil {
			return wrong("calls", "the chain does not begin with the notice of what is open")
		}
	}
	if disclosed && !outcomeHolds(now) {
		return wrong("calls", "an outcome that is none")
	}
	if err := p.move(&now.header); err != nil {
		return asFault("calls", err)
	}
	if _, isObject := now.body["lost"].(object); now.header.kind == "loss" && !isObject {
		return wrong("bodies", "a loss of nothing")
	}
	p.links[now.header.seq], p.settled = now.link, now.header.seq
	p.records++
	return p.witness(now.header.seq, now.link, now.header.incarnation)
}

func (p *part) withhold(now *header) error {
	if anchor(now.kind) {
		return wrong("bodies", "every pack has the body of a %s", now.kind)
	}
	if now.call != nil {
		p.hidden[*now.call] = true
	}
	if p.manifest.byHeaders() && p.manifest.spans(now.at) {
		return wrong("selection", "record %d was asked for, and its body is not here", now.seq)
	}
	return nil
}

func (p *part) holdTexts(now *record, disclosed bool) error {
	found, there, err := p.texts.of(now.header.seq)
	if err != nil || !there {
		return err
	}
	if !disclosed {
		return wrong("texts", "texts of a record without its body")
	}
	commitments, _ := now.body["commitments"].(object)
	for name, content := range found {
		promised, committed := commitments[name].(object)
		if !committed {
			return wrong("texts", "%s: nothing was committed to", name)
		}
		if _, redacted := content["redacted"]; redacted {
			continue
		}
		if err := keeps(promised, content); err != nil {
			return wrong("texts", "%s: %v", name, err)
		}
	}
	p.withTexts++
	return nil
}

func keeps(promised, content object) error {
	salt, value, err := opened(content)
	told, ok := objectOf(promised, "bytes", "hmac")
	if err != nil || !ok || told["hmac"] != any(keyed(salt, value)) || told["bytes"] != any(float64(len(value))) {
		return errors.New("not what was committed to")
	}
	return nil
}

// selfAsserted counts the records that neither a receipt nor the log vouches for.
func (p *part) selfAsserted() int64 {
	return p.settled - max(p.witnessed, p.proved, p.first-1)
}

// packSteps are the names of the steps, the first of which has the number 1.
var packSteps = strings.Fields(
	"file manifest headers keys heads bodies calls texts receipts checkpoint inclusion selection")

func stepOf(rule string) int { return slices.Index(packSteps, rule) + 1 }
